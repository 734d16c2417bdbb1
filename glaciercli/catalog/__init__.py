"""What this machine knows of the vaults: names, sizes, hashes, and when each was last seen."""

"""What vaults hold: brought by inventories, imported, looked up."""

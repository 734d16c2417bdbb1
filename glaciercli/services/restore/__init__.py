"""Many archives brought back as the tree that they came from."""

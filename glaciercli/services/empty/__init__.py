"""Archives deleted, by name or a whole vault of them."""

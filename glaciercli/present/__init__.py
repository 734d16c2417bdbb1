"""How things are shown, whatever shows them."""

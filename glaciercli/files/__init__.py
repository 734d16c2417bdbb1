"""Files opened, named, locked and placed safely, SQLite among them."""

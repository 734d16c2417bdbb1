"""Files opened, named, locked and placed safely; nothing here knows Glacier."""

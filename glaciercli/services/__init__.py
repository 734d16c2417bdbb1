"""What a command does, as functions that use the client, the catalog and the journals."""

"""An embedded Glacier: all operations of the service, durable in one directory."""

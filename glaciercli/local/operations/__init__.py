"""What the service's operations do, each group in a module."""

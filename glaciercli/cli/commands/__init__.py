"""The commands: each parses, calls one service, renders its record."""

"""The HTTP face of the engine: sockets, limits, signatures."""

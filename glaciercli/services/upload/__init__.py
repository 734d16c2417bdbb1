"""Files and streams sent, each once, whatever stops them midway."""

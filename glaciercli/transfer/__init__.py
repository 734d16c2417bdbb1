"""The moving of bytes: part plans, journals, workers, retries."""

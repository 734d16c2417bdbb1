"""One archive, or one job's output, brought here."""

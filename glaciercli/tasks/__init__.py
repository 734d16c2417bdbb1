"""What long work shares: progress, workers, waiting."""

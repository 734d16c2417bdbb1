"""What is stored, compared with what should be."""

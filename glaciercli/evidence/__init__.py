"""What is known of stored bytes and by whose word: witnesses, proofs, and their sentences."""

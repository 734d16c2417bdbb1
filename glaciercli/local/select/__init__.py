"""SQL over an archive's rows, in a DuckDB that can do nothing else."""

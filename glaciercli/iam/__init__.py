"""Policies of vaults as IAM writes them: read, decided, checked for sense, and said in words."""

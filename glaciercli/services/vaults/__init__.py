"""Vaults: made, described, given rules, locked."""

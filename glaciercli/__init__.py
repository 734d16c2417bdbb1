"""The command line for Amazon Glacier vaults, and an embedded Glacier to rehearse on."""

__version__ = "0.1.0"

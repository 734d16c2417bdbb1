"""The command line: parse, call one service, render its record."""

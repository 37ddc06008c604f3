"""The command line: it parses and calls; the work lives in the other packages."""

from suelo.cli.app import main

__all__ = ["main"]

"""The command line: it parses and calls; the work lives in the other packages."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; see `suelo.cli.app.main`. Ctrl-C ends it quietly while it is being imported, too."""
    try:
        from suelo.cli import app
    except KeyboardInterrupt:
        sys.exit(130)
    app.main()


__all__ = ["main"]

"""`python -m suelo` is the `suelo` command."""

from suelo.cli import main

if __name__ == "__main__":
    main()

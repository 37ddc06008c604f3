"""`suelo user`: who may use a server that asks for tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from suelo.jobs.users import Users

app = typer.Typer(
    help="Who may use a server that asks for tokens (SUELO_AUTH=token).",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
Name = Annotated[str, typer.Argument(help="Name of the user: letters, digits and . _ - + @")]


@app.command()
def add(name: Name) -> None:
    """Add a user and print their token, which is not shown again.

    Examples:

      suelo user add ana

      SUELO_DATABASE=postgresql+psycopg://suelo@db/suelo suelo user add ana > token
    """
    with _users() as users:
        token = users.add(name)
    _hand_over(name, token)


@app.command()
def token(name: Name) -> None:
    """Print a new token for a user; the old one stops working at once."""
    with _users() as users:
        token = users.renew(name)
    _hand_over(name, token)


@app.command()
def remove(name: Name) -> None:
    """Remove a user; their token stops working at once, and their results stay."""
    with _users() as users:
        users.remove(name)
    typer.echo(f"{name} is removed.", err=True)


@app.command("list")
def show() -> None:
    """Print the name of each user and the day they were added."""
    with _users() as users:
        for user in users.list():
            typer.echo(f"{user.name}\t{user.created_at:%Y-%m-%d}")


@contextmanager
def _users() -> Iterator[Users]:
    from suelo.jobs.database import open_database
    from suelo.jobs.users import Users
    from suelo.settings import read_settings

    settings = read_settings()
    engine = open_database(
        settings.database_url,
        iam=settings.database_iam,
        connections=settings.database_connections,
        up_to_date=settings.database_migrate,
    )
    try:
        yield Users(engine)
    finally:
        engine.dispose()


def _hand_over(name: str, token: str) -> None:
    # The token alone goes to standard output, so that it can be piped.
    typer.echo(f"The token of {name}, which is not shown again; requests carry it as Authorization: Bearer …", err=True)
    typer.echo(token)

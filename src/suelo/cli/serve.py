"""`suelo serve`: the page and the API on this machine."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets others in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8050,
    sample: Annotated[bool, typer.Option("--sample", help="Make a sample result first, if there is none.")] = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    threads: Annotated[int, typer.Option(help="Requests that a process answers at the same time.", min=1)] = 8,
    processes: Annotated[
        int, typer.Option(help="Processes that answer: as many as cores answer most chips at once.", min=1)
    ] = 1,
    jobs: Annotated[
        bool, typer.Option("--jobs/--no-jobs", help="Run queued jobs here, or leave them to suelo worker.")
    ] = True,
    proxy: Annotated[
        str, typer.Option(help="Address of the reverse proxy whose X-Forwarded-For, -Host and -Proto hold; * for any.")
    ] = "",
) -> None:
    """Serve the page and the HTTP API.

    Results are kept in a folder and an SQLite file under SUELO_HOME; other stores come from SUELO_STORE and
    SUELO_DATABASE. With --processes, a process that dies is replaced; the first one runs the queued jobs.

    Examples:

      suelo serve --sample --open

      SUELO_HOME=/srv/suelo suelo serve --proxy 127.0.0.1 --processes 2
    """
    import sys

    from suelo.cli.listening import listen, port_of
    from suelo.cli.process import on_stop, write_log
    from suelo.cli.server import Server
    from suelo.settings import read_settings

    write_log(read_settings().log_level)
    sockets = listen(host, port)
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    address = f"http://{shown}:{port_of(sockets)}"

    def ready() -> None:
        typer.echo(f"The page is on {address}  (Ctrl-C stops it)")
        if open_page:
            typer.launch(address)

    on_stop(sys.exit)  # waitress takes that for the wish to stop
    server = Server(threads, proxy, sample, jobs)
    if processes == 1:
        server.run(sockets, ready)
    else:
        from suelo.cli.several import Processes

        Processes(processes, server, sockets).run(ready)

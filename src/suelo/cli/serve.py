"""`suelo serve`: the page and the API on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from suelo.errors import InputError

_PROXY_HEADERS = {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets others in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8050,
    sample: Annotated[bool, typer.Option("--sample", help="Make a sample result first, if there is none.")] = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    threads: Annotated[int, typer.Option(help="Requests that are answered at the same time.", min=1)] = 8,
    jobs: Annotated[
        bool, typer.Option("--jobs/--no-jobs", help="Run queued jobs here, or leave them to suelo worker.")
    ] = True,
    proxy: Annotated[
        str, typer.Option(help="Address of the reverse proxy whose X-Forwarded-For, -Host and -Proto hold; * for any.")
    ] = "",
) -> None:
    """Serve the page and the HTTP API.

    Results are kept in a folder and an SQLite file under SUELO_HOME; other stores come from SUELO_STORE and
    SUELO_DATABASE.

    Examples:

      suelo serve --sample --open

      SUELO_HOME=/srv/suelo suelo serve --proxy 127.0.0.1
    """
    import logging
    import sys

    from waitress import create_server

    from suelo.cli.process import on_stop, write_log
    from suelo.jobs.service import JobService
    from suelo.settings import read_settings
    from suelo.web.app import create_app

    settings = read_settings()
    write_log(settings.log_level)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is no news
    on_stop(sys.exit)  # waitress takes that for the wish to stop
    service = JobService(settings)
    if sample:
        typer.echo("Making the sample result …")
        service.ensure_sample()
    page = create_app(service)
    try:
        server = create_server(
            page,
            host=host,
            port=port,
            threads=threads,
            ident="suelo",
            max_request_body_size=settings.max_upload_mb * 1_000_000,
            # Without a proxy such headers come from anybody, and are not believed.
            **({"trusted_proxy": proxy, "trusted_proxy_headers": _PROXY_HEADERS} if proxy else {}),
            clear_untrusted_proxy_headers=True,
        )
    except OSError as error:
        raise InputError(
            f"Port {port} on {host} cannot be used ({error.strerror}); choose another with --port."
        ) from None
    except ValueError:
        raise InputError(
            f"The host {host} has no address on this machine; --host needs one, such as 127.0.0.1 or 0.0.0.0."
        ) from None
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    address = f"http://{shown}:{server.effective_port}"
    service.start(run_jobs=jobs)
    typer.echo(f"The page is on {address}  (Ctrl-C stops it)")
    if open_page:
        typer.launch(address)
    try:
        server.run()
    finally:
        service.stop()

"""One process of `suelo serve`: it answers requests, and runs queued jobs if it should."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import typer

from suelo.progress import progress_bar

_PROXY_HEADERS = {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}


@dataclass(frozen=True, slots=True)
class Server:
    """What a process does.

    Attributes:
        threads: Requests that it answers at the same time.
        proxy: Address of the reverse proxy whose headers hold; "" for none.
        sample: Whether a sample result is made first.
        run_jobs: Whether it runs queued jobs.
    """

    threads: int
    proxy: str
    sample: bool
    run_jobs: bool

    def run(self, sockets: Sequence[socket.socket], ready: Callable[[], None]) -> None:
        """Answer until SystemExit or KeyboardInterrupt is raised in this thread, which ends it in order.

        Args:
            sockets: Where requests come from.
            ready: Called when they are answered.

        Raises:
            SueloError: The database, the store or the model cannot be used.
        """
        from waitress import create_server

        from suelo.jobs.service import JobService
        from suelo.settings import read_settings
        from suelo.web.app import create_app

        settings = read_settings()
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is no news
        service = JobService(settings)
        if self.sample:
            typer.echo("Making the sample result …")
            with progress_bar("Sample") as report:
                service.ensure_sample(report)
        server = create_server(
            create_app(service),
            sockets=list(sockets),
            threads=self.threads,
            ident="suelo",
            # Images come in few large pieces: one thread receives all of them, and Python runs one thread at a time.
            recv_bytes=1 << 18,
            max_request_body_size=settings.max_upload_mb * 1_000_000,
            # Without a proxy such headers come from anybody, and are not believed.
            **({"trusted_proxy": self.proxy, "trusted_proxy_headers": _PROXY_HEADERS} if self.proxy else {}),
            clear_untrusted_proxy_headers=True,
        )
        service.start(run_jobs=self.run_jobs)
        ready()
        try:
            server.run()
        finally:
            service.stop()

"""`suelo worker`: a process that runs queued jobs beside servers that share its database and store."""

from __future__ import annotations

import typer


def worker() -> None:
    """Run queued jobs, without a page.

    Any number of workers and servers, on one machine or several, share the work if they have the same SUELO_DATABASE
    and SUELO_STORE. A server that should leave the queue to the workers is started with --no-jobs.

    Examples:

      SUELO_DATABASE=postgresql+psycopg://suelo@db/suelo SUELO_STORE=s3://results suelo worker
    """
    import threading

    from suelo.cli.process import on_stop, write_log
    from suelo.jobs.service import JobService
    from suelo.settings import read_settings

    settings = read_settings()
    write_log(settings.log_level)
    stopped = threading.Event()
    on_stop(stopped.set)
    service = JobService(settings)
    service.start()
    typer.echo("Waiting for jobs  (Ctrl-C stops)")
    try:
        # A wait without end would not notice signals on every system.
        while not stopped.wait(3600):
            pass
    finally:
        service.stop()

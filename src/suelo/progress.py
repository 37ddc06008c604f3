"""Progress bars on standard error, for anything longer than a second and where somebody watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[str, float, float], None]
"""Takes what is being done, how much is done, and how much there is."""


def unwatched(stage: str, done: float, total: float) -> None:
    """Report to nobody."""


@contextmanager
def progress_bar(title: str, *, hidden: bool = False) -> Iterator[Report]:
    """Show a bar while the block runs; it goes away at the end, and stays silent where nobody watches.

    Args:
        title: Shown before the bar.
        hidden: Show nothing.

    Yields:
        A function to report progress with.
    """
    import sys

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    # In a notebook, too, the bar is one of the terminal, which shows there as text.
    console = Console(file=sys.stderr, force_jupyter=False)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=hidden or not console.is_terminal,
    )
    with bar:
        task = bar.add_task(title, total=None)

        def report(stage: str, done: float, total: float) -> None:
            bar.update(task, description=f"{title}: {stage}" if stage else title, completed=done, total=total)

        yield report

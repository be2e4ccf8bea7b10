"""A life sign of a run, from rank 0: a bar on a terminal, lines in a log."""

import os
import time
from pathlib import Path
from types import TracebackType
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

LINE_EVERY = 10.0
"""Seconds of wall time between two lines of the log."""

LAUNCHERS = ('mpirun', 'mpiexec', 'orterun', 'prterun', 'prted', 'hydra')


class LifeSign:
    """Tells how far a run of ``duration`` ms is; called after each window.

    On a terminal a bar moves; elsewhere a line is printed every
    `LINE_EVERY` seconds.  The same lines go to ``log`` in any case.
    """

    def __init__(self, duration: float, log: Path | None = None,
                 terminal: bool | None = None):
        self.duration = duration
        self.terminal = on_terminal() if terminal is None else terminal
        self.console = Console(force_terminal=self.terminal or None,
                               highlight=False, soft_wrap=True)
        self.log: IO[str] | None = log.open('w') if log else None
        self.begin = self.last = time.monotonic()
        self.bar: Progress | None = None
        if self.terminal:
            self.bar = Progress(BarColumn(bar_width=24),
                                TextColumn('{task.description}'),
                                console=self.console, transient=True)
            self.task = self.bar.add_task('', total=duration)
            self.bar.start()

    def __call__(self, reached: float, events: int) -> None:
        """Tell of the time ``reached`` in ms, if it is time to do so."""
        now = time.monotonic()
        if self.bar is not None and (
                reached >= self.duration
                or now - self.bar.tasks[0].fields.get('drawn', 0) > 0.1):
            self.bar.update(self.task, completed=reached, drawn=now,
                            description=self.line(reached, now))
        if now - self.last >= LINE_EVERY:
            self.last = now
            self.say(self.line(reached, now))

    def line(self, reached: float, now: float) -> str:
        """Return how far the run is, how fast, and how long it will be."""
        wall = now - self.begin
        left = wall*(self.duration/reached - 1) if reached else 0.0
        rtf = 1000*wall/reached if reached else 0.0
        return (f'{reached:.6g} / {self.duration:g} ms   RTF {rtf:.2f}   '
                f'ETA {span(left)}')

    def say(self, text: str) -> None:
        """Print a line where there is no bar, and add it to the log."""
        if self.bar is None:
            print(text, flush=True)
        if self.log is not None:
            self.log.write(time.strftime('%Y-%m-%d %H:%M:%S  ') + text + '\n')
            self.log.flush()

    def close(self) -> None:
        """Remove the bar and close the log."""
        if self.bar is not None:
            self.bar.stop()
        if self.log is not None:
            self.log.close()

    def __enter__(self) -> 'LifeSign':
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if error is not None and self.log is not None:
            self.log.write(f'ended by {kind.__name__ if kind else ""}: '
                           f'{error}\n')
        self.close()


def span(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    if seconds < 90:
        return f'{seconds:.1f} s'
    if seconds < 5400:
        return f'{seconds/60:.0f} min'
    return f'{seconds/3600:.1f} h'


def on_terminal(pid: int | None = None) -> bool:
    """Tell whether a person sees what this process prints.

    MPI launchers stand between the ranks and the terminal: Open MPI gives
    its ranks a terminal of their own even where its output goes to a file,
    MPICH a pipe even on a terminal.  So the launcher's output is looked at.
    """
    launcher = _launcher(pid or os.getppid())
    if launcher is None:
        return os.isatty(1)
    try:
        return os.readlink(f'/proc/{launcher}/fd/1').startswith('/dev/pts')
    except OSError:
        return False


def _launcher(pid: int) -> int | None:
    """Return the topmost MPI launcher among ``pid`` and its ancestors."""
    found = None
    while pid > 1:
        try:
            stat = Path(f'/proc/{pid}/stat').read_text()
        except OSError:
            break
        name = stat[stat.index('(') + 1:stat.rindex(')')]
        if name.startswith(LAUNCHERS):
            found = pid
        elif found is not None:
            break
        pid = int(stat[stat.rindex(')') + 2:].split()[1])
    return found

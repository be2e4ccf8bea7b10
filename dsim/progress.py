"""A life sign of a run, from rank 0: a bar on a terminal, lines in a log."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from rich.control import Control
from rich.progress_bar import ProgressBar
from rich.segment import ControlType
from rich.text import Text

from dsim import terminal

LINE_EVERY = 10.0
"""Seconds of wall time between two lines of the log."""

DRAWN_EVERY = 0.1
"""Seconds of wall time between two pictures of the bar."""

BAR = 16
"""Characters that the bar takes."""

MOST_RATES = 4
"""Populations whose rates a line has room for."""


class LifeSign:
    """Tells how far a run of ``duration`` ms is; called after each window.

    On a terminal a bar moves; elsewhere a line is printed every
    `LINE_EVERY` seconds.  The same lines go to the file ``log``, if given,
    in any case, and each ends with what ``more()`` says.  ``drawn`` tells
    whether there is a bar, if that is not to be found out.
    """

    def __init__(self, duration: float, log: Path | None = None,
                 more: Callable[[], str] = str, drawn: bool | None = None):
        self.duration, self.more = duration, more
        self.drawn = terminal.on_terminal() if drawn is None else drawn
        self.console = terminal.console(self.drawn)
        self.log: IO[str] | None = log.open('w') if log else None
        self.begin: tuple[float, float] | None = None
        self.last_line = self.last_bar = 0.0

    def __call__(self, reached: float, events: int) -> None:
        """Tell of the time ``reached`` in ms, if it is time to do so."""
        now = time.monotonic()
        if self.begin is None:
            # The first window is not timed: it may have compiled the loop
            self.begin, self.last_line = (now, reached), now
            return
        if self.drawn and now - self.last_bar >= DRAWN_EVERY:
            self.last_bar = now
            self._draw(reached, self.line(reached, now))
        if now - self.last_line >= LINE_EVERY:
            self.last_line = now
            line = self.line(reached, now)
            self._note(line)
            if not self.drawn:
                print(line, flush=True)

    def line(self, reached: float, now: float) -> str:
        """Return how far the run is, how fast, and how long it will be."""
        began, start = self.begin or (now, reached)
        each = (now - began)/(reached - start) if reached > start else 0.0
        left = span(each*max(self.duration - reached, 0))
        return (f'{reached:.6g} / {self.duration:g} ms   RTF {1000*each:.2f}'
                f'   ETA {left}   {self.more()}').rstrip()

    def say(self, text: str) -> None:
        """Print lines, and add them to the log."""
        self.close()
        print(text, flush=True)
        self._note(text)

    def close(self) -> None:
        """Remove the bar."""
        if self.last_bar:
            self._control(ControlType.CARRIAGE_RETURN,
                          (ControlType.ERASE_IN_LINE, 2))
        self.last_bar = 0.0

    def _draw(self, reached: float, line: str) -> None:
        # No cursor is hidden: a job that is aborted could not bring it back
        text = Text('  ' + line)
        text.truncate(self.console.width - BAR - 1, overflow='ellipsis')
        self._control(ControlType.CARRIAGE_RETURN)
        self.console.print(ProgressBar(self.duration, reached, BAR), end='')
        self.console.print(text, end='', soft_wrap=True)
        self._control((ControlType.ERASE_IN_LINE, 0))
        self.console.file.flush()

    def _control(self, *codes: Any) -> None:
        self.console.control(Control(*codes))

    def _note(self, text: str) -> None:
        if self.log is None:
            return
        # A full disk is for the spikes to tell
        with contextlib.suppress(OSError):
            now = time.strftime('%Y-%m-%d %H:%M:%S  ')
            self.log.writelines(f'{now}{line}\n' for line in text.split('\n'))
            self.log.flush()

    def __enter__(self) -> 'LifeSign':
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
        if kind is not None:
            self._note(f'ended by {kind.__name__}: {error}')
        if self.log is not None:
            self.log.close()


def rates(simulation: Any) -> str:
    """Return the mean rates so far on this rank's tile; asks no other."""
    seconds = simulation.clock.time/1000
    sizes = {piece.name: piece.ids.size for piece in simulation.tile.pieces}
    counts = simulation.output.spike_recorder.counts
    found = [f'{name} {count/(sizes[name]*seconds):.1f} Hz'
             for name, count in counts.items() if sizes[name] and seconds]
    comm = simulation.comm
    where = f' (rank {comm.rank})' if comm.size > 1 and found else ''
    return '  '.join(found[:MOST_RATES]) + where


def span(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    if seconds < 90:
        return f'{seconds:.1f} s'
    if seconds < 5400:
        return f'{seconds/60:.0f} min'
    return f'{seconds/3600:.1f} h'

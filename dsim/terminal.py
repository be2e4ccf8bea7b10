"""Whether a person sees what this process prints, and how wide it may be.

MPI launchers stand between the ranks and the terminal: Open MPI gives its
ranks a terminal of their own even where its output goes to a file, MPICH a
pipe even on a terminal.  So the launcher's output is looked at.
"""

import os
from pathlib import Path

from rich.console import Console

LAUNCHERS = ('mpirun', 'mpiexec', 'orterun', 'orted', 'prterun', 'prted',
             'hydra')
"""What the names of processes that start ranks begin with."""

WIDE = 200
"""Characters of a line where nobody looks: long enough to cut nothing."""


def on_terminal(parent: int | None = None) -> bool:
    """Tell whether a person sees what this process prints.

    ``parent`` is the process that started this one.
    """
    return _descriptor(parent or os.getppid()) is not None


def console(seen: bool | None = None) -> Console:
    """Return where tables and bars are drawn: the standard output.

    ``seen`` tells whether by a person, if that is not to be found out.
    """
    output = _descriptor(os.getppid())
    return Console(
        force_terminal=output is not None if seen is None else seen,
        highlight=False, width=WIDE if output is None else _width(output))


def _descriptor(parent: int) -> str | None:
    """Return the path of the terminal that output goes to, None if none."""
    launcher = _launcher(parent)
    if launcher is None:
        return os.ttyname(1) if os.isatty(1) else None
    try:
        found = os.readlink(f'/proc/{launcher}/fd/1')
    except OSError:
        return None
    return found if found.startswith(('/dev/pts', '/dev/tty')) else None


def _width(terminal: str) -> int:
    try:
        descriptor = os.open(terminal, os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return 80
    try:
        return os.get_terminal_size(descriptor).columns or 80
    except OSError:
        return 80
    finally:
        os.close(descriptor)


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

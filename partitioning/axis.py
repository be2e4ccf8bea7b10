"""The arithmetic of one axis: runs of cells, owners, and who is in reach.

All of it is pure functions of integers and distances, so it can be tested
for sizes that no machine here has.  Cell ``i`` of ``n`` lies at
``(i + 0.5)/n``, where 1 is the extent that all populations share.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Distances are inclusive; this much of the extent absorbs their rounding
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Reach:
    """How far spikes of one population reach into another.

    ``rows`` and ``columns`` are fractions of the extent, `math.inf` for
    everywhere.  A cell reaches another if both its distances, taken the
    shortest way round on a periodic axis, are at most that.
    """

    source: int
    target: int
    rows: float
    columns: float

    def __post_init__(self) -> None:
        if not (self.rows >= 0 and self.columns >= 0):
            raise ValueError(f'{self}: a reach is a distance >= 0')


def bounds(cells: int, parts: int) -> Integers:
    """Return the ``parts + 1`` bounds of runs that differ by at most one.

    Run ``k`` holds the cells from ``bounds[k]`` up to, not including,
    ``bounds[k + 1]``; some runs are empty where ``parts > cells``.
    """
    return cells*np.arange(parts + 1, dtype=np.int64) // parts


def owner(cell: Integers | int, cells: int, parts: int) -> Integers:
    """Return the run that holds each cell: the inverse of `bounds`."""
    cell = np.asarray(cell, np.int64)
    return ((cell + 1)*parts - 1) // cells


def span(index: Integers, cells: int, others: int, distance: float,
         periodic: bool) -> tuple[Integers, Integers]:
    """Return the first and the last of the other cells within reach.

    ``index`` are cells of an axis of ``cells``; the answers are cells of an
    axis of ``others``, the last one included.  On a periodic axis they may
    lie below 0 or beyond the end, one round at most.  Where the last is
    less than the first, nothing is in reach: that happens between the
    cells of a coarser grid.
    """
    if distance == math.inf or (periodic and distance >= 0.5):
        everything = np.full(index.shape, others - 1, np.int64)
        return np.zeros_like(everything), everything

    place = (index + 0.5)/cells
    low = np.ceil((place - distance - TOLERANCE)*others - 0.5)
    high = np.floor((place + distance + TOLERANCE)*others - 0.5)
    if not periodic:
        low, high = np.clip(low, 0, others), np.clip(high, -1, others - 1)
    return low.astype(np.int64), high.astype(np.int64)


def hits(index: Integers, cells: int, runs: Integers, distance: float,
         periodic: bool, part: int | None = None) -> Flags:
    """Tell which cells reach which runs of another axis.

    ``index`` are ``n`` cells of an axis of ``cells``; ``runs`` are the
    bounds of the runs of the other axis, of which ``part`` picks one.
    Returns flags[runs, n], which are exact: a run is reached if one of its
    cells is.  An empty run never is.
    """
    others = int(runs[-1])
    low, high = span(index, cells, others, distance, periodic)
    start, stop = runs[:-1, None], runs[1:, None]
    if part is not None:
        start, stop = start[part:part + 1], stop[part:part + 1]

    flags = (low < stop) & (high >= start)
    if periodic:
        flags |= (low < stop - others) & (high >= start - others)
        flags |= (low < stop + others) & (high >= start + others)
    return flags & (low <= high) & (start < stop)


def any_in_runs(flags: Flags, runs: Integers) -> Flags:
    """Tell for each run whether a flag of its cells is set.

    ``flags`` has one entry a cell; the answer one a run, False if empty.
    """
    total = np.concatenate(([0], np.cumsum(flags, dtype=np.int64)))
    found: Flags = total[runs[1:]] > total[runs[:-1]]
    return found


def smallest_run(flags: Flags, periodic: bool) -> tuple[int, int]:
    """Return start and length of the smallest run that holds all flags.

    On a periodic axis the run may go round the end: cell ``i`` lies in it
    if ``(i - start) % flags.size < length``.  No flags: (0, 0).
    """
    cells = np.flatnonzero(flags)
    if cells.size == 0:
        return 0, 0
    if not periodic:
        return int(cells[0]), int(cells[-1] - cells[0] + 1)

    # The run leaves out the widest gap; of equal ones the gap over the end,
    # so that a run goes round only where that makes it smaller
    gaps = np.diff(cells, append=cells[0] + flags.size)
    widest = int(cells.size - 1 - np.argmax(gaps[::-1]))
    start = cells[(widest + 1) % cells.size]
    return int(start), int(flags.size - gaps[widest] + 1)


def runs_of(flags: Flags) -> list[tuple[int, int]]:
    """Return (start, stop) of each unbroken run of set flags."""
    padded = np.concatenate(([False], flags, [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]

"""The share of each rank: rows to and from their canonical order.

A file holds rows in one order whatever the number of ranks.  Each function
here moves rows between ranks so that afterwards rank 0 holds the first ones
in that order, rank 1 the next, and so on; all of them are collective.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

PIECE = 1 << 26
"""Bytes that a rank writes or sends at once."""

CHUNK = 1 << 19
"""Bytes of a chunk, unless the caller cuts the dataset otherwise."""

BINS = 1 << 16
"""Bars of the histogram by which `by_slices` finds equal shares."""


def offset(count: int, comm: Any) -> tuple[int, int]:
    """Return the place of my first row among those of all, and their sum.

    ``count`` is the number of rows of this rank; ranks come in order.
    """
    counts = comm.allgather(int(count))
    return sum(counts[:comm.rank]), sum(counts)


def share(total: int, rank: int, size: int) -> tuple[int, int]:
    """Return the bounds of the rows of ``rank`` in ``size`` equal shares."""
    return total*rank//size, total*(rank + 1)//size


def chunk_shape(shape: Sequence[int | None], itemsize: int,
                limit: int = CHUNK) -> tuple[int, ...]:
    """Return the chunk of at most ``limit`` bytes that spans the last axes.

    The axes are filled from the last to the first; one that may grow (None)
    takes all that is left.
    """
    chunk = []
    room = max(1, limit//itemsize)
    for length in reversed(shape):
        taken = room if length is None else max(1, min(length, room))
        chunk.append(taken)
        room = max(1, room//taken)
    return tuple(reversed(chunk))


def pieces(shape: Sequence[int], itemsize: int) -> Iterator[tuple[int, int]]:
    """Cut the first axis of a block in runs of at most `PIECE` bytes."""
    if 0 in shape:
        return
    each = max(1, PIECE//(itemsize*math.prod(shape[1:])))
    for low in range(0, shape[0], each):
        yield low, min(low + each, shape[0])


def exchange(destination: np.ndarray, comm: Any,
             *columns: np.ndarray) -> tuple[np.ndarray, ...]:
    """Hand row i of each column to rank ``destination[i]``.

    Returns the columns of the rows that came here: those of lower ranks
    first, and those of one rank in the order in which it held them.
    """
    if comm.size == 1:
        return columns

    order = np.argsort(destination, kind='stable')
    leaving = np.bincount(destination, minlength=comm.size).astype(np.int64)
    coming = np.empty_like(leaving)
    comm.Alltoall(leaving, coming)
    moved = []
    for column in columns:
        arrived = np.empty(coming.sum(), column.dtype)
        comm.Alltoallv([column[order], leaving], [arrived, coming])
        moved.append(arrived)
    return tuple(moved)


def span(steps: np.ndarray, comm: Any) -> tuple[int, int] | None:
    """Return the first and last step on any rank; None if there is none."""
    mine = (int(steps.min()), int(steps.max())) if steps.size else None
    found = [bounds for bounds in comm.allgather(mine) if bounds]
    if not found:
        return None
    return min(low for low, _ in found), max(high for _, high in found)


def by_slices(steps: np.ndarray, comm: Any,
              *columns: np.ndarray) -> tuple[np.ndarray, ...]:
    """Redistribute rows so that each rank holds one slice of time.

    ``steps`` is int64[n], in any order, the columns are equally long.  The
    slices are cut between steps, where the histogram over all ranks says
    that the shares are about equal: rows of one step stay together.
    Returns (steps, *columns) of this rank's slice, unsorted.
    """
    bounds = span(steps, comm) if comm.size > 1 else None
    if bounds is None:
        return steps, *columns

    low, high = bounds
    width = (high - low)//BINS + 1
    bars = (steps - low)//width
    mine = np.bincount(bars, minlength=(high - low)//width + 1)
    counts = np.empty(mine.size, np.int64)
    comm.Allreduce(mine.astype(np.int64), counts)

    # A bar goes to the rank in whose equal share its first row falls
    before = np.cumsum(counts) - counts
    owner = before*comm.size//counts.sum()
    return exchange(owner[bars], comm, steps, *columns)


def by_ids(ids: np.ndarray, total: int, comm: Any,
           *columns: np.ndarray) -> tuple[np.ndarray, ...]:
    """Redistribute one row per id so that all are in the order of ids.

    The ranks hold ids 0 ... total - 1, each once, in any order.  Returns
    the columns of this rank's `share`, in order.  Raises ValueError, if an
    id is missing or doubled, on the ranks that should have had it.
    """
    destination = ((ids + 1)*comm.size - 1)//max(total, 1)
    here, *arrived = exchange(destination, comm, ids, *columns)
    order = np.argsort(here, kind='stable')
    if not np.array_equal(here[order],
                          np.arange(*share(total, comm.rank, comm.size))):
        raise ValueError(f'the ranks do not hold ids 0 ... {total - 1}, '
                         'each once')
    return tuple(column[order] for column in arrived)


class Columns:
    """Where in the whole row the columns of each rank belong.

    ``positions`` is int64[n], the places of this rank's columns; together
    the ranks fill 0 ... width - 1.  Raises ValueError on all ranks if not.
    """

    def __init__(self, positions: np.ndarray, width: int, comm: Any):
        self.comm, self.width = comm, width
        self.positions = comm.allgather(np.asarray(positions, np.int64))
        if not np.array_equal(np.sort(np.concatenate(self.positions)),
                              np.arange(width)):
            raise ValueError(f'the ranks do not hold columns 0 ... '
                             f'{width - 1}, each once')

    def to_rows(self, block: np.ndarray) -> np.ndarray:
        """Return whole rows of this rank's slice of time.

        ``block`` is [T, n], T being the same on all ranks.  The result is
        [T', width]: rows `share(T, rank, size)` of all, their columns in
        canonical order.
        """
        rank, size = self.comm.rank, self.comm.size
        low, high = share(len(block), rank, size)
        coming = [(high - low)*places.size for places in self.positions]
        arrived = np.empty(sum(coming), block.dtype)
        if size == 1:
            arrived[:] = block.ravel()
        else:
            # Rows of a block lie one after another, so each rank's slice of
            # time is one piece of it
            cuts = [share(len(block), r, size) for r in range(size)]
            leaving = [(b - a)*block.shape[1] for a, b in cuts]
            self.comm.Alltoallv([np.ascontiguousarray(block), leaving],
                                [arrived, coming])

        rows = np.empty((high - low, self.width), block.dtype)
        first = 0
        for places, count in zip(self.positions, coming, strict=True):
            piece = arrived[first:first + count]
            rows[:, places] = piece.reshape(high - low, places.size)
            first += count
        return rows

"""The halo plan: which cells of a tile matter to which other rank."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsim.partitioning.axis import (
    Flags,
    Integers,
    Reach,
    any_in_runs,
    hits,
    runs_of,
    smallest_run,
)
from dsim.partitioning.tiling import Tiling

Rectangle = tuple[int, int, int, int]
Bits = NDArray[np.uint64]

# One bit for each kind of reach of a population
KINDS = 64


class Masks(NamedTuple):
    """Which cells of a rank's tiles each of its peers must hear of.

    A peer (row ``k`` of the masks) must hear of a cell if ``rows[k, h] &
    columns[k, w]`` is not 0, where ``h`` and ``w`` count the rows and the
    columns of all the rank's tiles, one population after the other.  Each
    bit stands for one kind of reach, so several reaches of a population do
    not blur into their common outline.
    """

    peers: Integers
    rows: Bits
    columns: Bits
    row_starts: Integers
    column_starts: Integers


class Lines(NamedTuple):
    """Which tiles each row and each column of all grids reaches.

    A cell reaches the tiles of the rank at (i, j) of the process grid if
    ``rows[i, h] & columns[j, w]`` is not 0, where ``h`` and ``w`` count the
    rows and the columns of all grids, one population after the other; the
    bits are those of `Masks`.
    """

    rows: Bits
    columns: Bits


def bands(masks: Masks, p: int) -> Iterator[tuple[Flags, Flags]]:
    """Yield the cells of population ``p`` to tell as products.

    Each is flags of rows [peers, height] and of columns [peers, width] of
    the tile; no row of a peer is in more than one of them.
    """
    rows = masks.rows[:, masks.row_starts[p]:masks.row_starts[p + 1]]
    columns = masks.columns[:, masks.column_starts[p]:
                            masks.column_starts[p + 1]]
    for bits in np.unique(rows[rows > 0]):
        yield rows == bits, (columns & bits) > 0


class HaloPlan:
    """Who must tell whom of which spikes, from geometry alone.

    What a cell reaches is a product of rows and columns, so every question
    is answered from one set of rows and one of columns for each reach: the
    work grows with rows + columns, and a rank asks only for its own.  The
    answers are exact, with one exception: beyond 64 different reaches of
    one population, a peer may be told of a few cells too many.
    """

    def __init__(self, tiling: Tiling, reaches: Sequence[Reach]):
        for reach in reaches:
            if not (0 <= reach.source < tiling.populations
                    and 0 <= reach.target < tiling.populations):
                raise ValueError(f'{reach}: there are {tiling.populations} '
                                 'populations')
        self.tiling = tiling
        self.reaches = list(reaches)

        # Targets on equal grids are cut alike, so equal reaches into them
        # are one kind
        self._kinds: list[list[Reach]] = [
            list({(tiling.shapes[r.target], r.rows, r.columns): r
                  for r in reaches if r.source == p}.values())
            for p in range(tiling.populations)
        ]

    def peers(self, rank: int) -> list[int]:
        """Return the ranks, ascending, that must hear of its spikes."""
        grid, tiling = self.tiling.processes, self.tiling
        told = np.zeros((grid.rows, grid.columns), np.bool_)
        for p in range(tiling.populations):
            for rows, columns in self._reached(p, tiling.bounds(p, rank)):
                told |= np.logical_and.outer(rows.any(1), columns.any(1))
        return self._others(told, rank)

    def sources(self, rank: int) -> list[int]:
        """Return the ranks, ascending, whose spikes it must hear of."""
        grid, tiling = self.tiling.processes, self.tiling
        heard = np.zeros((grid.rows, grid.columns), np.bool_)
        for p in range(tiling.populations):
            for rows, columns in self._reaching(p, rank):
                heard |= np.logical_and.outer(
                    any_in_runs(rows, tiling.row_bounds[p]),
                    any_in_runs(columns, tiling.column_bounds[p]),
                )
        return self._others(heard, rank)

    def messages(self, rank: int) -> int:
        """Return how many messages a rank sends in each window."""
        return len(self.peers(rank))

    def masks(self, rank: int, peers: Sequence[int] | None = None) -> Masks:
        """Return what decides which spikes of a rank go to which peer.

        ``peers`` are all of them, or some.
        """
        tiling = self.tiling
        chosen = self.peers(rank) if peers is None else peers
        told = np.array(chosen, np.int64)
        down, right = np.divmod(told, tiling.processes.columns)
        shapes = [tiling.shape(p, rank) for p in range(tiling.populations)]
        starts = np.cumsum([(0, 0), *shapes], axis=0, dtype=np.int64)
        masks = Masks(told, np.zeros((told.size, starts[-1, 0]), np.uint64),
                      np.zeros((told.size, starts[-1, 1]), np.uint64),
                      starts[:, 0].copy(), starts[:, 1].copy())

        for p in range(tiling.populations):
            own_rows = slice(starts[p, 0], starts[p + 1, 0])
            own_columns = slice(starts[p, 1], starts[p + 1, 1])
            for kind, (rows, columns) in enumerate(
                    self._reached(p, tiling.bounds(p, rank))):
                bit = np.uint64(1 << kind % KINDS)
                masks.rows[:, own_rows] |= bit*rows[down]
                masks.columns[:, own_columns] |= bit*columns[right]
        return masks

    @cached_property
    def lines(self) -> Lines:
        """What decides for a cell of any rank which others it reaches."""
        tiling, grid = self.tiling, self.tiling.processes
        row_starts, column_starts = tiling.line_starts
        lines = Lines(np.zeros((grid.rows, row_starts[-1]), np.uint64),
                      np.zeros((grid.columns, column_starts[-1]), np.uint64))

        for p, (height, width) in enumerate(tiling.shapes):
            its_rows = slice(row_starts[p], row_starts[p + 1])
            its_columns = slice(column_starts[p], column_starts[p + 1])
            for kind, (rows, columns) in enumerate(
                    self._reached(p, (0, height, 0, width))):
                bit = np.uint64(1 << kind % KINDS)
                lines.rows[:, its_rows] |= bit*rows
                lines.columns[:, its_columns] |= bit*columns
        return lines

    def cells(self, rank: int) -> Integers:
        """Return how many cells a rank tells of: int64[peers, populations].

        Peers are in the order of `peers`.
        """
        masks = self.masks(rank)
        counts = np.zeros((masks.peers.size, self.tiling.populations),
                          np.int64)
        for p in range(self.tiling.populations):
            for rows, columns in bands(masks, p):
                counts[:, p] += (np.count_nonzero(rows, axis=1)
                                 * np.count_nonzero(columns, axis=1))
        return counts

    def heard(self, rank: int) -> Integers:
        """Return of how many cells of others it hears: int64[populations].

        They are what all its `sources` together tell it.
        """
        tiling = self.tiling
        counts = np.zeros(tiling.populations, np.int64)
        for p, shape in enumerate(tiling.shapes):
            rows, columns = (np.zeros(n, np.uint64) for n in shape)
            for kind, flags in enumerate(self._reaching(p, rank)):
                bit = np.uint64(1 << kind % KINDS)
                rows |= bit*flags[0]
                columns |= bit*flags[1]
            row0, row1, column0, column1 = tiling.bounds(p, rank)
            counts[p] = (_passing(rows, columns)
                         - _passing(rows[row0:row1],
                                    columns[column0:column1]))
        return counts

    def rectangles(self, p: int, rank: int, peer: int) -> list[Rectangle]:
        """Return the cells of population ``p`` that a peer must hear of.

        They are disjoint rectangles (row0, row1, column0, column1) of the
        population's grid, ends excluded; several on a periodic sheet, where
        reaches differ, or next to a coarser grid.
        """
        masks = self.masks(rank)
        row0, _, column0, _ = self.tiling.bounds(p, rank)
        return sorted(
            (row0 + a, row0 + b, column0 + c, column0 + d)
            for k in np.flatnonzero(masks.peers == peer)
            for rows, columns in bands(masks, p)
            for a, b in runs_of(rows[k])
            for c, d in runs_of(columns[k])
        )

    def box(self, p: int, rank: int,
            target: int | None = None) -> Rectangle:
        """Return (row0, height, column0, width) of what reaches a tile.

        It is the smallest run of rows and of columns of population ``p``
        that holds all its cells, local ones included, which reach the tile
        of any population (or of ``target`` only).  On a periodic axis it
        may go round the end: row ``r`` is row ``(r - row0) % rows`` of the
        box, and ``row0`` lies in [0, rows).  (0, 0, 0, 0) if there is none.
        """
        shape = self.tiling.shapes[p]
        rows, columns = (np.zeros(n, np.bool_) for n in shape)
        for more_rows, more_columns in self._reaching(p, rank, target):
            if more_rows.any() and more_columns.any():
                rows |= more_rows
                columns |= more_columns

        periodic = self.tiling.processes.periodic
        return (*smallest_run(rows, periodic[0]),
                *smallest_run(columns, periodic[1]))

    def _reached(self, p: int, part: Rectangle
                 ) -> Iterator[tuple[Flags, Flags]]:
        # For each kind of reach: which process rows do the rows of a part
        # of the grid reach, which process columns its columns: flags[runs,
        # cells]
        tiling, periodic = self.tiling, self.tiling.processes.periodic
        row0, row1, column0, column1 = part
        rows, columns = tiling.shapes[p]
        for reach in self._kinds[p]:
            yield (hits(np.arange(row0, row1), rows,
                        tiling.row_bounds[reach.target],
                        reach.rows, periodic[0]),
                   hits(np.arange(column0, column1), columns,
                        tiling.column_bounds[reach.target],
                        reach.columns, periodic[1]))

    def _reaching(self, p: int, rank: int, target: int | None = None
                  ) -> Iterator[tuple[Flags, Flags]]:
        # For each reach: which rows of the whole grid reach the rows of my
        # tile, which columns its columns: flags[cells]
        tiling, periodic = self.tiling, self.tiling.processes.periodic
        row, column = tiling.processes.place(rank)
        rows, columns = tiling.shapes[p]
        reaches = self._kinds[p] if target is None else [
            r for r in self.reaches if (r.source, r.target) == (p, target)]
        for reach in reaches:
            yield (hits(np.arange(rows), rows,
                        tiling.row_bounds[reach.target],
                        reach.rows, periodic[0], row)[0],
                   hits(np.arange(columns), columns,
                        tiling.column_bounds[reach.target],
                        reach.columns, periodic[1], column)[0])

    def _others(self, places: Flags, rank: int) -> list[int]:
        places = places.ravel()
        places[rank] = False
        return [int(other) for other in np.flatnonzero(places)]


def _passing(rows: Bits, columns: Bits) -> int:
    # How many cells have a bit in common of their row and their column
    kinds, heights = np.unique(rows[rows > 0], return_counts=True)
    return sum(int(height)*int(np.count_nonzero(columns & bits))
               for bits, height in zip(kinds, heights, strict=True))

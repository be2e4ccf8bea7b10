"""Cut each population's grid into one tile a rank; tell who owns an id."""

from collections.abc import Sequence

import numpy as np

from dsim.errors import LayoutError
from dsim.partitioning.axis import Integers, bounds, owner
from dsim.partitioning.processes import ProcessGrid


class Tiling:
    """The tiles of all populations, which are cut along the same lines.

    ``shapes`` holds (rows, columns) of each population's grid.  All grids
    cover the same extent, so a rank's tiles lie over each other, to within
    a cell.  Ids are row-major over a population's grid; ``first[p] + id``
    numbers the neurons over all populations.
    """

    def __init__(self, shapes: Sequence[tuple[int, int]],
                 processes: ProcessGrid):
        self.shapes = [(int(rows), int(columns)) for rows, columns in shapes]
        if any(min(shape) < 1 for shape in self.shapes):
            raise LayoutError(f'a grid without cells among {self.shapes}')

        self.processes = processes
        self.row_bounds = [bounds(s[0], processes.rows) for s in self.shapes]
        self.column_bounds = [bounds(s[1], processes.columns)
                              for s in self.shapes]
        sizes = [rows*columns for rows, columns in self.shapes]
        self.first = np.cumsum([0, *sizes], dtype=np.int64)

    @property
    def populations(self) -> int:
        """How many populations there are."""
        return len(self.shapes)

    @property
    def total(self) -> int:
        """The neurons of all populations on all ranks."""
        return int(self.first[-1])

    @property
    def line_starts(self) -> tuple[Integers, Integers]:
        """Where each grid's rows and columns start among those of all."""
        starts = np.cumsum([(0, 0), *self.shapes], axis=0, dtype=np.int64)
        return starts[:, 0].copy(), starts[:, 1].copy()

    @property
    def line_owners(self) -> tuple[Integers, Integers]:
        """Which process row (column) has each row (column) of all grids."""
        grid = self.processes
        return (np.concatenate([owner(np.arange(height), height, grid.rows)
                                for height, _ in self.shapes]),
                np.concatenate([owner(np.arange(width), width, grid.columns)
                                for _, width in self.shapes]))

    def size(self, p: int) -> int:
        """Return the neurons of population ``p`` on all ranks."""
        return self.shapes[p][0]*self.shapes[p][1]

    def bounds(self, p: int, rank: int) -> tuple[int, int, int, int]:
        """Return (row0, row1, column0, column1) of a tile; ends excluded."""
        row, column = self.processes.place(rank)
        rows, columns = self.row_bounds[p], self.column_bounds[p]
        return (int(rows[row]), int(rows[row + 1]),
                int(columns[column]), int(columns[column + 1]))

    def shape(self, p: int, rank: int) -> tuple[int, int]:
        """Return the rows and columns of a tile."""
        row0, row1, column0, column1 = self.bounds(p, rank)
        return row1 - row0, column1 - column0

    def count(self, p: int, rank: int) -> int:
        """Return the neurons of population ``p`` on a rank."""
        rows, columns = self.shape(p, rank)
        return rows*columns

    def first_ids(self, p: int, rank: int) -> Integers:
        """Return the id at the start of each row of a tile: int64[rows]."""
        row0, row1, column0, _ = self.bounds(p, rank)
        rows = np.arange(row0, row1, dtype=np.int64)
        return rows*self.shapes[p][1] + column0

    def ids(self, p: int, rank: int) -> Integers:
        """Return the ids of a tile in local order (row-major): int64[n]."""
        columns = np.arange(self.shape(p, rank)[1], dtype=np.int64)
        return (self.first_ids(p, rank)[:, None] + columns).ravel()

    def owner(self, p: int, ids: Integers | int) -> Integers:
        """Return the rank that holds each id of population ``p``.

        Raises ValueError for an id that the population does not have.
        """
        ids = np.asarray(ids, np.int64)
        if np.any((ids < 0) | (ids >= self.size(p))):
            raise ValueError(
                f'population {p} has the ids 0 to {self.size(p) - 1}, '
                f'not {ids.min()} to {ids.max()}'
            )

        rows, columns = self.shapes[p]
        row, column = np.divmod(ids, columns)
        grid = self.processes
        return (owner(row, rows, grid.rows)*grid.columns
                + owner(column, columns, grid.columns))

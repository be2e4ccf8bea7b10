"""The process grid: where each rank stands, and the best grid for a run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dsim.errors import BadValue, LayoutError
from dsim.partitioning.axis import Flags, Reach, bounds, hits

Shapes = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class ProcessGrid:
    """Ranks in rows and columns: rank = row*columns + column.

    ``periodic`` tells for the rows (the y axis) and for the columns (the x
    axis) whether the sheet closes upon itself.
    """

    rows: int
    columns: int
    periodic: tuple[bool, bool] = (False, False)

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1:
            raise LayoutError(f'a process grid of {self} has no ranks')

    def __str__(self) -> str:
        return f'{self.rows} x {self.columns}'

    @property
    def size(self) -> int:
        """The number of ranks."""
        return self.rows*self.columns

    def place(self, rank: int) -> tuple[int, int]:
        """Return the row and the column of a rank."""
        if not 0 <= rank < self.size:
            raise ValueError(f'no rank {rank} in a grid of {self}')
        return divmod(rank, self.columns)

    def rank(self, row: int, column: int) -> int | None:
        """Return the rank at a place, going round a periodic axis.

        None beyond the side of an open axis.
        """
        if self.periodic[0]:
            row %= self.rows
        if self.periodic[1]:
            column %= self.columns
        if 0 <= row < self.rows and 0 <= column < self.columns:
            return row*self.columns + column
        return None

    def neighbour(self, rank: int, rows: int, columns: int) -> int | None:
        """Return the rank so many rows down and columns to the right."""
        row, column = self.place(rank)
        return self.rank(row + rows, column + columns)


def choose(ranks: int, shapes: Shapes,
           extent: tuple[float, float] = (1.0, 1.0),
           reaches: Sequence[Reach] | None = None,
           periodic: tuple[bool, bool] = (False, False)) -> ProcessGrid:
    """Return the process grid with the least to tell to other ranks.

    ``shapes`` holds (rows, columns) of each population, ``extent`` the
    height and the width of the sheet in mm.  The measure is `told`; without
    ``reaches``, and among equals, the length of the cuts (`cut`); then the
    grid with most rows, whose tiles are the longest in memory.  On no rank
    may all tiles be empty.

    Raises LayoutError where no process grid of so many ranks fits.
    """
    if ranks < 1 or not shapes:
        raise LayoutError(f'no process grid for {ranks} ranks and '
                          f'{len(shapes)} populations: both must be >= 1')

    grids = [ProcessGrid(rows, ranks // rows, periodic)
             for rows in divisors(ranks) if fits(rows, ranks // rows, shapes)]
    if not grids:
        raise LayoutError(_too_many(ranks, shapes))

    def cost(grid: ProcessGrid) -> tuple[int, float, int]:
        halo = told(grid, shapes, reaches) if reaches else 0
        return halo, cut(grid, extent), -grid.rows

    return min(grids, key=cost)


def confirm(processes: Sequence[int], ranks: int, shapes: Shapes,
            periodic: tuple[bool, bool] = (False, False)) -> ProcessGrid:
    """Return the process grid that the user asked for, if it can be had.

    Raises BadValue unless ``processes`` is two whole numbers, LayoutError
    where it needs another number of ranks or does not fit the grids.
    """
    if (not isinstance(processes, Sequence) or len(processes) != 2
            or not all(type(n) is int and n >= 1 for n in processes)):
        raise BadValue('processes', processes,
                       'two whole numbers >= 1: rows and columns')

    rows, columns = processes
    asked = f'processes = [{rows}, {columns}]'
    try:
        best = choose(ranks, shapes, periodic=periodic)
        fix = f'give [{best.rows}, {best.columns}]'
    except LayoutError:
        fix = ''

    if not fits(rows, columns, shapes):
        raise LayoutError(
            f'{asked} leaves ranks without neurons: no grid has {rows} rows '
            f'and {columns} columns, there are {_grids(shapes)}; '
            + (fix or _nearby(ranks, shapes))
        )
    if rows*columns != ranks:
        start = f'start {rows*columns}'
        raise LayoutError(f'{asked} needs {rows*columns} ranks, this run '
                          f'has {ranks}; '
                          + (f'{fix} or {start}' if fix else start))
    return ProcessGrid(rows, columns, periodic)


def divisors(number: int) -> Iterator[int]:
    """Yield the divisors of ``number``, smallest first."""
    return (n for n in range(1, number + 1) if number % n == 0)


def fits(rows: int, columns: int, shapes: Shapes) -> bool:
    """Tell whether some population gives each rank at least one neuron.

    Coarser populations may then leave some ranks without any of theirs.
    """
    return any(rows <= shape[0] and columns <= shape[1] for shape in shapes)


def cut(grid: ProcessGrid, extent: tuple[float, float]) -> float:
    """Return the length in mm of the lines between tiles."""
    height, width = extent
    lines = [parts if periodic and parts > 1 else parts - 1
             for parts, periodic in zip((grid.rows, grid.columns),
                                        grid.periodic, strict=True)]
    return lines[0]*width + lines[1]*height


def told(grid: ProcessGrid, shapes: Shapes,
         reaches: Sequence[Reach]) -> int:
    """Return the cells that must be told to others, summed over all ranks.

    A cell counts once for each other rank that it reaches.  Where a
    population has several reaches, their common outline is counted.
    """
    total = 0
    for source in {reach.source for reach in reaches}:
        own = [reach for reach in reaches if reach.source == source]
        everyone, itself = 1, 1

        # What a cell reaches is a product of rows and columns, and so is
        # what it reaches of its own tile
        for axis, parts in enumerate((grid.rows, grid.columns)):
            flags = _outline(own, axis, parts, shapes, grid.periodic[axis])
            owners = np.repeat(np.arange(parts),
                               np.diff(bounds(flags.shape[1], parts)))
            everyone *= int(flags.sum())
            itself *= int(flags[owners, np.arange(owners.size)].sum())
        total += everyone - itself
    return total


def _outline(reaches: list[Reach], axis: int, parts: int, shapes: Shapes,
             periodic: bool) -> Flags:
    # Which cells of an axis have any of the reaches into which run
    cells = shapes[reaches[0].source][axis]
    flags = np.zeros((parts, cells), np.bool_)
    for other, distance in {
        (shapes[reach.target][axis], (reach.rows, reach.columns)[axis])
        for reach in reaches
    }:
        flags |= hits(np.arange(cells), cells, bounds(other, parts),
                      distance, periodic)
    return flags


def _fitting(ranks: int, shapes: Shapes) -> bool:
    return any(fits(rows, ranks // rows, shapes) for rows in divisors(ranks))


def _grids(shapes: Shapes) -> str:
    # Equal grids are named once, the largest first
    unique = sorted({(rows, columns) for rows, columns in shapes},
                    key=lambda shape: (-shape[0]*shape[1], shape))
    names = [f'{rows} x {columns}' for rows, columns in unique]
    return ', '.join(names[:6]) + (', ...' if len(names) > 6 else '')


def _nearby(ranks: int, shapes: Shapes) -> str:
    # One rank always fits, and nothing does beyond the largest grid
    largest = max(rows*columns for rows, columns in shapes)
    fewer = next(n for n in range(min(ranks - 1, largest), 0, -1)
                 if _fitting(n, shapes))
    more = next((n for n in range(ranks + 1, largest + 1)
                 if _fitting(n, shapes)), None)
    return f'start {fewer}' + (f' or {more}' if more else '') + ' ranks'


def _too_many(ranks: int, shapes: Shapes) -> str:
    # Two reasons that a user mends alike, but should not have to guess
    largest = max(rows*columns for rows, columns in shapes)
    if ranks > largest:
        why = f'more than the {largest} neurons of the largest'
    else:
        tried = ', '.join(f'{rows} x {ranks // rows}'
                          for rows in divisors(ranks))
        why = f'none of {tried} leaves each rank a row and a column'
    return (f'{ranks} ranks do not fit the grids {_grids(shapes)}: {why}; '
            f'{_nearby(ranks, shapes)}')

"""Where any spike comes from, and which of them may pass."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dsim.compiled import compiled
from dsim.partitioning.axis import Flags, Integers
from dsim.partitioning.exchange.packets import Spikes
from dsim.partitioning.exchange.roll import Patch, Roll
from dsim.partitioning.plan import Bits
from dsim.partitioning.tiling import Tiling


class Located(NamedTuple):
    """Spikes, and the row and the column of each among those of all grids."""

    steps: Integers
    numbers: Integers
    rows: Integers
    columns: Integers

    @property
    def spikes(self) -> Spikes:
        """The spikes alone."""
        return Spikes(self.steps, self.numbers)

    def followed_by(self, more: 'Located') -> 'Located':
        """Return these spikes and then the others."""
        return Located(*(np.concatenate(both)
                         for both in zip(self, more, strict=True)))


class Atlas:
    """Finds the cell and the rank of any neuron by its number."""

    def __init__(self, tiling: Tiling):
        self._first = tiling.first
        self._starts = np.column_stack(tiling.line_starts)
        self._widths = np.array([width for _, width in tiling.shapes],
                                np.int64)
        self._owners = tiling.line_owners
        self._process_columns = tiling.processes.columns

    def locate(self, spikes: Spikes) -> Located:
        """Return the spikes with their places."""
        rows, columns = np.empty((2, spikes.numbers.size), np.int64)
        find(spikes.numbers, self._first, self._widths, self._starts, rows,
             columns)
        return Located(*spikes, rows, columns)

    def ranks(self, located: Located) -> Integers:
        """Return the rank that each spike is of: int64[spikes]."""
        rows, columns = self._owners
        ranks: Integers = (rows[located.rows]*self._process_columns
                           + columns[located.columns])
        return ranks


@dataclass(frozen=True)
class Sieve:
    """Lets the spikes of some cells pass: ``rows[h] & columns[w]`` not 0.

    ``h`` and ``w`` count the rows and the columns of all grids.
    """

    rows: Bits
    columns: Bits

    def __call__(self, located: Located) -> Flags:
        """Tell which spikes pass."""
        flags: Flags = (self.rows[located.rows]
                        & self.columns[located.columns]) > 0
        return flags

    def roll(self, grids: Patch) -> Roll:
        """Return the cells that pass, of the patch of the whole grids."""
        return Roll.of(grids, self.rows, self.columns)

    def cells(self, tiling: Tiling) -> Integers:
        """Return how many cells of each population pass."""
        counts = np.zeros(tiling.populations, np.int64)
        starts = np.column_stack(tiling.line_starts)
        for p, ((h0, w0), (h1, w1)) in enumerate(
                zip(starts[:-1], starts[1:], strict=True)):
            kinds, heights = np.unique(self.rows[h0:h1], return_counts=True)
            for bits, height in zip(kinds, heights, strict=True):
                counts[p] += height*np.count_nonzero(
                    self.columns[w0:w1] & bits)
        return counts


@compiled
def find(numbers: Integers, first: Integers, widths: Integers,
         starts: Integers, rows: Integers, columns: Integers) -> None:
    """Write the row and the column of each number among all grids'."""
    p = 0
    for k in range(numbers.size):
        # Spikes of a step are mostly grouped by population
        while numbers[k] < first[p]:
            p -= 1
        while numbers[k] >= first[p + 1]:
            p += 1
        row, column = divmod(numbers[k] - first[p], widths[p])
        rows[k] = row + starts[p, 0]
        columns[k] = column + starts[p, 1]

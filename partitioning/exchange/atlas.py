"""The spikes that a rank holds, where they are from, which may pass."""

from dataclasses import dataclass

import numpy as np

from dsim.compiled import compiled
from dsim.partitioning.axis import Integers
from dsim.partitioning.exchange.packets import NOTHING, Spikes
from dsim.partitioning.exchange.roll import Patch, Roll
from dsim.partitioning.plan import Bits
from dsim.partitioning.tiling import Tiling


@dataclass(frozen=True)
class Sieve:
    """Lets the spikes of some cells pass: ``rows[h] & columns[w]`` not 0.

    ``h`` and ``w`` count the rows and the columns of all grids.
    """

    rows: Bits
    columns: Bits

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


class Held:
    """The spikes of a window that a rank holds, its own and others'.

    ``table`` int64[4, room] has in its first ``count`` columns, in any
    order, the steps within the window, the numbers, and the rows and the
    columns among those of all grids.  The first ``own`` are its own.
    """

    def __init__(self, tiling: Tiling, mine: Sieve):
        self.table, self.count, self.own = np.empty((4, 100), np.int64), 0, 0
        self._grids = (tiling.first, np.array(tiling.shapes, np.int64)[:, 1],
                       np.column_stack(tiling.line_starts))
        self._owners, self._mine = tiling.line_owners, mine
        self._processes = tiling.processes

    def begin(self, first_step: int, spikes: Spikes) -> None:
        """Hold a rank's own spikes of a window and no others."""
        self.count = 0
        self.add(spikes.steps, spikes.numbers, first_step)
        self.own = self.count

    def add(self, steps: Integers, numbers: Integers, first_step: int
            ) -> None:
        """Hold some more spikes, whose steps count from ``first_step``."""
        count = self.count + numbers.size
        if count > self.table.shape[1]:
            larger = np.empty((4, 2*count), np.int64)
            larger[:, :self.count] = self.table[:, :self.count]
            self.table = larger
        if numbers.size:
            find(steps, numbers, first_step, *self._grids,
                 self.table[:, self.count:count])
            self.count = count

    def heard(self, first_step: int) -> Spikes:
        """Return the others' spikes that reach this rank.

        In order of step, then of the rank they are from.  Of one rank they
        have come one way, so still in order of their numbers.
        """
        if self.count == self.own:
            return NOTHING
        others = self.table[:, self.own:self.count]
        found = np.empty((2, self.count - self.own), np.int64)
        size = self._processes.size
        count = sift(others, self._mine.rows, self._mine.columns,
                     *self._owners, self._processes.columns, size, found)
        keys, numbers = found[:, :count]
        order = np.argsort(keys, kind='stable')
        return Spikes(keys[order]//size + first_step, numbers[order])


@compiled
def find(steps: Integers, numbers: Integers, first_step: int,
         first: Integers, widths: Integers, starts: Integers,
         table: Integers) -> None:
    """Write step, number, row and column of each spike; see `Held`."""
    p = 0
    for k in range(numbers.size):
        # Spikes of a step are mostly grouped by population
        while numbers[k] < first[p]:
            p -= 1
        while numbers[k] >= first[p + 1]:
            p += 1
        row, column = divmod(numbers[k] - first[p], widths[p])
        table[0, k] = steps[k] - first_step
        table[1, k] = numbers[k]
        table[2, k] = row + starts[p, 0]
        table[3, k] = column + starts[p, 1]


@compiled
def sift(table: Integers, rows: Bits, columns: Bits, row_owners: Integers,
         column_owners: Integers, process_columns: int, size: int,
         found: Integers) -> int:
    """Write step*size + rank, and number, of each spike that passes.

    Returns how many do.
    """
    count = 0
    for k in range(table.shape[1]):
        h, w = table[2, k], table[3, k]
        if rows[h] & columns[w]:
            rank = row_owners[h]*process_columns + column_owners[w]
            found[0, count] = table[0, k]*size + rank
            found[1, count] = table[1, k]
            count += 1
    return count

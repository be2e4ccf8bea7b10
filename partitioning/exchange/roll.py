"""The roll of a link: the cells whose spikes it may carry, in order.

Both ends know it from the plan, so a spike need not be named by its number
among all neurons: its place on the roll will do.  A roll is in order of the
neurons' numbers.  What may pass is a product of rows and columns for each
kind of reach (`dsim.partitioning.plan.Masks`), so that a roll takes room
for rows and columns, not for cells: all rows with the same bits share one
strip of columns.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dsim.compiled import compiled
from dsim.partitioning.axis import Integers
from dsim.partitioning.plan import Bits
from dsim.partitioning.tiling import Tiling


class Patch(NamedTuple):
    """A rectangle of each population's grid, their rows and columns counted.

    ``row_starts`` and ``column_starts`` int64[populations + 1] are where
    each population's begin; ``bases`` int64[rows] is the number of the
    neuron at the beginning of each row.
    """

    row_starts: Integers
    column_starts: Integers
    bases: Integers

    @classmethod
    def of(cls, tiling: Tiling, rank: int | None = None) -> 'Patch':
        """Return the tiles of a rank, or the whole grids."""
        bounds = [(0, rows, 0, columns) if rank is None
                  else tiling.bounds(p, rank)
                  for p, (rows, columns) in enumerate(tiling.shapes)]
        starts = np.cumsum([(0, 0), *((b - a, d - c) for a, b, c, d
                                      in bounds)], axis=0, dtype=np.int64)
        bases = [tiling.first[p] + np.arange(a, b)*tiling.shapes[p][1] + c
                 for p, (a, b, c, _) in enumerate(bounds)]
        return cls(starts[:, 0].copy(), starts[:, 1].copy(),
                   np.concatenate(bases))


class Roll(NamedTuple):
    """The cells (h, w) of a patch that may pass, numbered from 0 on.

    The strip of row ``h`` begins at ``s = rows[h, 1]``: a cell is on the
    roll if ``before[s + w + 1] > before[s + w]``, and then at the place
    ``rows[h, 0] + before[s + w]``.
    """

    size: int
    rows: Integers
    before: Integers

    @classmethod
    def of(cls, patch: Patch, rows: Bits, columns: Bits) -> 'Roll':
        """Return the cells with ``rows[h] & columns[w]`` not 0."""
        size, table, before = enrol(rows, columns, patch.row_starts,
                                    patch.column_starts)
        return cls(int(size), table, before)


class Places(NamedTuple):
    """Where the cells of one patch are on the rolls of several links.

    ``rows`` int64[links, rows, 2], ``before`` int64[any] and ``sizes``
    int64[links] are those of `Roll`.
    """

    sizes: Integers
    rows: Integers
    before: Integers

    @classmethod
    def on(cls, rolls: Sequence[Roll], patch: Patch) -> 'Places':
        """Return the places on all the rolls of a patch."""
        rows = np.empty((len(rolls), patch.bases.size, 2), np.int64)
        before = [roll.before for roll in rolls]
        begins = np.cumsum([0, *map(len, before)])
        for k, roll in enumerate(rolls):
            rows[k] = roll.rows
            rows[k, :, 1] += begins[k]
        return cls(np.array([roll.size for roll in rolls], np.int64), rows,
                   np.concatenate([np.empty(0, np.int64), *before]))


class Names(NamedTuple):
    """Which neuron stands at a place on the rolls of several links.

    ``links`` int64[links, 4] holds each one's size, its first line, where
    its hints begin, and how many bits of a place they leave out.  A line is
    a row with cells: ``lines`` int64[lines + links, 3] holds the place of
    its first cell, the number of column 0, and where ``columns`` holds the
    columns of place 0, were the line so long; a last line has the size.
    """

    links: Integers
    lines: Integers
    columns: Integers
    hints: Integers

    @classmethod
    def on(cls, rolls: Sequence[Roll], patches: Sequence[Patch]) -> 'Names':
        """Return the numbers on the rolls; each is of its own patch."""
        links = np.empty((len(rolls), 4), np.int64)
        nothing = np.empty(0, np.int64)
        lines, columns, hints = [nothing.reshape(0, 3)], [nothing], [nothing]
        begins = np.zeros(3, np.int64)
        for k, (roll, patch) in enumerate(zip(rolls, patches, strict=True)):
            found = name(roll.size, roll.rows, roll.before, patch.row_starts,
                         patch.column_starts, patch.bases)
            table, strips, guesses, shift = found
            table[:, 2] += begins[1]
            guesses += begins[0]
            links[k] = roll.size, begins[0], begins[2], shift
            lines.append(table)
            columns.append(strips)
            hints.append(guesses)
            begins += len(table), len(strips), len(guesses)
        return cls(links, np.concatenate(lines), np.concatenate(columns),
                   np.concatenate(hints))


@compiled
def enrol(rows: Bits, columns: Bits, row_starts: Integers,
          column_starts: Integers
          ) -> tuple[np.int64, Integers, Integers]:
    """Return size, rows and strips of the roll of what may pass."""
    kinds, counts, table, room = sort_rows(rows, row_starts, column_starts)
    before = np.zeros(room, np.int64)
    size, strip = np.int64(0), np.int64(columns.size + 1)
    for p in range(counts.size):
        begin, end = column_starts[p], column_starts[p + 1]
        for kind in range(counts[p]):
            bits = kinds[row_starts[p] + kind]
            for w in range(begin, end):
                passes = np.int64(bits & columns[w] != 0)
                before[strip + 1] = before[strip] + passes
                strip += 1
            strip += 1
        for h in range(row_starts[p], row_starts[p + 1]):
            table[h, 0] = size
            size += before[table[h, 1] + end]
    return size, table, before


@compiled
def sort_rows(rows: Bits, row_starts: Integers, column_starts: Integers
              ) -> tuple[Bits, Integers, Integers, int]:
    """Give each row its strip; all with the same bits have the same.

    Returns the bits of the strips of each population, from its first row
    on; how many those are; the table of rows; and the room for the strips.
    """
    kinds = np.empty(rows.size, np.uint64)
    counts = np.zeros(row_starts.size - 1, np.int64)
    table = np.zeros((rows.size, 2), np.int64)

    # Strip 0 is for rows where no cell passes, of any population
    room = column_starts[-1] + 1
    for p in range(counts.size):
        first, width = row_starts[p], column_starts[p + 1] - column_starts[p]
        for h in range(first, row_starts[p + 1]):
            table[h, 1] = -column_starts[p]
            if rows[h]:
                kind = 0
                while kind < counts[p] and kinds[first + kind] != rows[h]:
                    kind += 1
                if kind == counts[p]:
                    kinds[first + kind] = rows[h]
                    counts[p] += 1
                table[h, 1] += room + kind*(width + 1)
        room += counts[p]*(width + 1)
    return kinds, counts, table, room


@compiled
def name(size: int, rows: Integers, before: Integers, row_starts: Integers,
         column_starts: Integers, bases: Integers
         ) -> tuple[Integers, Integers, Integers, int]:
    """Return lines, columns, hints and their shift of one roll; see Names."""
    columns = np.empty(before.size, np.int64)
    lines, count = np.empty((bases.size + 1, 3), np.int64), 0
    for p in range(row_starts.size - 1):
        begin, end = column_starts[p], column_starts[p + 1]
        last = np.int64(-1)
        for h in range(row_starts[p], row_starts[p + 1]):
            strip = rows[h, 1] + begin
            cells = before[strip + end - begin]
            if cells == 0:
                continue
            # Rows with the same strip mostly follow each other
            if strip != last:
                last = strip
                for w in range(end - begin):
                    if before[strip + w + 1] > before[strip + w]:
                        columns[strip + before[strip + w]] = w
            lines[count, 0] = rows[h, 0]
            lines[count, 1] = bases[h]
            lines[count, 2] = strip - rows[h, 0]
            count += 1
    lines[count, 0], lines[count, 1], lines[count, 2] = size, 0, 0

    # About one hint a line, so that it is found in a step or two
    shift = 0
    while size >> shift > count:
        shift += 1
    hints, line = np.empty((size >> shift) + 1, np.int64), 0
    for k in range(hints.size):
        while line < count - 1 and lines[line + 1, 0] <= k << shift:
            line += 1
        hints[k] = line
    return lines[:count + 1].copy(), columns, hints, shift

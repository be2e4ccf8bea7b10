"""Draw partners by their offset on the grid, from a table made once.

Seen from a neuron, the other grid's cells lie at offsets that depend only
on where in its cell of that grid the neuron sits: its *phase*.  Equal grids
have one phase, a grid twice as fine has two along each axis.  For each phase
Walker's alias method (1977) draws a cell in constant time: a column of the
table at random, and then the column's own cell or the other one it shares
with.
"""

import math
from typing import NamedTuple

import numpy as np

from dsim import rng
from dsim.compiled import compiled
from dsim.connectivity.base import Pairing
from dsim.connectivity.kernels import Uniform, profile
from dsim.space import shortest

MOST_ENTRIES = 1 << 20
"""Larger tables would not stay in the cache, and take long to make."""

NOT_FOUND = 10_000
"""Candidates drawn in vain, per partner wanted, before giving up."""


class Offsets(NamedTuple):
    """Alias tables of all phases, one after the other.

    ``phases`` (rows, columns) counts the phases per axis; ``start``
    int64[phases + 1] bounds their tables; ``rows``, ``columns`` int32[n]
    are the offsets from the cell that the neuron sits in; a draw below
    ``threshold`` uint32[n] takes an entry itself, else ``alias`` int32[n].
    """

    phases: tuple[int, int]
    start: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    threshold: np.ndarray
    alias: np.ndarray


def tabulate(pairing: Pairing, owner: str) -> Offsets | None:
    """Return the tables of a projection, None where they would not pay.

    ``owner`` is the side that draws: 'source' or 'target'.
    """
    if isinstance(pairing.kernel, Uniform):
        return None
    grid, partners = pairing.grids(owner)
    phases, spans = [], []
    for axis in (0, 1):
        phases.append(grid[axis]//math.gcd(grid[axis], partners[axis]))
        cells = pairing.kernel.reach()[axis]*partners[axis]
        spans.append(min(2*cells/pairing.sheet.extent[axis] + 2,
                         2*partners[axis]))
    if phases[0]*phases[1]*spans[0]*spans[1] > MOST_ENTRIES:
        return None

    tables = [_table(pairing, grid, partners, row, column)
              for row in range(phases[0]) for column in range(phases[1])]
    start = np.zeros(len(tables) + 1, dtype=np.int64)
    np.cumsum([table[0].size for table in tables], out=start[1:])
    return Offsets((phases[0], phases[1]), start,
                   *(np.concatenate(part)
                     for part in zip(*tables, strict=True)))


def _table(pairing: Pairing, grid: tuple[int, int],
           partners: tuple[int, int], row: int, column: int
           ) -> tuple[np.ndarray, ...]:
    sheet, code = pairing.sheet, pairing.kernel.code()
    offsets, distance = [], []
    for axis, place in ((0, row), (1, column)):
        steps, far = _axis(place, grid[axis], partners[axis],
                           sheet.extent[axis], sheet.periodic[axis],
                           code.reach[axis])
        offsets.append(steps)
        distance.append(far)

    chance = np.empty((offsets[0].size, offsets[1].size))
    _profiles(code, distance[0], distance[1], chance)
    rows, columns = np.nonzero(chance)
    threshold, alias = _alias(chance[rows, columns])
    return (offsets[0][rows], offsets[1][columns], threshold, alias)


def _axis(place: int, cells: int, others: int, length: float,
          periodic: bool, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the offsets in reach along one axis, and their distances."""
    within = ((2*place + 1)*others % (2*cells))/(2*cells)
    if periodic:
        steps = np.arange(-(others//2), others - others//2)
    else:
        steps = np.arange(1 - others, others)
    far = (steps + 0.5 - within)*(length/others)
    if periodic:
        far = np.array([shortest(d, length, True) for d in far])
    near = abs(far) <= reach + 1e-9*length
    return steps[near].astype(np.int32), far[near]


@compiled
def _profiles(code, dy, dx, out):
    kind, a, b, _, table = code
    for i in range(dy.size):
        for j in range(dx.size):
            out[i, j] = profile(kind, a, b, table, dy[i], dx[j])


@compiled
def _alias(chance):
    """Walker's alias table in Vose's form, thresholds in units of 2**-32."""
    size = chance.size
    threshold = np.full(size, np.uint32(0xffffffff))
    alias = np.arange(size).astype(np.int32)
    if size == 0:
        return threshold, alias
    share = chance*(size/chance.sum())
    small, large = np.empty(size, np.int64), np.empty(size, np.int64)
    few, many = 0, 0
    for i in range(size):
        if share[i] < 1:
            small[few] = i
            few += 1
        else:
            large[many] = i
            many += 1
    while few > 0 and many > 0:
        few -= 1
        i, j = small[few], large[many - 1]
        threshold[i] = np.uint32(min(share[i]*2.0**32, 2.0**32 - 1))
        alias[i] = j
        share[j] -= 1 - share[i]
        if share[j] < 1:
            many -= 1
            small[few] = j
            few += 1
    return threshold, alias


@compiled
def draw(owners, degree, grid, partners, periodic, tables, no_self, multiple,
         key, found):
    """Draw ``degree`` partners of each owner into ``found``.

    Returns the first owner that cannot be served, or -1.
    """
    phases, start, rows, columns, threshold, alias = tables
    used = np.full(1 if multiple else rows.size, np.int64(-1))

    for k in range(owners.size):
        owner = owners[k]
        row, column = divmod(owner, grid[1])
        # The cell of the partners' grid in which the owner sits
        row0 = (2*row + 1)*partners[0]//(2*grid[0])
        column0 = (2*column + 1)*partners[1]//(2*grid[1])
        phase = row % phases[0]*phases[1] + column % phases[1]
        first, size = start[phase], start[phase + 1] - start[phase]
        if size == 0:
            return owner
        # Lemire: products whose low half is below this are drawn anew
        uneven = np.uint64((2**32 - size) % size)

        got, tried = 0, 0
        w0 = w1 = w2 = w3 = np.uint32(0)
        while got < degree:
            if tried > NOT_FOUND*degree:
                return owner
            if tried & 1 == 0:
                w0, w1, w2, w3 = rng.words(key, owner, tried >> 1)
            else:
                w0, w1 = w2, w3
            tried += 1

            product = np.uint64(w0)*np.uint64(size)
            if (product & np.uint64(0xffffffff)) < uneven:
                continue
            entry = first + np.int64(product >> np.uint64(32))
            if w1 >= threshold[entry]:
                entry = first + alias[entry]
            r, c = row0 + rows[entry], column0 + columns[entry]
            if r < 0 or r >= partners[0]:
                if not periodic[0]:
                    continue
                r = r + partners[0] if r < 0 else r - partners[0]
            if c < 0 or c >= partners[1]:
                if not periodic[1]:
                    continue
                c = c + partners[1] if c < 0 else c - partners[1]
            partner = r*partners[1] + c
            if no_self and partner == owner:
                continue
            if not multiple:
                if used[entry] == k:
                    continue
                used[entry] = k
            found[k*degree + got] = partner
            got += 1
    return -1

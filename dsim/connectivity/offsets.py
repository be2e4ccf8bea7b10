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

MOST_ENTRIES = 1 << 20
"""Larger tables would not stay in the cache, and take long to make."""

NOT_FOUND = 10_000
"""Candidates drawn in vain, per partner wanted, before giving up."""

BLOCKS = 256
"""Most blocks of random words made at once: 4 kB."""

_HALF = np.uint64(32)
_LOW = np.uint64(0xffffffff)


class Offsets(NamedTuple):
    """Alias tables of all phases, one after the other.

    ``phases`` (rows, columns) counts the phases per axis; ``start``
    int64[phases + 1] bounds their tables.  A draw below the upper half of
    ``choice`` uint64[n] takes an entry itself, else that in the lower half;
    ``steps`` int64[n] are the offsets from the cell that the neuron sits
    in: those of rows times 2**32 + columns.
    """

    phases: tuple[int, int]
    start: np.ndarray
    choice: np.ndarray
    steps: np.ndarray


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

    axes = [[_axis(place, grid[axis], partners[axis],
                   pairing.sheet.extent[axis], pairing.sheet.periodic[axis],
                   pairing.kernel.reach()[axis])
             for place in range(phases[axis])] for axis in (0, 1)]
    return Offsets((phases[0], phases[1]),
                   *_tables(pairing.kernel.code(), *map(_joined, axes)))


Axis = tuple[np.ndarray, np.ndarray]


def _axis(place: int, cells: int, others: int, length: float,
          periodic: bool, reach: float) -> Axis:
    """Return the offsets in reach along one axis, and their distances."""
    within = ((2*place + 1)*others % (2*cells))/(2*cells)
    if periodic:
        steps = np.arange(-(others//2), others - others//2)
    else:
        steps = np.arange(1 - others, others)
    far = (steps + 0.5 - within)*(length/others)
    if periodic:
        far = np.where(far > 0.5*length, far - length, far)
        far = np.where(far < -0.5*length, far + length, far)
    near = abs(far) <= reach + 1e-9*length
    return steps[near].astype(np.int32), far[near]


def _joined(axes: list[Axis]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the bounds of the phases, their offsets and distances."""
    bounds = np.zeros(len(axes) + 1, dtype=np.int64)
    np.cumsum([steps.size for steps, _ in axes], out=bounds[1:])
    steps, far = zip(*axes, strict=True)
    return bounds, np.concatenate(steps), np.concatenate(far)


@compiled
def _tables(code, down, across):
    """Make the tables of all phases; return them as `Offsets` has them."""
    kind, a, b, _, table = code
    row_bounds, row_steps, dy = down
    column_bounds, column_steps, dx = across
    columns_of = column_bounds.size - 1
    count = (row_bounds.size - 1)*columns_of
    most = row_steps.size*column_steps.size
    start = np.zeros(count + 1, np.int64)
    steps, chance = np.empty(most, np.int64), np.empty(most)

    n = 0
    for phase in range(count):
        row, column = divmod(phase, columns_of)
        for i in range(row_bounds[row], row_bounds[row + 1]):
            for j in range(column_bounds[column], column_bounds[column + 1]):
                chance[n] = profile(kind, a, b, table, dy[i], dx[j])
                if chance[n] > 0:
                    steps[n] = (np.int64(row_steps[i]) << 32) + column_steps[j]
                    n += 1
        start[phase + 1] = n

    threshold, alias = np.empty(n, np.uint32), np.empty(n, np.int32)
    for phase in range(count):
        begin, end = start[phase], start[phase + 1]
        _alias(chance[begin:end], threshold[begin:end], alias[begin:end])
    choice = (threshold.astype(np.uint64) << _HALF) | alias.astype(np.uint64)
    return start, choice, steps[:n].copy()


@compiled
def _alias(chance, threshold, alias):
    """Write Walker's alias table in Vose's form, in units of 2**-32."""
    size = chance.size
    threshold[:] = np.uint32(0xffffffff)
    alias[:] = np.arange(size)
    if size == 0:
        return
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


@compiled
def batch(missing, tried, degree):
    """Return how many blocks of words to make at once.

    As many as the partners that are still ``missing`` will need, in whole
    vectors, and none beyond the last candidate before giving up.
    """
    left = NOT_FOUND*degree + 1 - tried
    return min((missing + 16)//16*8, BLOCKS, (left + 1)//2)


@compiled
def draw(owners, degree, grid, partners, periodic, tables, no_self, multiple,
         key, found):
    """Draw ``degree`` partners of each owner into ``found``.

    Returns the first owner that cannot be served, or -1.
    """
    phases, start, choice, steps = tables
    used = np.full(1 if multiple else steps.size, np.int64(-1))
    drawn = np.empty(4*BLOCKS, np.uint32)
    entries = np.empty(2*BLOCKS, np.uint64)
    candidates = np.empty(2*BLOCKS, np.int64)
    for k in range(owners.size):
        owner = owners[k]
        row, column = divmod(owner, grid[1])
        # The cell that the owner sits in
        cell = ((2*row + 1)*partners[0]//(2*grid[0]),
                (2*column + 1)*partners[1]//(2*grid[1]))
        phase = row % phases[0]*phases[1] + column % phases[1]
        part = slice(start[phase], start[phase + 1])
        if start[phase] == start[phase + 1]:
            return owner

        forbidden = owner if no_self else np.int64(-1)
        mine = found[k*degree:(k + 1)*degree]
        got, tried = 0, 0
        while got < degree:
            blocks = batch(degree - got, tried, degree)
            if blocks <= 0:
                return owner
            rng.fill_words(drawn, key, owner, tried >> 1, blocks)
            tried += 2*blocks
            bad = _propose(drawn, 2*blocks, choice[part], steps[part], cell,
                           partners, periodic, entries, candidates)
            got = accept(candidates, entries, 2*blocks, bad, forbidden,
                         multiple, used, k, mine, got)
    return -1


@compiled
def _propose(drawn, count, choice, steps, cell, partners, periodic, entries,
             candidates):
    """Write a partner, or -1, for each pair of words; count the latter."""
    # What is looked up, one by one, has loops of its own, so that the others
    # become vector code
    looked_up = np.empty(2*BLOCKS, np.uint64)
    # Lemire: products whose low half is below this are drawn anew.
    # Unsigned indices are known not to count from the end
    size = np.uint64(choice.size)
    uneven = np.uint64(2**32 - choice.size) % size
    for i in range(count):
        t = np.uint64(i)
        entries[t] = np.uint64(drawn[np.uint64(2)*t])*size >> _HALF
    for i in range(count):
        looked_up[i] = choice[entries[i]]
    for i in range(count):
        t = np.uint64(i)
        own = np.uint64(drawn[np.uint64(2)*t + np.uint64(1)]) < (
            looked_up[t] >> _HALF)
        entries[t] = entries[t] if own else looked_up[t] & _LOW
    for i in range(count):
        candidates[i] = steps[entries[i]]

    bad = 0
    for i in range(count):
        t = np.uint64(i)
        across = np.int64(np.int32(candidates[t]))
        down = (candidates[t] - across) >> 32
        row = wrapped(cell[0] + down, partners[0], periodic[0])
        column = wrapped(cell[1] + across, partners[1], periodic[1])

        # No branch, as near an edge it could not be foreseen
        low = np.uint64(drawn[np.uint64(2)*t])*size & _LOW
        good = ((row >= 0) & (row < partners[0]) & (column >= 0)
                & (column < partners[1]) & (low >= uneven))
        candidates[t] = row*partners[1] + column if good else np.int64(-1)
        bad += 0 if good else 1
    return bad


@compiled
def accept(candidates, entries, count, bad, forbidden, multiple, used, mark,
            mine, got):
    """Append the good candidates to ``mine``; return how many there are."""
    if bad == 0 and multiple and forbidden < 0:
        some = min(count, mine.size - got)
        mine[got:got + some] = candidates[:some]
        return got + some
    for t in range(count):
        if got == mine.size:
            break
        partner = candidates[np.uint64(t)]
        good = (partner >= 0) & (partner != forbidden)
        if not multiple and good:
            good = used[entries[t]] != mark
            used[entries[t]] = mark
        mine[np.uint64(got)] = partner
        got += np.int64(good)
    return got


@compiled
def wrapped(place, cells, periodic):
    """Return a place on an axis, if it is up to one round off and joined."""
    if periodic:
        place = place + cells if place < 0 else place
        place = place - cells if place >= cells else place
    return place

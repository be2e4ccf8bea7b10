"""Each pair is connected with the probability that its kernel gives.

A source goes through the cells of the target's grid in *runs* of a row, at
most as long as a segment of the row that is the same for all sources.  From
one candidate to the next it leaps by a geometric number, drawn for the
largest probability of the run, so that pairs which are not connected cost
nothing (Batagelj and Brandes (2005), Phys. Rev. E 71:036113); a candidate
is then kept with its own probability divided by that one.  Each run has
draws of its own, so a tile needs those runs only that lie in it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dsim import rng
from dsim.compiled import compiled, inlined
from dsim.connectivity.base import (
    Bounds,
    Pairing,
    Room,
    Rows,
    Rule,
    mean_profile,
)
from dsim.connectivity.degree import span
from dsim.connectivity.kernels import profile
from dsim.connectivity.lattice import Lattice, entry, lattice, offsets
from dsim.connectivity.offsets import wrapped
from dsim.elementary import log
from dsim.errors import BadValue
from dsim.rng import BLOCKS
from dsim.space import Shape, shortest
from dsim.values import is_number

# Candidates that a segment should have, and how long it may be, as powers of
# two.  Short ones follow a kernel closely; and a tile draws whole segments
_CANDIDATES, _SHORTEST, _LONGEST = 20, 5, 12

# Blocks of words that a run may need at most, as bits of their address
_BLOCK_BITS = 13

_FAR = 2.0**30

_NONE = Lattice((0, 0), (0, 0), (0, 0), (1, 1))


class PairwiseBernoulli(Rule):
    """Connect each pair with probability ``probability`` x kernel(distance).

    Each pair is drawn by itself.
    """

    name = 'pairwise_bernoulli'
    owner = 'source'

    def __init__(self, probability: float, self_connections: bool = True):
        if not is_number(probability) or not 0 <= probability <= 1:
            raise BadValue(f'{self.name}.probability', probability,
                           'a number from 0 to 1')
        self.probability = float(probability)
        self.self_connections = bool(self_connections)

    def rows(self, pairing: Pairing, owners: np.ndarray) -> Rows:
        return self.maker(pairing)(owners)

    def maker(self, pairing: Pairing, bounds: Bounds | None = None
              ) -> Callable[[np.ndarray], Rows]:
        return _Maker(self, pairing, bounds)

    def length(self, pairing: Pairing) -> float:
        return pairing.kernel.length()

    def degree(self, pairing: Pairing) -> float:
        return self.probability*mean_profile(pairing, self.owner)


class _Setting(NamedTuple):
    # What compiled code needs to know.  A kernel is ``flat`` if it is equal
    # wherever it reaches; ``numbered`` tells whether all offsets are in the
    # tables (else each has one entry).  No arrays: to read one from a tuple
    # takes as long as a run
    source: Shape
    target: Shape
    extent: tuple[float, float]
    periodic: tuple[bool, bool]
    bounds: Bounds
    reach: tuple[float, float]
    no_self: bool
    key: np.uint64
    bits: int
    flat: bool
    numbered: bool
    lattice: Lattice


class _Tables(NamedTuple):
    # By offset: ``chance`` float64[rows, columns]; ``odds`` float64[2, rows,
    # columns], the largest from there outwards and 1/log(1 - it); ``across``
    # float64[rows], how far there are any, in columns
    chance: np.ndarray
    odds: np.ndarray
    across: np.ndarray


class _Maker:
    """Makes the rows of one projection."""

    def __init__(self, rule: PairwiseBernoulli, pairing: Pairing,
                 bounds: Bounds | None):
        p, kernel, target = rule.probability, pairing.kernel, pairing.target
        rows, columns = target
        self.bounds = bounds = bounds or (0, rows, 0, columns)
        self.degree, self.room = rule.degree(pairing), Room()
        flat = kernel.name in ('uniform', 'box')
        bits = _segment(p, flat)
        self.columns = 0
        if kernel.name == 'uniform':
            self.degree *= (bounds[1] - bounds[0])/rows
            # Short rows as one, so that there are fewer runs
            if columns < 1 << bits:
                target, self.columns = (1, rows*columns), columns
                bounds = 0, 1, bounds[0]*columns, bounds[1]*columns

        numbers = None if flat else lattice(pairing, kernel.reach())
        chance = np.full((1, 1), p)
        across = np.array([kernel.reach()[1]])
        if numbers is not None:
            chance, across = _chances(p, kernel.code(), *(
                offsets(pairing, numbers, axis) for axis in (0, 1)))
        across = across*(target[1]/pairing.sheet.extent[1])
        self.setting = _Setting(
            pairing.source, target, pairing.sheet.extent,
            pairing.sheet.periodic, bounds, kernel.reach(),
            pairing.same and not rule.self_connections,
            rng.key(pairing.seed, 'partners', pairing.name), bits, flat,
            numbers is not None, numbers or _NONE)
        self.tables = _Tables(chance, _odds(chance), across)
        self.code = kernel.code()

    def __call__(self, owners: np.ndarray) -> Rows:
        pointer = self.room.array('pointer', owners.size + 1)
        # Room for as many as can be expected; if too little, once more
        size = int(1.1*owners.size*self.degree) + 1000
        found = self.room.array('found', size)
        _draw(owners, self.setting, self.tables, self.code, pointer, found)
        if pointer[-1] > found.size:
            found = self.room.array('found', pointer[-1])
            _draw(owners, self.setting, self.tables, self.code, pointer, found)
        if self.columns and self.bounds[3] - self.bounds[2] < self.columns:
            _keep_columns(pointer, found, self.columns, *self.bounds[2:])
        found = found[:pointer[-1]]
        return Rows(pointer, found, found)


def _segment(probability: float, flat: bool) -> int:
    """Return how many cells of a row are drawn together, as a power of 2."""
    bits = _SHORTEST
    wanted = _CANDIDATES if flat else _CANDIDATES/2
    while bits < _LONGEST and probability*2**bits < wanted:
        bits += 1
    return bits


@compiled
def _keep_columns(pointer, found, columns, first, last):
    """Leave out the partners that are not in some columns of their grid."""
    k = got = 0
    for owner in range(pointer.size - 1):
        while k < pointer[owner + 1]:
            column = found[k] % columns
            found[got] = found[k]
            got += 1 if first <= column < last else 0
            k += 1
        pointer[owner + 1] = got


@compiled
def _chances(probability, code, dy, dx):
    kind, a, b, _, table = code
    chance = np.empty((dy.size, dx.size))
    across = np.full(dy.size, -1.0)
    for i in range(dy.size):
        for j in range(dx.size):
            chance[i, j] = probability*profile(kind, a, b, table, dy[i],
                                               dx[j])
            if chance[i, j] > 0:
                across[i] = dx[j]
    return chance, across


@compiled
def _odds(chance):
    odds = np.empty((2, *chance.shape))
    for i in range(chance.shape[0]):
        largest = 0.0
        for j in range(chance.shape[1] - 1, -1, -1):
            largest = max(largest, chance[i, j])
            odds[0, i, j] = largest
            odds[1, i, j] = _rate(largest)
    return odds


@compiled
def _rate(p):
    # 1/log(1 - p), also for small p: 1 - p is rounded, and so is its
    # logarithm, in proportion
    if p == 0.0:
        return -np.inf
    rest = 1.0 - p
    return (1.0 - rest)/(p*log(rest)) if rest < 1.0 else -1.0/p


@compiled
def _draw(owners, setting, tables, code, pointer, found):
    """Write the rows one after the other, as far as there is room."""
    # The runs of one source that are drawn together: begin, end, row, row
    # of the tables, address of the draws and first block of them; and their
    # largest probability, with its rate.  A row may take more than is left
    most = _most(setting, tables.odds)
    runs, odds = np.empty((6, most), np.int64), np.empty((2, most))
    # The address of each block of words; for each candidate, a logarithm
    # for the leap to it and a number to decide by
    index, words = np.zeros(most, np.int64), np.empty(4*most, np.uint32)
    leaps, luck = np.empty(2*most), np.zeros(2*most)
    pointer[0] = 0
    for k in range(owners.size):
        pointer[k + 1] = _row(
            owners[k], setting, tables, code, runs, odds, index, words,
            leaps, luck, pointer[k], found)


@compiled
def _most(setting, odds):
    # Blocks that a row can take, beyond those that are enough to begin
    cells, segment = setting.target[1], 1 << setting.bits
    largest = odds[0].max()
    row = (cells//segment + 2)*2*(np.int64(1.15*largest*segment) + 2)
    return (BLOCKS + row + 15)//16*16


@compiled
def _row(owner, setting, tables, code, runs, odds, index, words, leaps, luck,
         got, found):
    """Draw the row of one source, some rows of targets at a time."""
    source, target, extent = setting.source, setting.target, setting.extent
    bounds, periodic, lattice = (setting.bounds, setting.periodic,
                                 setting.lattice)
    row, column = divmod(owner, source[1])
    down, right = _place(row, column, lattice)
    across = (column + 0.5)*(target[1]/source[1]) - 0.5
    row0, rows = span((row + 0.5)*(extent[0]/source[0]), setting.reach[0],
                      extent[0]/target[0], target[0], periodic[0])
    count, blocks, line = 0, 0, 0
    for i in range(row0, row0 + rows):
        r = wrapped(i, target[0], True)
        if r < bounds[0] or r >= bounds[1]:
            continue
        if setting.numbered:
            line = entry(down, r, lattice.target[0], lattice.around[0],
                         lattice.cells[0])
        column0, columns = _columns(across, tables.across[line], target[1],
                                    periodic[1])
        for part in range(2):
            start, stop = _part(column0, columns, target[1], part)
            if start < stop and start < bounds[3] and stop > bounds[2]:
                count, blocks = _cut(
                    right, r, line, start, stop, part, bounds, setting.bits,
                    target[1], setting.flat, setting.numbered, lattice,
                    tables.odds, runs, odds, index, count, blocks)
        if blocks >= BLOCKS:
            got = _finish(owner, setting, tables.chance, code, runs, odds,
                          index, words, leaps, luck, count, blocks, got,
                          found)
            count, blocks = 0, 0
    return _finish(owner, setting, tables.chance, code, runs, odds, index,
                   words, leaps, luck, count, blocks, got, found)


@inlined
def _cut(right, row, line, start, stop, part, bounds, bits, columns, flat,
         numbered, lattice, tops, runs, odds, index, count, blocks):
    """Add the runs of a stretch of a row; return how many there are now."""
    segments = ((columns - 1) >> bits) + 1
    near = 0
    for segment in range(max(start, bounds[2]) >> bits,
                         ((min(stop, bounds[3]) - 1) >> bits) + 1):
        begin = max(start, segment << bits)
        end = min(stop, (segment + 1) << bits)
        if numbered:
            near = _nearest(right, begin, end, lattice)
        top = tops[0, line, near]
        if top == 0.0:
            continue
        address = ((row*segments + segment)*2 + part) << _BLOCK_BITS
        runs[0, count], runs[1, count], runs[2, count] = begin, end, row
        runs[3, count], runs[4, count] = line, address
        runs[5, count] = blocks
        odds[0, count], odds[1, count] = top, tops[1, line, near]

        # As many candidates as are likely; others are drawn one by one
        size = np.int64(1.15*top*(end - begin)) + 2
        size = (size + 1) >> 1 if flat else size
        for j in range(size):
            index[np.uint64(blocks + j)] = address + j
        count += 1
        blocks += size
    return count, blocks


@inlined
def _columns(place, cells, columns, periodic):
    # As `span`, for a row of offsets, in columns
    if cells >= columns:
        return 0, columns
    slack = 1e-9*columns
    first = np.int64(np.ceil(place - cells - slack))
    last = np.int64(np.floor(place + cells + slack))
    if periodic:
        return first, min(last - first + 1, columns)
    return max(first, 0), min(last, columns - 1) - max(first, 0) + 1


@inlined
def _part(column0, columns, cells, part):
    # Over the end of a joined axis the columns go on at its start
    if part == 0:
        return max(column0, 0), min(column0 + columns, cells)
    if column0 < 0:
        return column0 + cells, cells
    return 0, column0 + columns - cells


@inlined
def _place(row, column, lattice):
    # Where the lattice has a source, along both axes
    return ((2*row + 1)*lattice.source[0], (2*column + 1)*lattice.source[1])


@inlined
def _nearest(place, begin, end, lattice):
    # The smallest offset of a run: at the source's own place, or at an end
    step, around = lattice.target[1], lattice.around[1]
    if 2*begin*step <= place <= 2*end*step:
        return 0
    return min(entry(place, begin, step, around, lattice.cells[1]),
               entry(place, end - 1, step, around, lattice.cells[1]))


@compiled
def _finish(owner, setting, chance, code, runs, odds, index, words, leaps,
            luck, count, blocks, got, found):
    """Draw the candidates of the runs collected, and keep some."""
    if count == 0:
        return got
    runs[5, count] = blocks
    rng.fill_words_at(words, setting.key, owner, index, blocks)
    if setting.flat:
        for j in range((2*blocks + 31)//32*32):
            leaps[j] = log(1.0 - rng.unit(words[2*j], words[2*j + 1]))
    else:
        for j in range((blocks + 15)//16*16):
            leaps[j] = log(1.0 - rng.unit(words[4*j], words[4*j + 1]))
            luck[j] = rng.unit(words[4*j + 2], words[4*j + 3])
    return _walk(owner, setting, chance, code, runs, odds, leaps, luck,
                 count, got, found)


@inlined
def _walk(owner, setting, chance, code, runs, odds, leaps, luck, count, got,
          found):
    """Go from candidate to candidate of each run; append those kept."""
    bounds, flat, lattice = setting.bounds, setting.flat, setting.lattice
    right = _place(0, owner % setting.source[1], lattice)[1]
    for run in range(count):
        before = runs[2, run]*setting.target[1]
        forbidden = owner - before if setting.no_self else np.int64(-1)
        first, last = runs[5, run] << flat, runs[5, run + 1] << flat
        column, end, t = runs[0, run] - 1, runs[1, run], first
        while True:
            if t < last:
                leap, draw = leaps[np.uint64(t)], luck[np.uint64(t)]
            else:
                leap, draw = _single(owner, setting.key, flat, runs[4, run],
                                     t - first)
            t += 1
            column += np.int64(min(leap*odds[1, run], _FAR)) + 1
            if column >= end:
                break
            good = ((column >= bounds[2]) & (column < bounds[3])
                    & (column != forbidden))
            if not flat:
                p = _chance(owner, right, runs[2, run], column, runs[3, run],
                            setting, chance, code)
                good &= draw*odds[0, run] < p
            if got < found.size:
                found[np.uint64(got)] = before + column
            got += np.int64(good)
    return got


@inlined
def _chance(owner, right, row, column, line, setting, chance, code):
    # The probability of a pair
    if setting.numbered:
        lattice = setting.lattice
        return chance[line, entry(right, column, lattice.target[1],
                                  lattice.around[1], lattice.cells[1])]
    return chance[0, 0]*_profile(owner, row, column, setting, code)


@compiled
def _single(owner, key, flat, address, t):
    # The draws of the t-th candidate of a run by itself
    if flat:
        words = rng.words(key, owner, address + (t >> 1))
        a, b = (words[2], words[3]) if t & 1 else (words[0], words[1])
        return log(1.0 - rng.unit(a, b)), 0.0
    a, b, c, d = rng.words(key, owner, address + t)
    return log(1.0 - rng.unit(a, b)), rng.unit(c, d)


@compiled
def _profile(owner, row, column, setting, code):
    # The kernel of a pair whose offset no table has
    kind, a, b, _, table = code
    extent, target, source = setting.extent, setting.target, setting.source
    y = (owner//source[1] + 0.5)*(extent[0]/source[0])
    x = (owner % source[1] + 0.5)*(extent[1]/source[1])
    dy = (row + 0.5)*(extent[0]/target[0]) - y
    dx = (column + 0.5)*(extent[1]/target[1]) - x
    return profile(kind, a, b, table,
                   shortest(dy, extent[0], setting.periodic[0]),
                   shortest(dx, extent[1], setting.periodic[1]))

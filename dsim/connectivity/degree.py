"""A fixed number of partners a neuron, drawn from a kernel.

Where the offsets to the partners are the same for all neurons, or for a few
kinds of them, they are drawn from tables (`dsim.connectivity.offsets`).
Otherwise candidates are drawn evenly from the box that the kernel's cut-off
leaves, and kept with the probability that the kernel gives.  Both are exact
for any kernel and for open edges, where the kernel is cut and renormalised.
Without a kernel, all neurons are as likely.
"""

from collections.abc import Callable

import numpy as np

from dsim import rng
from dsim.compiled import compiled
from dsim.connectivity import offsets
from dsim.connectivity.base import (
    Bounds,
    Pairing,
    Room,
    Rows,
    Rule,
    size,
)
from dsim.connectivity.kernels import Uniform, profile
from dsim.connectivity.offsets import (
    BLOCKS,
    NOT_FOUND,
    accept,
    wrapped,
)
from dsim.errors import BadValue, SimulationError
from dsim.space import shortest


class _FixedDegree(Rule):
    """What the two rules with a fixed number of partners share."""

    def __init__(self, degree: int, self_connections: bool = True,
                 multiple_contacts: bool = True):
        whole = isinstance(degree, int | np.integer)
        if isinstance(degree, bool) or not whole or degree < 1:
            raise BadValue(f'{self.name}.degree', degree, 'a whole number, '
                           'at least 1: how many partners each neuron draws')
        self.number = int(degree)
        self.self_connections = bool(self_connections)
        self.multiple_contacts = bool(multiple_contacts)

    def check(self, pairing: Pairing) -> None:
        partners = size(pairing.grids(self.owner)[1])
        partners -= pairing.same and not self.self_connections
        if partners < 1:
            raise BadValue(self.name, self.number, 'drawn from at least one '
                           'neuron', 'allow self_connections')
        if not self.multiple_contacts and self.number > partners:
            raise BadValue(
                f'{self.name}.degree', self.number,
                f'<= {partners}, the neurons there are',
                'or set multiple_contacts = true')

    def rows(self, pairing: Pairing, owners: np.ndarray) -> Rows:
        return self.maker(pairing)(owners)

    def maker(self, pairing: Pairing, bounds: Bounds | None = None
              ) -> Callable[[np.ndarray], Rows]:
        return _Maker(self, pairing)

    def length(self, pairing: Pairing) -> float:
        return pairing.kernel.length()

    def degree(self, pairing: Pairing) -> float:
        return float(self.number)


class FixedIndegree(_FixedDegree):
    """Each target draws ``degree`` sources."""

    name = 'fixed_indegree'
    owner = 'target'

    def largest_indegree(self, pairing: Pairing) -> int | None:
        return self.number


class FixedOutdegree(_FixedDegree):
    """Each source draws ``degree`` targets."""

    name = 'fixed_outdegree'
    owner = 'source'


class _Maker:
    """Makes the rows of one projection."""

    def __init__(self, rule: _FixedDegree, pairing: Pairing):
        self.rule, self.pairing, self.room = rule, pairing, Room()
        self.no_self = pairing.same and not rule.self_connections
        self.key = rng.key(pairing.seed, 'partners', pairing.name)
        self.tables = offsets.tabulate(pairing, rule.owner)
        partners = size(pairing.grids(rule.owner)[1])
        self.anywhere = (isinstance(pairing.kernel, Uniform)
                         and partners < 2**32)
        self.draws = self.pointer = np.zeros(0, dtype=np.int64)

    def __call__(self, owners: np.ndarray) -> Rows:
        rule, degree = self.rule, self.rule.number
        found = self.room.array('found', owners.size*degree)
        failed = self._draw(owners, found)
        if failed >= 0:
            raise SimulationError(
                f'projection {self.pairing.name}: {rule.owner} neuron '
                f'{failed} finds no {degree} partners within its kernel '
                f'{self.pairing.kernel!r}; enlarge the kernel, lower the '
                'degree, or allow self_connections or multiple_contacts')
        # The same for all owners
        if self.draws.size < found.size:
            self.draws = np.tile(np.arange(degree, dtype=np.int64),
                                 owners.size)
            self.pointer = np.arange(owners.size + 1, dtype=np.int64)*degree
        return Rows(self.pointer[:owners.size + 1], found,
                    self.draws[:found.size])

    def _draw(self, owners: np.ndarray, found: np.ndarray) -> int:
        rule, sheet = self.rule, self.pairing.sheet
        grid, partners = self.pairing.grids(rule.owner)
        rest = (self.no_self, rule.multiple_contacts, self.key, found)
        if self.tables is not None:
            return offsets.draw(owners, rule.number, grid, partners,
                                sheet.periodic, self.tables, *rest)
        if self.anywhere:
            return _draw_anywhere(owners, rule.number, size(partners), *rest)
        return _draw(owners, rule.number, grid, partners, sheet.extent,
                     sheet.periodic, self.pairing.kernel.code(), *rest)


@compiled
def span(place: float, reach: float, pitch: float, cells: int,
         periodic: bool) -> tuple[int, int]:
    """Return (first, count): the cells within ``reach`` of ``place``.

    On a periodic axis ``first`` may be negative and the cells are meant
    modulo ``cells``, each once.
    """
    if reach >= cells*pitch:
        return 0, cells
    slack = 1e-9*cells
    first = int(np.ceil((place - reach)/pitch - 0.5 - slack))
    last = int(np.floor((place + reach)/pitch - 0.5 + slack))
    if periodic:
        return first, min(last - first + 1, cells)
    first, last = max(first, 0), min(last, cells - 1)
    return first, max(last - first + 1, 0)


@compiled
def _draw_anywhere(owners, degree, partners, no_self, multiple, key, found):
    """As `_draw`, where all partners are as likely: a word for each."""
    used = np.full(1 if multiple else partners, np.int64(-1))
    drawn = np.empty(4*BLOCKS, np.uint32)
    candidates = np.empty(4*BLOCKS, np.int64)
    for k in range(owners.size):
        forbidden = owners[k] if no_self else np.int64(-1)
        mine = found[k*degree:(k + 1)*degree]
        got, tried = 0, 0
        while got < degree:
            # As many as are missing, and some more in place of the refused
            blocks = min((degree - got + 35)//32*8, BLOCKS)
            if tried > NOT_FOUND*degree:
                return owners[k]
            rng.fill_words(drawn, key, owners[k], tried >> 2, blocks)
            tried += 4*blocks
            bad = _scale(drawn, 4*blocks, partners, candidates)
            got = accept(candidates, candidates, 4*blocks, bad, forbidden,
                         multiple, used, k, mine, got)
    return -1


@compiled
def _scale(drawn, count, partners, candidates):
    # Lemire's bounded integers, as in `_propose`; how many are drawn anew
    uneven = np.uint64(2**32 - partners) % np.uint64(partners)
    bad = 0
    for t in range(count):
        product = np.uint64(drawn[t])*np.uint64(partners)
        good = product & np.uint64(0xffffffff) >= uneven
        candidates[t] = (np.int64(product >> np.uint64(32)) if good
                         else np.int64(-1))
        bad += 0 if good else 1
    return bad


@compiled
def _draw(owners, degree, grid, partners, extent, periodic, code, no_self,
          multiple, key, found):
    """Draw the rows; return the first owner that cannot be served, or -1."""
    reach = code[3]
    height, width = extent[0]/grid[0], extent[1]/grid[1]
    pitch = extent[0]/partners[0], extent[1]/partners[1]
    used = np.zeros(1, dtype=np.int64)
    drawn = np.empty(4*BLOCKS, np.uint32)
    cells, candidates = np.empty(BLOCKS, np.int64), np.empty(BLOCKS, np.int64)

    for k in range(owners.size):
        owner = owners[k]
        row, column = divmod(owner, grid[1])
        place = (row + 0.5)*height, (column + 0.5)*width
        row0, rows = span(place[0], reach[0], pitch[0], partners[0],
                          periodic[0])
        column0, columns = span(place[1], reach[1], pitch[1], partners[1],
                                periodic[1])
        if rows*columns == 0:
            return owner
        if not multiple and used.size < rows*columns:
            used = np.full(rows*columns, np.int64(-1))

        forbidden = owner if no_self else np.int64(-1)
        mine = found[k*degree:(k + 1)*degree]
        got, tried = 0, 0
        while got < degree:
            blocks = min((degree - got + 15)//8*8, BLOCKS,
                         NOT_FOUND*degree + 1 - tried)
            if blocks <= 0:
                return owner
            rng.fill_words(drawn, key, owner, tried, blocks)
            tried += blocks
            _propose(drawn, blocks, (row0, rows, column0, columns), partners,
                     place, pitch, extent, periodic, code, cells, candidates)
            got = accept(candidates, cells, blocks, 1, forbidden, multiple,
                         used, k, mine, got)
    return -1


@compiled
def _propose(drawn, count, box, partners, place, pitch, extent, periodic,
             code, cells, candidates):
    """Write a cell of the box and a partner for each block; -1 if none."""
    kind, a, b, _, table = code
    row0, rows, column0, columns = box
    low = np.uint64(0xffffffff)
    # Lemire's bounded integers: a product whose low half falls below this
    # is drawn anew, so that no cell is more likely than another
    bad_row = np.uint64((2**32 - rows) % rows)
    bad_column = np.uint64((2**32 - columns) % columns)
    for t in range(count):
        m0 = np.uint64(drawn[4*t])*np.uint64(rows)
        m1 = np.uint64(drawn[4*t + 1])*np.uint64(columns)
        i, j = np.int64(m0 >> np.uint64(32)), np.int64(m1 >> np.uint64(32))
        cells[t] = i*columns + j
        candidates[t] = -1
        if m0 & low < bad_row or m1 & low < bad_column:
            continue
        r = wrapped(row0 + i, partners[0], True)
        c = wrapped(column0 + j, partners[1], True)
        if kind != 0:
            dy = shortest((r + 0.5)*pitch[0] - place[0], extent[0],
                          periodic[0])
            dx = shortest((c + 0.5)*pitch[1] - place[1], extent[1],
                          periodic[1])
            chance = profile(kind, a, b, table, dy, dx)
            if drawn[4*t + 2]*2.0**-32 >= chance:
                continue
        candidates[t] = r*partners[1] + c

"""Delays as steps and weights as multiples of a unit, as tables hold them.

A value that depends on distance is worked out once for each offset between
the two grids (`dsim.connectivity.lattice`) and then looked up; one that is
drawn is rounded as it is drawn, some connections at a time.
"""

from collections.abc import Callable

import numpy as np

from dsim.compiled import compiled
from dsim.connectivity import synapse_values as sv
from dsim.connectivity.base import Pairing, Room, Rows, Rule
from dsim.connectivity.lattice import Lattice, entry, lattice, offsets
from dsim.distributions import Distribution, draw_some
from dsim.errors import BadValue
from dsim.rng import BLOCKS
from dsim.space import distances

Integers = Callable[[np.ndarray, Rows], np.ndarray]
"""(owners int64[n], their rows) -> int32[k], good until the next call."""

_LARGEST = 2.0**31
_WRONG = -2**31

# Connections drawn together
_SOME = BLOCKS


def delays(value: sv.SynapseValue, pairing: Pairing, rule: Rule, dt: float,
           shortest: int, longest: int) -> Integers:
    """Return what makes delays in steps of ``dt`` ms, rounded to nearest.

    It raises `BadValue` for a delay that is more than a step below
    ``shortest`` or above ``longest``, and sets others to them.
    """
    return _Maker(value, pairing, rule, _Delays(dt, shortest, longest,
                                                pairing.name))


def weights(value: sv.SynapseValue, pairing: Pairing, rule: Rule,
            unit: float) -> Integers:
    """Return what makes weights in multiples of ``unit``, rounded.

    It raises `BadValue` for a weight that does not fit 32 bits.
    """
    return _Maker(value, pairing, rule, _Weights(unit, pairing.name))


class _Delays:
    """How delays become steps."""

    what = 'delay'

    def __init__(self, dt: float, shortest: int, longest: int, name: str):
        self.unit, self.low, self.high = dt, shortest, longest
        self.lowest, self.highest, self.half = shortest - 1, longest + 1, True
        self.name = name

    def error(self, value: float) -> BadValue:
        """Return the complaint about one value."""
        return BadValue(
            f'{self.name}: delay', value,
            f'{self.low*self.unit:g} to {self.high*self.unit:g} ms',
            'a function of distance must not exceed by far what it gives at '
            'evenly spaced distances')


class _Weights:
    """How weights become multiples of a unit."""

    what = 'weight'

    def __init__(self, unit: float, name: str):
        self.unit, self.name, self.half = unit, name, False
        self.low, self.high = -2**31 + 1, 2**31 - 1
        self.lowest, self.highest = self.low, self.high

    def error(self, value: float) -> BadValue:
        """Return the complaint about one value."""
        return BadValue(
            f'{self.name}: weight', value,
            f'a number within ±{2**31*self.unit:g}, the range of its '
            'receptor', 'a function of distance must not exceed by far what '
            'it gives at evenly spaced distances')


class _Maker:
    """Makes the integers of one projection."""

    def __init__(self, value: sv.SynapseValue, pairing: Pairing, rule: Rule,
                 kind: _Delays | _Weights):
        self.value, self.pairing, self.rule = value, pairing, rule
        self.kind, self.room = kind, Room()
        self.limits = (kind.unit, float(kind.lowest), float(kind.highest),
                       kind.low, kind.high, kind.half)
        self.key = sv.address(pairing.seed, kind.what, pairing.name)
        self.factors = (getattr(rule, 'factors', None)
                        if kind.what == 'weight' else None)
        self.by_target = rule.owner == 'target'
        self.table: np.ndarray | None = None
        self.lattice: Lattice | None = None
        if sv.needs_distance(value):
            self._tabulate()

    def __call__(self, owners: np.ndarray, rows: Rows) -> np.ndarray:
        out = self.room.array('out', rows.partners.size, np.int32)
        if self.factors is not None:
            wrong, found = self._slowly(owners, rows, out)
        elif isinstance(self.value, Distribution):
            wrong, found = _drawn(owners, rows.pointer, rows.draws,
                                  self.value.code(), self.key, self.limits,
                                  out)
        elif self.table is not None:
            wrong = _looked_up(owners, rows.pointer, rows.partners,
                               self.pairing.source, self.pairing.target,
                               self.by_target, self.lattice, self.table, out)
            found = self._one(owners, rows, wrong)
        else:
            wrong, found = self._slowly(owners, rows, out)
        if wrong >= 0:
            raise self.kind.error(float(found))
        return out

    def _tabulate(self) -> None:
        """Work the value out for each offset, as far as there are any."""
        reach = self.rule.reach(self.pairing)
        self.lattice = lattice(self.pairing, reach)
        if self.lattice is None:
            return
        dy, dx = (offsets(self.pairing, self.lattice, axis)
                  for axis in (0, 1))
        far = np.hypot(dy[:, None], dx[None, :])
        near = far <= self.rule.length(self.pairing)*(1 + 1e-9)
        none = np.zeros(0, dtype=np.int64)
        self.values = np.zeros(far.shape)
        self.values[near] = sv.values(self.value, self.key, none, none,
                                      far[near])
        self.table = np.full(far.shape, _WRONG, dtype=np.int32)
        out = np.empty(int(near.sum()), dtype=np.int32)
        _rounded_all(self.values[near], self.limits, out)
        self.table[near] = out

    def _one(self, owners: np.ndarray, rows: Rows, k: int) -> float:
        """Return the value of one connection whose integer is wrong."""
        if k < 0:
            return 0.0
        return float(self._values(owners, rows)[k])

    def _values(self, owners: np.ndarray, rows: Rows) -> np.ndarray:
        own = np.repeat(owners, np.diff(rows.pointer))
        far = np.empty(own.size if sv.needs_distance(self.value) else 0)
        if far.size:
            sources, targets = ((rows.partners, own) if self.by_target
                                else (own, rows.partners))
            sheet = self.pairing.sheet
            source, target = self.pairing.source, self.pairing.target
            distances(sources, targets, source[1], target[1],
                      sheet.pitch(source), sheet.pitch(target), sheet.extent,
                      sheet.periodic, far)
        return sv.values(self.value, self.key, own, rows.draws, far)

    def _slowly(self, owners: np.ndarray, rows: Rows, out: np.ndarray
                ) -> tuple[int, float]:
        """Round one value after the other; return the first wrong one."""
        found = self._values(owners, rows)
        if self.factors is not None:
            found = found*self.factors[rows.draws]
        wrong = _rounded_all(found, self.limits, out)
        return wrong, found[wrong] if wrong >= 0 else 0.0


@compiled
def _rounded(value, limits):
    # A delay half-way between two steps is rounded up, a weight to the even
    # one; `_WRONG` for what is out of range
    unit, lowest, highest, low, high, half = limits
    scaled = value/unit
    whole = np.floor(scaled + 0.5) if half else np.rint(scaled)
    good = (whole >= lowest) & (whole <= highest)
    whole = min(max(whole, np.float64(low)), np.float64(high))
    return np.int32(whole) if good else np.int32(_WRONG)


@compiled
def _rounded_all(values, limits, out):
    """Round values into ``out``; return the first wrong one, or -1."""
    wrong = 0
    for k in range(values.size):
        out[k] = _rounded(values[k], limits)
        wrong += out[k] == _WRONG
    return _first_wrong(out) if wrong else -1


@compiled
def _first_wrong(out):
    for k in range(out.size):
        if out[k] == _WRONG:
            return k
    return -1


@compiled
def _drawn(owners, pointer, draws, code, key, limits, out):
    """Draw and round; return (k, value) of the first wrong one, or -1."""
    identities = np.zeros(_SOME, np.int64)
    values, words = np.empty(_SOME), np.empty(4*_SOME, np.uint32)
    indices = np.zeros(_SOME, np.int64)
    owner = 0
    for begin in range(0, out.size, _SOME):
        size = min(_SOME, out.size - begin)
        k = begin
        while k < begin + size:
            while pointer[owner + 1] <= k:
                owner += 1
            end = min(pointer[owner + 1], begin + size)
            identities[k - begin:end - begin] = owners[owner]
            k = end
        indices[:size] = draws[begin:begin + size]
        draw_some(values, words, size, code, key, identities, indices)
        part = out[begin:begin + size]
        wrong = _rounded_all(values[:size], limits, part)
        if wrong >= 0:
            return begin + wrong, values[wrong]
    return -1, 0.0


@compiled
def _looked_up(owners, pointer, partners, source, target, by_target, lattice,
               table, out):
    """Look the integers up by offset; return the first wrong one, or -1."""
    columns = source[1] if by_target else target[1]
    inverse = 1.0/columns
    wrong = 0
    for k in range(owners.size):
        row, column = divmod(owners[k], target[1] if by_target else source[1])
        begin, end = pointer[k], pointer[k + 1]
        some = out[begin:end]
        wrong += _look(row, column, partners[begin:end], columns, inverse,
                       by_target, lattice, table.ravel(), some)
    return _first_wrong(out) if wrong else -1


@compiled
def _look(row, column, partners, columns, inverse, by_target, lattice, table,
          out):
    places, step, around, cells = _roles(row, column, by_target, lattice)
    found = np.empty(_SOME, np.int64)
    wrong = 0
    for begin in range(0, partners.size, _SOME):
        size = min(_SOME, partners.size - begin)
        for j in range(size):
            # Exact for ids up to 2**50, and quicker than a division
            partner = partners[np.uint64(begin + j)]
            r = np.int64((np.float64(partner) + 0.5)*inverse)
            c = partner - r*columns
            found[j] = (entry(places[0], r, step[0], around[0], cells[0])
                        * cells[1]
                        + entry(places[1], c, step[1], around[1], cells[1]))
        for j in range(size):
            out[begin + j] = table[found[j]]
        for j in range(size):
            wrong += out[np.uint64(begin + j)] == _WRONG
    return wrong


@compiled
def _roles(row, column, by_target, lattice):
    # Steps between two cells are the same from either side
    if by_target:
        own, step = lattice.target, lattice.source
    else:
        own, step = lattice.source, lattice.target
    places = (2*row + 1)*own[0], (2*column + 1)*own[1]
    return places, step, lattice.around, lattice.cells

"""Hold connections in a compressed table, by source, for one tile.

One entry is one connection into the tile: its delay and its target packed
into one number, (delay << bits) | column of the ring, so that delivery is
one addition and one mask a synaptic event.  Where all weights are equal,
they take no memory.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dsim.compiled import compiled
from dsim.connectivity import synapse_values as sv
from dsim.connectivity.base import Pairing, Rows, Rule
from dsim.errors import BadValue, SimulationError
from dsim.space import Shape, distances

_CHUNK = 1 << 16
"""Connections made at a time: what building needs beyond the table.

Few enough for the cache, which is three times as fast as a chunk of 2**19.
"""


@dataclass(frozen=True)
class Landing:
    """Where a projection's connections end on this tile.

    ``bounds`` (row0, row1, column0, column1) of the tile in the target's
    grid; ``box`` (row0, rows, column0, columns) of the sources in reach,
    modulo the source's grid; ``base`` first column of the receptor in the
    ring; ``bits`` of a ring row; ``unit`` of the receptor's weights;
    ``shortest``/``longest`` delay in steps; ``first`` neuron number of the
    source population.
    """

    bounds: tuple[int, int, int, int]
    box: tuple[int, int, int, int]
    base: int
    bits: int
    unit: float
    dt: float
    shortest: int
    longest: int
    first: int


class Stored:
    """The connections of one projection that end on one tile."""

    def __init__(self, pairing: Pairing, landing: Landing,
                 pointer: np.ndarray, entries: np.ndarray,
                 weights: np.ndarray | int):
        self.landing, self.shape = landing, pairing.source
        self.pointer, self.entries, self.weights = pointer, entries, weights

    @property
    def count(self) -> int:
        """The number of connections."""
        return self.entries.size

    @property
    def nbytes(self) -> int:
        """The memory that the table takes."""
        weights = getattr(self.weights, 'nbytes', 0)
        return self.pointer.nbytes + self.entries.nbytes + weights

    def deliver(self, ring: np.ndarray, steps: np.ndarray,
                numbers: np.ndarray) -> int:
        """Add the weights of the spikes' connections to the ring.

        ``steps``, ``numbers`` int64[k]: when and who; neurons of other
        populations are passed over.  Returns the synaptic events.
        """
        return _deliver(ring, self.landing.bits, steps, numbers,
                        self.landing.first, self.shape, self.landing.box,
                        self.pointer, self.entries, self.weights)


def build(pairing: Pairing, rule: Rule, weight: Any, delay: Any,
          ids: np.ndarray, landing: Landing) -> Stored:
    """Make the table of all connections into the neurons ``ids``.

    The rows are drawn twice, once to count and once to fill, so that
    nothing but the table itself grows with the number of connections.

    Raises
    ------
    BadValue
        If a weight does not fit the receptor's unit, or is not finite.
    """
    filler = _Filler(pairing, rule, weight, delay, ids, landing)
    filler.count()
    filler.fill()
    return filler.table()


class _Filler:
    """The two passes of `build`."""

    def __init__(self, pairing: Pairing, rule: Rule, weight: Any, delay: Any,
                 ids: np.ndarray, landing: Landing):
        self.pairing, self.rule, self.landing = pairing, rule, landing
        self.weight, self.delay = weight, delay
        self.owners = (ids if rule.owner == 'target'
                       else _ids_of(landing.box, pairing.source))
        self.rows = rule.maker(pairing)
        self.sources = landing.box[1]*landing.box[3]

        # Connections of equal delay side by side: neighbours in the ring
        kinds = landing.longest - landing.shortest + 1
        expected = ids.size*rule.degree(pairing)
        self.buckets = kinds if 8*self.sources*kinds <= expected else 1
        self.counts = np.zeros(self.sources*self.buckets + 1, dtype=np.int64)

        self.seed = pairing.seed
        self.weight_key = sv.address(self.seed, 'weight', pairing.name)
        self.delay_key = sv.address(self.seed, 'delay', pairing.name)
        factors = getattr(rule, 'factors', None)
        equal = sv.is_number(weight) and factors is None
        self.equal_weight = (self._quantised(np.array([float(weight)]))[0]
                             if equal else None)

    def count(self) -> None:
        """First pass: how many connections each source has here."""
        for owners, rows in self._chunks():
            delays = self._delays(owners, rows) if self.buckets > 1 else 0
            lost = _count(owners, *self._geometry(), rows.pointer,
                          rows.partners, delays, self.landing.shortest,
                          self.buckets, self.counts)
            if lost:
                raise SimulationError(
                    f'projection {self.pairing.name}: {lost:,} connections '
                    'come from beyond the reach that the rule '
                    f'{self.rule.name!r} declares')

    def fill(self) -> None:
        """Second pass: put each connection in its place."""
        cursor = np.cumsum(self.counts)
        total = int(cursor[-1])
        self.pointer = np.append(cursor[:-1][::self.buckets], total)
        slots = 1 << (self.landing.longest.bit_length() + self.landing.bits)
        kind = np.uint32 if slots <= 2**32 else np.uint64
        self.entries = np.empty(total, dtype=kind)
        self.weights = np.empty(0 if self.equal_weight is not None else total,
                                dtype=np.int32)
        for owners, rows in self._chunks():
            delays = self._delays(owners, rows)
            weights = self._weights(owners, rows)
            _fill(owners, *self._geometry(), rows.pointer, rows.partners,
                  delays, self.landing.shortest, self.buckets,
                  self.landing.bits, self.landing.base, weights, cursor,
                  self.entries, self.weights)

    def table(self) -> Stored:
        """Return the finished table."""
        weights = (self.weights if self.equal_weight is None
                   else int(self.equal_weight))
        return Stored(self.pairing, self.landing, self.pointer, self.entries,
                      weights)

    def _chunks(self):
        if self.sources == 0:
            return
        degree = max(self.rule.degree(self.pairing), 1.0)
        some = max(int(_CHUNK/degree), 1)
        for k in range(0, self.owners.size, some):
            owners = self.owners[k:k + some]
            yield owners, self.rows(owners)

    def _geometry(self) -> tuple[Any, ...]:
        return (self.rule.owner == 'target', self.pairing.source,
                self.pairing.target, self.landing.box, self.landing.bounds)

    def _pairs(self, owners: np.ndarray, rows: Rows) -> np.ndarray:
        return np.repeat(owners, np.diff(rows.pointer))

    def _distances(self, owners: np.ndarray, rows: Rows) -> np.ndarray:
        by_target = self.rule.owner == 'target'
        own = self._pairs(owners, rows)
        sources, targets = ((rows.partners, own) if by_target
                            else (own, rows.partners))
        sheet, out = self.pairing.sheet, np.empty(own.size)
        source, target = self.pairing.source, self.pairing.target
        distances(sources, targets, source[1], target[1],
                  sheet.pitch(source), sheet.pitch(target), sheet.extent,
                  sheet.periodic, out)
        return out

    def _values(self, value: Any, key: np.uint64, owners: np.ndarray,
                rows: Rows) -> np.ndarray:
        far = (self._distances(owners, rows) if sv.needs_distance(value)
               else np.empty(0))
        return sv.values(value, key, self._pairs(owners, rows), rows.draws,
                         far)

    def _delays(self, owners: np.ndarray, rows: Rows) -> np.ndarray | int:
        if (self.landing.shortest == self.landing.longest
                and not sv.is_sampled(self.delay)):
            return self.landing.shortest
        found = self._values(self.delay, self.delay_key, owners, rows)
        steps = np.floor(found/self.landing.dt + 0.5)

        # A function may exceed its samples by a step of rounding
        low, high = self.landing.shortest, self.landing.longest
        wrong = np.flatnonzero(~((steps >= low - 1) & (steps <= high + 1)))
        if wrong.size:
            raise BadValue(
                f'{self.pairing.name}: delay', float(found[wrong[0]]),
                f'{low*self.landing.dt:g} to {high*self.landing.dt:g} ms',
                'a function of distance must not exceed by far what it gives '
                'at evenly spaced distances')
        return np.clip(steps, low, high).astype(np.int64)

    def _weights(self, owners: np.ndarray, rows: Rows) -> np.ndarray | int:
        if self.equal_weight is not None:
            return 0
        found = self._values(self.weight, self.weight_key, owners, rows)
        factors = getattr(self.rule, 'factors', None)
        if factors is not None:
            found = found*factors[rows.draws]
        return self._quantised(found)

    def _quantised(self, weights: np.ndarray) -> np.ndarray:
        return quantised(weights, self.landing.unit, self.pairing.name)


def quantised(weights: np.ndarray, unit: float, name: str) -> np.ndarray:
    """Return weights as int32 multiples of ``unit``, rounded to nearest.

    Raises `BadValue` for a weight that does not fit 32 bits.
    """
    scaled = np.rint(weights/unit)
    wrong = ~(abs(scaled) < 2.0**31)
    if wrong.any():
        raise BadValue(
            f'{name}: weight', float(weights[wrong][0]),
            f'a number within ±{2**31*unit:g}, the range of its receptor',
            'a function of distance must not exceed by far what it gives at '
            'evenly spaced distances')
    return scaled.astype(np.int32)


def _ids_of(box: tuple[int, int, int, int], shape: Shape) -> np.ndarray:
    row0, height, column0, width = box
    rows = np.sort((row0 + np.arange(height)) % shape[0])
    columns = np.sort((column0 + np.arange(width)) % shape[1])
    return (rows[:, None]*shape[1] + columns[None, :]).ravel()


@compiled
def _row_of(source, shape, box):
    """Return the row of the table that holds a source, -1 if none does."""
    if box[1] == shape[0] and box[3] == shape[1] and box[0] + box[2] == 0:
        return source
    # Unsigned, as a division that need not round downwards is faster
    row = np.int64(np.uint64(source)//np.uint64(shape[1]))
    column = source - row*shape[1] - box[2]
    row -= box[0]
    row = row + shape[0] if row < 0 else row
    column = column + shape[1] if column < 0 else column
    if row >= box[1] or column >= box[3]:
        return np.int64(-1)
    return row*box[3] + column


@compiled
def _local_of(target, shape, bounds):
    """Return the place of a target on the tile, -1 if it is elsewhere."""
    row0, row1, column0, column1 = bounds
    row = np.int64(np.uint64(target)//np.uint64(shape[1]))
    column = target - row*shape[1]
    if row < row0 or row >= row1 or column < column0 or column >= column1:
        return np.int64(-1)
    return (row - row0)*(column1 - column0) + column - column0


@compiled
def _count(owners, by_target, source_shape, target_shape, box, bounds,
           pointer, partners, delays, shortest, buckets, counts):
    """Count connections by row and delay; return how many have no row."""
    lost = 0
    for k in range(owners.size):
        own = (np.int64(0) if by_target
               else _row_of(owners[k], source_shape, box))
        for j in range(pointer[k], pointer[k + 1]):
            row = own
            if by_target:
                row = _row_of(partners[j], source_shape, box)
            elif _local_of(partners[j], target_shape, bounds) < 0:
                continue
            if row < 0:
                lost += 1
                continue
            bucket = delays[j] - shortest if buckets > 1 else 0
            counts[row*buckets + bucket + 1] += 1
    return lost


@compiled
def _fill(owners, by_target, source_shape, target_shape, box, bounds,
          pointer, partners, delays, shortest, buckets, bits, base, weights,
          cursor, entries, table):
    for k in range(owners.size):
        own = (_local_of(owners[k], target_shape, bounds) if by_target
               else _row_of(owners[k], source_shape, box))
        for j in range(pointer[k], pointer[k + 1]):
            if by_target:
                local = own
                row = _row_of(partners[j], source_shape, box)
            else:
                local = _local_of(partners[j], target_shape, bounds)
                row = own
                if local < 0:
                    continue
            bucket = delays[j] - shortest if buckets > 1 else 0
            place = cursor[row*buckets + bucket]
            cursor[row*buckets + bucket] += 1
            entries[place] = (np.int64(delays[j]) << bits) | (base + local)
            if table.size:
                table[place] = weights[j]


@compiled
def _deliver(ring, bits, steps, numbers, first, shape, box, pointer, entries,
             weights):
    rows, columns = shape
    mask = np.uint64(ring.size - 1)
    events = 0
    for s in range(numbers.size):
        source = numbers[s] - first
        if source < 0 or source >= rows*columns:
            continue
        row, column = divmod(source, columns)
        row, column = row - box[0], column - box[2]
        row = row + rows if row < 0 else row
        column = column + columns if column < 0 else column
        if row >= box[1] or column >= box[3]:
            continue

        k = row*box[3] + column
        begin, end = pointer[k], pointer[k + 1]
        slot = np.uint64(steps[s]) << np.uint64(bits)
        for j in range(begin, end):
            ring[(slot + np.uint64(entries[j])) & mask] += weights[j]
        events += end - begin
    return events

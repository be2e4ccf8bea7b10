"""Draw a projection's connections into one tile: who, when, how strongly.

The same functions serve connections that are stored and those that are
drawn anew at each spike, so both are the same network.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dsim.compiled import compiled
from dsim.connectivity import integers
from dsim.connectivity import synapse_values as sv
from dsim.connectivity.base import Pairing, Rows, Rule
from dsim.errors import BadValue, SimulationError
from dsim.space import Shape

CHUNK = 1 << 16
"""Connections drawn at a time: what building needs beyond the table.

Few enough for the cache, which is three times as fast as a chunk of 2**19.
"""

Box = tuple[int, int, int, int]


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

    bounds: Box
    box: Box
    base: int
    bits: int
    unit: float
    dt: float
    shortest: int
    longest: int
    first: int

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and of columns of the tile."""
        row0, row1, column0, column1 = self.bounds
        return row1 - row0, column1 - column0

    @property
    def neurons(self) -> int:
        """The number of target neurons on the tile."""
        rows, columns = self.shape
        return rows*columns


class Drawn(NamedTuple):
    """Connections of some owners: ``rows``, delays in steps, weights.

    ``delays`` and ``weights`` (in units of the receptor) are int32[k], or
    one number where all are equal.  Arrays hold until the next are drawn.
    """

    owners: np.ndarray
    rows: Rows
    delays: np.ndarray | int
    weights: np.ndarray | int


class Drawing:
    """The connections of one projection that end on one tile."""

    def __init__(self, pairing: Pairing, rule: Rule, weight: Any, delay: Any,
                 landing: Landing):
        self.pairing, self.rule, self.landing = pairing, rule, landing
        self.weight, self.delay = weight, delay
        self.by_target = rule.owner == 'target'
        self._degree = rule.degree(pairing)
        self._rows = rule.maker(pairing, landing.bounds)
        self._delays = None if self._is_one_delay() else integers.delays(
            delay, pairing, rule, landing.dt, landing.shortest,
            landing.longest)
        self.equal_weight: int | None = None
        if sv.is_number(weight) and getattr(rule, 'factors', None) is None:
            self.equal_weight = int(quantised(
                np.array([float(weight)]), landing.unit, pairing.name)[0])
        else:
            self._weights = integers.weights(weight, pairing, rule,
                                             landing.unit)

    @property
    def expected(self) -> float:
        """The number of connections to be expected."""
        if self.by_target:
            return self.landing.neurons*self._degree
        pairing = self.pairing
        share = (self.landing.neurons
                 / (pairing.target[0]*pairing.target[1]))
        return pairing.source[0]*pairing.source[1]*self._degree*share

    @property
    def kinds(self) -> int:
        """The number of different delays, in steps."""
        return self.landing.longest - self.landing.shortest + 1

    def all(self, delays: bool = True, weights: bool = True
            ) -> Iterator[Drawn]:
        """Yield all connections, some owners at a time.

        Delays and weights take time; where they are not wanted they are
        the shortest, and 0.
        """
        owners = (ids_of(self._own_box(), self.pairing.target)
                  if self.by_target
                  else ids_of(self.landing.box, self.pairing.source))
        return self.of(owners, delays, weights)

    def of(self, owners: np.ndarray, delays: bool = True,
           weights: bool = True) -> Iterator[Drawn]:
        """Yield the connections of ``owners`` (ids), some at a time."""
        if self.landing.neurons == 0:
            return
        some = max(int(CHUNK/max(self._degree, 1.0)), 1)
        for k in range(0, owners.size, some):
            mine = owners[k:k + some]
            rows = self._rows(mine)
            yield Drawn(mine, rows, self._delays_of(mine, rows, delays),
                        self._weights_of(mine, rows) if weights else 0)

    def lost(self, count: int) -> SimulationError:
        """Return the error for connections from beyond the rule's reach."""
        return SimulationError(
            f'projection {self.pairing.name}: {count:,} connections come '
            f'from beyond the reach that the rule {self.rule.name!r} '
            'declares')

    def _own_box(self) -> Box:
        row0, _, column0, _ = self.landing.bounds
        rows, columns = self.landing.shape
        return row0, rows, column0, columns

    def _delays_of(self, owners: np.ndarray, rows: Rows, wanted: bool
                   ) -> np.ndarray | int:
        if self._delays is None or not wanted:
            return self.landing.shortest
        return self._delays(owners, rows)

    def _weights_of(self, owners: np.ndarray, rows: Rows
                    ) -> np.ndarray | int:
        if self.equal_weight is not None:
            return self.equal_weight
        return self._weights(owners, rows)

    def _is_one_delay(self) -> bool:
        return (self.landing.shortest == self.landing.longest
                and not sv.is_sampled(self.delay))


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


def ids_of(box: Box, shape: Shape) -> np.ndarray:
    """Return the ids of a box (row0, rows, column0, columns), ascending."""
    row0, height, column0, width = box
    rows = np.sort((row0 + np.arange(height)) % shape[0])
    columns = np.sort((column0 + np.arange(width)) % shape[1])
    return (rows[:, None]*shape[1] + columns[None, :]).ravel()


@compiled
def row_of(source, shape, box):
    """Return the place of a source in a box, -1 if it is not there."""
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
def local_of(target, shape, bounds):
    """Return the place of a target on the tile, -1 if it is elsewhere."""
    row0, row1, column0, column1 = bounds
    row = np.int64(np.uint64(target)//np.uint64(shape[1]))
    column = target - row*shape[1]
    if row < row0 or row >= row1 or column < column0 or column >= column1:
        return np.int64(-1)
    return (row - row0)*(column1 - column0) + column - column0

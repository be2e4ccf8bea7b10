"""The same few offsets for every neuron; needs no table at all."""

from typing import Any

import numpy as np

from dsim.compiled import compiled
from dsim.connectivity.base import Pairing, Rows, Rule
from dsim.connectivity.drawing import Landing, quantised
from dsim.errors import BadValue
from dsim.space import Shape


class Stencil(Rule):
    """Each neuron reaches the cells at fixed offsets on its own grid.

    ``mask`` is a table of numbers with odd sides whose middle is the source
    neuron; the weight of a connection is the projection's weight times the
    entry at its offset, and zero entries make no connection.
    """

    name = 'stencil'
    owner = 'target'
    spatial = False

    def __init__(self, mask: Any):
        try:
            table = np.array(mask, dtype=np.float64)
        except (TypeError, ValueError):
            table = np.zeros(0)
        if (table.ndim != 2 or not all(s % 2 for s in table.shape)
                or not np.isfinite(table).all() or not table.any()):
            raise BadValue('stencil.mask', mask, 'rows of numbers, an odd '
                           'number of rows and columns, not all zero')
        self.mask = table
        rows, columns = np.nonzero(table)
        self.offsets = np.stack([rows - table.shape[0]//2,
                                 columns - table.shape[1]//2], axis=1)
        self.factors = table[rows, columns]

    @classmethod
    def von_neumann(cls, radius: int = 1) -> 'Stencil':
        """All cells within ``radius`` steps along rows and columns."""
        steps = abs(np.arange(-_whole(radius), radius + 1))
        return cls(_ring(steps[:, None] + steps[None, :], radius))

    @classmethod
    def moore(cls, radius: int = 1) -> 'Stencil':
        """All cells of the square of ``radius`` around the neuron."""
        steps = abs(np.arange(-_whole(radius), radius + 1))
        return cls(_ring(np.maximum(steps[:, None], steps[None, :]), radius))

    def __repr__(self) -> str:
        return f'Stencil({len(self.offsets)} offsets)'

    def check(self, pairing: Pairing) -> None:
        if tuple(pairing.source) != tuple(pairing.target):
            raise BadValue(
                self.name, pairing.name, 'between grids of one shape',
                f'the source is {pairing.source}, the target '
                f'{pairing.target}')
        for axis in (0, 1):
            if (pairing.sheet.periodic[axis]
                    and self.mask.shape[axis] > pairing.source[axis]):
                raise BadValue(
                    'stencil.mask', self.mask.shape,
                    f'no larger than the periodic grid {pairing.source}')

    def rows(self, pairing: Pairing, owners: np.ndarray) -> Rows:
        shape, periodic = pairing.target, pairing.sheet.periodic
        row, column = np.divmod(owners, shape[1])
        row = row[:, None] - self.offsets[None, :, 0]
        column = column[:, None] - self.offsets[None, :, 1]
        inside = np.ones(row.shape, dtype=bool)
        if not periodic[0]:
            inside &= (row >= 0) & (row < shape[0])
        if not periodic[1]:
            inside &= (column >= 0) & (column < shape[1])
        partners = (row % shape[0])*shape[1] + column % shape[1]
        pointer = np.zeros(owners.size + 1, dtype=np.int64)
        np.cumsum(inside.sum(axis=1), out=pointer[1:])
        return Rows(pointer, partners[inside].astype(np.int64),
                    np.nonzero(inside)[1].astype(np.int64))

    def reach(self, pairing: Pairing) -> tuple[float, float]:
        high, wide = pairing.sheet.pitch(pairing.source)
        far = abs(self.offsets).max(axis=0)
        return float(far[0]*high), float(far[1]*wide)

    def degree(self, pairing: Pairing) -> float:
        return float(len(self.offsets))

    def largest_indegree(self, pairing: Pairing) -> int | None:
        return len(self.offsets)


class Table:
    """The connections of a plain stencil that end on one tile.

    It holds the offsets once for all neurons.
    """

    def __init__(self, pairing: Pairing, rule: Stencil, weight: float,
                 landing: Landing):
        self.landing, self.shape = landing, pairing.source
        self.periodic, self.offsets = pairing.sheet.periodic, rule.offsets
        self.weights = quantised(weight*rule.factors, landing.unit,
                                 pairing.name).astype(np.int64)
        self.count = connections(rule.offsets, pairing.source,
                                 pairing.sheet.periodic, landing.bounds)
        self.nbytes = self.offsets.nbytes + self.weights.nbytes

    def deliver(self, ring: np.ndarray, steps: np.ndarray,
                numbers: np.ndarray) -> int:
        """Add the weights at the spikes' offsets; return the events."""
        here = self.landing
        return _deliver(ring, here.bits, steps, numbers, here.first,
                        self.shape, self.periodic, here.bounds, here.base,
                        self.offsets, self.weights, here.shortest)


def _whole(radius: int) -> int:
    if (isinstance(radius, bool) or not isinstance(radius, int | np.integer)
            or radius < 1):
        raise BadValue('stencil.radius', radius, 'a whole number >= 1')
    return int(radius)


def _ring(steps: np.ndarray, radius: int) -> np.ndarray:
    return ((steps <= radius) & (steps > 0)).astype(np.float64)


def connections(offsets: np.ndarray, shape: Shape,
                periodic: tuple[bool, bool],
                bounds: tuple[int, int, int, int]) -> int:
    """Return how many connections of a stencil end on a tile.

    ``bounds`` (row0, row1, column0, column1) is the tile in the grid
    ``shape``.
    """
    count = np.ones(len(offsets), dtype=np.int64)
    for axis, first, last in ((0, *bounds[:2]), (1, *bounds[2:])):
        if periodic[axis]:
            count *= last - first
            continue
        # The sources of the tile's cells, as far as the grid has them
        begin = np.maximum(first - offsets[:, axis], 0)
        end = np.minimum(last - offsets[:, axis], shape[axis])
        count *= np.maximum(end - begin, 0)
    return int(count.sum())


@compiled
def _deliver(ring, bits, steps, numbers, first, shape, periodic, bounds,
             base, offsets, weights, delay):
    mask = (ring.size >> bits) - 1
    rows, columns = shape
    row0, row1, column0, column1 = bounds
    width = column1 - column0
    count = offsets.shape[0]

    # Offsets in the ring, for sources whose targets are all on the tile
    flat, margin = np.empty(count, np.int64), np.zeros((2, 2), np.int64)
    for k in range(count):
        flat[k] = offsets[k, 0]*width + offsets[k, 1]
        for axis in range(2):
            margin[axis, 0] = min(margin[axis, 0], offsets[k, axis])
            margin[axis, 1] = max(margin[axis, 1], offsets[k, axis])
    top, bottom = row0 - margin[0, 0], row1 - margin[0, 1]
    left, right = column0 - margin[1, 0], column1 - margin[1, 1]

    events = np.int64(0)
    for s in range(numbers.size):
        source = numbers[s] - first
        if source < 0 or source >= rows*columns:
            continue
        row = np.int64(np.uint64(source)//np.uint64(columns))
        column = source - row*columns
        slot = ((steps[s] + delay) & mask) << bits
        if top <= row < bottom and left <= column < right:
            place = slot + base + (row - row0)*width + column - column0
            for k in range(count):
                ring[np.uint64(place + flat[k])] += weights[k]
            events += count
            continue
        for k in range(count):
            r, c = row + offsets[k, 0], column + offsets[k, 1]
            if periodic[0]:
                r = r - rows if r >= rows else (r + rows if r < 0 else r)
            if periodic[1]:
                c = (c - columns if c >= columns
                     else (c + columns if c < 0 else c))
            if row0 <= r < row1 and column0 <= c < column1:
                place = slot + base + (r - row0)*width + c - column0
                ring[np.uint64(place)] += weights[k]
                events += 1
    return events

"""A list of connections that the user brings."""

from typing import Any

import numpy as np

from dsim.connectivity.base import Pairing, Rows, Rule, size
from dsim.errors import BadValue


class Edges(Rule):
    """Connection k goes from ``sources[k]`` to ``targets[k]`` (ids).

    An array given as the projection's weight or delay has one number for
    each connection, in the same order.
    """

    name = 'edges'
    spatial = False

    def __init__(self, sources: Any, targets: Any):
        self.sources = self._ids('sources', sources)
        self.targets = self._ids('targets', targets)
        if self.sources.size != self.targets.size:
            raise BadValue('edges', (self.sources.size, self.targets.size),
                           'as many sources as targets')
        # By target, and as given among those of one target
        self._order = np.argsort(self.targets, kind='stable')
        self._sorted = self.targets[self._order]

    def __repr__(self) -> str:
        return f'Edges({self.sources.size} connections)'

    def check(self, pairing: Pairing) -> None:
        for side, ids, shape in (('source', self.sources, pairing.source),
                                 ('target', self.targets, pairing.target)):
            wrong = np.flatnonzero((ids < 0) | (ids >= size(shape)))
            if wrong.size:
                k = int(wrong[0])
                raise BadValue(
                    f'edges.{side}s[{k}]', int(ids[k]),
                    f'a {side} id from 0 to {size(shape) - 1}')

    def rows(self, pairing: Pairing, owners: np.ndarray) -> Rows:
        first = np.searchsorted(self._sorted, owners, 'left')
        counts = np.searchsorted(self._sorted, owners, 'right') - first
        pointer = np.zeros(owners.size + 1, dtype=np.int64)
        np.cumsum(counts, out=pointer[1:])
        within = np.arange(pointer[-1]) - np.repeat(pointer[:-1], counts)
        draws = self._order[np.repeat(first, counts) + within]
        return Rows(pointer, self.sources[draws], draws)

    def reach(self, pairing: Pairing) -> tuple[float, float]:
        if self.sources.size == 0:
            return 0.0, 0.0
        sheet = pairing.sheet
        source = sheet.positions(pairing.source, self.sources)
        target = sheet.positions(pairing.target, self.targets)
        reach = []
        for axis in (0, 1):
            far = abs(source[axis] - target[axis])
            if sheet.periodic[axis]:
                far = np.minimum(far, sheet.extent[axis] - far)
            reach.append(float(far.max()))
        return reach[0], reach[1]

    def degree(self, pairing: Pairing) -> float:
        return self.targets.size/size(pairing.target)

    def largest_indegree(self, pairing: Pairing) -> int | None:
        return int(np.bincount(self.targets).max(initial=0))

    @staticmethod
    def _ids(name: str, ids: Any) -> np.ndarray:
        array = np.asarray(ids)
        if array.ndim != 1 or (array.size and array.dtype.kind not in 'iu'):
            raise BadValue(f'edges.{name}', ids, 'a list of whole numbers')
        # It would be negative as a signed number
        if array.dtype.kind == 'u' and array.size and array.max() >= 2**63:
            k = int(array.argmax())
            raise BadValue(f'edges.{name}[{k}]', int(array[k]), 'an id')
        return array.astype(np.int64)

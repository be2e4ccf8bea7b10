"""Rule: the row of one neuron (its partners) as a pure function of its id.

A rule draws for one side of each connection, its *owner* (the target for a
fixed in-degree, the source for a fixed out-degree).  An owner's row depends
on the seed, the projection's name and the owner's id only, so any rank can
make it, and two ranks that make it get the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from dsim.connectivity.kernels import Kernel, Uniform
from dsim.space import Shape, Sheet


@dataclass(frozen=True)
class Pairing:
    """The two grids that a projection joins, and where its draws come from.

    ``name`` addresses the draws; ``same`` tells whether source and target
    are one population (so that a neuron could connect to itself).
    """

    name: str
    seed: int
    sheet: Sheet
    source: Shape
    target: Shape
    same: bool
    kernel: Kernel

    def grids(self, owner: str) -> tuple[Shape, Shape]:
        """Return the grids of the owners and of their partners."""
        if owner == 'target':
            return self.target, self.source
        return self.source, self.target


Bounds = tuple[int, int, int, int]
"""(row0, row1, column0, column1) of a tile in a population's grid."""


class Rows(NamedTuple):
    """The rows of some owners, one after the other.

    ``pointer`` int64[owners + 1] bounds each row; ``partners`` int64[k] are
    ids; ``draws`` int64[k] number the connections of one owner without
    repetition, to address the draws of weights and delays.
    """

    pointer: np.ndarray
    partners: np.ndarray
    draws: np.ndarray


class Room:
    """Arrays that are used again: to get fresh memory takes longer."""

    def __init__(self) -> None:
        self._arrays: dict[str, np.ndarray] = {}

    def array(self, name: str, size: int, kind: Any = np.int64) -> np.ndarray:
        """Return an array of some length, with any content."""
        found = self._arrays.get(name)
        if found is None or found.size < size:
            found = self._arrays[name] = np.empty(size + size//8, kind)
        return found[:size]


class Rule:
    """Base of all connection rules."""

    name = ''
    owner = 'target'
    spatial = True
    """Whether the rule obeys a kernel."""

    def check(self, pairing: Pairing) -> None:
        """Raise a `DsimError` where the rule cannot join these grids."""

    def rows(self, pairing: Pairing, owners: np.ndarray) -> Rows:
        """Return the rows of ``owners`` (int64[n], global ids)."""
        raise TypeError(f'{type(self).__name__} declares no rows')

    def maker(self, pairing: Pairing, bounds: Bounds | None = None
              ) -> Callable[[np.ndarray], Rows]:
        """Return `rows` for one pairing, with what it needs made once.

        Where ``bounds`` of a tile in the target's grid are given, a rule
        whose owners are sources may leave out partners beyond, to save
        work; what it leaves depends on nothing else.  The rows that the
        function returns hold until its next call.
        """
        return partial(self.rows, pairing)

    def reach(self, pairing: Pairing) -> tuple[float, float]:
        """Return how far a connection can go, per axis in mm."""
        return pairing.kernel.reach()

    def length(self, pairing: Pairing) -> float:
        """Return a bound in mm on the length of a connection."""
        return float(np.hypot(*self.reach(pairing)))

    def degree(self, pairing: Pairing) -> float:
        """Return the expected number of partners of one owner."""
        raise TypeError(f'{type(self).__name__} declares no degree')

    def largest_indegree(self, pairing: Pairing) -> int | None:
        """Return a bound on a target's in-degree; None if there is none."""
        return None

    def __repr__(self) -> str:
        values = ', '.join(f'{k}={v!r}' for k, v in vars(self).items())
        return f'{type(self).__name__}({values})'


def size(shape: Shape) -> int:
    """Return the number of neurons of a grid."""
    return int(shape[0])*int(shape[1])


def mean_profile(pairing: Pairing, owner: str) -> float:
    """Return the sum of the kernel over all partners of a central owner."""
    grid, partners = pairing.grids(owner)
    if isinstance(pairing.kernel, Uniform):
        return float(size(partners))

    y, x = ((np.array(shape) // 2 + 0.5)*length for shape, length
            in zip(grid, pairing.sheet.pitch(grid), strict=True))
    height, width = pairing.sheet.pitch(partners)
    dy = (np.arange(partners[0]) + 0.5)*height - y
    dx = (np.arange(partners[1]) + 0.5)*width - x
    for offsets, k in (dy, 0), (dx, 1):
        if pairing.sheet.periodic[k]:
            length = pairing.sheet.extent[k]
            offsets -= length*np.round(offsets/length)
    return _sum_profile(pairing, dy, dx)


def _sum_profile(pairing: Pairing, dy: np.ndarray, dx: np.ndarray) -> float:
    reach = pairing.kernel.reach()
    dy, dx = dy[abs(dy) <= reach[0]*1.001], dx[abs(dx) <= reach[1]*1.001]
    if pairing.kernel.name == 'box':
        return float(dy.size*dx.size)
    return float(pairing.kernel(np.hypot(dy[:, None], dx[None, :])).sum())

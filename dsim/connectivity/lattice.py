"""Distances between the cells of two regular grids, by whole numbers.

Along an axis with n source cells and m target cells, the middles of two
cells are a whole number of steps apart, each the axis' length divided by
twice the least common multiple of n and m.  So a function of distance needs
to be known for a few pairs of steps only, and all neurons look it up there.
"""

import math
from typing import NamedTuple

import numpy as np

from dsim.compiled import inlined
from dsim.connectivity.base import Pairing

MOST_ENTRIES = 1 << 20
"""Larger tables would not stay in the cache, and take long to make."""


class Lattice(NamedTuple):
    """How the offsets between two grids are numbered, per axis.

    A source cell s and a target cell t are |(2t + 1) ``target`` - (2s + 1)
    ``source``| steps apart, on a joined axis the shorter way round its
    ``around`` steps (0 if open).  All are odd or all are even, so that half
    of them, rounded down, is the place in a table of ``cells`` entries.
    """

    source: tuple[int, int]
    target: tuple[int, int]
    around: tuple[int, int]
    cells: tuple[int, int]


def lattice(pairing: Pairing, reach: tuple[float, float]) -> Lattice | None:
    """Return the numbers of all offsets within ``reach`` (mm per axis).

    None where they would be more than `MOST_ENTRIES`.
    """
    source, target, around, cells = [], [], [], []
    for axis in (0, 1):
        n, m = int(pairing.source[axis]), int(pairing.target[axis])
        common = math.gcd(n, m)
        whole = 2*n*(m//common)
        source.append(m//common)
        target.append(n//common)
        around.append(whole if pairing.sheet.periodic[axis] else 0)
        longest = whole//2 if pairing.sheet.periodic[axis] else whole
        # One more, lest rounding errors matter
        steps = min(reach[axis]/pairing.sheet.extent[axis]*whole + 2, longest)
        cells.append(int(steps)//2 + 1)
    if cells[0]*cells[1] > MOST_ENTRIES:
        return None
    return Lattice((source[0], source[1]), (target[0], target[1]),
                   (around[0], around[1]), (cells[0], cells[1]))


def offsets(pairing: Pairing, lattice: Lattice, axis: int) -> np.ndarray:
    """Return the distance in mm along one axis of each entry."""
    n, m = pairing.source[axis], lattice.source[axis]
    odd = (lattice.source[axis] + lattice.target[axis]) % 2
    steps = 2*np.arange(lattice.cells[axis]) + odd
    return steps*(pairing.sheet.extent[axis]/(2*n*m))


@inlined
def entry(place: int, target: int, step: int, around: int, cells: int) -> int:
    """Return the entry of a target cell along one axis, the last if beyond.

    ``place`` is the source's, (2s + 1) ``source``; the others are the
    lattice's numbers for the axis.
    """
    steps = abs((2*target + 1)*step - place)
    back = abs(around - steps)
    steps = back if (around > 0) & (back < steps) else steps
    return min(steps >> 1, cells - 1)

"""Positions on a grid and distances between them, open or periodic.

All pairs are in the order (rows, columns): extents (height, width), offsets
(dy, dx).  A neuron sits in the middle of its cell of the grid.
"""

from dataclasses import dataclass

import numpy as np

from dsim.compiled import compiled
from dsim.errors import BadValue

Shape = tuple[int, int]


@dataclass(frozen=True)
class Sheet:
    """The piece of tissue that all populations share.

    ``extent`` is (height, width) in mm; ``periodic`` tells for the rows'
    and the columns' axis whether its two ends are joined.
    """

    extent: tuple[float, float] = (1.0, 1.0)
    periodic: tuple[bool, bool] = (False, False)

    def __post_init__(self) -> None:
        # Squares of lengths must be numbers, too
        if len(self.extent) != 2 or not all(
                isinstance(e, int | float) and 1e-100 < e < 1e100
                for e in self.extent):
            raise BadValue('extent', self.extent,
                           'two positive lengths (height, width) in mm')

    def pitch(self, shape: Shape) -> tuple[float, float]:
        """Distance between neighbouring rows and columns in mm."""
        return self.extent[0]/shape[0], self.extent[1]/shape[1]

    def positions(self, shape: Shape, ids: np.ndarray) -> tuple[
            np.ndarray, np.ndarray]:
        """Return (y, x) in mm of the neurons ``ids`` of a population."""
        rows, columns = np.divmod(ids, shape[1])
        height, width = self.pitch(shape)
        return (rows + 0.5)*height, (columns + 0.5)*width

    def longest(self) -> float:
        """Return the largest distance that two neurons can have, in mm."""
        height, width = (
            length/2 if joined else length for length, joined
            in zip(self.extent, self.periodic, strict=True))
        return float(np.hypot(height, width))


@compiled
def shortest(offset: float, length: float, periodic: bool) -> float:
    """Return ``offset`` along one axis, the short way round if joined."""
    if periodic:
        if offset > 0.5*length:
            offset -= length
        elif offset < -0.5*length:
            offset += length
    return offset


@compiled
def _split(neuron, columns):
    # Unsigned, as a division that need not round downwards is faster
    row = np.int64(np.uint64(neuron)//np.uint64(columns))
    return row, neuron - row*columns


@compiled
def distances(
    sources: np.ndarray,
    targets: np.ndarray,
    source_columns: int,
    target_columns: int,
    source_pitch: tuple[float, float],
    target_pitch: tuple[float, float],
    extent: tuple[float, float],
    periodic: tuple[bool, bool],
    out: np.ndarray,
) -> None:
    """Write the distance in mm of each pair (source id, target id)."""
    for k in range(sources.size):
        row, column = _split(sources[k], source_columns)
        y = (row + 0.5)*source_pitch[0]
        x = (column + 0.5)*source_pitch[1]
        row, column = _split(targets[k], target_columns)
        dy = shortest((row + 0.5)*target_pitch[0] - y, extent[0], periodic[0])
        dx = shortest((column + 0.5)*target_pitch[1] - x, extent[1],
                      periodic[1])
        out[k] = np.sqrt(dy*dy + dx*dx)

"""A picture over the sheet, as a current into each neuron."""

from typing import Any

import numpy as np

from dsim.errors import BadValue
from dsim.stimuli.base import Drive, Site
from dsim.stimuli.current import Constant, Timed
from dsim.values import Place, is_number


class ImageCurrent(Timed):
    """Current low + (high - low) x pixel, pixels in [0, 1].

    ``pixels`` (rows x columns) lie over the whole sheet, first row at the
    top; each neuron takes the mean of the pixels over its cell.
    """

    name = 'image'

    def __init__(self, pixels: Any, low: float = 0.0, high: float = 1.0,
                 start: float = 0.0, stop: float = np.inf):
        super().__init__(start, stop)
        try:
            self.pixels = np.array(pixels, dtype=np.float64)
        except (TypeError, ValueError):
            raise BadValue('image.pixels', pixels,
                           'rows x columns of numbers') from None
        if self.pixels.ndim != 2 or self.pixels.size == 0 or not (
                np.isfinite(self.pixels).all()):
            raise BadValue('image.pixels', f'shape {self.pixels.shape}',
                           'rows x columns of finite numbers')
        for name, value in ('low', low), ('high', high):
            if not is_number(value) or not np.isfinite(value):
                raise BadValue(f'image.{name}', value, 'a finite number')
        self.low, self.high = float(low), float(high)

    def __repr__(self) -> str:
        return f'ImageCurrent({self.pixels.shape} pixels)'

    def check(self, receptors: Any, place: Place) -> None:
        super().check(receptors, place)
        wrong = np.argwhere((self.pixels < 0) | (self.pixels > 1))
        if wrong.size:
            row, column = wrong[0]
            raise BadValue(f'image.pixels[{row}][{column}]',
                           float(self.pixels[row, column]), 'from 0 to 1')

    def bind(self, site: Site) -> Drive:
        over = shares(site.place.shape[0], self.pixels.shape[0])
        across = shares(site.place.shape[1], self.pixels.shape[1])
        rows, columns = np.divmod(site.place.ids, site.place.shape[1])
        # Row by row, so that a neuron's sum has the same order on any tile
        grid = _weighted(_weighted(self.pixels, over).T, across).T
        level = grid[rows, columns]
        return Constant(*self.steps(site.dt),
                         self.low + (self.high - self.low)*level)


def shares(cells: int, pixels: int) -> np.ndarray:
    """Return float64[cells, pixels]: each pixel's share in each cell."""
    edges = np.arange(cells + 1)*(pixels/cells)
    first, last = edges[:-1, None], edges[1:, None]
    k = np.arange(pixels)[None, :]
    overlap = np.minimum(last, k + 1) - np.maximum(first, k)
    return np.clip(overlap, 0, None)*(cells/pixels)


def _weighted(pixels: np.ndarray, share: np.ndarray) -> np.ndarray:
    # Not a matrix product: a library may choose its order of summation by
    # the shape or the number of threads
    out = np.zeros((share.shape[0], pixels.shape[1]))
    for k in range(pixels.shape[0]):
        out += share[:, k:k + 1]*pixels[k]
    return out

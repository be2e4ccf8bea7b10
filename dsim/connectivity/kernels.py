"""Spatial kernels: how likely a connection is at a given distance.

A kernel is a profile with largest value 1.  Rules that draw a fixed number
of partners use it as a relative probability, `PairwiseBernoulli` multiplies
it by its probability.  Beyond the cut-off it is zero.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dsim.compiled import compiled
from dsim.elementary import exp
from dsim.errors import BadValue

POINTS_OF_TABLE = 4096
"""A kernel given as a function is read off a table of so many points."""


class KernelCode(NamedTuple):
    """A kernel as numbers for compiled code; reaches in mm per axis."""

    kind: int
    a: float
    b: float
    reach: tuple[float, float]
    table: np.ndarray


class Kernel:
    """Base of all kernels; ``a`` and ``b`` are the numbers of `profile`."""

    name = ''
    kind = 0

    def numbers(self) -> tuple[float, float]:
        """Return the two numbers that `profile` takes."""
        raise TypeError(f'{type(self).__name__} declares no numbers')

    def reach(self) -> tuple[float, float]:
        """Return (rows, columns): the largest |dy| and |dx| in mm."""
        raise TypeError(f'{type(self).__name__} declares no reach')

    def length(self) -> float:
        """Return the largest distance in mm: the cut-off of a round one."""
        return max(self.reach())

    def code(self) -> KernelCode:
        """Return the kernel as numbers for compiled code."""
        return KernelCode(self.kind, *self.numbers(), self.reach(),
                          self.table())

    def table(self) -> np.ndarray:
        """Return the table of a kernel given as a function, else empty."""
        return np.zeros(2)

    def __call__(self, distance: np.ndarray) -> np.ndarray:
        """Return the profile at ``distance`` (mm) along a row."""
        flat = np.ascontiguousarray(distance, dtype=np.float64)
        return _profiles(*self.code(), flat.ravel()).reshape(flat.shape)

    def __repr__(self) -> str:
        values = ', '.join(f'{k}={v!r}' for k, v in vars(self).items())
        return f'{type(self).__name__}({values})'

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


def _length(owner: Kernel, name: str, value: Any, zero: bool = False) -> float:
    kind = int | float | np.integer | np.floating
    number = isinstance(value, kind) and not isinstance(value, bool)
    # Squares of lengths must be numbers, too
    if not number or not (1e-100 < value < 1e100 or (zero and value == 0)):
        raise BadValue(f'{owner.name}.{name}', value,
                       f'a length {">="if zero else ">"} 0 in mm')
    return float(value)


class Gaussian(Kernel):
    """exp(-d²/(2 sigma²)) up to ``cutoff`` (default 3 sigma), in mm."""

    name = 'gaussian'
    kind = 1

    def __init__(self, sigma: float, cutoff: float | None = None):
        self.sigma = _length(self, 'sigma', sigma)
        self.cutoff = (3*self.sigma if cutoff is None
                       else _length(self, 'cutoff', cutoff))

    def numbers(self) -> tuple[float, float]:
        return -0.5/self.sigma**2, self.cutoff**2

    def reach(self) -> tuple[float, float]:
        return self.cutoff, self.cutoff


class Exponential(Kernel):
    """exp(-d/scale) up to ``cutoff`` (default 5 scales), in mm."""

    name = 'exponential'
    kind = 2

    def __init__(self, scale: float, cutoff: float | None = None):
        self.scale = _length(self, 'scale', scale)
        self.cutoff = (5*self.scale if cutoff is None
                       else _length(self, 'cutoff', cutoff))

    def numbers(self) -> tuple[float, float]:
        return -1/self.scale, self.cutoff**2

    def reach(self) -> tuple[float, float]:
        return self.cutoff, self.cutoff


class Ring(Kernel):
    """1 where inner <= d <= outer, in mm."""

    name = 'ring'
    kind = 3

    def __init__(self, inner: float, outer: float):
        self.inner = _length(self, 'inner', inner, zero=True)
        self.outer = _length(self, 'outer', outer)
        if self.inner > self.outer:
            raise BadValue('ring.inner', inner, f'<= outer = {outer}')

    def numbers(self) -> tuple[float, float]:
        return self.inner**2, self.outer**2

    def reach(self) -> tuple[float, float]:
        return self.outer, self.outer


class Disc(Kernel):
    """1 where d <= radius, in mm."""

    name = 'disc'
    kind = 3

    def __init__(self, radius: float):
        self.radius = _length(self, 'radius', radius)

    def numbers(self) -> tuple[float, float]:
        return 0.0, self.radius**2

    def reach(self) -> tuple[float, float]:
        return self.radius, self.radius


class Box(Kernel):
    """1 where |dy| <= height/2 and |dx| <= width/2, in mm."""

    name = 'box'
    kind = 4

    def __init__(self, height: float, width: float):
        self.height = _length(self, 'height', height)
        self.width = _length(self, 'width', width)

    def numbers(self) -> tuple[float, float]:
        return self.height/2, self.width/2

    def reach(self) -> tuple[float, float]:
        return self.height/2, self.width/2

    def length(self) -> float:
        return math.hypot(self.height/2, self.width/2)


class Uniform(Kernel):
    """1 everywhere: no cut-off and no dependence on distance."""

    name = 'uniform'
    kind = 0

    def numbers(self) -> tuple[float, float]:
        return 0.0, 0.0

    def reach(self) -> tuple[float, float]:
        return math.inf, math.inf


class Profile(Kernel):
    """Any function of distance (mm), up to ``cutoff`` (mm).

    The function takes and returns an array.  It is read once, at
    `POINTS_OF_TABLE` distances from 0 to the cut-off, scaled to a largest
    value of 1, and interpolated linearly between them.
    """

    name = 'profile'
    kind = 5

    def __init__(self, function: Callable[[np.ndarray], np.ndarray],
                 cutoff: float):
        self.function = function
        self.cutoff = _length(self, 'cutoff', cutoff)
        points = np.linspace(0, self.cutoff, POINTS_OF_TABLE)
        values = np.empty(POINTS_OF_TABLE)
        try:
            values[:] = function(points)
        except BadValue:
            raise
        except Exception as error:
            raise BadValue(
                'profile.function', function, 'a function of an array of '
                'distances in mm',
                f'it raised {type(error).__name__}: {error}') from error
        wrong = np.flatnonzero(~((values >= 0) & (values < np.inf)))
        if wrong.size or not values.any():
            k = wrong[0] if wrong.size else 0
            raise BadValue('profile.function', function, 'finite, nowhere '
                           'negative and somewhere positive up to the cutoff',
                           f'at {points[k]:g} mm it is {values[k]:g}')
        self._values = values/values.max()

    def numbers(self) -> tuple[float, float]:
        return (POINTS_OF_TABLE - 1)/self.cutoff, self.cutoff**2

    def reach(self) -> tuple[float, float]:
        return self.cutoff, self.cutoff

    def table(self) -> np.ndarray:
        return self._values

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, Profile) and self.cutoff == other.cutoff
                and np.array_equal(self._values, other._values))

    __hash__ = None  # type: ignore[assignment]


@compiled
def profile(kind: int, a: float, b: float, table: np.ndarray,
            dy: float, dx: float) -> float:
    """Return the profile of a `KernelCode` at the offset (dy, dx) in mm."""
    # Positions are multiples of the pitch with rounding errors; a cell on
    # the very border of a kernel belongs to it
    slack = 1 + 1e-9
    if kind == 0:
        return 1.0
    if kind == 4:
        inside = abs(dy) <= a*slack and abs(dx) <= b*slack
        return 1.0 if inside else 0.0

    square = dy*dy + dx*dx
    if square > b*slack:
        return 0.0
    if kind == 1:
        return exp(a*square)
    if kind == 2:
        return exp(a*np.sqrt(square))
    if kind == 3:
        return 1.0 if square*slack >= a else 0.0

    place = min(a*np.sqrt(square), table.size - 1.0)
    k = min(int(place), table.size - 2)
    return table[k] + (place - k)*(table[k + 1] - table[k])


@compiled
def _profiles(kind: int, a: float, b: float, reach: tuple[float, float],
              table: np.ndarray, distance: np.ndarray) -> np.ndarray:
    out = np.empty(distance.size)
    for k in range(distance.size):
        out[k] = profile(kind, a, b, table, 0.0, distance[k])
    return out

"""Weights and delays: equal, drawn, by distance, or given one by one."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dsim import distributions, rng
from dsim.connectivity.kernels import Kernel
from dsim.distributions import Distribution
from dsim.errors import BadValue
from dsim.values import is_number as is_number


class Distance:
    """A delay that grows with distance: minimum + d/speed.

    ``speed`` in mm/ms, ``minimum`` in ms.
    """

    def __init__(self, speed: float, minimum: float = 0.0):
        if not is_number(speed) or not speed > 0:
            raise BadValue('delay.speed', speed, 'a speed > 0 in mm/ms')
        if not is_number(minimum) or not 0 <= minimum < np.inf:
            raise BadValue('delay.minimum', minimum, 'a time >= 0 in ms')
        self.speed, self.minimum = float(speed), float(minimum)

    def __repr__(self) -> str:
        return f'Distance(speed={self.speed!r}, minimum={self.minimum!r})'

    def __call__(self, distance: np.ndarray) -> np.ndarray:
        return self.minimum + distance/self.speed


class Falloff:
    """A weight that falls with distance: amplitude x kernel(d)."""

    def __init__(self, amplitude: float, kernel: Kernel):
        if not is_number(amplitude) or not np.isfinite(amplitude):
            raise BadValue('weight.amplitude', amplitude, 'a finite number')
        if not isinstance(kernel, Kernel):
            raise BadValue('weight.kernel', kernel,
                           'a kernel such as dsim.Gaussian(sigma=0.1)')
        self.amplitude, self.kernel = float(amplitude), kernel

    def __repr__(self) -> str:
        return (f'Falloff(amplitude={self.amplitude!r}, '
                f'kernel={self.kernel!r})')

    def __call__(self, distance: np.ndarray) -> np.ndarray:
        return self.amplitude*self.kernel(distance)


SynapseValue = Any
"""A number, a `Distribution`, a function of distance in mm (`Distance`,
`Falloff` or one's own, arrays in and out), or, for `Edges`, an array."""

_POINTS = 2049
_FUNCTION = 'a function of distance'


def check(value: SynapseValue, what: str, count: int | None) -> None:
    """Raise `BadValue` unless ``value`` can be a weight or a delay.

    ``count`` is the number of connections of an explicit list, else None.
    """
    if is_number(value):
        if not np.isfinite(value):
            raise BadValue(what, value, 'a finite number')
    elif isinstance(value, np.ndarray | list | tuple):
        array = np.asarray(value)
        if count is None:
            raise BadValue(what, value, 'a number, a distribution or a '
                           'function of distance',
                           'arrays go with the rule edges only')
        if array.dtype.kind not in 'iuf' or array.shape != (count,):
            raise BadValue(what, value, f'{count} numbers, one for each '
                           'connection')
        if not np.isfinite(array).all():
            k = int(np.flatnonzero(~np.isfinite(array))[0])
            raise BadValue(f'{what}[{k}]', float(array[k]),
                           'a finite number')
    elif not isinstance(value, Distribution) and not callable(value):
        raise BadValue(what, value, 'a number, a distribution, a function '
                       'of distance, or an array with the rule edges')


def bounds(value: SynapseValue, longest: float) -> tuple[float, float]:
    """Return (low, high) of all values at distances up to ``longest`` mm."""
    if is_number(value):
        return float(value), float(value)
    if isinstance(value, Distribution):
        return value.bounds()
    if isinstance(value, Distance):
        return value.minimum, value.minimum + longest/value.speed
    if isinstance(value, Falloff):
        return min(0.0, value.amplitude), max(0.0, value.amplitude)
    if callable(value):
        return _bounds_of(value, longest)
    array = np.asarray(value, dtype=np.float64)
    return (float(array.min()), float(array.max())) if array.size else (0., 0.)


def values(value: SynapseValue, key: np.uint64, owners: np.ndarray,
           draws: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Return float64[k]: the value of each connection.

    Draws are addressed by (key, owner id, number of the connection among
    its owner's), so they do not depend on who makes them.
    """
    if is_number(value):
        return np.full(owners.size, float(value))
    if isinstance(value, Distribution):
        out = np.empty(owners.size)
        distributions.fill_pairs(out, value.code(), key, owners, draws)
        return out
    if callable(value):
        return _called(value, distance)
    return np.asarray(value, dtype=np.float64)[draws]


def is_sampled(value: SynapseValue) -> bool:
    """Tell whether `bounds` knows ``value`` at some distances only."""
    return needs_distance(value) and not isinstance(value, Distance | Falloff)


def needs_distance(value: SynapseValue) -> bool:
    """Tell whether ``value`` is a function of distance."""
    return callable(value) and not isinstance(value, Distribution)


def _called(function: Callable[[np.ndarray], Any],
            distance: np.ndarray) -> np.ndarray:
    try:
        # A copy, as a user's function may write to its argument
        array = np.asarray(function(distance.copy()))
    except BadValue:
        raise
    except Exception as error:
        raise BadValue(
            _FUNCTION, function, 'a function of an array of distances in mm',
            f'it raised {type(error).__name__}: {error}') from error
    if array.dtype.kind not in 'biuf' or array.shape not in (
            (), distance.shape):
        raise BadValue(_FUNCTION, function, 'a function that gives one '
                       'number for each distance')
    return np.array(np.broadcast_to(array, distance.shape), np.float64)


def _bounds_of(function: Callable[[np.ndarray], Any], longest: float
               ) -> tuple[float, float]:
    points = np.linspace(0, longest, _POINTS)
    found = _called(function, points)
    wrong = np.flatnonzero(~np.isfinite(found))
    if wrong.size:
        raise BadValue(_FUNCTION, function, f'finite from 0 to {longest:g} '
                       f'mm', f'at {points[wrong[0]]:g} mm it is '
                       f'{found[wrong[0]]}')

    # Another rank asks it for other connections at once
    alone = [_called(function, points[k:k + 1])[0] for k in (0, -2)]
    if not np.allclose(alone, found[[0, -2]], 1e-9, 1e-300):
        raise BadValue(_FUNCTION, function, 'a function that gives each '
                       'distance its value whichever others it is asked for',
                       'no random numbers, no mean over the array')
    return float(found.min()), float(found.max())


def address(seed: int, what: str, projection: str) -> np.uint64:
    """Return the key of the draws of a projection's weights or delays."""
    return rng.key(seed, what, projection)

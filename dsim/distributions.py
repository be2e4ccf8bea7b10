"""Distributions that a parameter, a weight or a delay may be drawn from."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dsim.compiled import compiled
from dsim.elementary import exp, log
from dsim.errors import BadValue
from dsim.rng import (
    BLOCKS,
    LARGEST_NORMAL,
    deviate,
    fill_words_for,
    normal,
    uniform,
    unit,
)

Code = tuple[int, float, float, float, float]
"""(kind, a, b, low, high): what compiled code needs to know to draw."""

CONSTANT, UNIFORM, NORMAL, LOGNORMAL, EXPONENTIAL = range(5)


class Distribution:
    """What all distributions share.

    A draw outside of ``low`` and ``high`` is set to the one it passed: the
    limit then stands for all that lies beyond, nothing is drawn again.
    """

    name: ClassVar[str]
    kind: ClassVar[int]
    low: float
    high: float

    def __post_init__(self) -> None:
        for key, value in vars(self).items():
            self._check(key, value)
        if self.low > self.high:
            raise BadValue(f'{self.name}.low', self.low,
                           f'<= high, which is {self.high:g}')

        low, high = self._range()
        if not all(map(math.isfinite, (high - low, *self.bounds()))):
            raise BadValue(self.name, self, 'a distribution of finite values',
                           'these spread too far')

    def bounds(self) -> tuple[float, float]:
        """Return (low, high), which no draw exceeds."""
        low, high = (min(max(value, float(self.low)), float(self.high))
                     for value in self._range())
        return low, high

    def code(self) -> Code:
        """Return the numbers that `draw` and `fill` take.

        The limits among them are the bounds, so that no rounding can lead
        a draw outside.
        """
        return self.kind, *self._numbers(), *self.bounds()

    def _check(self, key: str, value: object) -> None:
        where = f'{self.name}.{key}'
        number = int | float | np.integer | np.floating
        if not isinstance(value, number) or isinstance(value, bool):
            raise BadValue(where, value, 'a number')
        limits = key in ('low', 'high') and self.kind != UNIFORM
        if math.isnan(value) or math.isinf(value) and not limits:
            raise BadValue(where, value, 'a finite number')
        if key in ('std', 'sigma') and value < 0:
            raise BadValue(where, value, '>= 0')

    def _numbers(self) -> tuple[float, float]:
        # a and b of the code
        raise NotImplementedError

    def _range(self) -> tuple[float, float]:
        # The smallest and the largest draw where nothing is cut off
        raise NotImplementedError


@dataclass(frozen=True)
class Uniform(Distribution):
    """Each value between ``low`` and ``high`` is as likely."""

    low: float
    high: float
    name = 'uniform'
    kind = UNIFORM

    def _numbers(self) -> tuple[float, float]:
        return float(self.low), float(self.high)

    def _range(self) -> tuple[float, float]:
        return self._numbers()


@dataclass(frozen=True)
class Normal(Distribution):
    """Gaussian, with ``mean`` and ``std``, the standard deviation.

    No draw is more than `dsim.rng.LARGEST_NORMAL` = 6.338 ``std`` away from
    the mean.
    """

    mean: float
    std: float
    low: float = -math.inf
    high: float = math.inf
    name = 'normal'
    kind = NORMAL

    def _numbers(self) -> tuple[float, float]:
        return float(self.mean), float(self.std)

    def _range(self) -> tuple[float, float]:
        mean, std = self._numbers()
        return mean - std*LARGEST_NORMAL, mean + std*LARGEST_NORMAL


@dataclass(frozen=True)
class LogNormal(Distribution):
    """The logarithm is Gaussian with mean ``mu`` and std ``sigma``.

    So exp(mu) is the median, exp(mu + sigma²/2) the mean.
    """

    mu: float
    sigma: float
    low: float = -math.inf
    high: float = math.inf
    name = 'lognormal'
    kind = LOGNORMAL

    def _numbers(self) -> tuple[float, float]:
        return float(self.mu), float(self.sigma)

    def _range(self) -> tuple[float, float]:
        mu, sigma = self._numbers()
        return (exp(mu - sigma*LARGEST_NORMAL),
                exp(mu + sigma*LARGEST_NORMAL))


@dataclass(frozen=True)
class Exponential(Distribution):
    """Times between events that have no memory, ``mean`` on average.

    A negative mean gives negative values.  No draw is more than 36.74 times
    the mean, as the smallest of the numbers behind them is 2**-53.
    """

    mean: float
    low: float = -math.inf
    high: float = math.inf
    name = 'exponential'
    kind = EXPONENTIAL

    def _numbers(self) -> tuple[float, float]:
        return float(self.mean), 0.0

    def _range(self) -> tuple[float, float]:
        largest = -float(self.mean)*log(2.0**-53)
        return min(0.0, largest), max(0.0, largest)


DISTRIBUTIONS: dict[str, type[Distribution]] = {
    cls.name: cls for cls in (Uniform, Normal, LogNormal, Exponential)
}


@compiled
def draw(kind: int, a: float, b: float, low: float, high: float,
         key: np.uint64, identity: int, index: int) -> float:
    """Return the number at an address, from the distribution of a code.

    A code of kind 0 is the constant ``a``.
    """
    x = a
    if kind == UNIFORM:
        x = a + (b - a)*uniform(key, identity, index)
    elif kind == NORMAL:
        x = a + b*normal(key, identity, index)
    elif kind == LOGNORMAL:
        x = exp(a + b*normal(key, identity, index))
    elif kind == EXPONENTIAL:
        x = -a*log(1.0 - uniform(key, identity, index))
    return min(max(x, low), high)


@compiled
def fill(out: np.ndarray, code: Code, key: np.uint64,
         identities: np.ndarray, index: int) -> None:
    """Draw ``out[i]`` for (identities[i], index): one number a neuron."""
    kind, a, b, low, high = code
    for i in range(out.size):
        out[i] = draw(kind, a, b, low, high, key, identities[i], index)


@compiled
def draw_some(out: np.ndarray, words: np.ndarray, size: int, code: Code,
              key: np.uint64, identities: np.ndarray, indices: np.ndarray
              ) -> None:
    """Draw ``out[k]`` for (identities[k], indices[k]), all k < size.

    As `draw` does, but in loops that become vector code.  The size is
    rounded up to whole 16, for which the arrays must have room; ``words``
    has room for four times as many.
    """
    kind, a, b, low, high = code
    count = (size + 15)//16*16
    if kind == CONSTANT:
        out[:] = a
    elif kind in (UNIFORM, EXPONENTIAL):
        fill_words_for(words, key, identities, indices, count, 0)
        for k in range(count):
            out[k] = unit(words[4*k], words[4*k + 1])
    else:
        fill_words_for(words, key, identities, indices, count, 2)
        for k in range(count):
            out[k] = a + b*deviate(words[4*k + (identities[k] & 3)])
    if kind == UNIFORM:
        for k in range(count):
            out[k] = a + (b - a)*out[k]
    elif kind == LOGNORMAL:
        for k in range(count):
            out[k] = exp(out[k])
    elif kind == EXPONENTIAL:
        for k in range(count):
            out[k] = -a*log(1.0 - out[k])
    for k in range(count):
        out[k] = min(max(out[k], low), high)


@compiled
def fill_pairs(out: np.ndarray, code: Code, key: np.uint64,
               identities: np.ndarray, indices: np.ndarray) -> None:
    """Draw ``out[k]`` for (identities[k], indices[k]): one a synapse."""
    values, words = np.empty(BLOCKS), np.empty(4*BLOCKS, np.uint32)
    some, numbers = np.zeros(BLOCKS, np.int64), np.zeros(BLOCKS, np.int64)
    for begin in range(0, out.size, BLOCKS):
        size = min(BLOCKS, out.size - begin)
        some[:size] = identities[begin:begin + size]
        numbers[:size] = indices[begin:begin + size]
        draw_some(values, words, size, code, key, some, numbers)
        out[begin:begin + size] = values[:size]

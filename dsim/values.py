"""One number for each neuron: equal, drawn, given, or by position."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dsim import rng
from dsim.distributions import Distribution, fill
from dsim.errors import BadValue
from dsim.expression import Expression
from dsim.space import Shape, Sheet

VARIABLES = ('x', 'y', 'row', 'column', 'id', 'r')


@dataclass(frozen=True)
class Place:
    """The neurons for which values are wanted.

    ``ids`` are global (int64[n]), so that a value is the same whichever
    rank asks for it; ``seed`` and ``owner`` (the population's name)
    address the draws.
    """

    ids: np.ndarray
    shape: Shape
    sheet: Sheet
    seed: int
    owner: str

    def variable(self, name: str) -> np.ndarray:
        """Return x, y (mm), row, column, id, or r uniform in [0, 1).

        ``r`` is one number a neuron: parameters that use it go together,
        as in Izhikevich (2003).
        """
        if name == 'id':
            return self.ids
        if name in ('row', 'column'):
            return np.divmod(self.ids, self.shape[1])[name == 'column']
        if name == 'r':
            out = np.empty(self.ids.size)
            _uniforms(rng.key(self.seed, 'r', self.owner), self.ids, out)
            return out
        return self.sheet.positions(self.shape, self.ids)[name == 'x']


@rng.compiled
def _uniforms(key: np.uint64, ids: np.ndarray, out: np.ndarray) -> None:
    for i in range(ids.size):
        out[i] = rng.uniform(key, ids[i], 0)


def evaluate(value: Any, place: Place, what: str) -> float | np.ndarray:
    """Return ``value`` as a number, or as float64[n] for the neurons.

    ``value`` is a number, a distribution, an array of the population's
    shape (or a list of as many numbers), an `Expression`, a formula as
    text, or a function whose arguments are among `VARIABLES`.  Draws are
    addressed by (seed, population, ``what``, id).

    Raises
    ------
    BadValue
        If the value is of another kind, or an array of another shape.
    """
    if isinstance(value, str):
        value = Expression(value, VARIABLES)
    if is_number(value):
        return float(value)
    if isinstance(value, Distribution):
        out = np.empty(place.ids.size)
        key = rng.key(place.seed, 'value', place.owner, what)
        fill(out, value.code(), key, place.ids, 0)
        return out
    if isinstance(value, Expression):
        arguments = {n: place.variable(n) for n in value.variables}
        return _as_numbers(value(**arguments), place, what)
    if callable(value):
        names = arguments_of(value, what)
        return _as_numbers(
            value(**{n: place.variable(n) for n in names}), place, what)
    if isinstance(value, np.ndarray | list | tuple):
        return _given(value, place, what)
    raise BadValue(what, value, 'a number, a distribution, an array, a '
                   'formula or a function of ' + ', '.join(VARIABLES))


def is_number(value: Any) -> bool:
    """Tell whether ``value`` is one plain number (and not a truth value)."""
    return (isinstance(value, int | float | np.integer | np.floating)
            and not isinstance(value, bool))


def arguments_of(function: Callable[..., Any], what: str) -> list[str]:
    """Return the names of a function's arguments, all in `VARIABLES`."""
    names = list(inspect.signature(function).parameters)
    for name in names:
        if name not in VARIABLES:
            raise BadValue(what, f'a function of {name!r}',
                           'a function of some of ' + ', '.join(VARIABLES))
    return names


def _as_numbers(result: Any, place: Place, what: str) -> np.ndarray:
    out = np.empty(place.ids.size)
    try:
        out[:] = result
    except (TypeError, ValueError):
        raise BadValue(what, result, 'one number for each neuron') from None
    return out


def _given(value: Any, place: Place, what: str) -> np.ndarray:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadValue(what, value, 'an array of numbers') from None
    size = place.shape[0]*place.shape[1]
    if array.shape != tuple(place.shape) and array.shape != (size,):
        raise BadValue(
            what, f'an array of shape {array.shape}',
            f'of shape {tuple(place.shape)} or ({size},), a number for each '
            f'neuron of {place.owner!r}')
    return np.ascontiguousarray(array.reshape(-1)[place.ids])

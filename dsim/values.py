"""One number for each neuron: equal, drawn, given, or by position."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dsim import rng
from dsim.compiled import compiled
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
            # A user's function may write to its arguments
            return self.ids.copy()
        if name in ('row', 'column'):
            return np.divmod(self.ids, self.shape[1])[name == 'column']
        if name == 'r':
            out = np.empty(self.ids.size)
            _uniforms(rng.key(self.seed, 'r', self.owner), self.ids, out)
            return out
        return self.sheet.positions(self.shape, self.ids)[name == 'x']


@compiled
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
        If the value is of another kind, an array of another shape, or not
        finite for some neuron.
    """
    if isinstance(value, str):
        value = Expression(value, VARIABLES)
    if is_number(value):
        return _finite(float(value), place, what)
    if isinstance(value, Distribution):
        out = np.empty(place.ids.size)
        key = rng.key(place.seed, 'value', place.owner, what)
        fill(out, value.code(), key, place.ids, 0)
        return out
    if isinstance(value, Expression):
        arguments = {n: place.variable(n) for n in value.variables}
        return _finite(_as_numbers(value(**arguments), place, what), place,
                       what)
    if callable(value):
        return _finite(_called(value, place, what), place, what)
    if isinstance(value, np.ndarray | list | tuple):
        return _finite(_given(value, place, what), place, what)
    raise BadValue(what, value, 'a number, a distribution, an array, a '
                   'formula or a function of ' + ', '.join(VARIABLES))


def is_number(value: Any) -> bool:
    """Tell whether ``value`` is one plain number (and not a truth value)."""
    return (isinstance(value, int | float | np.integer | np.floating)
            and not isinstance(value, bool))


def arguments_of(function: Callable[..., Any], what: str) -> list[str]:
    """Return the names of a function's arguments, all in `VARIABLES`."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise BadValue(what, function, 'a function that tells its arguments',
                       'such as lambda x: ...') from None
    for name, one in parameters.items():
        if name not in VARIABLES or one.kind in (one.VAR_POSITIONAL,
                                                 one.VAR_KEYWORD):
            raise BadValue(what, f'a function of {str(one)!r}',
                           'a function of some of ' + ', '.join(VARIABLES))
    return list(parameters)


def _called(function: Callable[..., Any], place: Place, what: str
            ) -> np.ndarray:
    """Return what a user's function gives, if it does so neuron by neuron."""
    names = arguments_of(function, what)

    def call(place: Place) -> np.ndarray:
        arguments = {name: place.variable(name) for name in names}
        try:
            return _as_numbers(function(**arguments), place, what)
        except BadValue:
            raise
        except Exception as error:
            raise BadValue(
                what, function, 'a function of arrays that have a number '
                'for each neuron',
                f'it raised {type(error).__name__}: {error}') from error

    if place.ids.size == 0:
        return np.empty(0)
    out = call(place)
    # A function that looks at its neighbours (x/x.max()) or draws at random
    # would give other values on other tiles
    for k in {0, out.size - 1}:
        alone = call(replace(place, ids=place.ids[k:k + 1]))
        if not np.allclose(out[k], alone[0], 1e-9, 1e-300, equal_nan=True):
            raise BadValue(
                what, function, 'a function that gives each neuron its value '
                'whichever others it is asked for',
                f'neuron {place.ids[k]} gets {out[k]:g} among others and '
                f'{alone[0]:g} alone')
    return out


def _as_numbers(result: Any, place: Place, what: str) -> np.ndarray:
    array = np.asarray(result)
    if array.dtype.kind not in 'biuf' or array.shape not in (
            (), (place.ids.size,)):
        raise BadValue(what, result, 'one number for each neuron')
    return np.array(np.broadcast_to(array, place.ids.shape), np.float64)


def _given(value: Any, place: Place, what: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in 'biuf':
        raise BadValue(what, value, 'an array of numbers')
    size = place.shape[0]*place.shape[1]
    if array.shape != tuple(place.shape) and array.shape != (size,):
        raise BadValue(
            what, f'an array of shape {array.shape}',
            f'of shape {tuple(place.shape)} or ({size},), a number for each '
            f'neuron of {place.owner!r}')
    return array.reshape(-1)[place.ids].astype(np.float64)


def _finite(values: Any, place: Place, what: str) -> Any:
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        one = np.ndim(values) == 0
        key = what if one else f'{what} of neuron {place.ids[wrong[0]]}'
        raise BadValue(key, float(np.ravel(values)[wrong[0]]),
                       'a finite number')
    return values

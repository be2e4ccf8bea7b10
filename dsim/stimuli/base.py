"""Stimulus: what drives a population from outside.

A stimulus adds to the current, or to a synaptic input, of all neurons of a
tile for a stretch of steps at a time, so that no Python runs per step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dsim.declare import Receptor
from dsim.errors import BadValue, UnknownName
from dsim.values import Place

NEVER = 2.0**62
"""A step that no run reaches."""


@dataclass(frozen=True)
class Site:
    """The neurons of one tile, and the clock, for a bound stimulus.

    ``first_ids`` int64[rows] is the id at the start of each tile row of
    ``width`` columns; ``name`` addresses the draws; ``dt`` in ms.
    """

    place: Place
    first_ids: np.ndarray
    width: int
    name: str
    dt: float


class Drive:
    """A stimulus bound to the neurons of one tile."""

    def add(self, out: np.ndarray, first_step: int) -> None:
        """Add to ``out`` float64[T, n] for steps first_step ... + T."""
        raise TypeError(f'{type(self).__name__} adds nothing')


class Stimulus:
    """Base of all stimuli.

    ``receptor`` is None for a current, else the name of the synaptic input
    that the stimulus adds to (``''`` = the model's only one).
    """

    name = ''
    receptor: str | None = None

    def check(self, receptors: Sequence[Receptor], place: Place) -> None:
        """Raise a `DsimError` where a model has no such input."""
        self.input_name(receptors)

    def bind(self, site: Site) -> Drive:
        """Return the stimulus bound to the neurons of one tile."""
        raise TypeError(f'{type(self).__name__} cannot be bound')

    def input_name(self, receptors: Sequence[Receptor]) -> str | None:
        """Return the receptor's name, or None for the current."""
        if self.receptor is None:
            return None
        known = [r.name for r in receptors]
        if self.receptor == '':
            if len(known) == 1:
                return known[0]
            raise BadValue(f'{self.name}.receptor', None,
                           f'one of {", ".join(known)}' if known else
                           'of a model that takes spikes')
        if self.receptor not in known:
            raise UnknownName('receptor', self.receptor, known, self.name)
        return self.receptor

    def __repr__(self) -> str:
        values = ', '.join(f'{k}={v!r}' for k, v in vars(self).items())
        return f'{type(self).__name__}({values})'


def steps_of(time: Any, dt: float, key: str) -> int:
    """Return a time in ms as a number of steps, rounded to the nearest."""
    number = isinstance(time, int | float | np.number)
    if not number or isinstance(time, bool) or not time >= 0:
        raise BadValue(key, time, 'a time >= 0 in ms')
    return int(np.floor(min(time/dt, NEVER) + 0.5))


def confirm_range(values: Any, low: float, high: float, place: Place,
                  key: str, allowed: str) -> None:
    """Raise `BadValue` unless all values of the neurons are in a range."""
    found = np.ravel(values)
    wrong = np.flatnonzero(~((found >= low) & (found <= high)))
    if wrong.size:
        neuron = (f' of neuron {place.ids[wrong[0]]}' if np.ndim(values)
                  else '')
        raise BadValue(key + neuron, float(found[wrong[0]]), allowed)

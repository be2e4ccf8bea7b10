"""Spikes given by the user, into chosen neurons."""

from typing import Any

import numpy as np

from dsim.compiled import compiled
from dsim.errors import BadValue
from dsim.stimuli.base import NEVER, Drive, Site, Stimulus
from dsim.values import Place


class SpikeTimes(Stimulus):
    """A spike of ``weight`` arrives at neuron ``ids[k]`` at ``times[k]``.

    Times (ms) are rounded to the nearest step; the spike acts in the step
    that begins then.  ``ids`` may be one id for all, ``weight`` a number or
    one for each spike.
    """

    name = 'spike_times'

    def __init__(self, times: Any, ids: Any, weight: Any,
                 receptor: str = ''):
        try:
            self.times = np.asarray(times, dtype=np.float64).reshape(-1)
            self.ids = np.broadcast_to(_whole(ids), self.times.shape)
            self.weights = np.broadcast_to(
                np.asarray(weight, dtype=np.float64), self.times.shape)
        except (TypeError, ValueError):
            raise BadValue(f'{self.name}.times', times, 'a list of times in '
                           'ms, with as many ids and weights') from None
        if not (np.isfinite(self.times).all() and (self.times >= 0).all()):
            raise BadValue(f'{self.name}.times', times, 'times >= 0 in ms')
        if not np.isfinite(self.weights).all():
            raise BadValue(f'{self.name}.weight', weight, 'finite')
        self.receptor = receptor

    def __repr__(self) -> str:
        return f'SpikeTimes({self.times.size} spikes)'

    def check(self, receptors: Any, place: Place) -> None:
        super().check(receptors, place)
        neurons = place.shape[0]*place.shape[1]
        wrong = np.flatnonzero((self.ids < 0) | (self.ids >= neurons))
        if wrong.size:
            raise BadValue(f'{self.name}.ids[{wrong[0]}]',
                           int(self.ids[wrong[0]]),
                           f'a neuron id from 0 to {neurons - 1}')

    def bind(self, site: Site) -> Drive:
        return _Replay(self, site)


class _Replay(Drive):
    def __init__(self, spikes: SpikeTimes, site: Site):
        ids = site.place.ids
        mine = np.isin(spikes.ids, ids)
        steps = np.floor(np.minimum(spikes.times[mine]/site.dt, NEVER) + 0.5
                         ).astype(np.int64)
        order = np.argsort(steps, kind='stable')
        self.steps = steps[order]
        # Ids of a tile ascend, so their places are found by bisection
        self.locals = np.searchsorted(ids, spikes.ids[mine][order])
        self.weights = spikes.weights[mine][order]

    def add(self, out: np.ndarray, first_step: int) -> None:
        begin, end = np.searchsorted(
            self.steps, [first_step, first_step + out.shape[0]])
        if begin < end:
            _add(out, self.steps[begin:end] - first_step,
                 self.locals[begin:end], self.weights[begin:end])


def _whole(ids: Any) -> np.ndarray:
    array = np.asarray(ids)
    if array.size and array.dtype.kind not in 'iu':
        raise BadValue(f'{SpikeTimes.name}.ids', ids, 'whole numbers')
    return array.astype(np.int64)


@compiled
def _add(out: np.ndarray, steps: np.ndarray, neurons: np.ndarray,
         weights: np.ndarray) -> None:
    for k in range(steps.size):
        out[steps[k], neurons[k]] += weights[k]


"""Currents: constant, in steps, and Gaussian noise per neuron and step."""

from typing import Any

import numpy as np

from dsim import rng
from dsim.errors import BadValue
from dsim.stimuli.base import Drive, Site, Stimulus, confirm_range, steps_of
from dsim.values import Place, evaluate, is_number


class Between(Drive):
    """Calls ``add_steps`` for the part of a stretch in [start, stop)."""

    def __init__(self, start: int, stop: int):
        self.start, self.stop = start, stop

    def add(self, out: np.ndarray, first_step: int) -> None:
        begin = max(self.start - first_step, 0)
        end = min(self.stop - first_step, out.shape[0])
        if begin < end:
            self.add_steps(out[begin:end], first_step + begin)

    def add_steps(self, out: np.ndarray, first_step: int) -> None:
        """Add to all of ``out``, whose first row is ``first_step``."""
        raise TypeError(f'{type(self).__name__} adds nothing')


class Timed(Stimulus):
    """A stimulus that acts from ``start`` up to ``stop``, in ms."""

    def __init__(self, start: float, stop: float):
        steps_of(start, 1.0, f'{self.name}.start')
        steps_of(stop, 1.0, f'{self.name}.stop')
        if not start <= stop:
            raise BadValue(f'{self.name}.stop', stop, f'>= start = {start}')
        self.start, self.stop = float(start), float(stop)

    def steps(self, dt: float) -> tuple[int, int]:
        """Return (start, stop) in steps."""
        return (steps_of(self.start, dt, f'{self.name}.start'),
                steps_of(self.stop, dt, f'{self.name}.stop'))


class ConstantCurrent(Timed):
    """The same current for all steps from ``start`` to ``stop`` (ms)."""

    name = 'constant'

    def __init__(self, value: Any, start: float = 0.0,
                 stop: float = np.inf):
        super().__init__(start, stop)
        self.value = value

    def check(self, receptors: Any, place: Place) -> None:
        super().check(receptors, place)
        evaluate(self.value, place, f'{self.name}.value')

    def bind(self, site: Site) -> Drive:
        return Constant(*self.steps(site.dt),
                         evaluate(self.value, site.place, site.name))


class Constant(Between):
    """The same current at all steps: a number, or float64[n] by neuron."""

    def __init__(self, start: int, stop: int, value: float | np.ndarray):
        super().__init__(start, stop)
        self.value = value

    def add_steps(self, out: np.ndarray, first_step: int) -> None:
        out += self.value


class StepCurrent(Stimulus):
    """A current that jumps: ``values[k]`` from ``times[k]`` (ms) on.

    Before the first time it is zero.
    """

    name = 'steps'

    def __init__(self, times: Any, values: Any):
        self.times = _numbers(times, 'steps.times')
        self.values = _numbers(values, 'steps.values')
        if self.times.size != self.values.size or self.times.size == 0:
            raise BadValue('steps.values', values,
                           f'{self.times.size} numbers, one for each time')
        if (np.diff(self.times) <= 0).any() or self.times[0] < 0:
            raise BadValue('steps.times', times, 'increasing times >= 0')

    def bind(self, site: Site) -> Drive:
        steps = np.array([steps_of(t, site.dt, 'steps.times')
                          for t in self.times], dtype=np.int64)
        return _Steps(steps, self.values)


class _Steps(Drive):
    def __init__(self, steps: np.ndarray, values: np.ndarray):
        self.steps, self.values = steps, np.append(0.0, values)

    def add(self, out: np.ndarray, first_step: int) -> None:
        times = np.arange(first_step, first_step + out.shape[0])
        found = np.searchsorted(self.steps, times, side='right')
        out += self.values[found][:, None]


class GaussianCurrent(Timed):
    """Independent Gaussian current for each neuron and step.

    ``mean`` and ``std`` (per step, not scaled with dt) are numbers or
    values by neuron.
    """

    name = 'noise'

    def __init__(self, mean: Any = 0.0, std: Any = 1.0, start: float = 0.0,
                 stop: float = np.inf):
        super().__init__(start, stop)
        self.mean, self.std = mean, std
        if is_number(std) and not std >= 0:
            raise BadValue('noise.std', std, '>= 0')

    def check(self, receptors: Any, place: Place) -> None:
        super().check(receptors, place)
        self.values(place, self.name)

    def values(self, place: Place, name: str) -> tuple[
            float | np.ndarray, float | np.ndarray]:
        """Return mean and standard deviation for the neurons of a place.

        ``name`` addresses draws.  Raises `BadValue` where std < 0.
        """
        mean = evaluate(self.mean, place, f'{name}.mean')
        std = evaluate(self.std, place, f'{name}.std')
        confirm_range(std, 0, np.inf, place, f'{name}.std', '>= 0')
        return mean, std

    def bind(self, site: Site) -> Drive:
        return _Noise(self, site)


class _Noise(Between):
    def __init__(self, noise: GaussianCurrent, site: Site):
        super().__init__(*noise.steps(site.dt))
        self.site = site
        self.key = rng.key(site.place.seed, 'noise', site.name)
        self.mean, self.std = noise.values(site.place, site.name)

    def add_steps(self, out: np.ndarray, first_step: int) -> None:
        rng.add_normals(out, self.key, first_step, self.site.first_ids,
                        self.site.width, self.mean, self.std)


def _numbers(values: Any, key: str) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.full((1, 1), np.nan)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise BadValue(key, values, 'a list of finite numbers')
    return array

"""Integer steps, grouped in windows as long as the smallest delay."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dsim.errors import BadValue


@dataclass(frozen=True)
class Stretch:
    """Steps ``first`` ... ``last`` - 1, advanced in one go."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first


@dataclass(frozen=True)
class Window:
    """The steps between two exchanges, and the stretches they are run in."""

    first: int
    last: int
    stretches: tuple[Stretch, ...]

    def __len__(self) -> int:
        return self.last - self.first


class Clock:
    """Counts steps of ``dt`` ms; ``window`` is the smallest delay in steps.

    Windows end at absolute multiples of ``window`` (and where a run ends),
    so that a split run meets the same windows.  A window is cut into
    stretches of at most ``longest`` steps, which end wherever one of
    ``intervals`` (steps between two looks of a recorder) is complete.
    """

    def __init__(self, dt: float, window: int, longest: int = 2**62,
                 intervals: tuple[int, ...] = ()):
        self.dt, self.window, self.longest = dt, window, longest
        self.intervals = intervals
        self.step = 0

    @property
    def time(self) -> float:
        """The time reached, in ms."""
        return float(self.times(np.array([self.step]))[0])

    def times(self, steps: np.ndarray) -> np.ndarray:
        """Return the times in ms at which ``steps`` begin.

        Where 1/dt is a whole number the result is the nearest number to
        the decimal time: step 3 of 0.1 ms is at 0.3, not 0.30000000000000004.
        """
        whole = round(1/self.dt)
        if whole and abs(whole*self.dt - 1) < 1e-12:
            return steps/whole
        return steps*self.dt

    def steps(self, duration: float) -> int:
        """Return a duration in ms as steps; it must be a whole number.

        Raises `BadValue` otherwise.
        """
        steps = round(duration/self.dt) if np.isfinite(duration) else -1
        if steps < 0 or abs(steps*self.dt - duration) > 1e-6*self.dt:
            raise BadValue('simulation.duration', duration,
                           f'a whole number of steps of {self.dt:g} ms')
        return steps

    def windows(self, duration: float) -> Iterator[Window]:
        """Yield the windows of the next ``duration`` ms.

        The step is at a window's end from when it is handed out.
        """
        end = self.step + self.steps(duration)
        while self.step < end:
            last = min((self.step//self.window + 1)*self.window, end)
            first, self.step = self.step, last
            yield Window(first, last, tuple(self._cut(first, last)))

    def _cut(self, first: int, last: int) -> Iterator[Stretch]:
        while first < last:
            stop = min(last, first + self.longest)
            for interval in self.intervals:
                stop = min(stop, (first//interval + 1)*interval)
            yield Stretch(first, stop)
            first = stop

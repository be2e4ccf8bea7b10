"""Find what each thing costs from the times of measured runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

from dsim.prediction.counts import Counts

PHASES: dict[str, tuple[str, ...]] = {
    'update': ('window', 'block', 'call', 'step', 'drive', 'own'),
    'deliver': ('table', 'visit', 'segment', 'event'),
    'exchange': ('post', 'posted'),
    'record': ('window', 'own'),
    'rest': ('window',),
}
"""The kinds of counts that the time of each phase is laid to."""

FLOOR = 0.05
"""Of a run's time: what matters of a phase that takes hardly any."""

TURNS, HUBER = 20, 2.0
"""Turns of the fit; the multiple of the median error that is still usual."""


@dataclass(frozen=True)
class Timing:
    """The mean window of a run: what was done, and the seconds by phase."""

    name: str
    counts: Counts
    seconds: dict[str, float]

    @property
    def total(self) -> float:
        """The seconds of a window."""
        return sum(self.seconds.values())


def fit(timings: Sequence[Timing]) -> dict[str, float]:
    """Return the cost in s of each thing that was counted.

    Phase by phase, by `least`; what several phases do, costs the sum.
    """
    constants: dict[str, float] = {}
    for phase, kinds in PHASES.items():
        names = sorted({name for t in timings for name in t.counts
                        if name.partition(' ')[0] in kinds})
        found = least(names, [t.counts for t in timings],
                      [t.seconds[phase] for t in timings],
                      [FLOOR*t.total for t in timings])
        for name, cost in found.items():
            constants[name] = constants.get(name, 0.0) + cost
    return constants


def least(names: Sequence[str], counts: Sequence[Mapping[str, float]],
          seconds: Sequence[float], floor: Sequence[float] = ()
          ) -> dict[str, float]:
    """Return the costs >= 0 of ``names`` that explain ``seconds`` best.

    Non-negative least squares of the errors relative to the time that the
    costs explain (and ``floor`` s more), found by turns.  What is off by
    far more than most counts less, as in Huber's estimator: such runs were
    disturbed.
    """
    if not names:
        return {}
    times = np.array(seconds)
    least_scale = np.array(floor) if len(floor) else np.zeros(times.size)
    table = np.array([[each.get(name, 0.0) for name in names]
                      for each in counts])
    scale = times + least_scale
    for _ in range(TURNS):
        weighted = table/scale[:, None]
        # Costs differ by many powers of ten
        size = np.sqrt((weighted**2).sum(0))
        size[size == 0] = 1.0
        found = nnls(weighted/size, times/scale)[0]/size

        explained = table @ found
        scale = explained + least_scale
        scale[scale <= 0] = times.max()
        off = np.abs(times - explained)/scale
        usual = HUBER*np.median(off) + 1e-12
        scale *= np.sqrt(np.maximum(off/usual, 1.0))
    return dict(zip(names, map(float, found), strict=True))


def errors(measured: Mapping[str, float], foretold: Mapping[str, float]
           ) -> dict[str, Any]:
    """Return how far foretold times are off, run by run and together.

    ``median`` and ``worst`` are of the relative errors without their sign.
    """
    off = {name: foretold[name]/time - 1 for name, time in measured.items()}
    sizes = np.abs(list(off.values()))
    return {'runs': len(off), 'median': float(np.median(sizes)),
            'worst': float(sizes.max()), 'errors': off}

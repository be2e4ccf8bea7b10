"""Find what each thing costs from the times of measured runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

from dsim.prediction.counts import Counts

PHASES: dict[str, tuple[str, ...]] = {
    'update': ('window', 'piece', 'step', 'drive', 'own'),
    'deliver': ('window', 'table', 'visit', 'event'),
    'record': ('window', 'own'),
    'rest': ('window',),
}
"""The kinds of counts that the time of each phase is laid to."""

FLOOR = 0.05
"""Of a run's time: what matters of a phase that takes hardly any."""


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

    Phase by phase, non-negative least squares of the errors relative to
    the time of a run; what several phases do, costs the sum.
    """
    constants: dict[str, float] = {}
    for phase, kinds in PHASES.items():
        names = sorted({name for t in timings for name in t.counts
                        if name.partition(' ')[0] in kinds})
        found = least(names, [t.counts for t in timings],
                      [t.seconds[phase] for t in timings],
                      [t.seconds[phase] + FLOOR*t.total for t in timings])
        for name, cost in found.items():
            constants[name] = constants.get(name, 0.0) + cost
    return constants


def least(names: Sequence[str], counts: Sequence[Mapping[str, float]],
          seconds: Sequence[float], scale: Sequence[float]
          ) -> dict[str, float]:
    """Return the costs >= 0 of ``names`` that explain ``seconds`` best.

    The errors that are squared are those over ``scale``.
    """
    if not names:
        return {}
    table = np.array([[each.get(name, 0.0) for name in names]
                      for each in counts])
    table /= np.array(scale)[:, None]
    # Costs differ by many powers of ten
    size = np.sqrt((table**2).sum(0))
    size[size == 0] = 1.0
    found, _ = nnls(table/size, np.array(seconds)/np.array(scale))
    return dict(zip(names, map(float, found/size), strict=True))


def errors(measured: Mapping[str, float], foretold: Mapping[str, float]
           ) -> dict[str, Any]:
    """Return how far foretold times are off, run by run and together.

    ``median`` and ``worst`` are of the relative errors without their sign.
    """
    off = {name: foretold[name]/time - 1 for name, time in measured.items()}
    sizes = np.abs(list(off.values()))
    return {'runs': len(off), 'median': float(np.median(sizes)),
            'worst': float(sizes.max()), 'errors': off}

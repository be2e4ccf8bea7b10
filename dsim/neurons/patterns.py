"""The twenty firing patterns of Izhikevich's 2004 paper, ready to run.

Izhikevich (2004), Which model to use for cortical spiking neurons?, IEEE
Trans. Neural Netw. 15:1063, figure 1.  Parameters, starting points, time
steps and currents are those of the program published with the paper, which
takes one Euler step in v and then u from the new v: the scheme
``published-2004``.  Subtle patterns need just that: with the scheme of the
2003 paper a latent spike never comes (I) and the bistable cell does not
stop (P).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dsim.errors import UnknownName
from dsim.neurons.base import trace
from dsim.neurons.izhikevich import Izhikevich

Current = Callable[[np.ndarray], np.ndarray]

# The polynomial of patterns G and L
_INTEGRATING = {'v_linear': 4.1, 'v_constant': 108.0}


@dataclass(frozen=True)
class Pattern:
    """A neuron, where it starts, and the current it gets.

    ``current`` maps times (ms) to currents.  ``dt`` and ``duration`` are in
    ms, ``v`` in mV; u starts at b v unless given.
    """

    name: str
    letter: str
    parameters: dict[str, float]
    v: float
    dt: float
    duration: float
    current: Current
    u: float | None = None

    def neuron(self) -> Izhikevich:
        """Return the neuron of this pattern, at its starting point."""
        start = {'v': self.v} if self.u is None else {'v': self.v,
                                                      'u': self.u}
        return Izhikevich(**self.parameters, scheme='published-2004',
                          initial=start)


class PatternRun(NamedTuple):
    """One row a time step: t and current at its start, v and u after it.

    Where the neuron fires v is v_peak, as in the figure; ``spikes`` are the
    times of these rows.  (Elsewhere in dsim a spike bears the time of the
    end of its step.)
    """

    t: np.ndarray
    v: np.ndarray
    u: np.ndarray
    current: np.ndarray
    spikes: np.ndarray


def run(name: str) -> PatternRun:
    """Run the pattern ``name`` of `PATTERNS`; `UnknownName` if it is none."""
    if name not in PATTERNS:
        raise UnknownName('firing pattern', name, PATTERNS)
    pattern = PATTERNS[name]
    steps = round(pattern.duration/pattern.dt) + 1
    t = pattern.dt*np.arange(steps)
    current = pattern.current(t)
    neuron = pattern.neuron()
    done = trace(neuron, current, pattern.dt)
    fires = done.fired[:, 0] != 0
    v = np.where(fires, neuron.parameter_values()['v_peak'],
                 done.states['v'][:, 0])
    return PatternRun(t, v, done.states['u'][:, 0], current, t[fires])


def _step(start: float, height: float, base: float = 0.0) -> Current:
    return lambda t: np.where(t > start, base + height, base)


def _ramp(start: float, slope: float, base: float = 0.0) -> Current:
    return lambda t: base + slope*np.maximum(t - start, 0.0)


def _pulses(height: float, length: float, *starts: float,
            base: float = 0.0) -> Current:
    def current(t: np.ndarray) -> np.ndarray:
        on = [(t > start) & (t < start + length) for start in starts]
        return base + height*np.any(on, axis=0)

    return current


def _pushed_then_pulled(t: np.ndarray) -> np.ndarray:
    # The same weak pulse twice, the second one after an inhibitory pulse
    return _pulses(1.0, 5.0, 10.0, 80.0)(t) + _pulses(-6.0, 5.0, 70.0)(t)


def _slow_then_fast(t: np.ndarray) -> np.ndarray:
    # A slow ramp up to 8, and a quick one up to half of that
    quick = np.where((t >= 300.0) & (t < 312.5), (t - 300.0)/12.5*4.0, 0.0)
    return np.where(t < 200.0, t/25.0, quick)


def _lowered(t: np.ndarray) -> np.ndarray:
    return np.where((t < 50.0) | (t > 250.0), 80.0, 75.0)


def _set(a: float, b: float, c: float, d: float,
         **others: float) -> dict[str, float]:
    return {'a': a, 'b': b, 'c': c, 'd': d, **others}


#: Name -> pattern, in the order of the figure
PATTERNS = {pattern.name: pattern for pattern in (
    Pattern('tonic_spiking', 'A', _set(0.02, 0.2, -65.0, 6.0),
            -70.0, 0.25, 100.0, _step(10.0, 14.0)),
    Pattern('phasic_spiking', 'B', _set(0.02, 0.25, -65.0, 6.0),
            -64.0, 0.25, 200.0, _step(20.0, 0.5)),
    Pattern('tonic_bursting', 'C', _set(0.02, 0.2, -50.0, 2.0),
            -70.0, 0.25, 220.0, _step(22.0, 15.0)),
    Pattern('phasic_bursting', 'D', _set(0.02, 0.25, -55.0, 0.05),
            -64.0, 0.2, 200.0, _step(20.0, 0.6)),
    Pattern('mixed_mode', 'E', _set(0.02, 0.2, -55.0, 4.0),
            -70.0, 0.25, 160.0, _step(16.0, 10.0)),
    Pattern('spike_frequency_adaptation', 'F', _set(0.01, 0.2, -65.0, 8.0),
            -70.0, 0.25, 85.0, _step(8.5, 30.0)),
    Pattern('class_1_excitable', 'G',
            _set(0.02, -0.1, -55.0, 6.0, **_INTEGRATING),
            -60.0, 0.25, 300.0, _ramp(30.0, 0.075)),
    Pattern('class_2_excitable', 'H', _set(0.2, 0.26, -65.0, 0.0),
            -64.0, 0.25, 300.0, _ramp(30.0, 0.015, base=-0.5)),
    Pattern('spike_latency', 'I', _set(0.02, 0.2, -65.0, 6.0),
            -70.0, 0.2, 100.0, _pulses(7.04, 3.0, 10.0)),
    Pattern('subthreshold_oscillations', 'J', _set(0.05, 0.26, -60.0, 0.0),
            -62.0, 0.25, 200.0, _pulses(2.0, 5.0, 20.0)),
    Pattern('resonator', 'K', _set(0.1, 0.26, -60.0, -1.0),
            -62.0, 0.25, 400.0, _pulses(0.65, 4.0, 40.0, 60.0, 280.0, 320.0)),
    Pattern('integrator', 'L', _set(0.02, -0.1, -55.0, 6.0, **_INTEGRATING),
            -60.0, 0.25, 100.0,
            _pulses(9.0, 2.0, 100.0/11.0, 100.0/11.0 + 5.0, 70.0, 80.0)),
    Pattern('rebound_spike', 'M', _set(0.03, 0.25, -60.0, 4.0),
            -64.0, 0.2, 200.0, _pulses(-15.0, 5.0, 20.0)),
    Pattern('rebound_burst', 'N', _set(0.03, 0.25, -52.0, 0.0),
            -64.0, 0.2, 200.0, _pulses(-15.0, 5.0, 20.0)),
    Pattern('threshold_variability', 'O', _set(0.03, 0.25, -60.0, 4.0),
            -64.0, 0.25, 100.0, _pushed_then_pulled),
    Pattern('bistability', 'P', _set(0.1, 0.26, -60.0, 0.0),
            -61.0, 0.25, 300.0, _pulses(1.0, 5.0, 37.5, 216.0, base=0.24)),
    Pattern('depolarising_after_potential', 'Q',
            _set(1.0, 0.2, -60.0, -21.0),
            -70.0, 0.1, 50.0, _pulses(20.0, 2.0, 9.0)),
    Pattern('accommodation', 'R',
            _set(0.02, 1.0, -55.0, 4.0, v_shift=-65.0, u_decay=0.0),
            -65.0, 0.5, 400.0, _slow_then_fast, u=-16.0),
    Pattern('inhibition_induced_spiking', 'S',
            _set(-0.02, -1.0, -60.0, 8.0), -63.8, 0.5, 350.0, _lowered),
    Pattern('inhibition_induced_bursting', 'T',
            _set(-0.026, -1.0, -45.0, -2.0), -63.8, 0.5, 350.0, _lowered),
)}

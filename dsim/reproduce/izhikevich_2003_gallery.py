"""What single neurons of the simple model do: figures of 2003 and 2004.

Izhikevich (2003), figure 2: seven kinds of cells.  Izhikevich (2004), IEEE
Trans. Neural Netw. 15:1063, figure 1: twenty patterns of firing.  Each is
drawn, and a sentence on it is checked.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from dsim.network import Network
from dsim.neurons import patterns
from dsim.neurons.izhikevich import Izhikevich
from dsim.report import style
from dsim.reproduce import pictures
from dsim.reproduce.base import Claim, alone
from dsim.simulation import Simulation
from dsim.stimuli import StepCurrent

DT = 0.25
PEAK = 30.0
"""What is drawn, in mV, where a neuron fires."""

BURST = 15.0
"""Spikes are in one burst if they are less apart, in ms."""


NOTE = ('What a figure shows is put into words, and into numbers, here; the '
        'currents of the cells of 2003 are ours.')


class Trace(NamedTuple):
    """One neuron: times in ms, v in mV, the current, and its spikes."""

    t: np.ndarray
    v: np.ndarray
    current: np.ndarray
    spikes: np.ndarray

    @property
    def gaps(self) -> np.ndarray:
        """Milliseconds between spikes."""
        return np.diff(self.spikes)

    @property
    def bursts(self) -> list[int]:
        """Spikes of each burst, single ones too."""
        ends = np.flatnonzero(self.gaps > BURST) + 1
        return [each.size for each in np.split(self.spikes, ends)]

    def between(self, low: float, high: float) -> int:
        """Return how many spikes there are from ``low`` to ``high`` ms."""
        return int(np.count_nonzero((self.spikes >= low)
                                    & (self.spikes <= high)))


Says = Callable[[Trace], bool]


class Cell(NamedTuple):
    """A panel of figure 2 of 2003: preset, v at the start, current."""

    label: str
    preset: str
    v: float
    steps: tuple[tuple[float, float], ...]
    statement: str
    says: Says

    @property
    def title(self) -> str:
        """The label, and what it stands for."""
        words = self.preset.replace('_', ' ')
        for compound in 'low threshold', 'thalamo cortical':
            words = words.replace(compound, compound.replace(' ', '-'))
        return f'{self.label}: {words}'


_STEP = ((30.0, 10.0),)

CELLS = (
    Cell('RS', 'regular_spiking', -70.0, _STEP,
         'pauses between spikes grow, then stay',
         lambda x: x.gaps[1] > 1.5*x.gaps[0] and np.ptp(x.gaps[1:]) < 2),
    Cell('IB', 'intrinsically_bursting', -70.0, _STEP,
         'a burst, then single spikes',
         lambda x: x.bursts[0] >= 3 and set(x.bursts[1:]) == {1}),
    Cell('CH', 'chattering', -70.0, _STEP, 'burst after burst',
         lambda x: len(x.bursts) >= 3 and min(x.bursts) >= 3),
    Cell('FS', 'fast_spiking', -70.0, _STEP,
         'fast, and hardly slowing down',
         lambda x: x.gaps.max() < 10
         and abs(x.gaps[-5:].mean()/x.gaps[2:7].mean() - 1) < 0.05),
    Cell('TC', 'thalamo_cortical', -64.4, ((30.0, 1.5),),
         'from rest: single spikes', lambda x: x.gaps[1:].min() > BURST),
    Cell('TC', 'thalamo_cortical', -87.0, ((0.0, -29.5), (130.0, 0.0)),
         'let go from -87 mV: a burst',
         lambda x: len(x.bursts) == 1 and x.bursts[0] >= 3),
    Cell('RZ', 'resonator', -62.5, ((30.0, 0.2), (150.0, 5.0), (153.0, 0.2)),
         'a pulse switches from small waves to spiking',
         lambda x: x.between(0, 150) == 0 and x.between(153, 300) >= 3),
    Cell('LTS', 'low_threshold_spiking', -64.4, _STEP,
         'fast at first, clearly slowing down',
         lambda x: x.gaps[0] < 5 and x.gaps[-1] > 2*x.gaps[0]),
)

PATTERNS: dict[str, tuple[str, Says]] = {
    'tonic_spiking': (
        'spikes as long as the current lasts',
        lambda x: x.spikes.size >= 4 and x.spikes[-1] > 80),
    'phasic_spiking': (
        'one spike at the start', lambda x: x.spikes.size == 1),
    'tonic_bursting': (
        'burst after burst',
        lambda x: len(x.bursts) >= 3 and min(x.bursts) >= 2),
    'phasic_bursting': (
        'one burst at the start',
        lambda x: len(x.bursts) == 1 and x.bursts[0] >= 3),
    'mixed_mode': (
        'a burst, then single spikes',
        lambda x: x.bursts[0] >= 2 and set(x.bursts[1:]) == {1}),
    'spike_frequency_adaptation': (
        'pauses between spikes grow',
        lambda x: bool(np.all(np.diff(x.gaps[:-1]) > 0))),
    'class_1_excitable': (
        'slow at first: below 30 Hz', lambda x: 1000/x.gaps[0] < 30),
    'class_2_excitable': (
        'fast from the first: above 40 Hz', lambda x: 1000/x.gaps[0] > 40),
    'spike_latency': (
        'a spike 10 ms and more after the pulse',
        lambda x: x.spikes.size == 1 and x.spikes[0] > 23),
    'subthreshold_oscillations': (
        'one spike, then small waves',
        lambda x: x.spikes.size == 1 and _waves(x, 40.0) >= 2),
    'resonator': (
        'fires only for the pair of pulses in its rhythm',
        lambda x: x.spikes.size == 1 and x.spikes[0] > 320),
    'integrator': (
        'fires only for the close pair of pulses',
        lambda x: x.spikes.size == 1 and x.spikes[0] < 70),
    'rebound_spike': (
        'a spike after inhibition',
        lambda x: x.spikes.size == 1 and x.spikes[0] > 25),
    'rebound_burst': (
        'a burst after inhibition',
        lambda x: len(x.bursts) == 1 and x.bursts[0] >= 3),
    'threshold_variability': (
        'fires for the pulse after inhibition only',
        lambda x: x.spikes.size == 1 and x.spikes[0] > 80),
    'bistability': (
        'one pulse starts it, another stops it',
        lambda x: x.between(37.5, 216) >= 3 and x.between(221, 300) == 0),
    'depolarising_after_potential': (
        'above rest after the spike',
        lambda x: x.v[(x.t > x.spikes[0] + 1)
                      & (x.t < x.spikes[0] + 8)].max() > -65),
    'accommodation': (
        'fires for the quick ramp only, which is lower',
        lambda x: x.spikes.size == 1 and x.spikes[0] > 300),
    'inhibition_induced_spiking': (
        'spikes while the current is lowered',
        lambda x: x.spikes.size == x.between(50, 250) >= 2
        and max(x.bursts) == 1),
    'inhibition_induced_bursting': (
        'bursts while the current is lowered',
        lambda x: len(x.bursts) >= 2 and min(x.bursts) >= 3
        and x.spikes.size == x.between(50, 250)),
}


def _waves(x: Trace, begin: float) -> int:
    v = x.v[x.t > begin]
    return int(np.count_nonzero((v[1:-1] > v[:-2]) & (v[1:-1] >= v[2:])))


def simulate(cell: Cell, comm: Any, duration: float = 300.0) -> Trace:
    """Run a cell of 2003 by the simulator, the published scheme."""
    net = Network(seed=1)
    neuron = Izhikevich.preset(cell.preset, initial={'v': cell.v})
    net.population('cell', neuron, 1)
    drive = StepCurrent(*zip(*cell.steps, strict=True))
    net.stimulate('cell', drive)
    net.record('cell', 'v', interval=DT)
    with Simulation(net, dt=DT, comm=comm) as simulation:
        simulation.run(duration)
        spikes, _ = simulation.spikes('cell')
        v = simulation.values('cell', 'v')[:, 0]

    t = DT*np.arange(v.size)
    # v at the start of a step: that of a spike is seen after the reset
    v[np.round(spikes/DT).astype(int) - 1] = PEAK
    at = np.searchsorted(drive.times, t, side='right')
    return Trace(t, v, np.append(0.0, drive.values)[at], spikes)


def measure(comm: Any) -> tuple[list[Claim], dict[str, list[Trace]]]:
    """Run both galleries; return claims, and traces by figure."""
    with alone(comm) as solo:
        cells = [simulate(cell, solo) for cell in CELLS]
    twenty = []
    for name in PATTERNS:
        run = patterns.run(name)
        twenty.append(Trace(run.t, run.v, run.current, run.spikes))

    claims = [Claim(f'{cell.label}: {cell.statement}', True,
                    bool(cell.says(trace)), 'Izhikevich 2003, figure 2',
                    note=NOTE)
              for cell, trace in zip(CELLS, cells, strict=True)]
    claims += [Claim(f'{_letter(name)} {_words(name)}: {statement}', True,
                     bool(says(trace)), 'Izhikevich 2004, figure 1',
                     note=NOTE)
               for (name, (statement, says)), trace
               in zip(PATTERNS.items(), twenty, strict=True)]
    return claims, {'cells': cells, 'patterns': twenty}


def draw(folder: Path, traces: dict[str, list[Trace]]) -> None:
    """Draw ``cells_2003.png`` and ``patterns_2004.png``."""
    with style.figure(folder/'cells_2003.png', 3.9) as figure:
        panels = figure.subplots(2, 4, sharex=True, sharey=True).ravel()
        for axes, cell, trace in zip(panels, CELLS, traces['cells'],
                                     strict=True):
            _draw_trace(axes, trace, cell.title, 7.5)
        _scale(panels[4], 50.0)
        pictures.caption(
            figure, 'After figure 2 of Izhikevich (2003): v (above) and '
            'current (below). Published scheme at 0.25 ms; '
            'spikes drawn up to 30 mV.')
    with style.figure(folder/'patterns_2004.png', 6.4) as figure:
        panels = figure.subplots(5, 4).ravel()
        for axes, name, trace in zip(panels, PATTERNS, traces['patterns'],
                                     strict=True):
            _draw_trace(axes, trace, f'({_letter(name)}) {_words(name)}',
                        7.0)
            _scale(axes, 20.0)
        pictures.caption(
            figure, 'After figure 1 of Izhikevich (2004): v (above) and '
            'current (below, each on its own scale). Black bars: 20 ms. '
            'Program and numbers published with the paper.')


def _draw_trace(axes: Axes, trace: Trace, title: str, size: float) -> None:
    axes.set_title(title, fontsize=size, loc='center')
    axes.plot(trace.t, trace.v, color=style.COLOURS[0], linewidth=0.7)
    low, high = trace.current.min(), trace.current.max()
    axes.plot(trace.t, -118 + 16*(trace.current - low)/(high - low),
              color=style.FAINT, linewidth=0.9)
    axes.set(ylim=(-136, 36), xlim=(trace.t[0], trace.t[-1]))
    axes.axis('off')


def _scale(axes: Axes, length: float) -> None:
    axes.plot([0, length], [-131, -131], color=style.INK, linewidth=2,
              solid_capstyle='butt')
    if length > 20:
        axes.text(length/2, -134, f'{length:g} ms', ha='center', va='top',
                  fontsize=7)


def _letter(name: str) -> str:
    return patterns.PATTERNS[name].letter


def _words(name: str) -> str:
    return name.replace('_', ' ')

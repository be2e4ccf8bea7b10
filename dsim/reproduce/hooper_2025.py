"""A grid of Izhikevich neurons: after GAIN, Hooper (2025), arXiv 2506.04247.

Only the abstract of the paper could be had, so this is a reconstruction:
cells of the 2003 model on a grid, connected to their nearest neighbours,
one step of 1 ms from cell to cell.  What is checked to the digit was found
by another program; no figure of the paper is claimed to be reproduced.
"""

from pathlib import Path
from typing import Any

import numpy as np

from dsim.network import Network
from dsim.neurons.izhikevich import Izhikevich
from dsim.reproduce import base
from dsim.reproduce import hooper_2025_figures as figures
from dsim.reproduce import hooper_2025_layers as layers
from dsim.reproduce import hooper_2025_sheet as sheet
from dsim.reproduce import hooper_2025_waves as waves
from dsim.reproduce.base import COMPUTED, Claim
from dsim.simulation import Simulation
from dsim.stimuli import ConstantCurrent

TITLE = ('GAIN-like grid of Izhikevich neurons, reconstructed from the '
         'abstract of Hooper (2025)')

CURRENTS = (4.0, 5.0, 10.0, 15.0)
SINGLES = {
    'regular_spiking': ((7, 10, 20, 31), (4, 31, 79)),
    'chattering': ((14, 28, 43, 64), (4, 7, 10)),
    'fast_spiking': ((21, 34, 63, 99), (4, 11, 22)),
}
"""Preset -> spikes in 1000 ms by current, first three times at I = 10."""

LATENCIES = {16.5: 10, 20.0: 5, 25.0: 4, 30.0: 3, 40.0: 2}
"""Size of a pulse of one step -> steps until the cell at rest fires."""

DURATION = 1000.0

NOTE = ('A spike stamped 1000 ms, the end of the last step, is not counted: '
        'the published program would find it in the next step only. At '
        'I = 15 the chattering and the fast spiking cell have one.')


def run(output: str | Path, comm: Any, small: bool = False) -> list[Claim]:
    """Run all of it into ``output`` on the ranks of ``comm``.

    ``small`` takes smaller sheets and fewer seeds.  Returns the claims, on
    every rank.
    """
    folder = base.make_folder(output, comm)
    claims, traces = measure_cells(comm)
    more, pulses, latencies = measure_pulse(comm)
    weak, thresholds = waves.measure_threshold(comm)
    moving, maps = waves.measure(comm)
    halo, told = waves.measure_halo(comm)
    seen_claims, seen = sheet.measure(folder, comm, small)
    rich, rows, tests = layers.measure(comm, small)
    with base.alone(comm) as solo:
        rasters = layers.rasters(solo)
    claims += more + moving + weak + halo + seen_claims + rich
    base.save(TITLE, claims, folder, comm)
    base.show(TITLE, claims, comm)

    if comm.rank == 0:
        cells = figures.Cells(traces, pulses, latencies, thresholds)
        figures.draw_cells(folder/'cells.png', cells)
        figures.draw_waves(folder/'waves.png', maps, told)
        figures.draw_sheets(folder/'sheets.png', seen)
        figures.film(folder, seen)
        figures.draw_richness(folder/'richness.png', rows, tests, rasters)
        base.write_csv(folder/'first_spikes.csv', table(maps))
        base.write_csv(folder/'tests.csv', [t._asdict() for t in tests])
        base.write_csv(folder/'noise.csv', [r for r in rows if r['noise']])
        base.write_csv(folder/'burst.csv',
                       [r for r in rows if not r['noise']])
    comm.Barrier()
    return claims


def table(maps: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return first-spike maps as rows: case, row, column, time in ms."""
    return [{'case': name, 'row': row, 'column': column, 'time': time}
            for name, first in maps.items()
            for (row, column), time in np.ndenumerate(first)]


def measure_cells(comm: Any) -> tuple[
        list[Claim], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Count the spikes of single cells; return claims, and v at I = 10."""
    claims, traces = [], {}
    with base.alone(comm) as solo:
        for preset, (counts, first) in SINGLES.items():
            times, ids, v = _singles(preset, solo)
            # A spike at 1000 ms is the first of the next second
            inside = ids[times < DURATION]
            mine = times[ids == CURRENTS.index(10.0)]
            traces[preset] = v, mine
            name = preset.replace('_', ' ')
            claims += [
                Claim(f'{name}: spikes in 1000 ms at I = 4 5 10 15',
                      list(counts), np.bincount(inside, minlength=4),
                      COMPUTED, note=NOTE),
                Claim(f'{name}: first spikes at I = 10', list(first),
                      mine[:3].astype(int), COMPUTED, 'ms'),
            ]
    return claims, traces


def _singles(preset: str, comm: Any
             ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    net = Network(seed=1)
    net.population('cells', Izhikevich.preset(preset), len(CURRENTS))
    net.stimulate('cells', ConstantCurrent(CURRENTS))
    net.record('cells', 'v', ids=[CURRENTS.index(10.0)])
    with Simulation(net, dt=1.0, comm=comm) as simulation:
        simulation.run(DURATION)
        return (*simulation.spikes('cells'),
                simulation.values('cells', 'v')[:, 0])


def latency(pulses: np.ndarray, comm: Any, steps: int = 200) -> np.ndarray:
    """Return after how many steps resting cells fire; 0 if they do not.

    One cell for each size of a pulse that lasts one step.
    """
    net = Network(seed=1)
    net.population('cells', Izhikevich.preset(
        'regular_spiking', initial=waves.REST), pulses.size)
    net.stimulate('cells', ConstantCurrent(pulses, stop=1.0))
    with Simulation(net, dt=1.0, comm=comm) as simulation:
        simulation.run(steps)
        times, ids = simulation.spikes('cells')
    found = np.zeros(pulses.size, np.int64)
    found[ids[::-1]] = times[::-1]
    return found


def critical_pulse(comm: Any, low: float = 10.0, high: float = 30.0) -> float:
    """Return the smallest pulse that makes a resting cell fire.

    By section into a hundred, with as many cells at a time.
    """
    while high - low > 1e-9:
        pulses = np.linspace(low, high, 101)
        first = int(np.argmax(latency(pulses, comm) > 0))
        low, high = pulses[first - 1], pulses[first]
    return (low + high)/2


def measure_pulse(comm: Any) -> tuple[list[Claim], np.ndarray, np.ndarray]:
    """Find the critical pulse and latencies; return claims and a curve."""
    with base.alone(comm) as solo:
        critical = critical_pulse(solo)
        asked = latency(np.array(list(LATENCIES)), solo)
        pulses = critical + np.geomspace(1e-6, 30, 200)
        curve = latency(pulses, solo)
    sizes = ' '.join(f'{pulse:g}' for pulse in LATENCIES)
    return [
        Claim('smallest pulse of 1 ms that makes a resting cell fire',
              waves.CRITICAL, round(critical, 7), COMPUTED,
              tolerance=waves.ACCURACY),
        Claim(f'latency after a pulse of {sizes}', list(LATENCIES.values()),
              asked, COMPUTED, 'steps'),
    ], pulses, curve

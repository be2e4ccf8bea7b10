"""What the drivers of all simulators share; needs nothing but numpy.

A driver is a script beside this file.  It is run by the Python of its
simulator, as ``python nest_sheet.py list.npz found.json --duration 1000``,
and may not import dsim, which need not be there.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

UNKNOWN = 3
"""Exit code of a driver that cannot express the network."""


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Return the arguments that every driver takes."""
    parser = argparse.ArgumentParser()
    parser.add_argument('network', help='.npz file, see export.py')
    parser.add_argument('result', help='JSON file to be written')
    parser.add_argument('--duration', type=float, default=1000.0,
                        help='biological time to be measured, in ms')
    parser.add_argument('--warm-up', type=float, default=100.0,
                        help='biological time before that, in ms')
    parser.add_argument('--record', type=float, default=1.0,
                        help='part of the neurons whose spikes are kept')
    parser.add_argument('--mode', default='', help='of those of a driver')
    parser.add_argument('--spikes', help='.npz file for the spikes')
    return parser.parse_args(words)


def refuse(why: str) -> None:
    """End: the simulator cannot express this network."""
    print(why, file=sys.stderr)
    sys.exit(UNKNOWN)


class Pathway(NamedTuple):
    """Connections that have a receptor and a weight in common.

    ``sources`` and ``targets`` are numbers of neurons; ``delays`` in steps;
    ``weights`` and ``delays`` have one number each, or one for all.
    """

    receptor: str
    sources: np.ndarray
    targets: np.ndarray
    delays: np.ndarray
    weights: np.ndarray


class Listed:
    """A network as `export` wrote it."""

    def __init__(self, path: str):
        self.file = np.load(path)
        page = json.loads(str(self.file['page']))
        self.dt: float = page['dt']
        self.seed: int = page['seed']
        self.neurons: int = page['neurons']
        self.connections: int = page['connections']
        self.populations: list[dict[str, Any]] = page['populations']
        self.projections: list[dict[str, Any]] = page['projections']

    def value(self, population: dict[str, Any], kind: str, name: str) -> Any:
        """Return a number, or float64[n], of a population.

        ``kind`` is 'parameters', 'states' or 'noise'.
        """
        found = population[kind][name]
        if found is not None:
            return found
        one = {'parameters': 'parameter', 'states': 'state'}.get(kind, kind)
        return self.file[f'{one}_{population["name"]}_{name}']

    def everywhere(self, kind: str, name: str) -> Any:
        """Return one number for all neurons, or float64[neurons]."""
        parts = [(self.value(p, kind, name), p['size'])
                 for p in self.populations]
        numbers = {value for value, _ in parts if np.ndim(value) == 0}
        if len(numbers) == 1 and all(np.ndim(v) == 0 for v, _ in parts):
            return numbers.pop()
        return np.concatenate([np.full(size, value) if np.ndim(value) == 0
                               else value for value, size in parts])

    def model(self, known: dict[str, Any]) -> str:
        """Return the model that all populations have, as `MODELS` does.

        Ends the driver unless it is among the ``known`` ones.
        """
        found = {kind_of(self, p) for p in self.populations}
        if len(found) > 1 or not found <= set(known):
            refuse(f'no driver for {", ".join(sorted(found))}')
        return found.pop()

    def pathways(self) -> Iterator[Pathway]:
        """Return the connections, as few arrays as there are weights."""
        groups: dict[Any, list[int]] = {}
        for k, projection in enumerate(self.projections):
            weights = self.file[f'weights_{k}']
            equal = float(weights[0]) if weights.size == 1 else None
            groups.setdefault((projection['receptor'], equal), []).append(k)
        for (receptor, equal), members in groups.items():
            sources = self._all('sources', members)
            delays = self._all('delays', members)
            weights = (np.array([equal]) if equal is not None
                       else self._all('weights', members))
            yield Pathway(receptor, sources, self._all('targets', members),
                          delays, weights)

    def _all(self, what: str, members: list[int]) -> np.ndarray:
        parts = [self.file[f'{what}_{k}'] for k in members]
        ones = {int(part[0]) for part in parts if part.size == 1}
        if what == 'delays' and len(ones) == 1 and all(
                part.size == 1 for part in parts):
            return parts[0]
        if what in ('delays', 'weights'):
            parts = [np.broadcast_to(part, self.file[f'sources_{k}'].shape)
                     for part, k in zip(parts, members, strict=True)]
        return np.concatenate(parts)

    def outdegrees(self) -> np.ndarray:
        """Return int64[neurons]: how many connections leave each neuron."""
        out = np.zeros(self.neurons, dtype=np.int64)
        for k in range(len(self.projections)):
            out += np.bincount(self.file[f'sources_{k}'],
                               minlength=self.neurons)
        return out


def kind_of(listed: Listed, population: dict[str, Any]) -> str:
    """Return what a population's equations are called here.

    'izhikevich' (two half steps), 'currents' and 'conductances' (leaky
    integrate-and-fire), or dsim's own name of any other.
    """
    name, scheme = population['model'], population['scheme']
    if name == 'izhikevich-2003':
        plain = {'v_square': 0.04, 'v_linear': 5.0, 'v_constant': 140.0,
                 'v_shift': 0.0, 'u_decay': 1.0}
        usual = all(population['parameters'][key] == value
                    for key, value in plain.items())
        return ('izhikevich' if scheme == 'published' and usual
                else f'{name} ({scheme})')
    if name == 'adex':
        leaky = all(population['parameters'][key] == 0.0
                    for key in ('Delta_T', 'a', 'b'))
        return 'conductances' if leaky else name
    return {'lif': 'currents', 'lif-conductance': 'conductances'}.get(
        name, name)


def threshold(listed: Listed, population: dict[str, Any]) -> Any:
    """Return v at which a spike leaves."""
    # AdEx without an upstroke has V_th in the place of V_peak
    name = 'v_peak' if population['model'] == 'izhikevich-2003' else 'V_th'
    return listed.value(population, 'parameters', name)


class Meter:
    """CPU (user and system) and wall seconds of the phases of a driver.

    What child processes (compilers) take counts, too.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count what happens within, on top of what was."""
        begin = self.now()
        try:
            yield
        finally:
            self.count(name, begin)

    def count(self, name: str, begin: tuple[float, float]) -> None:
        """Count what happened since ``begin``, which `now` returned."""
        for kind, last, first in zip(('cpu', 'wall'), self.now(), begin,
                                     strict=True):
            key = f'{name}_{kind}'
            self.seconds[key] = self.seconds.get(key, 0.0) + last - first

    @staticmethod
    def now() -> tuple[float, float]:
        """Return the CPU and the wall seconds so far."""
        spent = os.times()
        cpu = (time.process_time() + spent.children_user
               + spent.children_system)
        return cpu, time.perf_counter()


def peak_memory() -> int:
    """Return the most bytes that this process had in memory so far.

    On Linux as VmHWM: what getrusage tells begins with the memory of the
    process that started this one.
    """
    try:
        for line in Path('/proc/self/status').read_text().splitlines():
            if line.startswith('VmHWM:'):
                return 1024*int(line.split()[1])
    except OSError:
        pass
    return 1024*resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def report(arguments: argparse.Namespace, listed: Listed, meter: Meter,
           simulator: str, version: str, steps: np.ndarray,
           numbers: np.ndarray, **more: Any) -> None:
    """Write the JSON of a driver.

    ``steps``, ``numbers`` are all spikes that were kept, in dsim's terms: a
    spike that leaves at time t is of the step t/dt - 1.  ``more`` is added;
    ``peak_memory`` is that of now if it is not among it.
    """
    more.setdefault('peak_memory', peak_memory())
    first = round(arguments.warm_up/listed.dt)
    last = first + round(arguments.duration/listed.dt)
    if arguments.spikes:
        np.savez(arguments.spikes, steps=steps, numbers=numbers)

    timed = (steps >= first) & (steps < last)
    steps, numbers = steps[timed], numbers[timed]
    kept = kept_neurons(listed, arguments.record)
    events = int(listed.outdegrees()[numbers].sum())
    found = {
        'simulator': simulator, 'version': version,
        'python': sys.version.split()[0], 'numpy': np.__version__,
        'neurons': listed.neurons, 'connections': listed.connections,
        'recorded_neurons': kept, 'steps': last - first, 'dt': listed.dt,
        'biological': arguments.duration/1000, **meter.seconds,
        'recorded_spikes': steps.size,
        'spikes': round(steps.size*listed.neurons/kept),
        'events': round(events*listed.neurons/kept),
        **activity(listed, steps, numbers, kept, arguments.duration),
        **more}
    Path(arguments.result).write_text(json.dumps(found, indent=1) + '\n')


def kept_neurons(listed: Listed, part: float) -> int:
    """Return how many neurons, from the first on, are recorded."""
    return max(1, min(listed.neurons, round(part*listed.neurons)))


def activity(listed: Listed, steps: np.ndarray, numbers: np.ndarray,
             kept: int, duration: float) -> dict[str, Any]:
    """Return rates in Hz, and the mean CV of the intervals of neurons.

    Of neurons with three spikes or more; None if there are none.
    """
    rates = {}
    for p in listed.populations:
        last = min(p['first'] + p['size'], kept)
        inside = (numbers >= p['first']) & (numbers < last)
        if last > p['first']:
            rates[p['name']] = 1000*float(inside.sum())/(
                (last - p['first'])*duration)
    return {'rate': 1000*steps.size/(kept*duration), 'rates': rates,
            'cv': mean_cv(steps, numbers, listed.neurons)}


def mean_cv(steps: np.ndarray, numbers: np.ndarray, neurons: int
            ) -> float | None:
    """Return the mean coefficient of variation of interspike intervals."""
    order = np.lexsort((steps, numbers))
    gaps = np.diff(steps[order]).astype(np.float64)
    same = np.diff(numbers[order]) == 0
    owners, gaps = numbers[order][1:][same], gaps[same]
    count = np.bincount(owners, minlength=neurons)
    enough = count >= 2
    if not enough.any():
        return None
    total = np.bincount(owners, gaps, neurons)[enough]
    square = np.bincount(owners, gaps**2, neurons)[enough]
    mean = total/count[enough]
    spread = np.sqrt(np.maximum(square/count[enough] - mean**2, 0.0))
    return float((spread/mean).mean())

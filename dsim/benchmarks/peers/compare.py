"""Run dsim and its peers in turn, and set their costs side by side."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dsim.benchmarks import machine
from dsim.benchmarks.peers.driver import UNKNOWN
from dsim.benchmarks.peers.export import export
from dsim.benchmarks.workloads import find
from dsim.errors import DsimError

HERE = Path(__file__).parent
LIMIT = 3600
"""Seconds that one run of one simulator may take."""


class Peer(NamedTuple):
    """A simulator that has a driver.

    ``module`` tells whether it is there, in the Python called ``python``
    on the command line; ``mode`` is one of the driver's.
    """

    name: str
    python: str
    module: str
    driver: str
    mode: str = ''


PEERS = {each.name: each for each in (
    Peer('nest', 'nest', 'nest', 'nest_sheet.py'),
    Peer('brian2-cython', 'brian2', 'brian2', 'brian2_sheet.py', 'cython'),
    Peer('brian2-standalone', 'brian2', 'brian2', 'brian2_sheet.py',
         'cpp_standalone'),
    Peer('annarchy', 'annarchy', 'ANNarchy', 'annarchy_sheet.py'),
)}


class Cost(NamedTuple):
    """What is compared: a figure of a run, smaller is better."""

    unit: str
    of: Callable[[Mapping[str, Any]], float]


COSTS = {
    'event': Cost('core-ns per synaptic event',
                  lambda run: 1e9*run['simulate_cpu']/max(run['events'], 1)),
    'second': Cost('core-s per biological second',
                   lambda run: run['simulate_cpu']/run['biological']),
    'step': Cost('core-ns per neuron and step',
                 lambda run: 1e9*run['simulate_cpu']
                 / (run['neurons']*run['steps'])),
}
MAIN = {'W1': 'event', 'W2-coba': 'second', 'W2-cuba': 'second',
        'W4': 'step'}
"""The workloads that are compared, and which cost their ratios are of.

That is 'event' for any other.
"""

RECORDED = {'W4': 0.01}
"""Part of the neurons whose spikes peers keep, where it is not all."""


class Options(NamedTuple):
    """How workloads are compared; None where they decide themselves.

    ``pythons`` is simulator -> its Python; ``core`` the one that all run
    on, None for any; ``duration`` and ``warm_up`` in ms.
    """

    pythons: Mapping[str, str]
    peers: Sequence[str]
    repeats: int = 3
    seed: int = 1
    scale: float = 1.0
    duration: float | None = None
    warm_up: float | None = None
    core: int | None = None


def available(names: Iterable[str], pythons: Mapping[str, str]
              ) -> dict[str, bool]:
    """Tell which peers can be imported in their Pythons."""
    found = {}
    for name in names:
        peer = PEERS[name]
        seek = ('import importlib.util as u, sys; '
                f'sys.exit(u.find_spec({peer.module!r}) is None)')
        python = pythons.get(peer.python, sys.executable)
        try:
            done = subprocess.run([python, '-c', seek], check=False,
                                  capture_output=True, timeout=60)
        except OSError as error:
            raise DsimError(f'--python {peer.python}={python}: {error}'
                            ) from None
        found[name] = done.returncode == 0
    return found


def compare(called: str, options: Options, tell: Callable[[str], None]
            ) -> dict[str, Any]:
    """Run a workload, or a model file, on dsim and on the peers, in turn.

    All simulate the connections that dsim makes, each in a process of its
    own; ``tell`` is called with a line after each run.  Returns the runs,
    their medians and the ratios to dsim's, by name (docs/peers.md).

    Raises `DsimError` where dsim itself fails.
    """
    workload, before = find(called)[0], machine.load()
    network = workload.network(options.scale, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder)/'network.npz'
        connections = export(network, workload.dt, listed)
        runs: dict[str, list[dict[str, Any]]] = {'dsim': []}
        runs.update({name: [] for name in options.peers})
        refused: dict[str, str] = {}
        for turn in range(options.repeats):
            for name in runs:
                if name in refused:
                    continue
                run = once(name, called, options, listed, refused)
                if run is None:
                    tell(f'{workload.name} {name}: {refused[name]}')
                    continue
                runs[name].append(run)
                cost = COSTS[MAIN.get(workload.name, 'event')]
                tell(f'{workload.name} {name} {turn + 1}/{options.repeats}: '
                     f'{cost.of(run):.3g} {cost.unit}, '
                     f'{run["rate"]:.2f} Hz')
    return {'workload': workload.name, 'title': workload.title,
            'cost': MAIN.get(workload.name, 'event'),
            'neurons': sum(p.size for p in network.populations.values()),
            'connections': connections, 'dt': workload.dt,
            'scale': options.scale, 'seed': options.seed,
            'load_before': before, 'load_after': machine.load(),
            'refused': refused, 'simulators': summarised(
                {name: found for name, found in runs.items() if found})}


def once(name: str, called: str, options: Options, listed: Path,
         refused: dict[str, str]) -> dict[str, Any] | None:
    """Return what one run of a simulator took.

    None, with the reason in ``refused``, if its driver has no such network
    or it fails.
    """
    workload = find(called)[0]
    result = listed.with_name('result.json')
    result.unlink(missing_ok=True)
    command = [*_start(name, called, options), str(listed), str(result),
               '--duration', str(options.duration or workload.duration),
               '--warm-up', str(workload.warm_up if options.warm_up is None
                                else options.warm_up)]
    try:
        done = subprocess.run(
            command, env=_alone(), cwd=listed.parent, text=True, check=False,
            errors='replace', stdin=subprocess.DEVNULL, capture_output=True,
            timeout=LIMIT, preexec_fn=_pinned(options.core))
    except subprocess.TimeoutExpired:
        refused[name] = f'took over {LIMIT} s'
        return None
    if done.returncode == 0 and result.exists():
        return json.loads(result.read_text())
    lines = (done.stdout + done.stderr).strip().splitlines()
    if name == 'dsim':
        raise DsimError(f'dsim failed on {called}:\n'
                        + '\n'.join(lines[-12:]))
    why = lines[-1] if lines else f'exit code {done.returncode}'
    refused[name] = why if done.returncode == UNKNOWN else f'failed: {why}'
    return None


def _start(name: str, called: str, options: Options) -> list[str]:
    if name == 'dsim':
        # It runs in another folder
        found = (str(Path(called).absolute()) if called.endswith('.toml')
                 else called)
        return [sys.executable, '-m', 'dsim.benchmarks.peers.dsim_sheet',
                '--workload', found, '--scale', str(options.scale),
                '--seed', str(options.seed)]
    peer = PEERS[name]
    return [options.pythons.get(peer.python, sys.executable),
            str(HERE/peer.driver), '--mode', peer.mode,
            '--record', str(RECORDED.get(called, 1.0))]


def _alone() -> dict[str, str]:
    """Return the environment: one thread, and dsim where it is now."""
    threads = dict.fromkeys(
        ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS',
         'NUMBA_NUM_THREADS'), '1')
    root = str(HERE.parent.parent.parent)
    old = os.environ.get('PYTHONPATH')
    return {**os.environ, **threads,
            'PYTHONPATH': root + (os.pathsep + old if old else '')}


def _pinned(core: int | None) -> Callable[[], None] | None:
    if core is None:
        return None
    return lambda: os.sched_setaffinity(0, {core})


def summarised(runs: Mapping[str, list[dict[str, Any]]]
               ) -> dict[str, dict[str, Any]]:
    """Return medians of each simulator's runs, and its costs over dsim's."""
    found: dict[str, dict[str, Any]] = {
        name: {'runs': own, 'median': _medians(own)}
        for name, own in runs.items()}
    ours = found['dsim']['median']
    for entry in found.values():
        entry['ratio'] = {
            cost: (entry['median'][cost]/ours[cost] if ours[cost] else None)
            for cost in COSTS}
    return found


def _medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    whole = [{**run, **{name: cost.of(run) for name, cost in COSTS.items()}}
             for run in runs]
    names = (*COSTS, 'build_cpu', 'build_wall', 'simulate_cpu',
             'simulate_wall', 'peak_memory', 'rate', 'cv')
    medians: dict[str, Any] = {
        name: _median([run[name] for run in whole]) for name in names}
    for cost in COSTS:
        values = [run[cost] for run in whole]
        medians[f'{cost}_range'] = [min(values), max(values)]
    medians['rates'] = {name: _median([run['rates'][name] for run in runs])
                        for name in runs[0]['rates']}
    return medians


def _median(values: list[Any]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None

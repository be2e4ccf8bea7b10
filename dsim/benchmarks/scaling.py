"""The same workload on many numbers of ranks, each in a job of its own."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from dsim.benchmarks.measure import Options
from dsim.benchmarks.results import medians, number
from dsim.benchmarks.workloads import find
from dsim.errors import BadValue, DsimError, InputFileError
from dsim.io.together import read_text

CROWDED = ('more ranks than cores: times mean nothing, counts do '
           '(oversubscribed)')


@dataclass(frozen=True)
class Sweep:
    """Which runs: ``kind`` is 'strong' (one size) or 'weak' (per rank)."""

    kind: str
    workload: str
    ranks: list[int]
    repeats: int
    seed: int
    launcher: str | None
    options: Options

    def scale(self, ranks: int) -> float:
        """Return the scale of the network on so many ranks."""
        grows = ranks if self.kind == 'weak' else 1
        return self.options.scale*grows


def run(sweep: Sweep, comm: Any = None) -> dict[str, Any]:
    """Start all runs, the numbers of ranks in turn, and compare them.

    Raises
    ------
    BadValue
        If this process is itself a rank of a job (``comm`` is not None).
    DsimError
        If a run fails; its own message is passed on.
    """
    if comm is not None:
        raise BadValue(f'dsim bench {sweep.kind}', f'{comm.size} ranks',
                       'started alone: it starts the ranks itself')
    if len(find(sweep.workload)) != 1:
        raise BadValue('--workload', sweep.workload, 'one workload')
    ranks, runs = sorted(set(sweep.ranks)), []
    for _ in range(sweep.repeats):
        runs += [_one(sweep, n) for n in ranks]
    return gather(sweep.kind, runs)


def gather(kind: str, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return runs on several numbers of ranks, compared.

    ``runs`` are what `dsim bench run --json` writes, of one workload each.
    Raises `BadValue` if they are of several workloads.
    """
    names = sorted({run['entries'][0]['workload'] for run in runs})
    if len(names) != 1:
        raise BadValue('runs', names, 'of one workload')
    found: dict[int, list[dict[str, Any]]] = {}
    for each in runs:
        found.setdefault(each['entries'][0]['ranks'], []).append(each)

    first, last = runs[0], runs[-1]
    loads = (first['machine']['load_before'], last['machine']['load_after'])
    entries = compared(kind, [_entry(found[n]) for n in sorted(found)])
    return {'dsim_bench': first['dsim_bench'], 'kind': kind,
            'workload': names[0], 'date': first['date'],
            'command': ' '.join(sys.orig_argv),
            'started': first['command'],
            'machine': {**first['machine'], 'load_before': loads[0],
                        'load_after': loads[1]},
            'versions': first['versions'], 'memory': first['memory'],
            'entries': entries}


def read(path: Path) -> list[dict[str, Any]]:
    """Return the runs of a file with one JSON in each line.

    Raises `InputFileError` if it is no such file.
    """
    found = []
    for k, line in enumerate(read_text(path).splitlines(), 1):
        try:
            each = json.loads(line)
            right = each['kind'] == 'run' and len(each['entries']) == 1
        except (ValueError, KeyError, TypeError):
            right = False
        if not right:
            raise InputFileError(f'{path}: line {k}: not what `dsim bench '
                                 'run WORKLOAD --lines` writes')
        found.append(each)
    if not found:
        raise InputFileError(f'{path}: empty')
    return found


def compared(kind: str, entries: list[dict[str, Any]]
             ) -> list[dict[str, Any]]:
    """Add speed-up and efficiency, both against the first entry.

    In a strong sweep an n-fold number of ranks should take an n-th of the
    time, in a weak one the same time for an n-fold network.
    """
    base = entries[0]
    for each in entries:
        more = each['ranks']/base['ranks']
        for time, prefix in ('wall_s', ''), ('build_s', 'build_'):
            quicker = base[time]/each[time]
            if kind == 'weak':
                each[f'{prefix}efficiency'] = quicker
                each[f'{prefix}speedup'] = quicker*more
            else:
                each[f'{prefix}speedup'] = quicker
                each[f'{prefix}efficiency'] = quicker/more
    return entries


def words(launcher: str | None, ranks: int) -> list[str]:
    """Return the words that start so many ranks.

    Raises `BadValue` for a launcher without '{ranks}'.
    """
    if launcher is None:
        beside = Path(sys.executable).parent/'mpirun'
        mpirun = (os.environ.get('DSIM_MPIRUN')
                  or (str(beside) if beside.exists() else None)
                  or shutil.which('mpirun') or 'mpirun')
        return [mpirun, '-n', str(ranks)]
    if '{ranks}' not in launcher:
        raise BadValue('--launcher', launcher, "a command with {ranks}, such "
                       "as 'srun -n {ranks}'")
    return shlex.split(launcher.replace('{ranks}', str(ranks)))


def _one(sweep: Sweep, ranks: int) -> dict[str, Any]:
    """Run the workload on so many ranks; return its JSON."""
    with tempfile.TemporaryDirectory(prefix='dsim-bench-') as folder:
        target = Path(folder)/'run.json'
        command = [
            *words(sweep.launcher, ranks), sys.executable, '-m', 'dsim',
            'bench', 'run', sweep.workload, '--seeds', str(sweep.seed),
            '--json', str(target), *_options(sweep, ranks)]
        try:
            # Given, since what MPI has put into that of this process, where
            # Python cannot see it, would confuse a launcher
            done = subprocess.run(command, capture_output=True, text=True,
                                  errors='replace', check=False,
                                  env=dict(os.environ))
        except OSError as error:
            raise BadValue('--launcher', command[0], 'a command that can be '
                           f'started: {error.strerror}') from None
        if done.returncode != 0 or not target.exists():
            raise DsimError(
                f'the run on {ranks} ranks failed (exit code '
                f'{done.returncode}): {" ".join(command)}\n'
                + (done.stderr.strip() or done.stdout.strip())[-2000:])
        found: dict[str, Any] = json.loads(target.read_text('utf-8'))
    there = found['entries'][0]['ranks']
    if there != ranks:
        raise DsimError(f'{command[0]} started {there} ranks instead of '
                        f'{ranks}')
    return found


def _options(sweep: Sweep, ranks: int) -> list[str]:
    options = sweep.options
    given = {'duration': options.duration, 'warm-up': options.warm_up,
             'scale': sweep.scale(ranks), 'threads': options.threads,
             'storage': options.storage, 'precision': options.precision,
             'exchange': options.exchange}
    return [word for name, value in given.items() if value is not None
            for word in (f'--{name}', str(value))]


def _entry(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians over repeats, and each repeat below them."""
    each = [dict(found['entries'][0]) for found in runs]
    middle = medians([{key: value for key, value in one.items()
                       if key != 'seeds'} for one in each])
    for one, found in zip(each, runs, strict=True):
        one['seeds'] = [seed['seed'] for seed in one['seeds']]
        one['load'] = found['machine']['load_before']
    return {**middle, 'repeats': each}


def show(found: dict[str, Any], console: Console) -> None:
    """Print a line for each number of ranks."""
    table = Table(box=None, pad_edge=False, header_style='bold')
    for name in ('ranks', 'scale', 'synapses', 'build', 'speed-up', 'time',
                 'speed-up', 'efficiency', 'core-ns/event', 'update',
                 'deliver', 'exchange', 'waiting', 'transfer', 'record'):
        table.add_column(name, justify='right', no_wrap=True)
    for each in found['entries']:
        table.add_row(*_cells(each))
    console.print(table)
    console.print(
        f'{found["workload"]}, {found["kind"]}; medians over repeats; '
        'phases as shares of the mean rank', style='dim', markup=False,
        soft_wrap=True)
    crowded = [str(each['ranks']) for each in found['entries']
               if each['oversubscribed']]
    if crowded:
        console.print(f'{", ".join(crowded)} ranks: {CROWDED}',
                      style='yellow', markup=False, soft_wrap=True)


def _cells(each: dict[str, Any]) -> list[str]:
    phases = {name: phase['mean'] for name, phase
              in each['phases_s'].items()}
    total = max(sum(phases.values()), 1e-300)
    parts = (phases['update'], phases['deliver'], phases['exchange'],
             each['waiting_s'], each['transfer_s'], phases['record'])
    return [
        str(each['ranks']) + ('*' if each['oversubscribed'] else ''),
        number(each['scale']), f'{each["synapses"]:,.0f}',
        f'{each["build_s"]:.2f} s', number(each['build_speedup']),
        f'{each["wall_s"]:.3g} s', number(each['speedup']),
        f'{100*each["efficiency"]:.0f} %',
        number(each['core_ns_per_event']),
        *(f'{100*part/total:.0f} %' for part in parts)]

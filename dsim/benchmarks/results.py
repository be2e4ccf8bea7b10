"""Measurements together: medians over seeds, one JSON file, one table."""

import datetime
import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from dsim.benchmarks import machine, memory
from dsim.benchmarks.measure import Options
from dsim.benchmarks.workloads import Workload
from dsim.errors import OutputError

FORMAT = 1
"""Goes up when a key changes its meaning."""


def entry(workload: Workload, options: Options,
          seeds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a workload's medians, and its values for each seed below."""
    settings = {
        **asdict(options), 'output': options.output is not None,
        'duration_ms': options.duration or workload.duration,
        'warm_up_ms': (workload.warm_up if options.warm_up is None
                       else options.warm_up),
        'dt_ms': workload.dt}
    for name in 'duration', 'warm_up', 'overwrite':
        del settings[name]
    middle = medians([{**each} for each in seeds])
    del middle['seed']
    return {'workload': workload.name, 'title': workload.title,
            'source': workload.source, **settings, **middle,
            'rates_plausible': plausible(workload, options, seeds),
            'seeds': list(seeds)}


def plausible(workload: Workload, options: Options,
              seeds: Sequence[dict[str, Any]]) -> bool | None:
    """Tell whether all rates are as they should be; None if not known."""
    if workload.rates is None or options.scale < 1:
        return None
    low, high = workload.rates
    return all(low <= rate <= high for each in seeds
               for rate in each['rates_hz'].values())


def medians(values: Sequence[Any]) -> Any:
    """Return the medians of numbers, within dicts too; else the first."""
    first = values[0]
    if isinstance(first, dict):
        return {key: medians([value[key] for value in values])
                for key in first}
    if all(value == first for value in values):
        return first
    if all(isinstance(value, int | float) for value in values):
        return statistics.median(values)
    return first


def gather(kind: str, entries: Any, before: list[float] | None,
           comm: Any) -> dict[str, Any]:
    """Return all that goes into a JSON file; collective.

    ``before`` is the load when the measurement began.
    """
    found = machine.versions(comm)
    command = found.pop('command')
    return {
        'dsim_bench': FORMAT, 'kind': kind,
        'date': datetime.datetime.now(datetime.UTC).isoformat(
            timespec='seconds'),
        'command': command,
        'machine': {**machine.facts(), 'load_before': before,
                    'load_after': machine.load()},
        'versions': found, 'memory': memory.HOW, 'entries': entries}


def write(path: Path, found: dict[str, Any]) -> None:
    """Write a JSON file; `OutputError` says why it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False)
                        + '\n', encoding='utf-8')
    except OSError as error:
        raise OutputError(f'{path}: cannot be written: '
                          f'{error.strerror}') from None


def append(path: Path, found: dict[str, Any]) -> None:
    """Add one line of JSON to a file; `OutputError` if that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open('a', encoding='utf-8') as file:
            file.write(json.dumps(found, ensure_ascii=False) + '\n')
    except OSError as error:
        raise OutputError(f'{path}: cannot be written: '
                          f'{error.strerror}') from None


def show(entries: Sequence[dict[str, Any]], console: Console) -> None:
    """Print a line for each workload, and where its time went."""
    table = Table(box=None, pad_edge=False, header_style='bold')
    table.add_column('')
    for name in ('neurons', 'synapses', 'build', 'B/synapse', 'peak',
                 'rate', 'RTF', 'core-s/s', 'core-ns/event',
                 '/neuron-step', 'update', 'deliver', 'exchange', 'wait',
                 'record'):
        table.add_column(name, justify='right', no_wrap=True)
    for each in entries:
        table.add_row(*_cells(each))
    console.print(table)
    console.print('medians over seeds; peak is of building, in bytes a '
                  'synapse; core-s a biological second, core-ns a neuron '
                  'and step; phases as shares of the mean rank',
                  style='dim', markup=False, soft_wrap=True)
    if any(each['oversubscribed'] for each in entries):
        console.print('more threads than cores: times mean nothing',
                      style='yellow', markup=False)
    for each in entries:
        if each['rates_plausible'] is False:
            console.print(f'{each["workload"]}: rates are not what they '
                          f'should be: {each["rates_hz"]}', style='red',
                          markup=False, soft_wrap=True)


def _cells(each: dict[str, Any]) -> list[str]:
    means = [phase['mean'] for phase in each['phases_s'].values()]
    return [
        each['workload'], f'{each["neurons"]:,.0f}',
        f'{each["synapses"]:,.0f}', f'{each["build_s"]:.2f} s',
        number(each['bytes_per_synapse_table']),
        number(each['bytes_per_synapse_peak']),
        f'{each["rate_hz"]:.1f} Hz', number(each['rtf']),
        number(each['core_s_per_bio_s']),
        number(each['core_ns_per_event']),
        number(each['core_ns_per_neuron_step']),
        *(f'{100*mean/max(sum(means), 1e-300):.0f} %' for mean in means)]


def number(value: float | None) -> str:
    """Return a number with three digits, a dash for None."""
    return '-' if value is None else f'{value:.3g}'

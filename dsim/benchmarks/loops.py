"""Single loops of dsim, and what the machine can do at best."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from dsim.benchmarks.results import number


@dataclass(frozen=True)
class Loop:
    """Something to be called many times.

    ``call`` does ``work`` units of what ``unit`` names ('neuron-step',
    'event', 'synapse'); with the unit 'byte' the result is GB/s, else ns.
    ``limit`` is the loop of the same group that it can not be faster than.
    """

    name: str
    unit: str
    work: float
    call: Callable[[], object]
    limit: str = ''


Group = Callable[[int], Iterator[Loop]]
"""Makes the loops for grids of so many rows and columns."""


def groups() -> Mapping[str, Group]:
    """Return all groups of loops by name."""
    from dsim.benchmarks import (
        loops_building,
        loops_limits,
        loops_neurons,
        loops_tables,
    )

    return {'neurons': loops_neurons.neurons,
            'input': loops_neurons.inputs,
            'deliver': loops_tables.delivery,
            'limits': loops_limits.limits,
            'draw': loops_building.drawing,
            'build': loops_building.building}


def run(group: str, make: Group, side: int, repeats: int
        ) -> list[dict[str, Any]]:
    """Return the medians of a group; its loops alternate.

    Each is called once before, to compile it.  What counts is the CPU time
    of this process, so that others on the machine disturb less.
    """
    loops = list(make(side))
    times: list[list[float]] = [[] for _ in loops]
    for repeat in range(repeats + 1):
        for loop, kept in zip(loops, times, strict=True):
            begin = time.process_time()
            loop.call()
            if repeat:
                kept.append(time.process_time() - begin)
    found = [_result(group, loop, kept)
             for loop, kept in zip(loops, times, strict=True)]
    medians = {each['name']: each['median'] for each in found}
    for each in found:
        if each['limit']:
            each['ratio'] = each['median']/medians[each['limit']]
    return found


def _result(group: str, loop: Loop, seconds: Sequence[float]
            ) -> dict[str, Any]:
    if loop.unit == 'byte':
        values = [1e-9*loop.work/max(each, 1e-9) for each in seconds]
    else:
        values = [1e9*each/loop.work for each in seconds]
    return {'group': group, 'name': loop.name,
            'unit': 'GB/s' if loop.unit == 'byte' else f'ns per {loop.unit}',
            'median': statistics.median(values), 'min': min(values),
            'max': max(values), 'repeats': len(values), 'work': loop.work,
            'limit': loop.limit or None, 'ratio': None}


def show(entries: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print a line for each loop."""
    table = Table(box=None, pad_edge=False, header_style='bold')
    table.add_column('')
    table.add_column('loop')
    for name in 'median', 'smallest', 'largest':
        table.add_column(name, justify='right', no_wrap=True)
    table.add_column('')
    bounded = any(each['ratio'] is not None for each in entries)
    if bounded:
        table.add_column('over limit', justify='right', no_wrap=True)
    last = ''
    for each in entries:
        group = '' if each['group'] == last else each['group']
        last = each['group']
        table.add_row(group, each['name'], number(each['median']),
                      number(each['min']), number(each['max']),
                      each['unit'], *(
                          ['' if each['ratio'] is None
                           else f'{each["ratio"]:.2f}'] if bounded else []))
    console.print(table)

"""What `dsim predict` says: a table of ranks, and what limits them."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from dsim.console import plural, size
from dsim.prediction.machine import Machine
from dsim.prediction.scaling import PARTS, Forecast, Point

COLUMNS = ('ranks', 'tile', 'neurons', 'synapses', 'memory', 'messages',
           'time', 'efficiency', *PARTS, 'limit')


def print_forecasts(found: Sequence[Forecast], machine: Machine,
                    console: Console) -> None:
    """Print what was found for each scheme and number of ranks."""
    for forecast in found:
        if forecast.points:
            _print_points(forecast, console)
    for note in dict.fromkeys(note for f in found for note in f.notes):
        console.print(f'note: {note}', soft_wrap=True, markup=False)
    for line in machine_lines(machine):
        console.print(line, soft_wrap=True, markup=False)


def _print_points(found: Forecast, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style='bold')
    for name in COLUMNS:
        table.add_column(name, justify='right', no_wrap=True)
    for point in found.points:
        table.add_row(*_cells(point))
    console.print(table)
    growth = ('the sheet grows with the ranks (weak scaling)' if found.weak
              else 'the model stays as it is (strong scaling)')
    first = found.points[0]
    console.print(
        f'exchange {first.exchange}; {growth}; all neurons at '
        f'{found.rate:g} Hz. Tile of the largest population; neurons, '
        'synapses and memory of the largest rank; messages of a rank in a '
        f'window of {first.window:g} ms; time for 1 s of the model (= RTF), '
        'and what of it goes into what\n', soft_wrap=True)


def as_json(found: Sequence[Forecast], machine: Machine) -> str:
    """Return what was found, and whose costs were taken, as JSON."""
    return json.dumps({
        'forecasts': [forecast.facts() for forecast in found],
        'machine': {'facts': machine.facts, 'check': machine.check,
                    'fabric': asdict(machine.fabric)}}, indent=1)


def _cells(point: Point) -> Sequence[str]:
    return (f'{point.ranks:,}', f'{point.tile[0]} x {point.tile[1]}',
            f'{point.neurons:,}', f'{point.synapses:,.0f}',
            size(point.memory), f'{point.messages:.3g}',
            f'{point.seconds:.3g} s', f'{point.efficiency:.0%}',
            *(f'{point.parts[part]/point.seconds:.0%}' for part in PARTS),
            point.limit)


def machine_lines(machine: Machine) -> list[str]:
    """Say which machine's costs were taken, and how good they are."""
    facts, check, fabric = machine.facts, machine.check, machine.fabric
    lines = ['costs measured on ' + ', '.join(
        facts[key] for key in ('CPU', 'MPI', 'dsim', 'date')
        if key in facts) + (f', load {facts["load"]} at the start'
                            if 'load' in facts else '')]
    lines += [
        f'{errors["runs"]} runs on {plural(int(ranks), "rank")} that the fit '
        f'had not seen: relative error {errors["median"]:.0%} (median), '
        f'{errors["worst"]:.0%} (worst)' for ranks, errors in check.items()]
    lines.append(
        f'between nodes, assumed: {1e6*fabric.latency:g} us, '
        f'{1e-9*fabric.bandwidth:g} GB/s a node of {fabric.cores} ranks')
    return lines


def cost_lines(machine: Machine) -> list[str]:
    """Say what each thing costs."""
    return [f'{name:<32} {1e9*cost:12.3f} ns'
            for name, cost in machine.constants.items()]

"""The command line of the comparison: dsim bench peers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dsim.errors import BadValue, lookup

MEMORY = ('peak: VmHWM of /proc/self/status of the process, Python and the '
          "simulator's code included")
LIKE = ('The spikes of dsim and of its peers are not the same where there is '
        'noise: each draws its own. Compare rates and CV as statistics.')


@click.command()
@click.argument('workloads', nargs=-1, metavar='[WORKLOAD]...')
@click.option('--python', 'pythons', multiple=True, metavar='NAME=PATH',
              help='The Python that has a peer: nest, brian2 or annarchy; '
              'by default the one that runs dsim. May be given again.')
@click.option('--peers', 'names', metavar='NAME,...',
              help='Which peers; by default all that can be imported.')
@click.option('--repeats', type=click.IntRange(1), default=3,
              show_default=True, help='Runs of each simulator.')
@click.option('--duration', type=float, metavar='MS',
              help='Biological time that is measured.')
@click.option('--warm-up', type=float, metavar='MS',
              help='Biological time before that.')
@click.option('--scale', type=float, default=1.0, show_default=True,
              help='Size of the network.')
@click.option('--seed', type=int, default=1, show_default=True)
@click.option('--core', type=int, help='Run all on this core.')
@click.option('--json', 'target', type=click.Path(path_type=Path),
              metavar='FILE', help='Write all figures.')
@click.pass_obj
def peers(comm: Any, workloads: Sequence[str], pythons: Sequence[str],
          names: str | None, target: Path | None, **given: Any) -> None:
    """Measure dsim beside other simulators, on one core.

    Each WORKLOAD (W1, W2-coba, W2-cuba and W4 by default, or a model file)
    is simulated by dsim and by each peer in turn, with the same connections.
    """
    from dsim import terminal
    from dsim.benchmarks import machine
    from dsim.benchmarks.peers import compare
    from dsim.benchmarks.workloads import find

    if comm is not None:
        raise BadValue('dsim bench peers', f'{comm.size} ranks',
                       'started alone: it looks at one core')
    for name in 'duration', 'scale':
        if given[name] is not None and not given[name] > 0:
            raise BadValue(f'--{name.replace("_", "-")}', given[name],
                           'a number > 0')
    paths = _paths(pythons)
    options = compare.Options(paths, _chosen(names, paths), **given)
    chosen = [name if name.endswith('.toml') else workload.name
              for name in workloads or compare.MAIN
              for workload in find(name)]
    before, entries = machine.load(), []
    click.echo(_quiet(before, options.core))
    for name in chosen:
        entries.append(compare.compare(name, options, click.echo))
        _show(entries[-1], terminal.console())
        if target is not None:
            _write(target, before, options, entries)
    click.echo(f'load now {_words(machine.load())}')
    click.echo(LIKE)


def _write(target: Path, before: list[float] | None, options: Any,
           entries: Sequence[dict[str, Any]]) -> None:
    from dsim import world
    from dsim.benchmarks import results

    found = results.gather('peers', entries, before, world.start())
    results.write(target, {**found, 'memory': MEMORY, 'core': options.core,
                           'repeats': options.repeats})


def _quiet(load: list[float] | None, core: int | None) -> str:
    """Return in a sentence what else the machine may be doing."""
    from dsim.benchmarks import machine

    where = ('on whichever core is free' if core is None
             else f'all on core {core}')
    return f'load {_words(load)} on {machine.cores()} cores; {where}'


def _words(load: list[float] | None) -> str:
    return ('not known' if load is None
            else ', '.join(f'{each:g}' for each in load))


def _paths(given: Sequence[str]) -> dict[str, str]:
    """Return simulator -> Python, from 'nest=/path/python'."""
    from dsim.benchmarks.peers.compare import PEERS

    known = {peer.python: peer for peer in PEERS.values()}
    found = {}
    for word in given:
        name, _, path = word.partition('=')
        lookup('simulator', name, known, '--python')
        if not path:
            raise BadValue('--python', word, 'NAME=PATH')
        found[name] = path
    return found


def _chosen(names: str | None, pythons: dict[str, str]) -> list[str]:
    """Return the peers to be run, and say which are not there."""
    from dsim.benchmarks.peers.compare import PEERS, available

    asked = names.split(',') if names else list(PEERS)
    for name in asked:
        lookup('peer', name, PEERS, '--peers')
    there = available(asked, pythons)
    absent = [name for name in asked if not there[name]]
    if absent and names:
        raise BadValue('--peers', ', '.join(absent), 'simulators that can '
                       'be imported', 'give their Python by --python')
    if absent:
        click.echo(f'not found, left out: {", ".join(absent)}')
    return [name for name in asked if there[name]]


def _show(entry: dict[str, Any], console: Any) -> None:
    """Print the table of a workload."""
    from rich.table import Table

    from dsim.benchmarks.peers.compare import COSTS

    cost = entry['cost']
    table = Table(
        title=f'{entry["workload"]}: {entry["title"]}; '
        f'{entry["neurons"]:,} neurons, {entry["connections"]:,} '
        f'connections; {COSTS[cost].unit}', title_justify='left', box=None,
        header_style='bold', pad_edge=False)
    table.add_column('')
    for title in ('median', 'least to most', 'over dsim', 'RTF', 'build s',
                  'peak MB', 'Hz', 'CV', 'Hz by population'):
        table.add_column(title, justify='right')
    for name, found in entry['simulators'].items():
        table.add_row(name, *_row(found, cost))
    console.print(table)
    for name, why in entry['refused'].items():
        console.print(f'{name}: {why}', markup=False)


def _row(found: dict[str, Any], cost: str) -> list[str]:
    median, run = found['median'], found['runs'][0]
    low, high = median[f'{cost}_range']
    cv = median['cv']
    return [f'{median[cost]:.3g}', f'{low:.3g} to {high:.3g}',
            f'{found["ratio"][cost]:.2f}',
            f'{median["simulate_wall"]/run["biological"]:.3g}',
            f'{median["build_cpu"]:.2f}',
            f'{median["peak_memory"]/1e6:,.0f}', f'{median["rate"]:.2f}',
            '' if cv is None else f'{cv:.3f}',
            ' '.join(f'{rate:.2f}' for rate in median['rates'].values())]

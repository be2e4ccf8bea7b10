"""The command line of the benchmarks: dsim bench."""

from pathlib import Path
from typing import Any

import click

from dsim.errors import BadValue, lookup


class Benchmarks(click.Group):
    """The benchmarks; a wrong name is answered with the nearest."""

    def resolve_command(self, context: click.Context, words: list[str]
                        ) -> Any:
        """Return what click needs to know of the command ``words[0]``."""
        if not words[0].startswith('-'):
            lookup('benchmark', words[0], self.commands)
        return super().resolve_command(context, words)


class Numbers(click.ParamType):
    """Whole numbers with commas between them."""

    name = 'numbers'

    def __init__(self, low: int):
        self.low = low

    def convert(self, value: Any, parameter: Any, context: Any
                ) -> list[int]:
        """Return the numbers; fail with one sentence."""
        if isinstance(value, list):
            return value
        try:
            found = [int(part) for part in value.split(',')]
        except ValueError:
            found = []
        if not found or min(found) < self.low:
            self.fail(f'{value!r}: whole numbers >= {self.low} with commas '
                      'between them are needed, such as 1,2,3')
        return found


@click.group(cls=Benchmarks)
def bench() -> None:
    """Measure what dsim costs on this machine."""


@bench.command()
@click.argument('workloads', nargs=-1, required=True,
                metavar='WORKLOAD...')
@click.option('--seeds', type=Numbers(0), default='1,2,3',
              show_default=True, help='One run for each of these seeds.')
@click.option('--duration', type=float, metavar='MS',
              help='Biological time that is measured.')
@click.option('--warm-up', type=float, metavar='MS',
              help='Biological time before that.')
@click.option('--scale', type=float, default=1.0, show_default=True,
              help='Size of the network; in-degrees stay.')
@click.option('--precision', type=click.Choice(['float64', 'float32']),
              help='Of the state of all neurons.')
@click.option('--exchange', default='halo', show_default=True,
              help='How spikes travel between ranks.')
@click.option('--output', type=click.Path(path_type=Path), metavar='FOLDER',
              help='Write the files of a run there; by default none.')
@click.option('--json', 'target', type=click.Path(path_type=Path),
              metavar='FILE', help='Write all figures.')
def run(workloads: tuple[str, ...], seeds: list[int], target: Path | None,
        **given: Any) -> None:
    """Build and run each WORKLOAD: W1, ..., or a model file."""
    from dsim import terminal, world
    from dsim.benchmarks import machine, results
    from dsim.benchmarks.measure import Options, compile_all, measure
    from dsim.benchmarks.workloads import find

    for name in 'duration', 'scale':
        if given[name] is not None and not given[name] > 0:
            raise BadValue(f'--{name}', given[name], 'a number > 0')
    comm, before = world.start(), machine.load()
    options = Options(**given)
    found = [find(name, comm) for name in workloads]
    entries = []
    for workload in found:
        compile_all(workload, options, comm)
        entries.append(results.entry(workload, options, [
            measure(workload, seed, options, comm) for seed in seeds]))
    everything = results.gather('run', entries, before, comm)
    results.show(entries, terminal.console())
    if target is not None and comm.rank == 0:
        results.write(target, everything)

"""The command line of the benchmarks: dsim bench."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from dsim.benchmarks.peers.command import peers
from dsim.errors import BadValue, lookup


class Benchmarks(click.Group):
    """The benchmarks; a wrong name is answered with the nearest."""

    def resolve_command(self, context: click.Context, words: list[str]
                        ) -> Any:
        """Return what click needs to know of the command ``words[0]``."""
        if not words[0].startswith('-'):
            lookup('benchmark', words[0], self.commands)
        return super().resolve_command(context, words)


class Positive(click.FloatRange):
    """A number > 0."""

    def __init__(self) -> None:
        super().__init__(0, min_open=True)


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


def takes_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what tells how a workload is run."""
    for add in (
        click.option('--duration', type=Positive(), metavar='MS',
                     help='Biological time that is measured.'),
        click.option('--warm-up', type=click.FloatRange(0), metavar='MS',
                     help='Biological time before that.'),
        click.option('--scale', type=Positive(), default=1.0,
                     show_default=True,
                     help='Size of the network; in-degrees stay.'),
        click.option('--threads', type=click.IntRange(1), default=1,
                     show_default=True, help='Threads of each rank.'),
        click.option('--storage',
                     type=click.Choice(['auto', 'stored', 'procedural']),
                     help='How connections are kept.'),
        click.option('--precision',
                     type=click.Choice(['float64', 'float32']),
                     help='Of the state of all neurons.'),
        click.option('--exchange', default='halo', show_default=True,
                     help='How spikes travel between ranks.'),
    ):
        command = add(command)
    return command


def takes_json(command: Callable[..., None]) -> Callable[..., None]:
    """Add where figures go."""
    command = click.option(
        '--lines', type=click.Path(path_type=Path), metavar='FILE',
        help='Add all figures as one line.')(command)
    return click.option(
        '--json', 'target', type=click.Path(path_type=Path), metavar='FILE',
        help='Write all figures.')(command)


takes_plot = click.option(
    '--plot', type=click.Path(path_type=Path), metavar='FOLDER',
    help='Draw pictures.')


@bench.command()
@click.argument('workloads', nargs=-1, required=True,
                metavar='WORKLOAD...')
@click.option('--seeds', type=Numbers(0), default='1,2,3',
              show_default=True, help='One run for each of these seeds.')
@takes_options
@click.option('--output', type=click.Path(path_type=Path), metavar='FOLDER',
              help='Write the files of each run into a folder there; by '
              'default none.')
@click.option('--overwrite', is_flag=True,
              help='Replace the files of earlier runs.')
@takes_json
@takes_plot
def run(workloads: tuple[str, ...], seeds: list[int], target: Path | None,
        lines: Path | None, plot: Path | None, **given: Any) -> None:
    """Build and run each WORKLOAD: W1, ..., or a model file."""
    from dsim import terminal, world
    from dsim.benchmarks import machine, results
    from dsim.benchmarks.measure import Options, compile_all, measure
    from dsim.benchmarks.workloads import find

    comm, before = world.start(), machine.load()
    options = Options(**given)
    found = [each for name in workloads for each in find(name, comm)]
    entries = []
    for workload in found:
        compile_all(workload, options, comm)
        entries.append(results.entry(workload, options, [
            measure(workload, seed, options, comm) for seed in seeds]))
    everything = results.gather('run', entries, before, comm)
    if comm.rank == 0:
        finish(everything, target, lines, plot)
    results.show(entries, terminal.console())


def takes_ranks(command: Callable[..., None]) -> Callable[..., None]:
    """Add what tells which runs a sweep is made of."""
    for add in (
        takes_plot, takes_json, takes_options,
        click.option('--from', 'source', type=click.Path(path_type=Path),
                     metavar='FILE', help='Start nothing: compare the runs '
                     'that `dsim bench run --lines` added to FILE.'),
        click.option('--seed', type=click.IntRange(0), default=1,
                     show_default=True, help='Of the network.'),
        click.option('--repeats', type=click.IntRange(1), default=3,
                     show_default=True, help='Runs on each number of '
                     'ranks, in alternation.'),
        click.option('--launcher', metavar='COMMAND',
                     help="What starts the ranks, such as 'srun -n "
                     "{ranks}'; by default the mpirun of this MPI."),
        click.option('--workload', default='W1', show_default=True,
                     help='One of the workloads, or a model file.'),
        click.option('--ranks', type=Numbers(1), default='1,2',
                     show_default=True, help='Numbers of ranks.'),
    ):
        command = add(command)
    return command


@bench.command()
@takes_ranks
def strong(**given: Any) -> None:
    """Run the same network on more and more ranks."""
    sweep('strong', **given)


@bench.command()
@takes_ranks
def weak(**given: Any) -> None:
    """Run a network that grows with the ranks."""
    sweep('weak', **given)


def sweep(kind: str, ranks: list[int], workload: str, launcher: str | None,
          repeats: int, seed: int, source: Path | None,
          target: Path | None, lines: Path | None, plot: Path | None,
          **given: Any) -> None:
    """Start a run for each number of ranks, and compare them."""
    from dsim import terminal
    from dsim.benchmarks import scaling
    from dsim.benchmarks.measure import Options

    if source is not None:
        found = scaling.gather(kind, scaling.read(source))
    else:
        plan = scaling.Sweep(kind, workload, ranks, repeats, seed, launcher,
                             Options(**given))
        found = scaling.run(plan, click.get_current_context().obj)
    finish(found, target, lines, plot)
    scaling.show(found, terminal.console())


@bench.command()
@click.option('--workload', default='W1', show_default=True,
              help='Whose sheet, delays and reach.')
@click.option('--scale', type=Positive(), default=1.0, show_default=True,
              help='Size of the network.')
@click.option('--ranks', type=Numbers(1), default='4,16,64,256',
              show_default=True, help='Numbers of ranks to count for.')
@click.option('--windows', type=click.IntRange(1), metavar='N',
              help='Windows of spikes; by default 20 to count, 500 to time.')
@click.option('--rate', type=Positive(), default=8.5, show_default=True,
              help='Mean rate in Hz of all neurons.')
@click.option('--repeats', type=click.IntRange(1), default=5,
              show_default=True, help='Of each scheme when timed, in '
              'alternation.')
@click.option('--weak', 'grows', is_flag=True, help='The workload lies on '
              'each rank, so that it grows with the ranks.')
@takes_json
@takes_plot
def exchange(workload: str, scale: float, ranks: list[int],
             windows: int | None, rate: float, repeats: int, grows: bool,
             target: Path | None, lines: Path | None, plot: Path | None
             ) -> None:
    """Compare the exchange schemes on equal spikes.

    Alone: count what each sends on any number of ranks.  Under mpirun:
    measure how long a window takes.
    """
    from dsim import terminal, world
    from dsim.benchmarks import exchange as schemes
    from dsim.benchmarks import machine, results
    from dsim.benchmarks.workloads import find

    comm, before = world.start(), machine.load()
    if plot is not None and comm.size > 1:
        raise BadValue('--plot', str(plot), 'used on one rank: what is '
                       'counted is drawn, not times')
    found = find(workload, comm)[0]
    traffic = schemes.Traffic(found.network(scale, 1), found.dt, rate, grows)
    entries = (schemes.timed(traffic, comm, windows or 500, repeats)
               if comm.size > 1 else
               [row for n in ranks
                for row in schemes.count(traffic, n, windows or 20)])
    everything = {**results.gather('exchange', entries, before, comm),
                  'workload': found.name, 'scale': scale, 'rate_hz': rate,
                  'weak': grows}
    if comm.rank == 0:
        finish(everything, target, lines, plot)
    schemes.show(entries, terminal.console())


@bench.command()
@click.argument('groups', nargs=-1, metavar='[GROUP...]')
@click.option('--side', type=click.IntRange(4, 1024), default=128,
              show_default=True, help='Rows and columns of the grids.')
@click.option('--repeats', type=click.IntRange(1), default=5,
              show_default=True, help='Of each loop, in alternation.')
@takes_json
@click.pass_obj
def loops(comm: Any, groups: tuple[str, ...], side: int, repeats: int,
          target: Path | None, lines: Path | None) -> None:
    """Measure single loops, and what the machine can do at best.

    GROUP is neurons, input, deliver, limits, draw or build; without one,
    all.
    """
    from dsim import terminal, world
    from dsim.benchmarks import loops as measured
    from dsim.benchmarks import machine, results

    if comm is not None:
        raise BadValue('dsim bench loops', f'{comm.size} ranks',
                       'started alone: it looks at one core')
    there, before = measured.groups(), machine.load()
    chosen = {name: lookup('group of loops', name, there)
              for name in groups or there}
    entries = [entry for name, make in chosen.items()
               for entry in measured.run(name, make, side, repeats)]
    everything = results.gather('loops', entries, before, world.start())
    finish({**everything, 'side': side}, target, lines)
    measured.show(entries, terminal.console())


def finish(found: dict[str, Any], target: Path | None,
           lines: Path | None, plot: Path | None = None) -> None:
    """Write the figures, draw the pictures, and say where they are."""
    from dsim.benchmarks import results

    if target is not None:
        results.write(target, found)
        click.echo(f'wrote {target}')
    if lines is not None:
        results.append(lines, found)
        click.echo(f'added a line to {lines}')
    if plot is not None:
        from dsim.benchmarks import exchange
        from dsim.report import scaling
        pictures = (exchange.draw(found['entries'], plot)
                    if found['kind'] == 'exchange'
                    else scaling.draw(found, plot))
        for picture in pictures:
            click.echo(f'wrote {picture.path}')


bench.add_command(peers)

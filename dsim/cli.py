"""The command line: one short function per command.

Under a launcher only rank 0 speaks.  Modules are imported where they are
used, so that help is there at once.
"""

import contextlib
import inspect
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from dsim import __version__
from dsim.benchmarks.command import bench
from dsim.errors import DsimError, UnknownName, lookup

EXIT_CODES = """\
\b
Exit codes:
  0    all went well
  1    something broke that should not; where, is told
  2    the command line, the input or the machine is at fault; one
       message tells why
  130  interrupted from the keyboard
mpirun may make another number of the last.
"""

LAUNCHED = ('OMPI_COMM_WORLD_SIZE', 'PMI_SIZE', 'SLURM_STEP_NUM_TASKS')
"""What launchers tell their ranks about their number."""


class CommandLineError(DsimError):
    """A command line that cannot be understood."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code of the process."""
    from dsim import world

    if any(os.environ.get(name, '1') not in ('', '1') for name in LAUNCHED):
        from dsim.terminal import on_terminal
        if not on_terminal():
            # Open MPI gives ranks what looks like a terminal: no colours
            os.environ['TERM'] = 'dumb'
        return world.main(lambda comm: obey(arguments, comm))
    try:
        # Alone, help and wrong options need no MPI
        return obey(arguments, None)
    except BaseException as error:
        return world.fail(error)


def obey(arguments: Sequence[str] | None, comm: Any) -> int:
    """Run a command on one rank; ``comm`` is None where MPI is not started.

    Raises `CommandLineError` or `UnknownName` for a wrong command line.
    """
    with contextlib.ExitStack() as stack:
        if comm is not None and comm.rank > 0:
            silence = stack.enter_context(open(os.devnull, 'w'))
            stack.enter_context(contextlib.redirect_stdout(silence))
        try:
            return dsim.main(arguments, prog_name='dsim', obj=comm,
                             standalone_mode=False) or 0
        except click.Abort:
            raise KeyboardInterrupt from None
        except click.ClickException as error:
            raise _explained(error) from None


def _explained(error: click.ClickException) -> DsimError:
    context = getattr(error, 'ctx', None)
    path = context.command_path if context else 'dsim'
    place = path.removeprefix('dsim').strip()
    if isinstance(error, click.NoSuchOption) and context:
        options = [name for parameter in context.command.get_params(context)
                   for name in (*parameter.opts, *parameter.secondary_opts)
                   if name.startswith('--')]
        return UnknownName('option', error.option_name, options, place)
    usage = f'\n{context.get_usage()}' if context else ''
    return CommandLineError(f'{place}{": " if place else ""}'
                            f'{error.format_message()}{usage}\n'
                            f'`{path} --help` tells more')


class Commands(click.Group):
    """The commands; a wrong one is answered with the nearest."""

    def resolve_command(self, context: click.Context, words: list[str]
                        ) -> Any:
        """Return what click needs to know of the command ``words[0]``."""
        if not words[0].startswith('-'):
            lookup('command', words[0], self.commands)
        return super().resolve_command(context, words)


@click.group(cls=Commands, epilog=EXIT_CODES, context_settings={
    'help_option_names': ['-h', '--help'], 'max_content_width': 79})
@click.version_option(__version__, message='dsim %(version)s')
def dsim() -> None:
    """Simulate spiking networks on grids, on any number of MPI ranks.

    Start on several ranks with: mpirun -n 4 dsim run model.toml
    """


def takes_model(command: Callable[..., None]) -> Callable[..., None]:
    """Add the model file and --set to a command."""
    command = click.option(
        '--set', 'overrides', multiple=True, metavar='KEY=VALUE',
        help='Change a value of the model file, such as '
        'simulation.duration=2000 or projections.0.weight=1.5; may be given '
        'again.')(command)
    return click.argument('model', type=click.Path(path_type=Path))(command)


@dsim.command()
@takes_model
@click.option('--output', type=click.Path(path_type=Path), metavar='FOLDER',
              help="Where results go; by default the model file's "
              'output.folder.')
@click.option('--overwrite', is_flag=True,
              help='Replace the results of an earlier run.')
@click.option('--threads', type=click.IntRange(1), help='How many threads '
              "each rank works with; by default the model file's "
              'simulation.threads.')
@click.option('--report/--no-report', default=True,
              help='Draw report.html at the end.')
def run(model: Path, overrides: Sequence[str], output: Path | None,
        overwrite: bool, threads: int | None, report: bool) -> None:
    """Simulate the MODEL file."""
    from dsim import world
    from dsim.model import load
    from dsim.simulation import Simulation

    comm = world.start()
    found = load(model, overrides, comm)
    settings = found.settings
    folder = output or Path(settings.folder)
    with found.tree.blamed():
        simulation = Simulation(
            found.network, settings.dt, folder,
            overwrite=overwrite or settings.overwrite,
            processes=settings.processes, exchange=settings.exchange,
            threads=threads or settings.threads,
            flush_every=settings.flush_every, model=found.resolved,
            comm=comm)
    carry_out(simulation, settings.duration, folder, report)


def carry_out(simulation: Any, duration: float, folder: Path,
              report: bool) -> None:
    """Run a simulation that writes to ``folder``, and tell of it."""
    from dsim import console
    from dsim.progress import LifeSign, rates

    network, first = simulation.network, simulation.comm.rank == 0
    log = folder / 'run.log' if first else None
    with LifeSign(duration, log, lambda: rates(simulation),
                  None if first else False) as sign:
        with simulation:
            simulation.progress = sign
            sign.say(console.layout_lines(
                network, simulation.layout, simulation.exchange.name,
                len(simulation.tile.shares)))
            sign.say(console.built_line(simulation.summary()))
            simulation.run(duration)
            summary = simulation.summary()

        sign.say(console.cost_lines(network, summary, folder))
        if report:
            sign.say(drawn(folder, simulation.comm))


@dsim.command()
@takes_model
@click.option('--ranks', type=click.IntRange(1), help='How many ranks the '
              'run will have; by default as many as this command has.')
@click.option('--rate', type=click.FloatRange(0), default=10.0,
              show_default=True, help='Mean rate in Hz to expect.')
@click.pass_obj
def check(comm: Any, model: Path, overrides: Sequence[str],
          ranks: int | None, rate: float) -> None:
    """Check the MODEL file and tell what a run of it needs."""
    from dsim import console, terminal
    from dsim.engine.estimate import estimate
    from dsim.model import load
    from dsim.prediction import machine, scaling

    found = load(model, overrides, comm)
    settings = found.settings
    pace = scaling.pace(machine.load(), settings.dt, settings.exchange)
    with found.tree.blamed():
        expected = estimate(
            found.network, settings.dt, ranks or (comm.size if comm else 1),
            settings.processes, settings.exchange, rate, pace)
    click.echo(console.layout_lines(found.network, expected.layout,
                                    expected.exchange, settings.threads))
    console.print_estimate(expected, terminal.console())


@dsim.command()
@takes_model
@click.option('--ranks', metavar='N,N,...', help='Numbers of ranks; by '
              'default 1, 2, 4, ... 100000.')
@click.option('--weak', is_flag=True, help='Let the sheet grow with the '
              'ranks: MODEL is what each of them has.')
@click.option('--exchange', help="Name of the scheme, or 'all'; by default "
              "the model file's.")
@click.option('--rate', type=click.FloatRange(0), default=10.0,
              show_default=True, help='Mean rate in Hz to expect.')
@click.option('--machine', type=click.Path(path_type=Path), metavar='FILE',
              help='Costs made by --calibrate; by default those that come '
              'with dsim.')
@click.option('--plot', type=click.Path(path_type=Path), metavar='FILE.png',
              help='Draw it.')
@click.option('--json', 'as_json', is_flag=True, help='Print all as JSON.')
@click.option('--calibrate', type=click.Path(path_type=Path), is_eager=True,
              expose_value=False, metavar='FILE', callback=lambda *given:
              calibrate(*given), help='Measure the costs on this machine, '
              'best on 2 ranks, write them to FILE, and end.')
@click.pass_obj
def predict(comm: Any, model: Path, overrides: Sequence[str],
            ranks: str | None, weak: bool, exchange: str | None,
            rate: float, machine: Path | None, plot: Path | None,
            as_json: bool) -> None:
    """Extrapolate the MODEL file to any number of ranks."""
    from dsim.io.together import together
    from dsim.model import load
    from dsim.prediction import machine as machines
    from dsim.prediction import scaling, table
    from dsim.terminal import console

    costs = together(lambda: machines.load(machine), comm)
    counts = scaling.numbers(ranks)
    found = load(model, overrides, comm)
    exchange = exchange or found.settings.exchange
    with found.tree.blamed():
        told = [scaling.forecast(found.network, found.settings.dt, counts,
                                 costs, name, rate, weak)
                for name in scaling.schemes(exchange)]
    if as_json:
        click.echo(table.as_json(told, costs))
    else:
        table.print_forecasts(told, costs, console())
    if plot:
        from dsim.report import prediction
        together(lambda: prediction.draw([f.facts() for f in told], plot),
                 comm)


def calibrate(context: click.Context, _: Any, path: Path | None) -> None:
    """Measure what a run costs here, write it to ``path``, and end."""
    if path is None or context.resilient_parsing:
        return
    from dsim import world
    from dsim.info import versions
    from dsim.io.together import together
    from dsim.prediction import table
    from dsim.prediction.calibrate import calibrate

    comm = world.start()
    machine = calibrate(comm, versions(), click.echo)
    together(lambda: machine.save(path), comm)
    click.echo('\n'.join([*table.cost_lines(machine),
                          *table.machine_lines(machine), f'wrote {path}']))
    context.exit()


@dsim.command()
@click.argument('folder', type=click.Path(path_type=Path))
@click.pass_obj
def report(comm: Any, folder: Path) -> None:
    """Draw report.html of the run in FOLDER."""
    click.echo(drawn(folder, comm))


@dsim.command()
@click.argument('name', required=False)
@click.option('--output', type=click.Path(path_type=Path), metavar='FOLDER',
              help='Where figures go; by default runs/NAME.')
@click.option('--scale', type=click.FloatRange(0, 1, min_open=True),
              help='Part of the full network, where a paper may be scaled.')
def reproduce(name: str | None, output: Path | None,
              scale: float | None) -> None:
    """Repeat the experiment of a paper; without NAME, list them."""
    from dsim import world
    from dsim.reproduce import PAPERS

    if name is None:
        for paper in sorted(PAPERS):
            click.echo(f'{paper:<20} {PAPERS[paper].TITLE}')
        return
    folder = output or Path('runs') / name
    repeat = PAPERS[name].run
    options = {} if scale is None else {'scale': scale}
    if not set(options) <= set(inspect.signature(repeat).parameters):
        raise CommandLineError(f'reproduce {name}: leave out --scale, this '
                               'paper has one size')
    repeat(folder, world.start(), **options)
    click.echo(f'wrote {folder}')


dsim.add_command(bench)


@dsim.command()
def info() -> None:
    """Tell what dsim runs on here, and how to get what is missing."""
    from dsim import console, terminal
    from dsim.info import facts

    console.print_facts(facts(), terminal.console())


def drawn(folder: Path, comm: Any) -> str:
    """Draw the report of a run on rank 0 and say where it is; collective."""
    from dsim.console import report_line
    from dsim.io.together import together
    from dsim.report import page

    return report_line(together(lambda: page.write(folder), comm))

"""The command line: one short function per command.

Exit codes: 0, all went well; 1, something broke during the run; 2, the input
or the command line is at fault.  Under a launcher only rank 0 speaks.
Modules are imported where they are used, so that help is there at once.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from dsim import __version__
from dsim.errors import DsimError, UnknownName, lookup

LAUNCHED = ('OMPI_COMM_WORLD_SIZE', 'PMI_SIZE', 'SLURM_STEP_NUM_TASKS')
"""What launchers tell their ranks about their number."""


class CommandLineError(DsimError):
    """A command line that cannot be understood."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code of the process."""
    from dsim import world

    if any(os.environ.get(name, '1') not in ('', '1') for name in LAUNCHED):
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


@click.group(cls=Commands, context_settings={
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
@click.option('--report/--no-report', default=True,
              help='Draw report.html at the end.')
def run(model: Path, overrides: Sequence[str], output: Path | None,
        overwrite: bool, report: bool) -> None:
    """Simulate the MODEL file."""
    from dsim import world
    from dsim.model import load
    from dsim.simulation import Simulation

    comm = world.start()
    network, settings, resolved = load(model, overrides, comm)
    folder = output or Path(settings.folder)
    progress = Progress(settings.duration) if comm.rank == 0 else None
    with Simulation(
            network, settings.dt, folder,
            overwrite=overwrite or settings.overwrite,
            processes=settings.processes, exchange=settings.exchange,
            flush_every=settings.flush_every, model=resolved, comm=comm,
            progress=progress) as simulation:
        tell_layout(network, simulation.layout, settings.exchange)
        tell_built(simulation.summary())
        simulation.run(settings.duration)
        summary = simulation.summary()

    tell_cost(network, summary, folder)
    if report and comm.rank == 0:
        draw(folder)


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
    from dsim.engine.estimate import estimate
    from dsim.model import load

    network, settings, _ = load(model, overrides, comm)
    found = estimate(network, settings.dt,
                     ranks or (comm.size if comm else 1), settings.processes,
                     settings.exchange, rate)
    tell_layout(network, found.layout, settings.exchange)
    tell_estimate(found)


@dsim.command()
@click.argument('folder', type=click.Path(path_type=Path))
@click.pass_obj
def report(comm: Any, folder: Path) -> None:
    """Draw report.html of the run in FOLDER."""
    if comm is None or comm.rank == 0:
        draw(folder)


@dsim.command()
@click.argument('name', required=False)
@click.option('--output', type=click.Path(path_type=Path), metavar='FOLDER',
              help='Where figures go; by default runs/NAME.')
def reproduce(name: str | None, output: Path | None) -> None:
    """Repeat the experiment of a paper; without NAME, list them."""
    from dsim import world
    from dsim.reproduce import PAPERS

    if name is None:
        for paper in sorted(PAPERS):
            click.echo(f'{paper:<20} {PAPERS[paper].TITLE}')
        return
    folder = output or Path('runs') / name
    PAPERS[name].run(folder, world.start())
    click.echo(f'wrote {folder}')


@dsim.command()
def info() -> None:
    """Tell what dsim runs on here, and how to get what is missing."""
    for name, value in facts().items():
        click.echo(f'{name:<10} {value}')


def draw(folder: Path) -> None:
    """Draw the report of a run and say where it is."""
    from dsim.report import page

    click.echo(f'wrote {page.write(folder)}')


def tell_layout(network: Any, layout: Any, exchange: str) -> None:
    """Say how many ranks there are, and what a window is."""
    grid = layout.tiling.processes
    largest = max(range(len(network.populations)), key=lambda p: (
        list(network.populations.values())[p].size))
    rows, columns = layout.tiling.shape(largest, 0)
    click.echo(f'dsim {__version__}  {grid.size} '
               f'rank{"s"*(grid.size > 1)} ({grid} tiles of {rows} x '
               f'{columns})  exchange {exchange}, every {layout.window} '
               f'step{"s"*(layout.window > 1)}')
    for note in layout.notes:
        click.echo(f'note: {note}')


def tell_built(summary: Any) -> None:
    """Say how large the network is."""
    each = summary.table_bytes/max(summary.synapses, 1)
    click.echo(f'built {summary.neurons:,} neurons, {summary.synapses:,} '
               f'synapses ({each:.1f} B each) in {summary.build:.1f} s')


def tell_cost(network: Any, summary: Any, folder: Path) -> None:
    """Say what the run gave, and what it cost."""
    duration = max(summary.biological, 1e-300)
    rates = '  '.join(
        f'{name} {count/network[name].size/duration:.1f} Hz'
        for name, count in summary.spikes.items())
    click.echo(f'ran {1000*summary.biological:g} ms in {summary.wall:.1f} s'
               f'   {rates}')
    click.echo(f'wrote {folder / "spikes.h5"}  '
               f'({sum(summary.spikes.values()):,} spikes, sorted, SONATA)')
    click.echo(summary.line())


def tell_estimate(found: Any) -> None:
    """Say what each rank will need."""
    from dsim.partitioning.drawing import draw as drawing

    click.echo(drawing(found.layout.tiling, found.names))
    click.echo(f'{found.neurons:,} neurons, about {found.synapses:,.0f} '
               f'synapses; a rank hears of up to {found.halo[0]} rows and '
               f'{found.halo[1]} columns beyond its tile')
    click.echo(f'{"rank":>6} {"neurons":>12} {"synapses":>14} '
               f'{"memory":>10} {"messages":>9} {"bytes":>10}  in '
               f'{found.window:g} ms at {found.rate:g} Hz')
    shown = found.shares if len(found.shares) <= 16 else [found.largest]
    for share in shown:
        click.echo(f'{share.rank:>6} {share.neurons:>12,} '
                   f'{share.synapses:>14,.0f} {size(share.memory):>10} '
                   f'{share.messages:>9.3g} {share.bytes:>10,.0f}')
    click.echo(f'largest: {size(found.largest.memory)} on rank '
               f'{found.largest.rank}, beside Python and its libraries')


def size(count: float) -> str:
    """Return a number of bytes in a unit that suits it."""
    for unit in ('B', 'KiB', 'MiB', 'GiB'):
        if count < 999.5:
            return f'{count:.3g} {unit}'
        count /= 1024
    return f'{count:.3g} TiB'


class Progress:
    """A life sign: a bar on a terminal, a line now and then in a log."""

    WIDTH = 16

    def __init__(self, duration: float, out: Any = None):
        self.duration, self.out = duration, out or sys.stdout
        self.drawn = self.out.isatty()
        self.interval = 0.2 if self.drawn else 10.0
        self.begin: tuple[float, float] | None = None
        self.last = 0.0

    def __call__(self, reached: float, events: int) -> None:
        """Tell of the time ``reached`` (ms) if it is time to do so."""
        now, done = time.monotonic(), reached >= self.duration
        if self.begin is None:
            # The first window is not timed: it may have compiled the loop
            self.begin, self.last = (now, reached), now
            return
        if now - self.last < self.interval and not (done and self.drawn):
            return
        self.last = now

        rtf = (now - self.begin[0])/(reached - self.begin[1])
        line = (f'{reached:.6g} / {self.duration:g} ms   RTF {1000*rtf:.2f}   '
                f'ETA {rtf*(self.duration - reached):.1f} s')
        if self.drawn:
            filled = int(self.WIDTH*min(reached/self.duration, 1.0))
            bar = '#'*filled + '-'*(self.WIDTH - filled)
            line = f'\r[{bar}]  {line}\033[K' + '\n'*done
        self.out.write(line if self.drawn else line + '\n')
        self.out.flush()


def facts() -> dict[str, str]:
    """Return what this machine has, by name; what is missing says so."""
    import platform
    import shutil
    from importlib import metadata

    found = {'dsim': f'{__version__} in {Path(__file__).parent}',
             'Python': f'{platform.python_version()}, {sys.executable}'}
    found.update(_mpi_facts(shutil.which))
    found.update(_hdf5_facts())
    for name in ('numba', 'numpy', 'matplotlib', 'pillow'):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = f'missing: pip install {name}'
    cores = len(os.sched_getaffinity(0)) if hasattr(
        os, 'sched_getaffinity') else os.cpu_count()
    found['CPU'] = f'{_processor(platform)}, {cores} cores for this process'
    return found


def _mpi_facts(which: Callable[[str], str | None]) -> dict[str, str]:
    from dsim import world

    try:
        comm = world.start()
    except (ImportError, RuntimeError) as error:
        return {'MPI': f'missing ({error}): pip install mpi4py mpich, or '
                "load the cluster's MPI and install mpi4py with it"}
    library = world.library()
    beside = str(Path(sys.executable).parent / 'mpirun')
    family = 'mpirun.openmpi' if 'Open MPI' in library else 'mpirun.mpich'
    launcher = (os.environ.get('DSIM_MPIRUN') or which(beside)
                or which(family) or which('mpirun')
                or 'missing: install the one of this MPI')
    return {'MPI': library, 'mpirun': launcher, 'ranks': str(comm.size)}


def _hdf5_facts() -> dict[str, str]:
    try:
        import h5py
    except ImportError:
        return {'h5py': 'missing: pip install h5py'}
    parallel = bool(h5py.get_config().mpi)
    return {
        'h5py': h5py.__version__,
        'HDF5': h5py.version.hdf5_version,
        'parallel': 'yes: all ranks write' if parallel else
        'no: rank 0 writes for all. To have it: jobs/setup.sh parallel '
        "(Debian, Ubuntu), a cluster's module of h5py with MPI, or "
        'HDF5_MPI=ON pip install --no-binary=h5py h5py',
    }


def _processor(platform: Any) -> str:
    with contextlib.suppress(OSError):
        for line in Path('/proc/cpuinfo').read_text().splitlines():
            if line.startswith('model name'):
                return line.partition(':')[2].strip()
    return platform.processor() or platform.machine()

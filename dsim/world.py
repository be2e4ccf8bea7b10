"""MPI begins and ends here: the communicator, and how all ranks stop.

Nothing else imports ``mpi4py.MPI``.  An error never leaves ranks waiting:
where all ranks meet the same one, rank 0 tells it; where some do, the
lowest of them tells it and takes the others down.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import mpi4py

from dsim.errors import DsimError, WorldError

BAD_INPUT = 2
FAILED = 1
INTERRUPTED = 130

_TOGETHER = 1.0
"""Seconds that a rank in trouble waits for the others to be so too."""

_COUNTS = {
    'OMPI_COMM_WORLD_SIZE': 'Open MPI',
    'PMI_SIZE': 'MPICH',
}
"""What each launcher tells its ranks about their number."""

_DIFFERING = (
    '{} started {} ranks ({}), but mpi4py uses {}, which cannot see them: '
    'two differing MPIs.\nStart with the mpirun that belongs to mpi4py; '
    '`dsim info` names it.')

_RANKS = 'OMPI_COMM_WORLD_RANK', 'PMI_RANK', 'SLURM_PROCID'
"""Where launchers tell a rank its number."""


class World:
    """The communicator of a run, and a second one for trouble."""

    def __init__(self, comm: Any, trouble: Any):
        self.comm, self.trouble = comm, trouble


_world: list[World] = []


def start() -> Any:
    """Start MPI if need be and return the communicator of all ranks.

    Raises
    ------
    WorldError
        If a launcher started several ranks that do not see each other.
    """
    if not _world:
        if 'mpi4py.MPI' not in sys.modules:
            # Init can die under another MPI's launcher: look before it
            mpi4py.rc.initialize = False
            mpi4py.rc.finalize = True
        MPI = _mpi()
        check_launcher(os.environ, mpi_version())
        if not MPI.Is_initialized():
            MPI.Init()
        check(os.environ, MPI.COMM_WORLD.size, mpi_version())
        _world.append(World(MPI.COMM_WORLD, MPI.COMM_WORLD.Dup()))
        if MPI.COMM_WORLD.size > 1:
            sys.excepthook = _uncaught
    return _world[0].comm


def mpi_version() -> str:
    """Return the name and version of the MPI library."""
    first = _mpi().Get_library_version().strip('\0').splitlines()[0]
    return ' '.join(first.strip(', ').split())


def _mpi() -> Any:
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise WorldError(
            f'no MPI library was found ({error}); load the one of your '
            "cluster, or get one: pip install 'dsim[mpi]'") from None
    return MPI


def check_launcher(environment: Mapping[str, str], library: str) -> None:
    """Raise `WorldError` where another MPI's launcher started this rank."""
    if ('OMPI_COMM_WORLD_SIZE' in environment
            and not library.startswith('Open MPI')):
        raise WorldError(_DIFFERING.format(
            'Open MPI', environment['OMPI_COMM_WORLD_SIZE'],
            'OMPI_COMM_WORLD_SIZE', library))


def check(environment: Mapping[str, str], size: int, library: str) -> None:
    """Raise `WorldError` if a launcher started ranks that MPI cannot see.

    ``size`` is what MPI says, ``library`` its version text.
    """
    if size > 1:
        return
    for name, launcher in _COUNTS.items():
        if _number(environment.get(name)) > 1:
            raise WorldError(_DIFFERING.format(
                launcher, environment[name], name, library))
    tasks = _number(environment.get('SLURM_NTASKS'))
    if tasks > 1 and 'SLURM_PROCID' in environment and (
            _number(environment.get('SLURM_STEP_NUM_TASKS')) > 1):
        raise WorldError(
            f'SLURM started {tasks} tasks, but MPI ({library}) sees only one '
            'rank: each would run the whole model.\nStart with mpirun, or '
            'with `srun --mpi=pmix` (Open MPI) or `srun --mpi=pmi2` (MPICH).')


def main(function: Callable[[Any], int | None]) -> int:
    """Run ``function(comm)`` and return the exit code of the process.

    A `DsimError` becomes one message and code 2; anything else a traceback
    of one rank and code 1.
    """
    try:
        return function(start()) or 0
    except BaseException as error:
        if isinstance(error, SystemExit) and not error.code:
            return 0
        return fail(error)


def fail(error: BaseException) -> int:
    """Tell ``error`` once, see that no rank goes on, return the exit code."""
    error = _interrupt(error) or error
    code = BAD_INPUT if isinstance(error, DsimError) else FAILED
    if isinstance(error, KeyboardInterrupt):
        code = INTERRUPTED
    if not _world or _world[0].comm.size == 1:
        if not any(_number(os.environ.get(name)) for name in _RANKS):
            print(_sentence(error), file=sys.stderr, flush=True)
        return code

    world = _world[0]
    if _all_fail(world.trouble):
        if world.comm.rank == 0:
            print(_sentence(error), file=sys.stderr, flush=True)
        world.trouble.Barrier()
        return code
    # Alone, or one of some: the lowest rank is the first to speak
    time.sleep(0.05*world.comm.rank)
    where = f'rank {world.comm.rank} of {world.comm.size}: '
    print(where + _sentence(error), file=sys.stderr, flush=True)
    time.sleep(0.1)
    world.comm.Abort(code)
    return code


def _interrupt(error: BaseException | None) -> BaseException | None:
    # A compiler that is interrupted may make an error of its own of it
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def _all_fail(trouble: Any) -> bool:
    everyone, begin = trouble.Ibarrier(), time.monotonic()
    while time.monotonic() - begin < _TOGETHER:
        if everyone.Test():
            return True
        time.sleep(0.002)
    return False


def _sentence(error: BaseException) -> str:
    if isinstance(error, DsimError):
        return f'dsim: {error}'
    if isinstance(error, KeyboardInterrupt):
        return 'dsim: interrupted'
    return ''.join(traceback.format_exception(error)).rstrip()


def _uncaught(kind: type[BaseException], error: BaseException,
              trace: TracebackType | None) -> None:
    """Take all ranks of a user's script down with an uncaught error."""
    sys.stdout.flush()
    code = fail(error)
    os._exit(code)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0

"""What dsim runs on here, and how to get what is missing."""

import contextlib
import os
import platform
import shutil
import sys
import time
from importlib import metadata
from pathlib import Path

from dsim import __version__, world
from dsim.errors import WorldError

LIBRARIES = ('numba', 'numpy', 'scipy', 'matplotlib', 'pillow', 'rich')


def facts() -> dict[str, str]:
    """Return what this machine has, by name; what is missing says so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(
        os, 'sched_getaffinity') else os.cpu_count()
    return {
        'dsim': f'{__version__} in {Path(__file__).parent}',
        'Python': f'{platform.python_version()}, {sys.executable}',
        **_mpi(), **_hdf5(), **{name: _version(name) for name in LIBRARIES},
        'CPU': f'{_processor()}, {cores} cores for this process',
    }


def versions() -> dict[str, str]:
    """Return machine, versions and day, for files: nothing of where."""
    return {
        'CPU': _processor(), 'MPI': world.mpi_version().partition(',')[0],
        'dsim': f'dsim {__version__}', 'Python': platform.python_version(),
        **{name: _version(name) for name in ('numba', 'numpy')},
        'date': time.strftime('%Y-%m-%d')}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return f'missing: pip install {name}'


def _mpi() -> dict[str, str]:
    try:
        comm = world.start()
    except (ImportError, RuntimeError, WorldError) as error:
        # The last one says itself what to do
        what = '' if isinstance(error, WorldError) else (
            ': pip install mpi4py mpich, or load the MPI of your cluster')
        return {'MPI': f'missing ({" ".join(str(error).split())}){what}'}
    library = world.mpi_version()
    beside = str(Path(sys.executable).parent / 'mpirun')
    family = 'mpirun.openmpi' if 'Open MPI' in library else 'mpirun.mpich'
    found = (os.environ.get('DSIM_MPIRUN') or shutil.which(beside)
             or shutil.which(family) or shutil.which('mpirun'))
    return {'MPI': library, 'ranks': str(comm.size),
            'mpirun': found or 'missing: install the one of this MPI'}


def _hdf5() -> dict[str, str]:
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


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path('/proc/cpuinfo').read_text().splitlines():
            if line.startswith('model name'):
                return line.partition(':')[2].strip()
    return platform.processor() or platform.machine()

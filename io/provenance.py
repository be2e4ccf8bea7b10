"""What made a file: resolved model, versions, commit, seed, ranks, host.

All of it is kept in attributes of ``/dsim/provenance``: two runs of the same
model differ there and in no dataset.
"""

import datetime
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dsim.errors import InputFileError
from dsim.io import attributes
from dsim.io.files import File

GROUP = '/dsim/provenance'
PACKAGES = ('numpy', 'numba', 'mpi4py')


def gather(comm: Any, seed: int, mpi: str = '',
           command: Sequence[str] | None = None) -> dict[str, Any]:
    """Return what is known of this run, the same on all ranks.

    ``mpi`` is the library's own name (its first line is kept), ``command``
    the command line if it is not that of this process.  Collective.
    """
    hosts = comm.allgather(platform.node())
    command = sys.orig_argv if command is None else command
    facts = {
        'dsim': version('dsim'),
        'commit': commit(Path(__file__).resolve().parent.parent),
        'python': platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        'h5py': h5py.__version__,
        'hdf5': h5py.version.hdf5_version,
        'hdf5_parallel': bool(h5py.get_config().mpi),
        'mpi': mpi.partition('\n')[0].strip(),
        'ranks': comm.size,
        'hosts': ' '.join(sorted(set(hosts))),
        'platform': platform.platform(),
        'command': ' '.join(command),
        'seed': int(seed),
        'started': datetime.datetime.now(datetime.UTC).isoformat(
            timespec='seconds'),
    }
    return comm.bcast(facts)


def record(file: File, facts: Mapping[str, Any], model: str = '') -> None:
    """Write the facts, and the resolved model as text; collective."""
    file.attributes(GROUP, {**facts, 'model': model} if model else facts)


def record_timings(file: File, timings: Mapping[str, Any]) -> None:
    """Write wall time in s by phase: a number, or one per statistic.

    Collective; may be done again, the last one counts.
    """
    file.attributes(f'{GROUP}/timings', {
        name: np.asarray(seconds, np.float64)
        for name, seconds in timings.items()})


def read(path: str | os.PathLike) -> dict[str, Any]:
    """Return the facts of a file, the timings as a dict under their name.

    Raises InputFileError if dsim did not write the file.
    """
    try:
        with h5py.File(path, 'r') as file:
            group = file[GROUP]
            facts = attributes.read(group)
            if 'timings' in group:
                facts['timings'] = attributes.read(group['timings'])
            return facts
    except (OSError, KeyError) as error:
        raise InputFileError(f'{path}: tells nothing of where it is from: '
                             f'{error}') from error


def version(package: str) -> str:
    """Return the version of an installed package, or 'unknown'."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return 'unknown'


def commit(root: Path) -> str:
    """Return the commit checked out at ``root``; '' if it is no checkout.

    Reads git's files: starting git would fork a process that MPI runs in,
    which not all MPIs allow.
    """
    try:
        folder = root/'.git'
        if folder.is_file():
            folder = root/folder.read_text().split(':', 1)[1].strip()
        head = (folder/'HEAD').read_text().strip()
        if not head.startswith('ref: '):
            return head

        # A work tree keeps its branches with the repository it belongs to
        common = folder/'commondir'
        if common.is_file():
            folder = folder/common.read_text().strip()
        name = head.removeprefix('ref: ')
        if (folder/name).is_file():
            return (folder/name).read_text().strip()
        for line in (folder/'packed-refs').read_text().splitlines():
            if line.endswith(f' {name}'):
                return line.split()[0]
    except (OSError, IndexError):
        pass
    return ''

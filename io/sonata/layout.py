"""What all SONATA files share: the mark at the root, and how one is read."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dsim.errors import InputFileError
from dsim.io.files import File
from dsim.io.rows import offset

ROOT = {
    'magic': np.uint32(0x0A7A),
    'version': np.array([0, 1], np.uint32),
}
MS = {'units': 'ms'}


def mark(file: File) -> None:
    """Mark a file as one of SONATA 0.1."""
    file.attributes('/', ROOT)


def column(file: File, name: str, rows: np.ndarray, dtype: Any,
           attributes: Mapping[str, Any] | None = None) -> None:
    """Write the rows of all ranks, in rank order, as a new dataset."""
    first, total = offset(len(rows), file.comm)
    file.dataset(name, (total,), dtype, attributes=attributes)
    file.write(name, (first,), np.asarray(rows).astype(dtype))


@contextlib.contextmanager
def opened(path: str | os.PathLike, what: str) -> Iterator[h5py.Group]:
    """Open a file for reading and hand over its group ``/<what>``.

    Raises InputFileError if it is missing, unreadable or without the group,
    also for what is found missing while the block reads.
    """
    if not Path(path).is_file():
        raise InputFileError(f'{path}: there is no such file')
    try:
        with h5py.File(path, 'r') as file:
            if what not in file:
                there = ', '.join(sorted(file)) or 'nothing'
                raise InputFileError(f'{path}: no group /{what}, so these '
                                     f'are no SONATA {what}; it has {there}')
            yield file[what]
    except (OSError, KeyError) as error:
        raise InputFileError(f'{path}: cannot be read as SONATA {what}: '
                             f'{error}') from error

"""Frames: a value of the whole grid of a population, at chosen times.

``/frames/<population>/<variable>/data`` is [time, row, column], beside it
``time`` in ms.  One file holds any number of such series.
"""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import h5py
import numpy as np

from dsim.errors import InputFileError
from dsim.io.files import File, Output


class Frames(NamedTuple):
    """A series read back: times float64[T] ms, data [T, rows, columns]."""

    times: np.ndarray
    data: np.ndarray
    unit: str


class FrameFile(Output):
    """One file of frames, each rank writing the tile that it owns.

    Methods are collective, like those of :class:`dsim.io.files.File`, which
    is there as ``file``.  Raises OutputError, on all ranks, where the file
    cannot be made.
    """

    def __init__(self, path: str | os.PathLike, comm: Any,
                 overwrite: bool = False, driver: str = 'auto'):
        self.file = File.create(path, comm, overwrite, driver)
        self._corners: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, population: str, variable: str, unit: str,
            shape: Sequence[int], bounds: Sequence[int],
            dtype: Any = np.float32, compression: int | None = 1) -> None:
        """Start a series of frames of ``shape`` = (rows, columns).

        ``bounds`` (row0, row1, column0, column1) is this rank's tile.
        ``dtype`` is float32 or float64; ``compression`` a level of gzip, or
        None.
        """
        row0, _, column0, _ = bounds
        self._corners[population, variable] = row0, column0
        group = _group(population, variable)
        shape = tuple(shape)
        self.file.dataset(f'{group}/data', (0, *shape), dtype,
                          maxshape=(None, *shape), compression=compression,
                          attributes={'units': unit})
        self.file.dataset(f'{group}/time', (0,), np.float64,
                          maxshape=(None,), attributes={'units': 'ms'})

    def append(self, population: str, variable: str, times: np.ndarray,
               block: np.ndarray) -> None:
        """Add frames: times float64[T] in ms, the same on all ranks.

        ``block`` is [T, rows, columns] of this rank's tile.
        """
        if len(times) != len(block):
            raise ValueError(f'{len(times)} times for {len(block)} frames')
        group = _group(population, variable)
        row, column = self._corners[population, variable]
        first = self.file.extend(f'{group}/data', len(times))
        self.file.write(f'{group}/data', (first, row, column), block)
        mine = times if self.file.comm.rank == 0 else times[:0]
        self.file.append(f'{group}/time', np.asarray(mine, np.float64))


def list_frames(path: str | os.PathLike) -> list[tuple[str, str]]:
    """Return the (population, variable) of each series in a file.

    Raises InputFileError if it is no file of frames.
    """
    try:
        with h5py.File(path, 'r') as file:
            return [(population, variable)
                    for population, group in file['frames'].items()
                    for variable in group]
    except (OSError, KeyError) as error:
        raise InputFileError(f'{path}: no file of frames: {error}') from error


def read_frames(path: str | os.PathLike, population: str, variable: str,
                frames: slice = slice(None)) -> Frames:
    """Read a series, or the ``frames`` of it; needs no MPI.

    Raises InputFileError if the file or the series is not there.
    """
    series = list_frames(path)
    if (population, variable) not in series:
        there = ', '.join('/'.join(names) for names in series) or 'none'
        raise InputFileError(f'{path}: no frames {population}/{variable}; '
                             f'there are: {there}')
    with h5py.File(path, 'r') as file:
        group = file[_group(population, variable)]
        data = group['data']
        return Frames(group['time'][frames], data[frames],
                      data.attrs['units'])


def _group(population: str, variable: str) -> str:
    return f'/frames/{population}/{variable}'

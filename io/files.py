"""One HDF5 file written by all ranks together: whole, or not there.

A file grows under the name ``<path>.part`` and gets its own name when it is
closed, so that a file with the right name is always complete.  Two drivers
write the same datasets, bit for bit: ``mpi`` (collective writes, if h5py was
built with MPI) and ``serial`` (rank 0 writes what the others send).

All methods but :meth:`File.abandon` and :meth:`File.parallel` are
collective.  Errors that rank 0 can foresee are raised on all ranks together.
**Any other exception is fatal**: the other ranks may be waiting inside a
collective write, so the caller must bring all ranks down (``comm.Abort``)
and must not close the file first, which would wait for the others too.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import h5py
import numpy as np

from dsim.errors import BadValue, OutputError
from dsim.io import whole
from dsim.io.attributes import attach
from dsim.io.rows import chunk_shape, pieces

_TAG = 1
_abandoned: list[Any] = []


class Alone:
    """The communicator of a process without MPI: one rank, itself."""

    rank, size = 0, 1

    def allgather(self, value: Any) -> list[Any]:
        """Return what all ranks gave: one value."""
        return [value]

    def gather(self, value: Any) -> list[Any]:
        """Return on rank 0 what all ranks gave: one value."""
        return [value]

    def bcast(self, value: Any) -> Any:
        """Return what rank 0 gave."""
        return value


class _Layout(NamedTuple):
    shape: tuple[int, ...]
    dtype: np.dtype
    # Held open: what HDF5 keeps back in memory is then written by a flush
    # that can fail loudly, not by the garbage collector, which cannot
    handle: h5py.Dataset | None


class Output:
    """What is flushed, closed or abandoned: a file, or a layout with one.

    As a context manager it is closed at the end of the block, or abandoned
    where the block was left by an exception.
    """

    file: 'File'

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def flush(self, sync: bool = False) -> None:
        """Bring the file up to date: it can be read from here on.

        With ``sync`` it is also forced to the disk, to outlive a power cut.
        """
        self.file.flush(sync)

    def close(self) -> None:
        """Finish the file and give it its name; again is harmless."""
        self.file.close()

    def abandon(self) -> None:
        """Write no more; what was flushed is in ``<path>.part``.

        Not collective: one rank may do it on its way out.
        """
        self.file.abandon()


class File(Output):
    """An HDF5 file in the making; see :meth:`create`."""

    def __init__(self, path: Path, comm: Any, parallel: bool):
        self.path, self.comm = path, comm
        self.part = whole.part_of(path)
        self._parallel = parallel
        self._h5: h5py.File | None = None
        self._open = True
        self._layouts: dict[str, _Layout] = {}

    @classmethod
    def create(cls, path: str | os.PathLike, comm: Any,
               overwrite: bool = False, driver: str = 'auto') -> 'File':
        """Start a new file; it bears its name once it is closed.

        ``comm`` is an mpi4py communicator or :class:`Alone`.  ``driver`` is
        ``'mpi'``, ``'serial'``, or ``'auto'``: the first if h5py can.  What
        an earlier, unfinished run left as ``<path>.part`` is replaced.

        Raises OutputError, on all ranks together, if ``path`` exists and
        ``overwrite`` is false, or if nothing can be written there.
        """
        parallel = _choose(driver, comm)
        if comm.size > 1:
            # Messages of this file never meet those of anything else
            comm = comm.Dup()
        file = cls(Path(path), comm, parallel)
        try:
            file.at_root(lambda: whole.claim(file.path, overwrite))
            file._together(file._start)
        except OutputError:
            file._release()
            raise
        return file

    def parallel(self) -> bool:
        """Whether all ranks write (MPI driver) or rank 0 for them."""
        return self._parallel

    def is_open(self) -> bool:
        """Whether it was neither closed nor abandoned."""
        return self._open

    def dataset(self, name: str, shape: Sequence[int], dtype: Any,
                maxshape: Sequence[int | None] | None = None,
                chunks: Sequence[int] | None = None,
                compression: int | None = None,
                attributes: Mapping[str, Any] | None = None) -> None:
        """Make a dataset, and the groups above it.

        ``maxshape`` has None where an axis may grow (only the first can, by
        :meth:`extend`).  ``compression`` is a level of gzip from 1 to 9; it
        is left out where HDF5 cannot compress in parallel.  ``chunks`` is
        chosen if it is needed and not given.
        """
        shape, dtype = tuple(int(n) for n in shape), np.dtype(dtype)
        if compression is not None and self._parallel and not _filters():
            compression = None
        if chunks is None and (maxshape or compression is not None):
            chunks = chunk_shape(maxshape or shape, dtype.itemsize)

        flags: dict[str, Any] = {}
        if compression is not None:
            flags = {'compression': 'gzip', 'shuffle': True,
                     'compression_opts': compression}
        h5, handle = self._handle(), None
        if h5 is not None:
            with _telling(self.part):
                handle = h5.create_dataset(
                    name, shape, dtype, maxshape=maxshape,
                    chunks=None if chunks is None else tuple(chunks),
                    **flags)
        self._layouts[name] = _Layout(shape, dtype, handle)
        if attributes:
            self.attributes(name, attributes)

    def append(self, name: str, rows: np.ndarray) -> int:
        """Add the rows of all ranks, in rank order, after the last row.

        ``rows`` has the dataset's further axes; a rank may have no row.
        Returns the new number of rows.
        """
        counts = self.comm.allgather(len(rows))
        first = self.extend(name, sum(counts))
        start = (first + sum(counts[:self.comm.rank]),)
        rest = self._layouts[name].shape[1:]
        if rows.shape[1:] != rest:
            raise ValueError(f'{name}: rows of shape {rows.shape[1:]}, '
                             f'the dataset has {rest}')
        if sum(counts):
            self._write(name, start + (0,)*len(rest), rows)
        return first + sum(counts)

    def extend(self, name: str, rows: int) -> int:
        """Lengthen a dataset by ``rows`` (the same number on all ranks).

        Returns the index of the first new row; `write` must fill them all.
        """
        self._handle()
        layout = self._layouts[name]
        first, *rest = layout.shape
        if rows:
            shape = (first + int(rows), *rest)
            if layout.handle is not None:
                with _telling(self.part):
                    layout.handle.resize(shape)
            self._layouts[name] = layout._replace(shape=shape)
        return first

    def write(self, name: str, start: Sequence[int],
              block: np.ndarray) -> None:
        """Write a block from each rank: ``[start, start + block.shape)``.

        A rank with nothing to write gives a block with a zero in its shape.
        Blocks of different ranks must not overlap.
        """
        shape = self._layouts[name].shape
        fits = len(start) == block.ndim == len(shape) and all(
            low >= 0 and low + n <= most
            for low, n, most in zip(start, block.shape, shape, strict=True))
        if block.size and not fits:
            raise ValueError(f'{name}: no room for {block.shape} at '
                             f'{tuple(start)} in {shape}')
        self._write(name, tuple(int(low) for low in start), block)

    def attributes(self, path: str, values: Mapping[str, Any]) -> None:
        """Set attributes of a group (made if missing) or of a dataset.

        What rank 0 gives counts.  Text becomes a variable-length UTF-8
        string, `attributes.Enum` an HDF5 enumeration, others a numpy scalar
        or array.  What is longer than an attribute may be becomes a dataset
        of that name inside the group; `attributes.read` reads both.
        """
        values = self.comm.bcast(dict(values))
        h5 = self._handle()
        if h5 is not None:
            with _telling(self.part):
                place = (self._layouts[path].handle if path in self._layouts
                         else h5.require_group(path))
                for name, value in values.items():
                    attach(place, name, value)

    def flush(self, sync: bool = False) -> None:
        """See `Output.flush`."""
        self._handle()
        self._together(lambda: self._h5 is None or self._h5.flush())
        if sync:
            self.at_root(lambda: whole.sync(self.part))

    def close(self) -> None:
        """See `Output.close`."""
        if not self._open:
            return

        self._together(lambda: self._h5 is None or self._h5.close())
        self._h5, self._open = None, False
        self.at_root(lambda: whole.finish(self.part, self.path))
        self._release()

    def abandon(self) -> None:
        """See `Output.abandon`."""
        if self._h5 is not None:
            if self._parallel and self.comm.size > 1:
                # Closing would wait for the others, and so would letting
                # the last references go
                _abandoned.append((self._h5, self._layouts))
            else:
                with contextlib.suppress(OSError, RuntimeError):
                    self._h5.close()
        self._h5, self._open = None, False

    def at_root(self, action: Callable[[], object]) -> None:
        """Do something on rank 0; what it cannot write is told to all."""
        self._together(lambda: self.comm.rank or action())

    def _handle(self) -> h5py.File | None:
        """The open HDF5 file, or None where another rank writes for us."""
        if not self._open:
            raise RuntimeError(f'{self.path} is closed')
        return self._h5

    def _release(self) -> None:
        if self.comm.size > 1:
            self.comm.Free()

    def _start(self) -> None:
        if self._parallel:
            self._h5 = h5py.File(self.part, 'w', driver='mpio',
                                 comm=self.comm)
        elif self.comm.rank == 0:
            self._h5 = h5py.File(self.part, 'w')

    def _write(self, name: str, start: tuple[int, ...],
               block: np.ndarray) -> None:
        self._handle()
        dtype = self._layouts[name].dtype
        if not np.can_cast(block.dtype, dtype, 'same_kind'):
            raise TypeError(f'{name}: {block.dtype} given, {dtype} kept')
        # A filter takes the very type of the dataset, nothing to convert
        block = np.ascontiguousarray(block, dtype)
        with _telling(self.part):
            if self._parallel:
                self._write_at_once(name, start, block)
            else:
                self._write_in_turn(name, start, block)

    def _write_at_once(self, name: str, start: tuple[int, ...],
                       block: np.ndarray) -> None:
        """Write the blocks of all ranks, collectively, in bounded rounds."""
        dataset = self._layouts[name].handle
        collective = h5py.h5p.create(h5py.h5p.DATASET_XFER)
        collective.set_dxpl_mpio(h5py.h5fd.MPIO_COLLECTIVE)
        mine = list(pieces(block.shape, block.itemsize))
        for turn in range(max(self.comm.allgather(len(mine)))):
            low, high = mine[turn] if turn < len(mine) else (0, 0)
            _put(dataset, start, low, block[low:high], collective)

    def _write_in_turn(self, name: str, start: tuple[int, ...],
                       block: np.ndarray) -> None:
        """Write the blocks of all ranks through rank 0, one by one."""
        todo = self.comm.gather((start, block.shape))
        if self.comm.rank:
            for low, high in pieces(block.shape, block.itemsize):
                self.comm.Send(_bytes(block[low:high]), 0, _TAG)
            return

        dataset = self._layouts[name].handle
        for low, high in pieces(block.shape, block.itemsize):
            _put(dataset, start, low, block[low:high])
        for rank, (start, shape) in enumerate(todo[1:], 1):
            for low, high in pieces(shape, block.itemsize):
                piece = np.empty((high - low, *shape[1:]), block.dtype)
                self.comm.Recv(_bytes(piece), rank, _TAG)
                _put(dataset, start, low, piece)

    def _together(self, action: Callable[[], object]) -> None:
        """Act on each rank; an error that any rank met is raised on all."""
        problem = None
        try:
            action()
        except OutputError as error:
            problem = str(error)
        except (OSError, RuntimeError) as error:
            problem = _sentence(self.part, error)
        problems = [what for what in self.comm.allgather(problem) if what]
        if problems:
            raise OutputError(problems[0])


def _choose(driver: str, comm: Any) -> bool:
    able = bool(h5py.get_config().mpi) and not isinstance(comm, Alone)
    if driver not in ('auto', 'mpi', 'serial'):
        raise BadValue('driver', driver, "'auto', 'mpi' or 'serial'")
    if driver == 'mpi' and not able:
        raise OutputError("driver = 'mpi': h5py was built without MPI "
                          'here; `dsim info` tells how to get one with it')
    return able and driver != 'serial'


def _filters() -> bool:
    """Whether this HDF5 can write compressed chunks collectively."""
    return h5py.version.hdf5_version_tuple >= (1, 10, 2)


def _put(dataset: h5py.Dataset, start: tuple[int, ...], low: int,
         rows: np.ndarray, transfer: Any = None) -> None:
    """Write ``rows`` at ``start``, moved on by ``low`` rows.

    h5py's own assignment skips H5Dwrite when there are no rows, and the
    other ranks would wait in it for ever (h5py issue 965); so each rank
    calls it here, with an empty selection if need be.
    """
    there = dataset.id.get_space()
    if rows.size:
        here = h5py.h5s.create_simple(rows.shape)
        there.select_hyperslab((start[0] + low, *start[1:]), rows.shape)
    else:
        rows = np.zeros(1, dataset.dtype)
        here = h5py.h5s.create_simple((1,))
        here.select_none()
        there.select_none()
    dataset.id.write(here, there, rows, dxpl=transfer)


def _bytes(block: np.ndarray) -> np.ndarray:
    return block.reshape(-1).view(np.uint8)


def _sentence(path: Path, error: Exception) -> str:
    place = getattr(error, 'filename', None) or path
    what = getattr(error, 'strerror', None) or error
    return f'{place}: cannot be written: {what}'


@contextlib.contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Turn what the disk or HDF5 says into an OutputError of one rank."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise OutputError(_sentence(path, error)) from error

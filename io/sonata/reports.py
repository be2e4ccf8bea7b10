"""Values of chosen neurons over time, in SONATA's report layout."""

import os
from typing import Any, NamedTuple

import numpy as np

from dsim.io.files import File, Output
from dsim.io.rows import Columns, share
from dsim.io.sonata.layout import MS, mark, opened


class Report(NamedTuple):
    """A report read back: times float64[T] ms, ids uint64[n], data [T, n]."""

    times: np.ndarray
    node_ids: np.ndarray
    data: np.ndarray
    unit: str


class ReportFile(Output):
    """A SONATA report of one population, written by all ranks together.

    ``node_ids`` lists all the neurons, ascending and the same on all ranks;
    ``mine`` is int64[n], the positions in it of this rank's columns.  Row k
    is of time ``start + k*step`` ms, and ``stop`` (exclusive) is the end
    that is expected: the file tells the true one at each flush.  Methods
    are collective, like those of :class:`dsim.io.files.File`.

    Raises OutputError, on all ranks, where the file cannot be made, and
    ValueError where ``mine`` of all ranks does not make up ``node_ids``.
    """

    def __init__(self, path: str | os.PathLike, comm: Any, population: str,
                 node_ids: np.ndarray, mine: np.ndarray, unit: str,
                 start: float, stop: float, step: float,
                 overwrite: bool = False, driver: str = 'auto'):
        node_ids = np.asarray(node_ids, np.uint64)
        if np.any(node_ids[1:] <= node_ids[:-1]):
            raise ValueError('node_ids must ascend')
        self.start, self.stop, self.step = start, stop, step
        self.rows = 0
        self._columns = Columns(mine, node_ids.size, comm)
        self.file = File.create(path, comm, overwrite, driver)
        self._group = f'/report/{population}'
        mark(self.file)
        self.file.dataset(f'{self._group}/data', (0, node_ids.size),
                          np.float32, maxshape=(None, node_ids.size),
                          attributes={'units': unit})
        self._map(node_ids)

    def append(self, block: np.ndarray) -> int:
        """Add rows: float32[T, n], this rank's columns; T is the same on all.

        Returns the number of rows now in the file.
        """
        rows = self._columns.to_rows(np.asarray(block, np.float32))
        self.rows = self.file.append(f'{self._group}/data', rows)
        return self.rows

    def flush(self, sync: bool = False) -> None:
        """See `Output.flush`; the file then tells its true end."""
        self._write_time()
        super().flush(sync)

    def close(self) -> None:
        """See `Output.close`; the file then tells its true end."""
        if self.file.is_open():
            self._write_time()
        super().close()

    def _map(self, node_ids: np.ndarray) -> None:
        count = node_ids.size
        # Where each neuron's values begin, and the end of the last: n + 1
        pointers = np.arange(count + 1, dtype=np.uint64)
        for name, column, attributes in (
                ('node_ids', node_ids, {'sorted': np.int8(1)}),
                ('index_pointers', pointers, {}),
                ('element_ids', np.zeros(count, np.uint32), {}),
                # bmtk knows the pointers by an older name
                ('index_pointer', pointers, {}),
                ('element_pos', np.zeros(count, np.float32), {})):
            path = f'{self._group}/mapping/{name}'
            self.file.dataset(path, column.shape, column.dtype,
                              attributes=attributes)
            low, high = share(column.size, self.file.comm.rank,
                              self.file.comm.size)
            self.file.write(path, (low,), column[low:high])
        self.file.dataset(f'{self._group}/mapping/time', (3,), np.float64,
                          attributes=MS)
        self._write_time()

    def _write_time(self) -> None:
        stop = self.start + self.rows*self.step
        if abs(stop - self.stop) < 1e-6*self.step:
            stop = self.stop
        times = np.array([self.start, stop, self.step])
        mine = times if self.file.comm.rank == 0 else times[:0]
        self.file.write(f'{self._group}/mapping/time', (0,), mine)


def read_reports(path: str | os.PathLike) -> dict[str, Report]:
    """Return the reports of a file by population; needs no MPI.

    Raises InputFileError if it is no such file.
    """
    reports = {}
    with opened(path, 'report') as populations:
        for name, group in populations.items():
            start, stop, step = group['mapping/time'][()]
            data = group['data'][()]
            times = start + step*np.arange(len(data))
            reports[name] = Report(times, group['mapping/node_ids'][()],
                                   data, group['data'].attrs['units'])
    return reports

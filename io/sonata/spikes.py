"""Spike files, sorted by time then id, written by all ranks together."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dsim.io.attributes import Enum
from dsim.io.files import File, Output
from dsim.io.rows import by_slices, span
from dsim.io.sonata.layout import MS, mark, opened

SORTING = {'none': 0, 'by_id': 1, 'by_time': 2}


class SpikeFile(Output):
    """One SONATA file with the spikes of several populations.

    ``populations`` gives each one's name and number of neurons, and
    ``timestamp`` turns steps (int64[n]) into ms (float64[n]).  The steps of
    one population are appended stretch by stretch, so the file is sorted
    and contiguous at any time.  Methods are collective, like those of
    :class:`dsim.io.files.File`, which is there as ``file``.

    Raises OutputError, on all ranks, where the file cannot be made.
    """

    def __init__(self, path: str | os.PathLike, comm: Any,
                 populations: Mapping[str, int],
                 timestamp: Callable[[np.ndarray], np.ndarray],
                 overwrite: bool = False, driver: str = 'auto'):
        self.populations = dict(populations)
        self.timestamp = timestamp
        self.counts = dict.fromkeys(self.populations, 0)
        self.file = File.create(path, comm, overwrite, driver)
        self._last: dict[str, int] = {}
        mark(self.file)
        self.file.attributes('/spikes', {})
        for name in self.populations:
            group = f'/spikes/{name}'
            self.file.attributes(group, {'sorting': Enum(2, SORTING)})
            self.file.dataset(f'{group}/timestamps', (0,), np.float64,
                              maxshape=(None,), attributes=MS)
            self.file.dataset(f'{group}/node_ids', (0,), np.uint64,
                              maxshape=(None,))

    def append(self, name: str, steps: np.ndarray, ids: np.ndarray) -> int:
        """Add the spikes of a stretch of time: (steps[i], ids[i]) here.

        ``steps`` is int64[n], ``ids`` uint64[n], on each rank those that it
        has, in any order.  Returns the number of spikes now in the file.
        Raises ValueError if an id is not of the population, or if the
        stretch begins before the end of the one before.
        """
        steps = np.asarray(steps, np.int64)
        ids = np.asarray(ids).astype(np.uint64)
        size = self.populations[name]
        if ids.size and ids.max() >= size:
            raise ValueError(f'population {name!r} has {size} neurons, none '
                             f'with id {ids.max()}')
        bounds = span(steps, self.file.comm)
        if bounds is None:
            return self.counts[name]
        if bounds[0] <= self._last.get(name, bounds[0] - 1):
            raise ValueError(
                f'population {name!r}: spikes of step {bounds[0]} come after '
                f'those of step {self._last[name]} were written')
        self._last[name] = bounds[1]

        steps, ids = by_slices(steps, self.file.comm, ids)
        order = np.lexsort((ids, steps))
        times = np.asarray(self.timestamp(steps[order]), np.float64)
        self.file.append(f'/spikes/{name}/timestamps', times)
        self.counts[name] = self.file.append(f'/spikes/{name}/node_ids',
                                             ids[order])
        return self.counts[name]


def read_spikes(path: str | os.PathLike
                ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return (timestamps float64[n] in ms, node_ids uint64[n]) by population.

    Needs no MPI.  Raises InputFileError if it is no such file.
    """
    with opened(path, 'spikes') as spikes:
        return {name: (group['timestamps'][()], group['node_ids'][()])
                for name, group in spikes.items()}

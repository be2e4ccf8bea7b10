"""Who fired when."""

from collections.abc import Mapping

import numpy as np

from dsim.io.sonata.spikes import SpikeFile
from dsim.recording.base import Recorder


class SpikeRecorder(Recorder):
    """Keeps all spikes of a tile and writes them to one SONATA file.

    ``first`` gives the first neuron number of each population, in order.
    Without a file it keeps them in memory.
    """

    def __init__(self, first: Mapping[str, int], file: SpikeFile | None):
        self.first, self.file = dict(first), file
        self.counts = dict.fromkeys(self.first, 0)
        self._steps: list[np.ndarray] = []
        self._numbers: list[np.ndarray] = []

    def hear(self, steps: np.ndarray, numbers: np.ndarray) -> None:
        if steps.size:
            # A step is stamped at its end
            self._steps.append(steps + 1)
            self._numbers.append(numbers)
            for name in self.first:
                begin, end = self._bounds(name)
                self.counts[name] += int(np.count_nonzero(
                    (numbers >= begin) & (numbers < end)))

    def kept(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return (steps, ids) of a population's spikes not yet written."""
        if not self._steps:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        steps = np.concatenate(self._steps)
        numbers = np.concatenate(self._numbers)
        begin, end = self._bounds(name)
        mine = (numbers >= begin) & (numbers < end)
        return steps[mine], numbers[mine] - begin

    def flush(self) -> None:
        if self.file is None:
            return
        for name in self.first:
            steps, ids = self.kept(name)
            self.file.append(name, steps, ids.astype(np.uint64))
        self._steps.clear()
        self._numbers.clear()

    def _bounds(self, name: str) -> tuple[int, int]:
        k = list(self.first).index(name)
        starts = [*self.first.values(), np.iinfo(np.int64).max]
        return int(starts[k]), int(starts[k + 1])

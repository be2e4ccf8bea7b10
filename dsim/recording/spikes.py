"""Who fired when."""

from collections.abc import Iterable, Mapping

import numpy as np

from dsim.io.sonata.spikes import SpikeFile
from dsim.recording.base import Recorder


class SpikeRecorder(Recorder):
    """Counts all spikes of a tile and keeps those of ``recorded``.

    ``first`` gives the first neuron number of each population, in order;
    ``recorded`` names those whose spikes go to one SONATA file, or stay in
    memory without a file.
    """

    def __init__(self, first: Mapping[str, int], recorded: Iterable[str],
                 file: SpikeFile | None):
        self.recorded, self.file = list(recorded), file
        self._names = list(first)
        self._starts = np.array([*first.values(), np.iinfo(np.int64).max])
        self._kept = np.isin(self._names, self.recorded)
        self._counts = np.zeros(len(self._names), np.int64)
        self._steps: list[np.ndarray] = []
        self._numbers: list[np.ndarray] = []
        self._uncounted: list[np.ndarray] = []

    @property
    def counts(self) -> dict[str, int]:
        """The spikes of each population so far, on this rank."""
        self._count_heard()
        return dict(zip(self._names, self._counts.tolist(), strict=True))

    def hear(self, steps: np.ndarray, numbers: np.ndarray) -> None:
        if not steps.size:
            return
        if self._kept.all():
            # Windows are short and many: count when somebody asks
            self._uncounted.append(numbers)
        else:
            mine = self._kept[self._count(numbers)]
            steps, numbers = steps[mine], numbers[mine]
        if steps.size:
            self._steps.append(steps)
            self._numbers.append(numbers)

    def _count_heard(self) -> None:
        if self._uncounted:
            self._count(np.concatenate(self._uncounted))
            self._uncounted.clear()

    def _count(self, numbers: np.ndarray) -> np.ndarray:
        """Count spikes; return the population of each."""
        population = np.searchsorted(self._starts, numbers, 'right') - 1
        self._counts += np.bincount(population, minlength=len(self._names))
        return population

    def kept(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return (steps, ids) of a population's spikes not yet written."""
        if not self._steps:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        # A step is stamped at its end
        steps = np.concatenate(self._steps) + 1
        numbers = np.concatenate(self._numbers)
        k = self._names.index(name)
        begin, end = self._starts[k:k + 2]
        mine = (numbers >= begin) & (numbers < end)
        return steps[mine], numbers[mine] - begin

    def flush(self) -> None:
        self._count_heard()
        if self.file is None:
            return
        for name in self.recorded:
            steps, ids = self.kept(name)
            self.file.append(name, steps, ids.astype(np.uint64))
        self._steps.clear()
        self._numbers.clear()

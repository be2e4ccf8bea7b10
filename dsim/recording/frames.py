"""A state variable of the whole grid, at regular times."""

from collections.abc import Callable

import numpy as np

from dsim.io.frames import FrameFile
from dsim.recording.base import Recorder


class FrameRecorder(Recorder):
    """Looks at all of ``state`` every ``interval`` steps.

    ``shape`` (rows, columns) is that of the tile; ``times`` turns steps
    into ms.
    """

    def __init__(self, population: str, variable: str, state: np.ndarray,
                 shape: tuple[int, int], interval: int,
                 times: Callable[[np.ndarray], np.ndarray],
                 file: FrameFile | None):
        self.population, self.variable = population, variable
        self.state, self.shape, self.interval = state, shape, interval
        self.times, self.file = times, file
        self.steps: list[int] = []
        self.frames: list[np.ndarray] = []

    def look(self, step: int) -> None:
        if step % self.interval == 0:
            self.steps.append(step)
            self.frames.append(self.state.reshape(self.shape)
                               .astype(np.float32))

    def block(self) -> np.ndarray:
        """Return the frames not yet written, [T, rows, columns]."""
        if not self.frames:
            return np.zeros((0, *self.shape), dtype=np.float32)
        return np.stack(self.frames)

    def flush(self) -> None:
        if self.file is not None:
            self.file.append(self.population, self.variable,
                             self.times(np.array(self.steps, np.int64)),
                             self.block())
            self.steps.clear()
            self.frames.clear()

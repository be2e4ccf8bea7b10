"""State variables of chosen neurons, at regular times."""

import numpy as np

from dsim.io.sonata.reports import ReportFile
from dsim.recording.base import Recorder


class ValueRecorder(Recorder):
    """Looks at ``state[chosen]`` every ``interval`` steps.

    ``chosen`` int64[n] are places in the tile's array ``state``, ``places``
    those of the same neurons among all that are recorded.
    """

    def __init__(self, state: np.ndarray, chosen: np.ndarray,
                 places: np.ndarray, interval: int, file: ReportFile | None):
        self.state, self.chosen, self.places = state, chosen, places
        self.interval, self.file = interval, file
        self.rows: list[np.ndarray] = []

    def look(self, step: int) -> None:
        if step % self.interval == 0:
            kind = np.float64 if self.file is None else np.float32
            self.rows.append(self.state[self.chosen].astype(kind))

    def block(self) -> np.ndarray:
        """Return what was seen and not yet written, [T, n]."""
        if not self.rows:
            return np.zeros((0, self.chosen.size), dtype=np.float32)
        return np.stack(self.rows)

    def flush(self) -> None:
        if self.file is not None:
            self.file.append(self.block())
            self.rows.clear()

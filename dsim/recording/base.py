"""Recorder: what keeps something of a run."""

import numpy as np


class Recorder:
    """Base of all recorders; each rank has one and all verbs are collective.

    ``interval`` is the number of steps between two looks, 0 for a recorder
    that only hears spikes.
    """

    interval = 0

    def look(self, step: int) -> None:
        """Keep what there is to see before ``step`` is run."""

    def hear(self, steps: np.ndarray, numbers: np.ndarray) -> None:
        """Keep the tile's spikes of a window, ordered by step."""

    def flush(self) -> None:
        """Hand what was kept since the last flush to the file, if any."""

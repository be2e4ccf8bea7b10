"""Share: what one thread works on, the neurons and their connections."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from dsim.engine.block import Block, Found, Scratch
from dsim.engine.clock import Stretch
from dsim.partitioning.exchange.packets import Spikes


class Table(Protocol):
    """Connections that end on this share, of one projection or more."""

    count: int
    nbytes: int

    def deliver(self, ring: np.ndarray, steps: np.ndarray,
                numbers: np.ndarray) -> int:
        """Add the spikes' weights to the ring; return the events."""


class Share:
    """Blocks of neurons, their synaptic input to come, and who fired.

    ``ring`` int64[slots x columns] holds the sums of weights that arrive in
    the steps to come, each receptor in its own unit: integers, so that the
    order in which spikes arrive cannot matter.
    """

    def __init__(self, blocks: Sequence[Block], tables: Sequence[Table],
                 slots: int, bits: int, dt: float, longest: int):
        self.blocks, self.tables = list(blocks), list(tables)
        self.slots, self.bits, self.dt = slots, bits, dt
        self.ring = np.zeros(slots << bits, dtype=np.int64)
        self.found = Found()
        self.events = 0
        self._lend_scratch(longest)

    @property
    def nbytes(self) -> int:
        """The memory that input, buffers and connections take."""
        return (self.ring.nbytes + self._scratch_bytes
                + sum(block.runs.nbytes for block in self.blocks)
                + sum(table.nbytes for table in self.tables))

    def advance(self, stretch: Stretch) -> None:
        """Integrate all neurons over the steps of ``stretch``."""
        for block in self.blocks:
            block.advance(self.ring, self.bits, self.dt, stretch, self.found)

    def deliver(self, spikes: Spikes) -> None:
        """Add the weights of the spikes' connections to the ring."""
        for table in self.tables:
            self.events += table.deliver(self.ring, *spikes)

    def _lend_scratch(self, longest: int) -> None:
        self._scratch_bytes = 0
        kinds: dict[np.dtype, list[Block]] = {}
        for block in self.blocks:
            kinds.setdefault(block.states[0].dtype, []).append(block)
        for kind, blocks in kinds.items():
            most = max(block.lines*block.size for block in blocks)
            widest = max(block.size for block in blocks)
            scratch = Scratch(
                np.zeros(longest*most, kind),
                np.zeros(-(-longest*widest//8)*8, np.uint8), longest)
            self._scratch_bytes += (scratch.real.nbytes
                                    + scratch.fired.nbytes)
            for block in blocks:
                block.lend(scratch)

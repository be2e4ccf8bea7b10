"""Tell only the ranks in reach, one message each in each window."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dsim.partitioning.exchange.base import Exchange, Traffic
from dsim.partitioning.exchange.mail import Mail
from dsim.partitioning.exchange.packets import (
    Packer,
    Spikes,
    message_bytes,
    unpack,
)
from dsim.partitioning.plan import HaloPlan


class Halo(Exchange):
    """Point to point: one message to each peer, one from each source.

    A message is sent even if it is empty, so nobody has to ask whether one
    is to come.  The messages of a window are on their way between `post`
    and `complete`; on one rank there are none, and no call of MPI.
    """

    name = 'halo'

    def __init__(self, comm: Any, plan: HaloPlan,
                 mail_type: type[Mail] = Mail):
        super().__init__(comm, plan, mail_type)
        self._packer = Packer(plan, self.rank)
        self._sources = plan.sources(self.rank)
        self._talks = bool(self._sources or plan.messages(self.rank))

    @classmethod
    def predict(cls, plan: HaloPlan, rank: int, steps: int,
                spikes: Sequence[float]) -> Traffic:
        """Return what a rank will send in a window; see `Exchange`."""
        tiling, cells = plan.tiling, plan.cells(rank)
        rates = [fired/tiling.size(p) for p, fired in enumerate(spikes)]
        told = cells @ np.array(rates, np.float64)
        sizes = [message_bytes(steps, n, tiling.total) for n in told]
        talks = bool(sizes or plan.sources(rank))
        return Traffic(len(sizes), float(sum(sizes)), int(talks))

    def _post(self, first_step: int, steps: int, spikes: Spikes) -> None:
        for peer, words in self._packer.pack(first_step, steps, spikes):
            self.mail.send(peer, words)
        self.stages += self._talks

    def _complete(self, first_step: int, steps: int) -> Spikes:
        words, bounds = self.mail.fetch(self._sources)
        self.mail.finish()
        return unpack(words, bounds, self._sources, (first_step, steps),
                      self.plan.tiling.total)

"""Tell only the ranks in reach, one message each in each window."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dsim.partitioning.exchange.base import Exchange, Traffic
from dsim.partitioning.exchange.mail import Mail
from dsim.partitioning.exchange.packets import (
    NOTHING,
    Packer,
    Spikes,
    Unpacker,
    message_bytes,
)
from dsim.partitioning.exchange.roll import Names, Patch, Roll
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
        masks = plan.masks(self.rank)
        patch = Patch.of(plan.tiling, self.rank)
        self._peers = [int(peer) for peer in masks.peers]
        self._packer = Packer(plan.tiling, self.rank, [
            Roll.of(patch, masks.rows[k], masks.columns[k])
            for k in range(masks.peers.size)])

        sources = plan.sources(self.rank)
        patches = [Patch.of(plan.tiling, source) for source in sources]
        rolls = [heard(plan, source, patch, self.rank)
                 for source, patch in zip(sources, patches, strict=True)]
        self._sources = sources
        self._unpacker = Unpacker(sources, Names.on(rolls, patches))
        self._talks = bool(sources or self._peers)

    @classmethod
    def predict(cls, plan: HaloPlan, rank: int, steps: int,
                spikes: Sequence[float]) -> Traffic:
        """Return what a rank will send in a window; see `Exchange`."""
        tiling, cells = plan.tiling, plan.cells(rank)
        rates = [fired/(tiling.size(p)*steps)
                 for p, fired in enumerate(spikes)]
        sizes = [message_bytes(steps, told, rates) for told in cells]
        talks = bool(sizes or plan.sources(rank))
        return Traffic(len(sizes), sum(sizes), int(talks))

    def _post(self, first_step: int, steps: int, spikes: Spikes) -> None:
        if not self._talks:
            return
        data, bounds = self._packer.pack(first_step, steps, spikes)
        start = 0
        for peer, stop in zip(self._peers, bounds, strict=True):
            self.mail.send(peer, data[start:stop])
            start = stop
        self.stages += 1

    def _complete(self, first_step: int, steps: int) -> Spikes:
        if not self._talks:
            return NOTHING
        data, bounds = self.mail.fetch(self._sources)
        self.mail.finish()
        return self._unpacker.unpack(data, bounds, first_step, steps)


def heard(plan: HaloPlan, source: int, patch: Patch, rank: int) -> Roll:
    """Return the roll of the ``patch`` of a source, as ``rank`` sees it."""
    tiling, lines = plan.tiling, plan.lines
    row, column = tiling.processes.place(rank)
    row_starts, column_starts = tiling.line_starts
    rows, columns = [], []
    for p in range(tiling.populations):
        row0, row1, column0, column1 = tiling.bounds(p, source)
        rows.append(np.arange(row0, row1) + row_starts[p])
        columns.append(np.arange(column0, column1) + column_starts[p])
    return Roll.of(patch, lines.rows[row, np.concatenate(rows)],
                   lines.columns[column, np.concatenate(columns)])

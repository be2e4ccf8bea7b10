"""Everybody hears everything: the baseline that most simulators use.

Bruck's algorithm (Bruck et al. 1997, IEEE Trans. Parallel Distrib. Syst.
8:1143), as in many an MPI_Allgatherv of short messages, but out of single
messages, so that they can be counted: in stage k a rank sends all it holds
to the one 2**k below it and hears from the one 2**k above, going round.
After k stages it holds the spikes of 2**k ranks, its own and those above;
of the last stage's message only what the other still lacks is sent.  So
there are ceil(log2(ranks)) messages of each rank in a window, and each
spike is sent ranks - 1 times in all, whether anybody needs it or not.
"""

from dataclasses import dataclass

import numpy as np

from dsim.partitioning.axis import Flags
from dsim.partitioning.exchange.atlas import Atlas, Located
from dsim.partitioning.exchange.staged import Stage, Staged
from dsim.partitioning.plan import HaloPlan


@dataclass(frozen=True)
class Above:
    """Picks the spikes of so many ranks from one on upwards, going round."""

    atlas: Atlas
    rank: int
    count: int
    size: int

    def __call__(self, located: Located) -> Flags:
        """Tell which spikes are of these ranks."""
        ranks = self.atlas.ranks(located)
        flags: Flags = (ranks - self.rank) % self.size < self.count
        return flags


class Allgather(Staged):
    """Every spike to every rank; what does not reach it, it drops there."""

    name = 'allgather'

    @classmethod
    def plan_stages(cls, plan: HaloPlan, rank: int) -> list[Stage]:
        """Return the stages of a rank: as many as double to all ranks."""
        tiling, size = plan.tiling, plan.tiling.processes.size
        atlas, stages = Atlas(tiling), []
        for k in range((size - 1).bit_length()):
            count = min(1 << k, size - (1 << k))
            cells = np.array([[tiling.count(p, (rank + above) % size)
                               for p in range(tiling.populations)]
                              for above in range(count)], np.int64).sum(0)
            stages.append(Stage((rank - (1 << k)) % size,
                                Above(atlas, rank, count, size), cells,
                                [(rank + (1 << k)) % size]))
        return stages

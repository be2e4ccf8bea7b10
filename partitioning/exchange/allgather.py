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

import numpy as np

from dsim.partitioning.exchange.atlas import Sieve
from dsim.partitioning.exchange.staged import Stage, Staged
from dsim.partitioning.plan import HaloPlan
from dsim.partitioning.tiling import Tiling


class Allgather(Staged):
    """Every spike to every rank; what does not reach it, it drops there."""

    name = 'allgather'

    @classmethod
    def plan_stages(cls, plan: HaloPlan, rank: int) -> list[Stage]:
        """Return the stages of a rank: as many as double to all ranks."""
        tiling, size = plan.tiling, plan.tiling.processes.size
        stages = []
        for k in range((size - 1).bit_length()):
            count = min(1 << k, size - (1 << k))
            source = (rank + (1 << k)) % size
            stages.append(Stage(
                (rank - (1 << k)) % size, above(tiling, rank, count),
                [source], [above(tiling, source, count)]))
        return stages


def above(tiling: Tiling, rank: int, count: int) -> Sieve:
    """Return the cells of so many ranks from one on, going round."""
    grid = tiling.processes
    chosen = np.zeros((grid.rows, grid.columns), np.bool_)
    chosen.flat[(rank + np.arange(count)) % grid.size] = True

    # Some whole rows of ranks, and a part of a row at either end: at most
    # three kinds
    kinds, kind = np.unique(chosen, axis=0, return_inverse=True)
    bits = np.uint64(1) << np.arange(len(kinds), dtype=np.uint64)
    rows, columns = tiling.line_owners
    return Sieve(bits[kind.ravel()][rows],
                 np.bitwise_or.reduce(bits[:, None]*kinds, axis=0)[columns])

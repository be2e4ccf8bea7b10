"""What a run that has not started will need: memory, messages, time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dsim.engine import memory
from dsim.engine.layout import Layout, arrange
from dsim.network import Network
from dsim.partitioning.exchange import find_scheme

Pace = Callable[[Network, Layout, int, float], float]
"""Gives the seconds that a rank works for one second of the model.

Of a network, its layout, the rank, and the rate of all neurons in Hz.
"""


@dataclass(frozen=True)
class Share:
    """What one rank will have: means where rates or draws decide.

    ``memory`` in bytes, without Python and its libraries; ``messages`` and
    ``bytes`` that it sends in one window; ``seconds`` of work for one
    second of the model, without waiting for others, NaN if unknown.
    """

    rank: int
    tiles: tuple[tuple[int, int], ...]
    neurons: int
    synapses: float
    memory: float
    messages: float
    bytes: float
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """A network on a number of ranks, before it is built.

    ``rate`` (Hz) is what the bytes are told for; ``halo`` the rows and
    columns of the largest grid that a rank must hear of beyond its own;
    ``exchange`` the scheme, the one that 'auto' picks where that was asked.
    """

    layout: Layout
    names: tuple[str, ...]
    shares: tuple[Share, ...]
    window: float
    rate: float
    halo: tuple[int, int]
    exchange: str

    @property
    def neurons(self) -> int:
        """The neurons on all ranks."""
        return sum(share.neurons for share in self.shares)

    @property
    def synapses(self) -> float:
        """The connections on all ranks that are expected."""
        return sum(share.synapses for share in self.shares)

    @property
    def rtf(self) -> float:
        """The real-time factor if no rank ever waits for another."""
        return max(share.seconds for share in self.shares)

    @property
    def largest(self) -> Share:
        """The rank that needs the most memory."""
        return max(self.shares, key=lambda share: share.memory)


def estimate(network: Network, dt: float, ranks: int,
             processes: Sequence[int] | None = None,
             exchange: str = 'halo', rate: float = 10.0,
             pace: Pace | None = None) -> Estimate:
    """Tell what ``network`` will need on ``ranks`` ranks.

    ``rate`` (Hz) is the mean rate that all populations are assumed to have;
    ``pace`` knows the machine, without it no time is told.
    Raises the `DsimError` that a run would raise.
    """
    layout = arrange(network, dt, ranks, processes)
    window = layout.window*dt
    scheme = find_scheme(exchange, layout.plan, layout.window, window,
                         'simulation.exchange')
    spikes = [p.size*rate*window/1000 for p in network.populations.values()]
    shares = []
    for rank in range(ranks):
        traffic = scheme.predict(layout.plan, rank, layout.window, spikes)
        seconds = (pace(network, layout, rank, rate) if pace
                   else float('nan'))
        shares.append(_share(network, layout, rank, traffic, seconds))
    return Estimate(layout, tuple(network.populations), tuple(shares), window,
                    rate, _halo(network, layout), scheme.name)


def _share(network: Network, layout: Layout, rank: int, traffic: tuple,
           seconds: float) -> Share:
    tiling, populations = layout.tiling, list(network.populations.values())
    counts = [tiling.count(p, rank) for p in range(len(populations))]
    synapses, bytes_held = memory.of_rank(network, layout, rank)
    tiles = tuple(tiling.shape(p, rank) for p in range(len(populations)))
    return Share(rank, tiles, sum(counts), synapses, bytes_held,
                 traffic[0], traffic[1], seconds)


def _halo(network: Network, layout: Layout) -> tuple[int, int]:
    p = int(np.argmax([q.size for q in network.populations.values()]))
    rank = layout.tiling.processes.size//2
    own = layout.tiling.shape(p, rank)
    box = layout.plan.box(p, rank)
    return max(box[1] - own[0], 0), max(box[3] - own[1], 0)

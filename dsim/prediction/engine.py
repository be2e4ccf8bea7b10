"""What prediction must know of how the engine works.

Which calls there are in a window, and what is held where: this file changes
with the engine, the others of this room do not.
"""

from collections.abc import Sequence

from dsim.connectivity import Stencil
from dsim.connectivity.synapse_values import is_number
from dsim.engine import estimate
from dsim.engine.build import STRETCH_BYTES, is_plain
from dsim.engine.estimate import indegree
from dsim.engine.layout import Layout
from dsim.network import Network

BYTES = {'event stored': 4, 'event weighted': 8, 'event stencil': 0}
"""What a connection takes, by what its events are counted as."""


def kind(network: Network, layout: Layout, k: int) -> str:
    """Return what an event of projection ``k`` is counted as."""
    projection = network.projections[k]
    if isinstance(projection.rule, Stencil) and is_plain(projection):
        return 'event stencil'
    return ('event stored' if is_number(projection.weight)
            else 'event weighted')


def blocks(network: Network, layout: Layout, own: Sequence[float]) -> float:
    """Return how often neurons are advanced in a window, by call.

    ``own`` is how many neurons of each population a rank has.
    """
    stretch = max(1, min(layout.window,
                         STRETCH_BYTES//(8*max(int(max(own)), 1))))
    return float(sum(n > 0 for n in own)*-(-layout.window//stretch))


def tables(network: Network, layout: Layout, own: Sequence[float]) -> float:
    """Return how many tables spikes are delivered to."""
    names = list(network.populations)
    return float(sum(own[names.index(p.target.name)] > 0
                     for p in network.projections))


def rows(kinds: Sequence[str]) -> float:
    """Return how many rows a spike is looked up in.

    ``kinds`` are those of the projections that it travels along.
    """
    return float(len(kinds))


def memory(network: Network, layout: Layout, rank: int) -> float:
    """Return the bytes that a rank holds, beside Python and libraries."""
    return estimate._share(network, layout, rank, (0.0, 0.0), 0.0).memory


__all__ = ['BYTES', 'blocks', 'indegree', 'kind', 'memory', 'rows', 'tables']

"""What prediction must know of how the engine works.

Which calls there are in a window, and what is held where: this file changes
with the engine, the others of this room do not.
"""

from collections.abc import Sequence

from dsim.connectivity import Stencil
from dsim.connectivity.synapse_values import is_number
from dsim.engine import memory as held
from dsim.engine.build import is_plain, stretch_of
from dsim.engine.cut import BLOCK, SMALL
from dsim.engine.layout import Layout
from dsim.engine.memory import indegree
from dsim.network import Network

BYTES = {'event stored': 2.2, 'event weighted': 6.3, 'event stencil': 0.0,
         'event procedural': 0.0}
"""What a connection takes, by what its events are counted as."""


def kind(network: Network, layout: Layout, k: int) -> str:
    """Return what an event of projection ``k`` is counted as."""
    projection = network.projections[k]
    if isinstance(projection.rule, Stencil) and is_plain(projection):
        return 'event stencil'
    if layout.procedural[k]:
        return 'event procedural'
    return ('event stored' if is_number(projection.weight)
            else 'event weighted')


def blocks(network: Network, layout: Layout, own: Sequence[float]) -> float:
    """Return how often neurons are advanced in a window, by call.

    ``own`` is how many neurons of each population a rank has.
    """
    alike: dict[tuple, list[float]] = {}
    for count, population in zip(own, network.populations.values(),
                                 strict=True):
        if count:
            key = type(population.model), population.precision
            alike.setdefault(key, []).append(count)
    calls = sum(1 if sum(some) <= SMALL else
                sum(-(-count//BLOCK) for count in some)
                for some in alike.values())
    stretch = stretch_of(layout, int(sum(own)))
    return float(calls*-(-layout.window//stretch))


def tables(network: Network, layout: Layout, own: Sequence[float]) -> float:
    """Return how many tables spikes are delivered to.

    All stored connections of a kind are one.
    """
    names = list(network.populations)
    kinds = [kind(network, layout, k) for k, projection
             in enumerate(network.projections)
             if own[names.index(projection.target.name)] > 0]
    return rows(kinds)


def rows(kinds: Sequence[str]) -> float:
    """Return how many rows a spike is looked up in.

    ``kinds`` are those of the projections that it travels along.
    """
    stored = {'event stored', 'event weighted'}
    return float(len(stored & set(kinds))
                 + sum(one not in stored for one in kinds))


def memory(network: Network, layout: Layout, rank: int) -> float:
    """Return the bytes that a rank holds, beside Python and libraries."""
    return held.of_rank(network, layout, rank)[1]


__all__ = ['BYTES', 'blocks', 'indegree', 'kind', 'memory', 'rows', 'tables']

"""What prediction must know of how the engine works.

Which calls there are in a window, and what is held where: this file changes
with the engine, the others of this room do not.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dsim.connectivity import Stencil
from dsim.connectivity.stored import BLOCK_BITS, SHORTEST
from dsim.connectivity.synapse_values import is_number
from dsim.engine.build import is_plain, stretch_of
from dsim.engine.cut import BLOCK, SMALL
from dsim.engine.layout import Layout
from dsim.engine.memory import indegree, of_rank
from dsim.network import Network

BYTES = {'event stored': 2.2, 'event weighted': 6.3, 'event stencil': 0.0,
         'event procedural': 0.0}
"""What a connection takes, about, by what its events are counted as."""


class Calls(NamedTuple):
    """How many calls a rank makes in a window.

    Of models, of stimuli, of tables, and of connections that are drawn at
    spikes; the last two once for own spikes and once for those of others.
    """

    blocks: float
    drives: float
    tables: float
    drawn: float


class Path(NamedTuple):
    """What a spike goes through: rows of tables, and segments of rows."""

    rows: float
    segments: float


def kind(network: Network, layout: Layout, k: int) -> str:
    """Return what an event of projection ``k`` is counted as."""
    projection = network.projections[k]
    if isinstance(projection.rule, Stencil) and is_plain(projection):
        return 'event stencil'
    if layout.procedural[k]:
        return 'event procedural'
    each = isinstance(projection.rule, Stencil) or not is_number(
        projection.weight)
    return 'event weighted' if each else 'event stored'


def calls(network: Network, layout: Layout, own: Sequence[float]) -> Calls:
    """Return the calls of a window on a rank of one thread.

    ``own`` is how many neurons of each population a rank has.
    """
    populations = list(network.populations.values())
    count = dict(zip(network.populations, own, strict=True))
    stretches = -(-layout.window//stretch_of(layout, math.ceil(sum(own))))
    alike: dict[tuple, list[float]] = {}
    for population, n in zip(populations, own, strict=True):
        if n:
            model = population.model
            alike.setdefault((type(model), model.scheme,
                              population.precision), []).append(n)
    blocks = sum(1 if sum(some) <= SMALL else sum(
        math.ceil(n/BLOCK) for n in some) for some in alike.values())
    drives = sum(count[s.population.name] > 0 for s in network.stimulations)
    kinds = [kind(network, layout, k) for k, projection
             in enumerate(network.projections)
             if count[projection.target.name]]
    drawn = kinds.count('event procedural')
    return Calls(stretches*blocks, stretches*drives, tables(kinds) - drawn,
                 float(drawn))


def tables(kinds: Sequence[str]) -> float:
    """Return how many tables projections of these kinds are held in.

    Those that are stored share one, for equal and for drawn weights.
    """
    shared = {'event stored', 'event weighted'}
    return float(len(shared & set(kinds))
                 + sum(kind not in shared for kind in kinds))


def path(network: Network, layout: Layout, found: Mapping[int, float],
         columns: float, sources: float) -> Path:
    """Return what a spike goes through on a rank.

    ``found`` is of each projection that it travels along: how many
    connections into the tile; they come from ``sources`` neurons and end on
    ``columns`` sums.
    """
    kinds = {k: kind(network, layout, k) for k in found}
    segments = 0.0
    for each in 'event stored', 'event weighted':
        mine = [k for k in found if kinds[k] == each]
        if mine:
            segments += _segments(network, layout, mine, sum(
                found[k] for k in mine), columns, sources)
    return Path(tables(list(kinds.values())), segments)


def _segments(network: Network, layout: Layout, mine: Sequence[int],
              count: float, columns: float, sources: float) -> float:
    """Return the segments of a source's row that hold something."""
    values = len({network.projections[k].weight for k in mine}) if is_number(
        network.projections[mine[0]].weight) else 1
    delays = (max(layout.delays[k].longest for k in mine)
              - min(layout.delays[k].shortest for k in mine) + 1)
    kinds = values*delays*math.ceil(columns/2**BLOCK_BITS)
    if count < SHORTEST*sources*kinds:
        kinds = values
    return kinds*(1 - math.exp(-count/(sources*kinds)))


def memory(network: Network, layout: Layout, rank: int) -> float:
    """Return the bytes that a rank holds, beside Python and libraries."""
    return of_rank(network, layout, rank)[1]


__all__ = ['BYTES', 'calls', 'indegree', 'kind', 'memory', 'path', 'tables']

"""The memory that a rank will need, as its arrays will be."""

import math
from collections.abc import Sequence

import numpy as np

from dsim.connectivity import Stencil
from dsim.connectivity.base import size
from dsim.connectivity.stencil import connections
from dsim.connectivity.stored import BLOCK_BITS, SHORTEST
from dsim.connectivity.synapse_values import is_number
from dsim.engine.build import is_plain, stretch_of
from dsim.engine.cut import BLOCK
from dsim.engine.layout import Layout
from dsim.network import Network, Population, Projection
from dsim.neurons.base import Neuron


def of_rank(network: Network, layout: Layout, rank: int
            ) -> tuple[float, float]:
    """Return (connections, bytes) that a rank of one thread will hold.

    Bytes of state, input, buffers and connections, without Python and its
    libraries; connections are those to be expected.
    """
    populations = list(network.populations.values())
    counts = [layout.tiling.count(p, rank) for p in range(len(populations))]
    columns = sum(n*len(p.model.receptors) for p, n
                  in zip(populations, counts, strict=True))
    synapses, tables = _tables(network, layout, rank, counts, columns)
    state = sum(_state(p, n) for p, n
                in zip(populations, counts, strict=True))
    buffers = _scratch(populations, counts, layout)
    return synapses, tables + _ring(columns, layout) + state + buffers


def indegree(network: Network, projection: Projection) -> float:
    """Return the expected number of a target's connections."""
    pairing = network.pairing(projection)
    degree = projection.rule.degree(pairing)
    if projection.rule.owner == 'target':
        return degree
    return degree*size(pairing.source)/size(pairing.target)


def _tables(network: Network, layout: Layout, rank: int,
            counts: Sequence[int], columns: int) -> tuple[float, float]:
    populations = list(network.populations.values())
    synapses, memory = 0.0, 0.0
    stored: dict[tuple[int, bool], list[tuple[float, int]]] = {}
    weights: dict[tuple[int, bool], set] = {}
    for k, projection in enumerate(network.projections):
        target = populations.index(projection.target)
        source = populations.index(projection.source)
        if isinstance(projection.rule, Stencil) and is_plain(projection):
            offsets = projection.rule.offsets
            memory += 24*len(offsets)
            synapses += connections(
                offsets, projection.source.shape, network.sheet.periodic,
                layout.tiling.bounds(target, rank))
            continue
        own = counts[target]*indegree(network, projection)
        synapses += own
        if not layout.procedural[k] and counts[target]:
            each = not (is_number(projection.weight)
                        and not isinstance(projection.rule, Stencil))
            delays = layout.delays[k]
            stored.setdefault((source, each), []).append(
                (own, delays.longest - delays.shortest + 1))
            weights.setdefault((source, each), set()).add(
                None if each else projection.weight)
    for (source, each), some in stored.items():
        box = layout.plan.box(source, rank)
        memory += _table(box[1]*box[3], some, len(weights[source, each]),
                         each, columns, layout)
    return synapses, memory


def _table(sources: int, some: Sequence[tuple[float, int]], values: int,
           each: bool, columns: int, layout: Layout) -> float:
    """Return the bytes of the connections from one population."""
    blocks = max(columns - 1 >> BLOCK_BITS, 0) + 1
    wide = layout.longest.bit_length() + max(columns - 1, 0).bit_length()
    address = 4 if wide <= 32 else 8
    own = sum(count for count, _ in some)
    kinds = values*max(k for _, k in some)*blocks
    packed = own < SHORTEST*sources*kinds
    kinds = values if packed else kinds
    segments = float(sources*kinds)
    if segments:
        # Those that hold nothing are left out
        segments *= 1 - math.exp(-own/segments)
    entry = (address if packed else 2) + (4 if each else 0)
    return (own*entry + 4*(sources + 1)
            + segments*(address + 4 + (0 if each else 4)))


def _ring(columns: int, layout: Layout) -> float:
    slots = 1 << (layout.longest - 1).bit_length()
    return 8.0*slots*(1 << max(columns - 1, 0).bit_length())


def _state(population: Population, neurons: int) -> float:
    each = np.dtype(population.precision).itemsize
    model = population.model
    arrays = len(model.states) + sum(
        not is_number(value) for value in model.settings.values())
    return neurons*(8 + each*arrays)


def _scratch(populations: Sequence[Population], counts: Sequence[int],
             layout: Layout) -> float:
    """Return the bytes of the buffers that all blocks share."""
    steps, memory = stretch_of(layout, sum(counts)), 0.0
    for precision in {p.precision for p in populations}:
        each = np.dtype(precision).itemsize
        alike: dict[type[Neuron], int] = {}
        for population, count in zip(populations, counts, strict=True):
            if population.precision == precision:
                model = type(population.model)
                alike[model] = alike.get(model, 0) + count
        memory += steps*max(
            min(n, BLOCK)*(1 + each*(1 + len(model.receptors)))
            for model, n in alike.items())
    return memory

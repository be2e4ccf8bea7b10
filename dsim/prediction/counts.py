"""What one rank has to do in one window, counted without building it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from dsim.connectivity import Stencil
from dsim.connectivity.stencil import connections
from dsim.engine.layout import Layout
from dsim.network import Network, Population, Projection
from dsim.partitioning.exchange import Exchange
from dsim.partitioning.exchange.base import Traffic
from dsim.prediction import engine

MOST_CELLS = 64
"""Cells of a tile, and of a reach, that are enough to see its shape."""

CACHE = 2**22
"""Bytes of tables that stay near a core.

Between a second cache and a core's part of the third; with 3 to 6 MiB the
runs that are fitted are explained as well.
"""

Counts = dict[str, float]
"""How often each thing that costs time is done, by name."""


@dataclass(frozen=True)
class Chance:
    """The work that depends on the spikes of one population.

    A rank meets ``spikes`` of them in a window, in the mean; each of them
    makes ``counts``/``spikes``.  ``spread`` is the mean square of the work
    of a spike over the square of its mean.
    """

    spikes: float
    counts: Counts
    spread: float


@dataclass(frozen=True)
class Work:
    """What a rank does in a window: surely, and as spikes make it.

    ``sure`` does not depend on spikes.
    """

    rank: int
    neurons: int
    synapses: float
    sure: Counts
    chances: tuple[Chance, ...]

    @property
    def counts(self) -> Counts:
        """All counts that are expected."""
        return added([self.sure, *(c.counts for c in self.chances)])


def added(parts: Sequence[Counts]) -> Counts:
    """Return the sums of counts by name."""
    total: Counts = {}
    for part in parts:
        for name, count in part.items():
            total[name] = total.get(name, 0.0) + count
    return total


@dataclass
class Census:
    """A network on ranks, asked for one rank at a time.

    ``rates`` are the mean rates of its populations in Hz.
    """

    network: Network
    layout: Layout
    dt: float
    rates: Sequence[float]
    scheme: type[Exchange]
    _traffic: dict[int, Traffic] = field(default_factory=dict)
    _degrees: dict[str, float] = field(default_factory=dict)
    _uneven: dict[tuple[str, float], float] = field(default_factory=dict)

    @property
    def window(self) -> float:
        """The length of a window in ms."""
        return self.layout.window*self.dt

    @cached_property
    def populations(self) -> list[Population]:
        """The populations, in order."""
        return list(self.network.populations.values())

    @cached_property
    def fired(self) -> list[float]:
        """The spikes of a window, by population, on all ranks together."""
        return [rate*population.size*self.window/1000 for rate, population
                in zip(self.rates, self.network.populations.values(),
                       strict=True)]

    def work(self, rank: int) -> Work:
        """Return what ``rank`` has to do in a window."""
        tiling = self.layout.tiling
        own = [tiling.count(p, rank) for p in range(tiling.populations)]
        found = [self.connections(k, rank)
                 for k in range(len(self.network.projections))]
        heard = self.layout.plan.heard(rank)
        return Work(rank, sum(own), sum(found), self.sure(own), tuple(
            self.chance(p, own, int(heard[p]), found)
            for p in range(tiling.populations)))

    def traffic(self, rank: int) -> Traffic:
        """Return what ``rank`` sends in a window."""
        if rank not in self._traffic:
            self._traffic[rank] = self.scheme.predict(
                self.layout.plan, rank, self.layout.window, self.fired)
        return self._traffic[rank]

    def sure(self, own: Sequence[float]) -> Counts:
        """Return the counts that do not depend on spikes.

        ``own`` is how many neurons of each population a rank has.
        """
        network, window = self.network, self.layout.window
        names = list(network.populations)
        calls = engine.calls(network, self.layout, own)
        counts = {'window': 1.0, f'post {self.scheme.name}': 1.0,
                  'block': calls.blocks, 'call': calls.drives,
                  'table': 2*calls.tables, 'table procedural': 2*calls.drawn}
        for n, population in zip(own, network.populations.values(),
                                 strict=True):
            name = f'step {population.model.name} {population.precision}'
            counts[name] = counts.get(name, 0.0) + n*window
        for stimulation in network.stimulations:
            name = f'drive {stimulation.stimulus.name}'
            n = own[names.index(stimulation.population.name)]
            counts[name] = counts.get(name, 0.0) + n*window
        return counts

    def chance(self, p: int, own: Sequence[float], heard: float,
               found: Sequence[float]) -> Chance:
        """Return the work that the spikes of population ``p`` make.

        ``found`` are the connections of each projection into the tile.
        """
        each = self.rates[p]*self.window/1000
        counts = {'own': each*own[p],
                  f'posted {self.scheme.name}': each*own[p]}
        kinds = [engine.kind(self.network, self.layout, k)
                 for k in range(len(found))]
        taken = {k: found[k] for k, projection
                 in enumerate(self.network.projections)
                 if found[k] and projection.source is self.populations[p]}
        spikes = each*(own[p] + heard)
        if not taken:
            return Chance(spikes, counts, 1.0)

        tables = sum(count*engine.BYTES[kind] for count, kind
                     in zip(found, kinds, strict=True))
        columns = self.columns(own)
        path = engine.path(self.network, self.layout, taken, columns,
                           own[p] + heard)
        for k, count in taken.items():
            kind, events = kinds[k], each*count
            if kind == 'event procedural':
                # What is drawn at a spike is drawn whole, for all ranks
                events = spikes*self.outdegree(k)
            counts[kind] = counts.get(kind, 0.0) + events
        counts.update({
            'visit': spikes*path.rows, 'segment': spikes*path.segments,
            'visit far': spikes*path.rows*far(tables)})

        # A source has a Poisson-like number of targets on the tile
        total = sum(taken.values())
        uneven = sum(count*self.unevenness(self.network.projections[k], own)
                     for k, count in taken.items())
        return Chance(spikes, counts, (uneven + own[p] + heard)/total)

    def columns(self, own: Sequence[float]) -> float:
        """Return the sums of weights of a step: one a receptor."""
        return sum(n*len(p.model.receptors) for n, p
                   in zip(own, self.populations, strict=True))

    def outdegree(self, k: int) -> float:
        """Return the mean number of connections of a source, everywhere."""
        projection = self.network.projections[k]
        return (self.degree(projection)*projection.target.size
                / projection.source.size)

    def unevenness(self, projection: Projection, own: Sequence[float]
                   ) -> float:
        """Return how unevenly a tile's connections come from its sources.

        That is the mean square of a source's connections into the tile over
        the square of their mean: 1 if all sources in reach have as many.
        The tile is taken as a square of its mean size, far from all edges.
        """
        names = list(self.network.populations)
        target = projection.target
        share = own[names.index(target.name)]/target.size
        sheet = self.network.sheet
        if not projection.rule.spatial or not share:
            return 1.0
        key = projection.name, round(math.log(share), 1)
        if key not in self._uneven:
            side = math.sqrt(share)
            self._uneven[key] = uneven(projection, sheet.extent, (
                side*sheet.extent[0], side*sheet.extent[1]))
        return self._uneven[key]

    def mean(self, works: Sequence[Work]) -> Counts:
        """Return the counts of the mean rank; of spikes heard, about.

        ``works`` are those of some ranks.  Where they are not all ranks,
        the mean rank is taken to hear what most of them hear.
        """
        tiling = self.layout.tiling
        size = tiling.processes.size
        if len(works) == size:
            total = added([work.counts for work in works])
            return {name: count/size for name, count in total.items()}
        own = [tiling.size(p)/size for p in range(tiling.populations)]
        grid = tiling.processes
        heard = self.layout.plan.heard(
            grid.rows//2*grid.columns + grid.columns//2)
        found = [self.connections(k, None)/size
                 for k in range(len(self.network.projections))]
        return added([self.sure(own), *(
            self.chance(p, own, int(heard[p]), found).counts
            for p in range(tiling.populations))])

    def connections(self, k: int, rank: int | None) -> float:
        """Return the connections of projection ``k`` into a rank's tile.

        None are all ranks; a mean where the rule draws them.
        """
        projection, tiling = self.network.projections[k], self.layout.tiling
        target = self.populations.index(projection.target)
        rule = projection.rule
        kind = engine.kind(self.network, self.layout, k)
        if kind == 'event stencil' and isinstance(rule, Stencil):
            shape = tiling.shapes[target]
            return connections(
                rule.offsets, projection.source.shape,
                self.network.sheet.periodic, (0, shape[0], 0, shape[1])
                if rank is None else tiling.bounds(target, rank))
        count = (tiling.size(target) if rank is None
                 else tiling.count(target, rank))
        return count*self.degree(projection)

    def degree(self, projection: Projection) -> float:
        """Return the expected number of connections of a target."""
        if projection.name not in self._degrees:
            self._degrees[projection.name] = engine.indegree(
                self.network, projection)
        return self._degrees[projection.name]

    def sizes(self) -> np.ndarray:
        """Return the neurons on each rank: int64[ranks, populations]."""
        tiling = self.layout.tiling
        return np.stack([
            np.outer(np.diff(tiling.row_bounds[p]),
                     np.diff(tiling.column_bounds[p])).ravel()
            for p in range(tiling.populations)], axis=1)


def far(taken: float) -> float:
    """Return what part of so many bytes does not fit the cache."""
    return max(0.0, 1 - CACHE/taken) if taken else 0.0


def uneven(projection: Projection, extent: tuple[float, float],
           tile: tuple[float, float]) -> float:
    """Return the `Census.unevenness` of a tile of that size in mm."""
    reach = projection.kernel.reach()
    if not all(map(math.isfinite, reach)):
        return 1.0
    offsets, cells = [], []
    for axis in (0, 1):
        # Never finer than needed, nor wider than the sheet
        pitch = max(extent[axis]/projection.source.shape[axis],
                    reach[axis]/MOST_CELLS, tile[axis]/MOST_CELLS)
        beyond = int(min(reach[axis], extent[axis])/pitch)
        offsets.append(pitch*np.arange(-beyond, beyond + 1))
        cells.append(max(1, round(tile[axis]/pitch)))
    profile = projection.kernel(
        np.hypot(offsets[0][:, None], offsets[1][None, :]).ravel()
    ).reshape(offsets[0].size, offsets[1].size)
    for axis in (0, 1):
        profile = np.apply_along_axis(
            np.convolve, axis, profile, np.ones(cells[axis]))
    mean = profile.mean()
    return float((profile**2).mean()/mean**2) if mean else 1.0

"""Loops over synapses: delivery of spikes, and its memory traffic alone.

The bare loops read the entries that delivery reads and add to the places of
the ring that delivery adds to, in its order, but are told where: delivery
out of such a table into such a ring cannot be faster on this core.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from dsim import world
from dsim.benchmarks.loops import Loop
from dsim.benchmarks.workloads import WORKLOADS
from dsim.compiled import compiled
from dsim.connectivity.stencil import Table as StencilTable
from dsim.connectivity.stored import Stored, find
from dsim.engine.share import Share
from dsim.partitioning.exchange.packets import Spikes
from dsim.simulation import Simulation

RATE = 8.5
"""Hz; about that of W1."""

STEPS = 100
SIDE = 128
"""Rows of W1's grids."""


@dataclass(frozen=True)
class Case:
    """A workload's tables and ring, and spikes for them, step by step."""

    name: str
    share: Share
    steps: list[Spikes]

    @property
    def together(self) -> Spikes:
        """The spikes of all steps."""
        return Spikes(*(np.concatenate(column) for column
                        in zip(*self.steps, strict=True)))

    def deliver(self) -> int:
        """Deliver all spikes, a call for each step; return the events."""
        ring, events = self.share.ring, 0
        for table in self.share.tables:
            for steps, numbers in self.steps:
                events += table.deliver(ring, steps, numbers)
        return events


def case(name: str, side: int, storage: str = 'auto', steps: int = STEPS
         ) -> Case:
    """Build a workload for grids of ``side`` rows where W1 has `SIDE`."""
    workload = WORKLOADS[name]
    network = workload.network(min((side/SIDE)**2, 1.0), 1)
    for projection in network.projections:
        projection.storage = storage
    simulation = Simulation(network, workload.dt, comm=world.start())
    share, = simulation.tile.shares
    return Case(name, share, trains(simulation.layout.tiling.total,
                                    workload.dt, steps))


def delivery(side: int) -> Iterator[Loop]:
    """Deliver spikes of W1's rate from each sort of table."""
    for name, what in (('W1', 'equal weights'),
                       ('W1-drawn', 'a weight for each synapse'),
                       ('W1-sources', 'stored')):
        yield from _beside_its_limit(case(name, side, 'stored'), what)
    drawn = case('W1-sources', side, 'procedural')
    yield Loop('W1-sources, drawn at each spike', 'event', drawn.deliver(),
               drawn.deliver, bare_name(drawn))
    yield from _beside_its_limit(case('W4', side, steps=STEPS//10),
                                 'stencil of eight')


def _beside_its_limit(found: Case, what: str) -> Iterator[Loop]:
    events = found.deliver()
    yield Loop(f'{found.name}, {what}', 'event', events, found.deliver,
               bare_name(found))
    yield Loop(bare_name(found), 'event', events, bare(found))


def bare_name(found: Case) -> str:
    """Return what the memory traffic of a case is called."""
    return f'{found.name}, memory traffic alone'


def bare(found: Case) -> Callable[[], object]:
    """Return the memory traffic of delivering the spikes of a case."""
    table, = found.share.tables
    if isinstance(table, StencilTable):
        return partial(_around, found.share.ring,
                       *_centres(table, found.share, found.together))
    entries, weights, *segments = traffic(found)
    if weights is None:
        return partial(_add, found.share.ring, entries, *segments)
    return partial(_add_each, found.share.ring, entries, weights, *segments)


def reading(found: Case) -> Callable[[], object]:
    """Return reading the entries of a case, without their weights."""
    entries, _, begins, ends, _ = traffic(found)
    return partial(_read, entries, begins, ends, np.zeros(1, np.uint64))


def traffic(found: Case) -> tuple[Any, ...]:
    """Return entries, their weights or None, and segments in turn.

    The segments are those that the spikes of a case need: first entry, last
    entry + 1, place in the ring; uint64[n] each.
    """
    table, = found.share.tables
    if not isinstance(table, Stored) or table.packed:
        raise ValueError(f'{found.name}: no table of segments')
    steps, numbers = found.together
    rows = np.array([find(number, table.sources, 0)[1]
                     for number in numbers])
    steps, rows = steps[rows >= 0], rows[rows >= 0]
    first = table.rows[rows].astype(np.int64)
    count = table.rows[rows + 1].astype(np.int64) - first
    begins = np.repeat(first - np.append(0, np.cumsum(count)[:-1]), count)
    segments = begins + np.arange(begins.size)
    places = ((np.repeat(steps, count) << table.bits)
              + table.bases[segments].astype(np.int64))
    return (table.entries, table.weights if table.each else None, *(
        each.astype(np.uint64) for each in (
            table.starts[segments], table.starts[segments + 1],
            places & (found.share.ring.size - 1))))


def _centres(table: StencilTable, share: Share, spikes: Spikes
             ) -> tuple[np.ndarray, np.ndarray]:
    # Where the sheet closes upon itself some lie elsewhere in truth
    here, width = table.landing, table.shape[1]
    places = ((spikes.steps + here.shortest << here.bits) + here.base
              + spikes.numbers - here.first)
    around = table.offsets[:, 0]*width + table.offsets[:, 1]
    return (places & (share.ring.size - 1)).astype(np.uint64), (
        around.astype(np.int64).astype(np.uint64))


def trains(neurons: int, dt: float, steps: int = STEPS) -> list[Spikes]:
    """Return some steps of spikes at `RATE`, in order of number."""
    generator, found = np.random.default_rng(1), []
    for step in range(steps):
        numbers = np.flatnonzero(generator.random(neurons) < RATE*dt/1000)
        found.append(Spikes(np.full(numbers.size, step, np.int64), numbers))
    return found


@compiled
def _add(ring, entries, begins, ends, places):
    for q in range(begins.size):
        place = places[q]
        for j in range(begins[q], ends[q]):
            ring[place + np.uint64(entries[j])] += 1


@compiled
def _add_each(ring, entries, weights, begins, ends, places):
    for q in range(begins.size):
        place = places[q]
        for j in range(begins[q], ends[q]):
            ring[place + np.uint64(entries[j])] += weights[j]


@compiled
def _read(entries, begins, ends, out):
    total = np.uint64(0)
    for q in range(begins.size):
        for j in range(begins[q], ends[q]):
            total += np.uint64(entries[j])
    out[0] += total


@compiled
def _around(ring, centres, around):
    mask = np.uint64(ring.size - 1)
    for q in range(centres.size):
        for k in range(around.size):
            ring[(centres[q] + around[k]) & mask] += 1

"""Loops over synapses: delivery of spikes on the table of W1."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from dsim import world
from dsim.benchmarks.loops import Loop
from dsim.benchmarks.workloads import WORKLOADS
from dsim.partitioning.exchange.packets import Spikes
from dsim.simulation import Simulation

RATE = 8.5
"""Hz; about that of W1."""

STEPS = 100


def delivery(side: int) -> Iterator[Loop]:
    """Deliver spikes of W1's rate, with equal and with drawn weights."""
    for name, what in (('W1', 'equal weights'),
                       ('W1-drawn', 'a weight for each synapse')):
        workload = WORKLOADS[name]
        network = workload.network(min((side/128)**2, 1.0), 1)
        simulation = Simulation(network, workload.dt, comm=world.start())
        steps = trains(simulation.layout.tiling.total, workload.dt)
        tile = simulation.tile

        def deliver(tile: Any = tile, steps: list[Spikes] = steps) -> None:
            for spikes in steps:
                tile.deliver(spikes)

        before = tile.events
        deliver()
        yield Loop(f'{name}, {what}', 'event', tile.events - before, deliver)


def trains(neurons: int, dt: float) -> list[Spikes]:
    """Return `STEPS` steps of spikes at `RATE`, in order of number."""
    generator, found = np.random.default_rng(1), []
    for step in range(STEPS):
        numbers = np.flatnonzero(generator.random(neurons) < RATE*dt/1000)
        found.append(Spikes(np.full(numbers.size, step, np.int64), numbers))
    return found

"""Messages and bytes counted = messages and bytes predicted by the plan."""

import numpy as np
import pytest

import dsim
from dsim.engine.estimate import estimate


def network(kernel):
    net = dsim.Network(seed=6, periodic=True)
    exc = net.population('exc', dsim.Izhikevich.regular_spiking(), (24, 20))
    inh = net.population('inh', dsim.Izhikevich.fast_spiking(), (12, 10))
    net.project(exc, [exc, inh], rule=dsim.FixedIndegree(30), kernel=kernel,
                weight=1.0, delay=3.0)
    net.project(inh, exc, rule=dsim.FixedIndegree(10), kernel=kernel,
                weight=-1.0, delay=dsim.Distance(0.1, minimum=2.0))
    net.stimulate(exc, dsim.GaussianCurrent(std=8.0))
    return net


@pytest.mark.parallel(6)
@pytest.mark.parametrize('kernel', [dsim.Disc(0.1), dsim.Uniform()])
def test_counted_is_predicted(kernel, comm):
    net = network(kernel)
    told = estimate(net, 1.0, comm.size)
    with dsim.Simulation(net, dt=1.0, comm=comm) as simulation:
        simulation.run(100.0)
        spikes = {name: simulation.spikes(name)
                  for name in net.populations}
        plan, sent = simulation.layout.plan, simulation.exchange
        windows = 100//simulation.layout.window

    mine = told.shares[comm.rank]
    assert simulation.layout.window == 2
    assert sent.messages == windows*mine.messages == windows*len(
        plan.peers(comm.rank))
    # Each spike costs 4 bytes for each peer that the plan says must hear it
    copies = 0
    for p, (_, ids) in enumerate(spikes.values()):
        columns = net.populations[list(spikes)[p]].shape[1]
        row, column = np.divmod(ids.astype(int), columns)
        for peer in plan.peers(comm.rank):
            for r0, r1, c0, c1 in plan.rectangles(p, comm.rank, peer):
                copies += np.count_nonzero((row >= r0) & (row < r1)
                                           & (column >= c0) & (column < c1))
    header = sent.bytes - 4*copies
    silent = estimate(net, 1.0, comm.size, rate=0.0).shares[comm.rank]
    assert header == windows*silent.bytes
    assert copies > 50


@pytest.mark.parallel(4)
def test_memory_and_synapses_are_as_told(comm):
    net = network(dsim.Gaussian(0.1))
    net.sheet = dsim.Network(periodic=(False, True)).sheet
    net.project('exc', 'exc', rule=dsim.Stencil.moore(2), weight=0.1,
                delay=2.0)
    net.project('inh', 'inh', rule=dsim.Stencil.moore(1), weight=0.1,
                delay=dsim.random.Uniform(2.0, 4.0))
    told = estimate(net, 1.0, comm.size).shares[comm.rank]
    with dsim.Simulation(net, dt=1.0, comm=comm) as simulation:
        tile = simulation.tile
    assert tile.neurons == told.neurons
    # How many a stencil with drawn delays loses at an edge is a mean
    assert tile.synapses == pytest.approx(told.synapses, rel=0.005)
    assert tile.nbytes == pytest.approx(told.memory, rel=0.05)

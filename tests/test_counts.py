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
def test_counted_is_predicted(kernel, comm, message_size):
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
    silent = estimate(net, 1.0, comm.size, rate=0.0).shares[comm.rank]
    assert silent.bytes == 2*mine.messages

    # What each peer must hear of, in the order of the neurons' numbers
    size, copies = 0, 0
    for peer in plan.peers(comm.rank):
        fired = [raster(net, p, found, plan.rectangles(p, comm.rank, peer))
                 for p, found in enumerate(spikes.values())]
        for window in np.hstack(fired).reshape(windows, -1):
            size += message_size(np.flatnonzero(window))
            copies += np.count_nonzero(window)
    assert sent.bytes == size
    assert copies > 50

    # And for the rate that they had, the mean
    rates = [found[0].size/population.size*10 for found, population
             in zip(spikes.values(), net.populations.values(), strict=True)]
    mean = [estimate(net, 1.0, comm.size, rate=rate).shares[comm.rank].bytes
            for rate in (min(rates), max(rates))]
    assert 0.8*windows*mean[0] < sent.bytes < 1.2*windows*mean[1]


def raster(net, p, spikes, rectangles):
    """Return who of some cells fired in which step: bool[100, cells]."""
    times, ids = spikes
    shape = list(net.populations.values())[p].shape
    fired, chosen = np.zeros((100, *shape), bool), np.zeros(shape, bool)
    steps = np.rint(times).astype(int) - 1
    fired[(steps, *np.divmod(ids.astype(int), shape[1]))] = True
    for row0, row1, column0, column1 in rectangles:
        chosen[row0:row1, column0:column1] = True
    return fired[:, chosen]


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

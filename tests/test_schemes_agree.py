"""Same spikes and state, bit for bit, with any exchange scheme."""

import pytest

import dsim
from dsim import random
from dsim.partitioning.exchange import EXCHANGES

RANKS = 1, 2, 3, 4, 6, 8


def two_grids():
    """Unlike grids and reaches, delays from one step on, noise."""
    network = dsim.Network(seed=5, periodic=(True, False))
    exc = network.population(
        'exc', dsim.Izhikevich.regular_spiking(), (26, 31))
    inh = network.population(
        'inh', dsim.Izhikevich.fast_spiking(), (11, 13))
    network.project(
        exc, [exc, inh], rule=dsim.FixedIndegree(30),
        kernel=dsim.Gaussian(0.1), weight=random.Uniform(0.5, 1.5),
        delay=dsim.Distance(speed=0.1, minimum=1.0))
    network.project(
        inh, exc, rule=dsim.FixedIndegree(8), kernel=dsim.Disc(0.3),
        weight=-2.0, delay=2.0)
    network.stimulate(exc, dsim.GaussianCurrent(mean=2.0, std=8.0))
    network.stimulate(inh, dsim.PoissonInput(rate=400.0, weight=10.0))
    return network


def fingerprint(comm, exchange):
    """Return spikes and state as bytes, and the name of the scheme."""
    network = two_grids()
    found = {}
    with dsim.Simulation(network, comm=comm, exchange=exchange) as run:
        run.run(80.0)
        for name in network.populations:
            steps, ids = run.spikes(name)
            assert steps.size > 50
            found[name] = [part.tobytes() for part in (
                steps, ids, run.state(name, 'v'), run.state(name, 'u'))]
        return found, run.exchange.name


@pytest.mark.parallel(8, limit=300)
def test_every_scheme_on_any_ranks(first_ranks):
    results = {}
    for ranks in RANKS:
        comm = first_ranks(ranks)
        for exchange in *EXCHANGES, 'auto':
            if comm is not None:
                found, name = fingerprint(comm, exchange)
                results[ranks, exchange] = found
                assert name in EXCHANGES and exchange in (name, 'auto')
    if first_ranks(1) is not None:
        for setting, found in results.items():
            assert found == results[1, 'halo'], f'{setting} differs'

"""Stored or drawn at each spike, in any number of threads: the same bits."""

import itertools

import numpy as np
import pytest

import dsim
from dsim import random
from dsim.console import layout_lines
from dsim.engine import layout as arrangement
from dsim.errors import BadValue, UnknownName
from dsim.partitioning.exchange import EXCHANGES


def network(storage='auto'):
    """All that can be drawn at a spike, and some that cannot."""
    net = dsim.Network(seed=5, periodic=(True, False))
    exc = net.population('exc', dsim.Izhikevich(
        c='-65 + 15*r**2', d='8 - 6*r**2'), (23, 19))
    inh = net.population('inh', dsim.Izhikevich.fast_spiking(), (11, 9))
    net.project(
        exc, exc, rule=dsim.FixedOutdegree(40),
        kernel=dsim.Gaussian(0.15), weight=random.Normal(0.8, 0.2),
        delay=dsim.Distance(speed=0.1, minimum=1.0), storage=storage)
    # So strong that the weights of the two populations have two units
    net.project(
        exc, inh, rule=dsim.FixedOutdegree(10), weight=6.0,
        kernel=dsim.Gaussian(0.15), delay=1.0, storage=storage)
    net.project(
        inh, exc, rule=dsim.FixedOutdegree(60, multiple_contacts=False),
        weight=-1.5, delay=random.Uniform(1.0, 7.0), storage=storage)
    net.project(
        exc, exc, rule=dsim.PairwiseBernoulli(0.2),
        kernel=dsim.Exponential(0.1), weight=lambda d: 0.2 + 0.1*d,
        delay=3.0, storage=storage)
    net.project(
        inh, inh, rule=dsim.FixedIndegree(20), weight=-1.0, delay=2.0)
    net.stimulate(exc, dsim.GaussianCurrent(std=6.0))
    net.stimulate(inh, dsim.GaussianCurrent(std=3.0))
    return net


def outcome(net, duration=120.0, **options):
    """Spikes and state as bytes, and the events."""
    with dsim.Simulation(net, **options) as simulation:
        simulation.run(duration)
        found = [part.tobytes() for name in net.populations
                 for part in (*simulation.spikes(name),
                              simulation.state(name, 'v'),
                              simulation.state(name, 'u'))]
        return found, simulation.summary()


@pytest.mark.parallel(8, limit=400)
def test_ranks_threads_schemes_and_storage_do_not_matter(first_ranks):
    results = []
    for ranks in range(1, 9):
        comm = first_ranks(ranks)
        if comm is None:
            continue
        ways = list(itertools.product(
            EXCHANGES, (1, 2), ('stored', 'procedural')))
        for exchange, threads, storage in ways:
            found, summary = outcome(
                network(storage), 60.0, comm=comm, exchange=exchange,
                threads=threads)
            results.append(found)
            assert summary.events > 10_000
    assert all(found == results[0] for found in results)


@pytest.mark.parametrize('threads', [2, 3, 7, 40])
def test_more_threads_than_rows_are_no_harm(threads):
    expected, summary = outcome(network())
    found, again = outcome(network(), threads=threads)
    assert found == expected and again.events == summary.events > 20_000
    assert again.synapses == summary.synapses


def test_large_populations_are_cut_into_blocks(monkeypatch):
    from dsim.engine import cut

    expected, summary = outcome(network())
    monkeypatch.setattr(cut, 'SMALL', 0)
    monkeypatch.setattr(cut, 'BLOCK', 50)
    with dsim.Simulation(network()) as simulation:
        sizes = [block.size for block in simulation.tile.shares[0].blocks]
    assert len(sizes) == 12 + 3 and max(sizes) <= 50
    for threads in 1, 2:
        found, again = outcome(network(), threads=threads)
        assert found == expected and again.events == summary.events


def test_one_row_of_neurons_is_shared_out_too():
    net = dsim.Network(seed=2)
    line = net.population('line', dsim.Izhikevich(), 301)
    net.project(line, line, rule=dsim.FixedIndegree(30), weight=0.5,
                delay=random.Uniform(1.0, 5.0))
    net.stimulate(line, dsim.GaussianCurrent(mean=4.0, std=3.0))
    expected, summary = outcome(net)
    assert summary.events > 10_000
    assert outcome(net, threads=2)[0] == expected
    with dsim.Simulation(net, threads=2) as simulation:
        shares = simulation.tile.shares
    assert [share.blocks[0].size for share in shares] == [150, 151]


def test_what_is_drawn_at_spikes_takes_no_memory():
    stored = dsim.Simulation(network('stored')).tile
    drawn = dsim.Simulation(network('procedural')).tile
    assert drawn.table_bytes < 0.2*stored.table_bytes
    # How many pairs there are is known to the mean only
    assert drawn.synapses == pytest.approx(stored.synapses, rel=0.02)


def test_auto_stores_what_fits(monkeypatch):
    def storage(net):
        return arrangement.arrange(net, 1.0, 1).procedural

    assert storage(network()) == (False,)*5
    assert storage(network('procedural')) == (True, True, True, True, False)
    monkeypatch.setattr(arrangement, 'memory_per_core', lambda: 1000.0)
    assert storage(network()) == (True, True, True, True, False)
    assert storage(network('stored')) == (False,)*5


def test_rules_that_draw_for_the_target_cannot_be_procedural():
    net = dsim.Network()
    a = net.population('a', dsim.Izhikevich(), (3, 3))
    with pytest.raises(BadValue, match='fixed_outdegree'):
        net.project(a, a, rule=dsim.FixedIndegree(2), weight=1.0,
                    storage='procedural')
    with pytest.raises(UnknownName, match='procedural'):
        net.project(a, a, rule=dsim.FixedIndegree(2), weight=1.0,
                    storage='procedual')


@pytest.mark.parametrize('threads', [0, -1, 1.5, True, None])
def test_threads_that_cannot_be_are_refused(threads):
    with pytest.raises(BadValue, match='simulation.threads'):
        dsim.Simulation(network(), threads=threads)


def test_the_cost_of_an_event_counts_threads():
    _, summary = outcome(network(), 20.0, threads=2)
    assert summary.threads == 2
    assert summary.core_ns_per_event == pytest.approx(
        2e9*summary.wall/summary.events)
    net = network()
    told = layout_lines(net, arrangement.arrange(net, 1.0, 1), 'halo', 2)
    assert '1 rank of 2 threads (1 x 1 tiles' in told


def test_a_failure_in_a_thread_is_told():
    with dsim.Simulation(network(), threads=2) as simulation:
        share = simulation.tile.shares[1]

        def fail(*_):
            raise RuntimeError('a block failed')

        share.blocks[0].advance = fail
        with pytest.raises(RuntimeError, match='a block failed'):
            simulation.run(1.0)


def test_states_can_be_looked_at_while_populations_are_joined():
    net = network()
    net.record('inh', 'v', ids=[0, 50, 98], interval=1.0)
    with dsim.Simulation(net) as simulation:
        simulation.run(30.0)
        values = simulation.values('inh', 'v')
        assert len(simulation.tile.shares[0].blocks) == 1
    assert values.shape == (30, 3) and np.ptp(values, axis=0).min() > 1

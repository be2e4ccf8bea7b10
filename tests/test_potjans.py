"""The microcircuit of Potjans and Diesmann: numbers, files, and ranks."""

from pathlib import Path

import numpy as np
import pytest

from dsim.connectivity import FixedTotal
from dsim.engine.layout import arrange
from dsim.errors import BadValue
from dsim.model import load
from dsim.reproduce import potjans_2014_network as column
from dsim.simulation import Simulation

FILE = Path(__file__).parent.parent/'jobs'/'models'/'microcircuit.toml'


def spikes(network, duration, comm, **options):
    with Simulation(network, dt=column.DT, comm=comm, **options) as simulation:
        simulation.run(duration)
        return {name: [part.tobytes() for part in simulation.spikes(name)]
                for name in network.populations}


def received(network, k):
    """Mean current in pA into the neurons of a population, at the rates
    of the full network."""
    name = column.POPULATIONS[k]
    population = network[name]
    mean = population.model.settings['I_e']
    for p in network.projections:
        if p.target is population:
            rate = column.RATES[column.POPULATIONS.index(p.source.name)]
            blocks = np.prod(p.rule.blocks)
            mean += (p.rule.total*blocks/population.size*p.weight.mean*rate
                     * 0.5/1000)
    poisson, = (s.stimulus for s in network.stimulations
                if s.population is population)
    return mean + poisson.rate*poisson.weight*0.5/1000


# --- numbers ---------------------------------------------------------------

def test_sizes_and_synapses_of_the_full_network():
    assert column.SIZES.sum() == 77_169
    synapses = column.synapses()
    assert synapses.sum() == pytest.approx(0.2989e9, rel=1e-3)
    assert np.all((synapses > 0) == (column.PROBABILITIES > 0))
    # Drawn with replacement, as many pairs are joined as the paper says
    pairs = np.outer(column.SIZES, column.SIZES).astype(float)
    np.testing.assert_allclose(
        1 - np.exp(synapses*np.log1p(-1/pairs)), column.PROBABILITIES,
        atol=1e-6)


def test_a_weight_makes_a_potential_of_015_mv():
    # The largest v after one jump of the current
    C, tau, syn = (column.CELL[name] for name in ('C_m', 'tau_m',
                                                  'tau_syn_ex'))
    t = np.linspace(0, 10, 100_001)
    v = column.WEIGHT/C/(1/tau - 1/syn)*(np.exp(-t/syn) - np.exp(-t/tau))
    assert v.max() == pytest.approx(0.15, rel=1e-3)


@pytest.mark.parametrize('scale, k_scale, columns', [
    (1.0, 1.0, (1, 1)), (1.0, 0.3, (1, 1)), (0.5, 1.0, (1, 1)),
    (0.2, None, (1, 1)), (0.5, 0.5, (2, 3))])
def test_smaller_networks_receive_the_same_mean(scale, k_scale, columns):
    full = column.network()
    other = column.network(scale, columns, k_scale=k_scale)
    for k in range(8):
        assert received(other, k) == pytest.approx(received(full, k),
                                                   rel=2e-3, abs=0.5)


def test_smaller_networks_receive_the_same_variance():
    full, small = (column.network(scale) for scale in (1.0, 0.25))
    for one, other in zip(full.projections, small.projections, strict=True):
        indegree, less = (p.rule.total/p.target.size for p in (one, other))
        assert less*other.weight.mean**2 == pytest.approx(
            indegree*one.weight.mean**2, rel=0.02)
    assert [p.size for p in small.populations.values()] == pytest.approx(
        column.SIZES/4, abs=0.5)


def test_in_degrees_may_be_kept():
    full, small = column.network(), column.network(0.1, k_scale=1.0)
    for one, other in zip(full.projections, small.projections, strict=True):
        assert other.rule.total/other.target.size == pytest.approx(
            one.rule.total/one.target.size, rel=0.02)
        assert other.weight == one.weight
    assert all(p.model.settings['I_e'] == 0
               for p in small.populations.values())


@pytest.mark.parametrize('columns, count', [
    ((1, 1), 0), ((1, 2), 1), ((2, 2), 3), ((1, 3), 2), ((2, 3), 5),
    ((3, 3), 8), ((4, 5), 8)])
def test_columns_around_are_met_once(columns, count):
    found = column.neighbours(columns)
    where = {(one.offset[0] % columns[0], one.offset[1] % columns[1])
             for one in found}
    assert len(found) == len(where) == count
    assert (0, 0) not in where
    assert not found or sum(one.share for one in found) == pytest.approx(1)
    network = column.network(0.1, columns, lateral=500.0)
    lateral = [p for p in network.projections if p.rule.offset != (0, 0)]
    assert len(lateral) == 4*count
    if count:
        own = [p.rule.total for p in lateral if p.target.name == 'L4E']
        assert sum(own)/2192 == pytest.approx(50, rel=0.01)


@pytest.mark.parametrize('wrong', [
    {'scale': 0.0}, {'scale': 1.1}, {'scale': 1e-5}, {'k_scale': 0.0},
    {'columns': (0, 1)}, {'lateral': -1.0}, {'lateral': 1e5}])
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(BadValue, match=next(iter(wrong))):
        column.network(**{'scale': 0.1, **wrong})


# --- the model file --------------------------------------------------------

@pytest.mark.parallel(1)
def test_the_model_file_is_the_network_at_a_tenth(comm):
    network, found = column.network(0.1), load(FILE)
    assert found.settings.dt == column.DT
    ours, theirs = (arrange(one, column.DT, 3)
                    for one in (network, found.network))
    assert ours.delays == theirs.delays
    assert ours.units == theirs.units
    assert ours.tiling.shapes == theirs.tiling.shapes

    pairs = list(zip(network.projections, found.network.projections,
                     strict=True))
    for one, other in pairs:
        assert (one.name, one.source.name, one.target.name) == (
            other.name, other.source.name, other.target.name)
        assert isinstance(other.rule, FixedTotal)
        assert vars(one.rule) == vars(other.rule)
        assert (one.weight, one.delay, one.receptor) == (
            other.weight, other.delay, other.receptor)
    for k in 0, 17, 40:
        mine, its = (net.pairing(p) for net, p in zip(
            (network, found.network), pairs[k], strict=True))
        owners = np.arange(0, pairs[k][0].target.size, 7)
        for a, b in zip(pairs[k][0].rule.rows(mine, owners),
                        pairs[k][1].rule.rows(its, owners), strict=True):
            np.testing.assert_array_equal(a, b)

    first = spikes(network, 20.0, comm)
    assert first == spikes(found.network, 20.0, comm)
    assert sum(len(part[0]) for part in first.values()) > 8*200


# --- ranks -----------------------------------------------------------------

def one_column():
    return column.network(0.02, k_scale=0.1)


def columns():
    return column.network(0.01, (2, 2), k_scale=0.1)


@pytest.mark.parallel(4)
@pytest.mark.parametrize('make', [one_column, columns],
                         ids=lambda make: make.__name__)
def test_spikes_are_the_same_on_any_ranks(make, first_ranks):
    results = []
    shapes = [(1, 1), (1, 2), (1, 3), (1, 4)]
    if make is columns:
        # A column has one row: a single one cannot be cut into two
        shapes += [(2, 1), (2, 2)]
    for shape in shapes:
        comm = first_ranks(shape[0]*shape[1])
        if comm is not None:
            results.append(spikes(make(), 40.0, comm, processes=shape))
    assert all(found == results[0] for found in results)
    assert min(len(part[0]) for part in results[0].values()) > 8*3


@pytest.mark.parallel(1)
def test_columns_differ_and_hear_each_other(comm):
    # Each column has draws of its own, and is not alone
    def run(lateral):
        network = column.network(0.01, (1, 2), k_scale=0.1, lateral=lateral)
        with Simulation(network, dt=column.DT, comm=comm) as simulation:
            simulation.run(60.0)
            return simulation.spikes('L4E')

    times, ids = run(500.0)
    first, second = times[ids < 219], times[ids >= 219]
    assert min(first.size, second.size) > 10
    assert first.tolist() != second.tolist()
    other = run(0.0)
    assert other[0].tolist() != times.tolist()

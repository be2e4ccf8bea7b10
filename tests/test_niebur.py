"""The layouts of Niebur and Brettle (1993) and their cost law.

The numbers of its acceptance are in the claims of `dsim.reproduce.niebur_1993`
too, which test_papers.py runs at small scale.
"""

from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pytest

import dsim
from dsim import random
from dsim.errors import LayoutError
from dsim.reproduce import niebur_1993 as paper
from dsim.reproduce import niebur_1993_checks as checks
from dsim.reproduce import niebur_1993_cost as cost
from dsim.reproduce import niebur_1993_ranks as ranks_module
from dsim.reproduce import niebur_1993_tables as tables
from dsim.reproduce import niebur_1993_work as work
from dsim.reproduce.niebur_1993_cells import Setting
from dsim.reproduce.niebur_1993_layouts import Machine, real, virtual

DT = checks.DT


def split(ranks, q=0, side=16, synapses=20):
    """A setting, its virtual ranks, their direct and dealt tables."""
    setting = Setting(checks.network(side, synapses), DT, ranks)
    mails = virtual(ranks)
    whole = [tables.direct(setting, rank) for rank in range(ranks)]
    dealt = tables.transpose(setting, q, mails, whole) if q else whole
    return setting, mails, whole, dealt


def equal(one, other):
    return all(np.array_equal(a, b) and a.dtype == b.dtype
               for a, b in zip(one, other, strict=True))


# --- the cost law ----------------------------------------------------------

def exact(p, size, partitions):
    """E[max] of binomial numbers, in fractions, from all cases."""
    chances = [comb(size, k)*p**k*(1 - p)**(size - k)
               for k in range(size + 1)]
    total = Fraction(0)
    for case in product(range(size + 1), repeat=partitions):
        chance = Fraction(1)
        for k in case:
            chance *= chances[k]
        total += max(case)*chance
    return total


@pytest.mark.parametrize('p, size, partitions', [
    (Fraction(1, 3), 5, 3), (Fraction(1, 50), 8, 2), (Fraction(9, 10), 4, 4),
    (Fraction(1), 6, 2), (Fraction(1, 2), 7, 1)])
def test_the_law_is_the_mean_of_the_largest(p, size, partitions):
    expected = float(exact(p, size, partitions))
    for law in cost.n_max, cost.equation_1:
        assert law(float(p), size, partitions) == pytest.approx(
            expected, rel=1e-12)


def test_claims_on_the_law_hold():
    claims = paper.the_law()
    assert [c.what for c in claims if not c.holds] == []
    assert len(claims) == 14


def test_low_rates_are_poisson():
    for p, size in (1e-5, 10_000), (1e-3, 1024):
        assert cost.n_max_at_low_rates(p, size, 16) == pytest.approx(
            cost.n_max(p, size, 16), rel=10*p)


def test_ranks_with_one_neuron_are_processors():
    assert cost.speed_up_of_ranks(0.001, 16384, 16384, 1024) == (
        pytest.approx(cost.conditional_speed_up(0.001, 1024, 16), rel=1e-9))
    assert cost.speed_up_of_ranks(0.3, 64, 8, 1) == pytest.approx(1)


# --- spikes drawn, visits counted ------------------------------------------

@pytest.mark.parametrize('p, steps', [
    (0.0005, 20_000), (0.001, 20_000), (0.01, 5000), (0.5, 500), (1.0, 2)])
def test_spikes_drawn_obey_the_law(p, steps):
    counts = work.count_spikes(p, steps)
    assert counts.mean() == pytest.approx(1024*p, rel=0.01)
    assert counts.max(axis=1).mean() == pytest.approx(
        cost.n_max(p, 1024, 16), rel=0.02)
    direct, transposed = work.visits(counts)
    assert direct/transposed == pytest.approx(
        cost.speed_up(p, 1024, 16), rel=0.02 if p < 1 else 0.01)


@pytest.mark.slow
@pytest.mark.parametrize('p', [0.00012, 0.001, 0.01, 0.5])
def test_spikes_drawn_obey_the_law_for_long(p):
    counts = work.count_spikes(p, 100_000)
    found = counts.max(axis=1).mean()
    assert found == pytest.approx(cost.n_max(p, 1024, 16), rel=0.02)
    direct, transposed = work.visits(counts)
    assert direct/transposed == pytest.approx(
        cost.conditional_speed_up(p, 1024, 16), rel=0.02)
    for k, partitions in enumerate((1, 4, 16)):
        found = counts[:, :partitions].max(axis=1).mean()
        assert found == pytest.approx(paper.TABLE[p][k], rel=0.02)


def test_spikes_counted_are_those_that_fire():
    counts = work.count_spikes(0.01, 20)
    for step in range(20):
        fired = work.fire(0.01, step, 16*1024)
        np.testing.assert_array_equal(
            np.bincount(fired//1024, minlength=16), counts[step])
    np.testing.assert_array_equal(work.fire(1.0, 0, 7), np.arange(7))


def test_one_spike_in_each_partition_gives_the_most():
    assert ranks_module.one_each() == 16


def test_ranks_count_what_spikes_cost():
    expected, counted = ranks_module.counted(20)
    assert counted == expected


def test_many_ranks_are_faster_as_the_law_says():
    # 64 ranks are one partition: 16 neurons of 64 synapses each
    setting = Setting(checks.network(32, 64), DT, 64)
    machines = ranks_module.pair(setting, 6)
    p = 0.02
    for step in range(40):
        numbers = work.fire(p, step, 1024)
        for machine in machines:
            fired = [ranks_module.Spikes(np.full(mine.size, step), mine)
                     for rank in range(64)
                     for mine in [numbers[setting.homes[numbers] == rank]]]
            heard = machine.spread(1, fired)
            for table, spikes in zip(machine.tables, heard, strict=True):
                machine.walk(table, spikes)
            machine.heard.append([])
            machine.step += 1
    direct, transposed = ranks_module.critical(machines)
    assert direct/transposed == pytest.approx(
        cost.speed_up_of_ranks(p, 1024, 64, 64), rel=0.1)
    assert machines[1].rounds == 6*40


# --- who holds what --------------------------------------------------------

@pytest.mark.parametrize('ranks, q', [
    (2, 1), (4, 1), (4, 2), (8, 2), (8, 3), (16, 4)])
def test_each_synapse_is_in_its_place_once(ranks, q):
    setting, mails, whole, dealt = split(ranks, q)
    every = 1 << q
    for rank, table in enumerate(dealt):
        place = setting.corners[rank] & every - 1
        lengths = np.diff(table.pointer)
        assert (abs(lengths - 20/every) <= 1).all()
        peers = np.flatnonzero(
            setting.corners >> q == setting.corners[rank] >> q)
        assert np.isin(setting.homes[table.numbers], peers).all()
        assert table.numbers.size == 256*every//ranks

        # Synapse place + k Q of each neuron, as its home holds them
        for peer in peers:
            part = tables.share(whole[peer], every, place)
            rows = np.searchsorted(table.numbers, part.numbers)
            for one, row in enumerate(rows):
                mine = slice(*part.pointer[one:one + 2])
                here = slice(*table.pointer[row:row + 2])
                for name in 'entries', 'weights':
                    np.testing.assert_array_equal(
                        getattr(part, name)[mine],
                        getattr(table, name)[here])
    assert sum(table.entries.size for table in dealt) == 256*20
    again = tables.restore(setting, q, mails, dealt)
    assert all(equal(*pair) for pair in zip(whole, again, strict=True))


def test_a_table_does_not_depend_on_the_ranks():
    def synapses(ranks):
        setting, _, whole, _ = split(ranks)
        found = {}
        inputs = {}
        for (population, receptor), numbers in setting.inputs.items():
            for k, number in enumerate(numbers):
                inputs[int(number)] = population, receptor, k
        for table in whole:
            for row, number in enumerate(table.numbers):
                here = slice(*table.pointer[row:row + 2])
                found[int(number)] = [
                    (inputs[int(e) & (1 << setting.bits) - 1],
                     int(e) >> setting.bits, int(w)) for e, w in zip(
                        table.entries[here], table.weights[here],
                        strict=True)]
        return found

    one = synapses(1)
    assert len(one) == 256
    assert {len(row) for row in one.values()} == {20}
    assert synapses(4) == one
    assert synapses(6) == one


@pytest.mark.parametrize('ranks, q, message', [
    (3, 1, '3 ranks are no hypercube.*direct ones'),
    (6, 2, 'power of two'),
    (4, 3, r'no sub-cube of 2\^3 ranks among 4'),
    (4, -1, 'no sub-cube')])
def test_sub_cubes_that_there_are_not(ranks, q, message):
    setting, mails, whole, _ = split(ranks)
    with pytest.raises(LayoutError, match=message):
        tables.transpose(setting, q, mails, whole)
    with pytest.raises(LayoutError, match=message):
        Machine(setting, mails, whole, q)


def test_rules_that_draw_for_targets_are_refused():
    network = dsim.Network()
    cells = network.population('cells', dsim.Izhikevich(), (4, 4))
    network.project(cells, cells, rule=dsim.FixedIndegree(3), weight=1.0)
    with pytest.raises(LayoutError, match='fixed_indegree.*fixed_outdegree'):
        tables.direct(Setting(network, 1.0, 1), 0)


# --- the same bits ---------------------------------------------------------

def uneven(precision='float64'):
    """Two kinds of cells, kernels, delays by distance, windows of 3."""
    network = dsim.Network(seed=5, periodic=(False, True))
    exc = network.population('exc', dsim.Izhikevich(
        c='-65 + 15*r**2', d='8 - 6*r**2'), (15, 14), precision=precision)
    inh = network.population('inh', dsim.Izhikevich.fast_spiking(), (7, 6))
    for source, weight in ((exc, random.Normal(4.0, 1.0, low=0.0)),
                           (inh, dsim.Falloff(-6.0, dsim.Gaussian(0.2)))):
        network.project(source, [exc, inh], rule=dsim.FixedOutdegree(
            13, multiple_contacts=False), kernel=dsim.Gaussian(0.2),
            weight=weight, delay=dsim.Distance(speed=0.05, minimum=3.0))
    network.stimulate(exc, dsim.GaussianCurrent(mean=3.0, std=5.0))
    network.stimulate(inh, dsim.PoissonInput(rate=300.0, weight=5.0))
    network.stimulate(exc, dsim.ConstantCurrent(4.0, start=20.0, stop=40.0))
    return network


@pytest.mark.parallel(8, limit=300)
def test_all_layouts_give_the_same_bits(comm, first_ranks):
    """Spikes and states on real ranks; the other partitions of 8 below."""
    network, steps = checks.network(32, 20), 50
    wanted = checks.control(network, steps, first_ranks(comm.size))
    assert wanted.steps.size > 30
    for ranks in 1, 2, 3, 4, 8:
        part = first_ranks(ranks)
        if part is None:
            continue
        setting, mails = Setting(network, DT, ranks), real(part)
        whole = [tables.direct(setting, part.rank)]
        cube = not ranks & ranks - 1
        for q in {1: [0], 2: [0, 1], 4: [0, 1, 2], 8: [0, 3]}.get(
                ranks, [0]):
            found, machine = checks.examine(setting, mails, whole, q, steps,
                                            wanted, part)
            assert found.spikes and found.states, (ranks, q)
            assert found.restored and found.even
            assert found.rounds == steps*q
            # Q log2 Q a partition and exchange, of which there are ranks/Q
            assert found.spread == steps*ranks*q
            if cube:
                assert found.routed == steps*ranks*setting.dimensions


@pytest.mark.parallel(1)
@pytest.mark.parametrize('precision', ['float64', 'float32'])
def test_traces_of_uneven_tiles_step_by_step(comm, precision):
    network = uneven(precision)
    layouts = []
    for ranks, q in ((1, 0), (2, 1), (4, 1), (4, 2), (5, 0), (6, 0), (7, 0),
                     (8, 0), (8, 1), (8, 2), (8, 3)):
        setting, mails = Setting(network, 1.0, ranks), virtual(ranks)
        held = [tables.direct(setting, rank) for rank in range(ranks)]
        if q:
            held = tables.transpose(setting, q, mails, held)
        layouts.append(Machine(setting, mails, held, q))
    assert layouts[0].setting.layout.window == 3

    with dsim.Simulation(network, dt=1.0, comm=comm) as simulation:
        for steps in (7, 1, 12, 20, 20):
            simulation.run(float(steps))
            for machine in layouts:
                machine.run(steps)
                for p, name in enumerate(network.populations):
                    for variable in 'v', 'u':
                        ids, found = machine.state(p, variable)
                        assert found.tobytes() == simulation.state(
                            name, variable)[ids].tobytes()
        times, ids = simulation.spikes('exc')
        assert times.size > 50
        for machine in layouts:
            steps, numbers = machine.spikes()
            mine = numbers < 15*14
            np.testing.assert_array_equal(steps[mine] + 1, times)
            np.testing.assert_array_equal(numbers[mine], ids)


@pytest.mark.parallel(1)
def test_that_a_wrong_synapse_is_seen(comm):
    network, steps = checks.network(16, 20), 100
    wanted = checks.control(network, steps, comm)
    setting, mails, whole, dealt = split(4, 2)
    good = checks.examine(setting, mails, whole, 2, steps, wanted, None)[0]
    assert good.spikes and good.states and good.restored and good.even

    # One step later, for a synapse of one that fires
    table = whole[int(setting.homes[wanted.numbers[0]])]
    row = int(np.searchsorted(table.numbers, wanted.numbers[0]))
    late = table.entries.copy()
    late[table.pointer[row]] += 1 << setting.bits
    changed = [each._replace(entries=late) if each is table else each
               for each in whole]
    found = checks.examine(setting, mails, changed, 2, steps, wanted,
                           None)[0]
    assert not found.states
    assert found.restored


def test_sums_that_meet_travel_as_one():
    # All neurons of all ranks to neuron 0: each link carries one sum
    network = dsim.Network()
    cells = network.population('cells', dsim.Izhikevich(), (8, 8))
    one = network.population('one', dsim.Izhikevich(), (4, 4))
    network.project(cells, one, rule=dsim.FixedOutdegree(1), weight=2.0)
    setting, mails = Setting(network, 1.0, 8), virtual(8)
    whole = [tables.direct(setting, rank) for rank in range(8)]
    goal = int(setting.inputs['one', 'input'][0])
    whole = [table._replace(entries=np.full_like(
        table.entries, goal + (1 << setting.bits))) for table in whole]
    machine = Machine(setting, mails, whole)
    before = [mail.bytes for mail in mails]
    ranks_module.inject(machine, np.arange(64))
    sent = sum(mail.bytes for mail in mails) - sum(before)
    # A tree of 7 links, 16 bytes each
    assert sent == 7*16
    owner = machine.cells[setting.owners[goal]]
    unit = setting.layout.units['one', 'input']
    assert owner.ring.sum()*unit == 64*2.0


# --- what the clock says ---------------------------------------------------

def test_walks_are_timed():
    def make(ranks):
        return Setting(checks.network(128, 1024), DT, ranks)

    found = work.measure(make, 1, (0.001, 1.0), 20)
    assert [t.p for t in found] == [0.001, 1.0]
    assert found[0].speed_up > found[1].speed_up
    assert found[1].visits == (1024, 1024)
    assert found[0].visits[0] == 1024
    assert found[0].ideal == pytest.approx(329.57, abs=0.01)
    assert all(t.direct > 0 and t.transposed > 0 for t in found)


def test_the_busiest_are_found():
    (at, rows), (steps, partition) = work.busiest_rows(0.01, 2, 5)
    assert set(at) == set(steps) == set(range(5))
    for step in range(5):
        fired = work.fire(0.01, step, 2*16384)
        counts = np.bincount(fired//2, minlength=16384)
        assert np.count_nonzero(at == step) == counts.max()
        counts = np.bincount(fired//2048, minlength=16)
        assert np.count_nonzero(steps == step) == counts.max()
    assert set(rows) <= {0, 1}
    assert partition.max() < 2048

"""Tables of connections: nothing lost on any tiling, exact sums."""

import itertools

import numpy as np
import pytest
from scipy import stats

from dsim.connectivity import drawing, offsets, stored, synapse_values
from dsim.connectivity.bernoulli import PairwiseBernoulli
from dsim.connectivity.degree import FixedIndegree, FixedOutdegree
from dsim.connectivity.drawing import Drawing, Landing
from dsim.connectivity.edges import Edges
from dsim.connectivity.kernels import Gaussian, Profile, Ring
from dsim.connectivity.pairs import AllToAll, OneToOne
from dsim.connectivity.stencil import Stencil
from dsim.connectivity.stencil import Table as StencilTable
from dsim.connectivity.synapse_values import Distance, Falloff
from dsim.distributions import (
    Distribution,
    Exponential,
    LogNormal,
    Normal,
    Uniform,
)
from dsim.engine.build import build
from dsim.engine.layout import LARGEST_DELAY, arrange, unit_of
from dsim.errors import BadValue, SimulationError
from dsim.network import Network
from dsim.neurons.izhikevich import Izhikevich
from dsim.space import distances

LIKELY = 1e-4
EXTENT = (1.0, 1.5)
TILINGS = [(1, 1), (2, 1), (1, 3), (2, 2), (3, 2)]


def network(source, target, periodic=False, seed=1, **projection):
    """Two populations and one projection; one population if both shapes
    are one object."""
    net = Network(seed, EXTENT, periodic)
    a = net.population('a', Izhikevich, source)
    b = a if target is source else net.population('b', Izhikevich, target)
    net.project(a, b, **projection)
    return net


def tiles(net, dt=1.0, processes=(1, 1)):
    layout = arrange(net, dt, processes[0]*processes[1], processes)
    return [build(net, layout, rank, dt)
            for rank in range(processes[0]*processes[1])]


def connections(tile, tables=None):
    """(source, target, weight, delay in steps) of a tile, in order.

    Source and target are ids; the tile has one share.
    """
    share, = tile.shares
    targets = np.full(1 << share.bits, -1)
    for block in share.blocks:
        for _, begin, end, column in block.inputs:
            targets[column:column + end - begin] = block.numbers[begin:end]
    firsts = np.array([piece.first for piece in tile.pieces])
    found = []
    for table in share.tables if tables is None else tables:
        source, column, weight, delay = table.connections().T
        target = targets[column]
        assert (target >= 0).all()
        source, target = (
            number - firsts[np.searchsorted(firsts, number, 'right') - 1]
            for number in (source, target))
        found.append(np.stack([source, target, weight, delay], axis=1))
    return ordered(found)


def drawings(net, projection):
    """The connections of a projection on one rank."""
    layout = arrange(net, 1.0, 1)
    k = net.projections.index(projection)
    target = projection.target
    delays = layout.delays[k]
    return Drawing(net.pairing(projection), projection.rule,
                   projection.weight, projection.delay, Landing(
        (0, target.shape[0], 0, target.shape[1]),
        (0, projection.source.shape[0], 0, projection.source.shape[1]), 0,
        10, layout.units[target.name, projection.receptor], 1.0,
        delays.shortest, delays.longest, 0))


def ordered(parts):
    """Rows of several arrays [n, 4] as one, sorted."""
    rows = np.concatenate([np.zeros((0, 4), np.int64), *parts])
    return rows[np.lexsort(rows.T[::-1])]


# --- nothing is dropped, whatever the tiles --------------------------------

def cases():
    rng = np.random.default_rng(6)
    shape, fine = (12, 18), (24, 9)
    sources, targets = rng.integers(0, 216, (2, 700))
    slow = Distance(speed=0.07, minimum=0.6)
    yield 'indegree', shape, fine, {
        'rule': FixedIndegree(17), 'kernel': Gaussian(0.1), 'weight': 0.5,
        'delay': slow}
    yield 'indegree, drawn', shape, shape, {
        'rule': FixedIndegree(17, False, False), 'kernel': Gaussian(0.15),
        'weight': Normal(1, 0.3), 'delay': Uniform(0.5, 6.5)}
    yield 'outdegree', fine, shape, {
        'rule': FixedOutdegree(19), 'kernel': Ring(0.1, 0.3),
        'weight': LogNormal(0, 1, high=20), 'delay': slow}
    yield 'outdegree, itself', shape, shape, {
        'rule': FixedOutdegree(19, False), 'weight': Exponential(-2.0),
        'delay': Normal(4, 1, low=1)}
    yield 'outdegree, odd', (13, 7), (5, 11), {
        'rule': FixedOutdegree(5), 'kernel': Profile(lambda d: 1 + d, 0.4),
        'weight': lambda d: 1 - d, 'delay': lambda d: 1 + 3*d}
    yield 'bernoulli', shape, fine, {
        'rule': PairwiseBernoulli(0.5), 'kernel': Gaussian(0.1),
        'weight': Falloff(-3, Gaussian(0.2)), 'delay': 2.0}
    yield 'bernoulli, itself', shape, shape, {
        'rule': PairwiseBernoulli(0.05, False), 'weight': Uniform(-1, 1),
        'delay': Exponential(3, low=1, high=30)}
    yield 'one to one', shape, shape, {
        'rule': OneToOne(), 'weight': Uniform(0, 1), 'delay': Uniform(1, 3)}
    yield 'all to all', (6, 4), (3, 8), {
        'rule': AllToAll(), 'weight': Uniform(0, 1), 'delay': slow}
    yield 'all to all, itself', (6, 5), (6, 5), {
        'rule': AllToAll(False), 'weight': 2.0, 'delay': slow}
    yield 'edges', shape, fine, {
        'rule': Edges(sources, targets), 'weight': rng.normal(0, 2, 700),
        'delay': rng.uniform(1, 9, 700).tolist()}
    yield 'edges, drawn', shape, shape, {
        'rule': Edges(sources, targets), 'weight': Normal(0, 2), 'delay': slow}
    for rule in FixedIndegree(300), FixedOutdegree(300):
        # So many that those of equal delay lie side by side
        yield f'{rule.name}, dense', (6, 8), (8, 6), {
            'rule': rule, 'kernel': Gaussian(0.4), 'weight': Normal(2, 1),
            'delay': Uniform(1, 4)}
    yield 'stencil', shape, shape, {
        'rule': Stencil([[0, 1, -2], [3, 0.5, 4], [0, 7, 0]]),
        'weight': Uniform(1, 2), 'delay': slow}


CASES = {name: rest for name, *rest in cases()}


def made(case, periodic=False):
    source, target, projection = CASES[case]
    return network(source, target, periodic, **projection)


@pytest.mark.parametrize('periodic', [False, (True, False), True],
                         ids=['open', 'rows joined', 'joined'])
@pytest.mark.parametrize('case', CASES)
def test_tables_of_all_ranks_are_the_table_of_one(case, periodic):
    net = made(case, periodic)
    whole, = tiles(net)
    expected = connections(whole)
    assert whole.synapses == len(expected) > 20
    rule, pairing = net.projections[0].rule, net.pairing(net.projections[0])
    count = np.prod(pairing.grids(rule.owner)[0])
    rows = rule.rows(pairing, np.arange(count))
    assert rows.partners.size == len(expected)

    for processes in TILINGS[1:]:
        parts = tiles(net, processes=processes)
        assert sum(tile.synapses for tile in parts) == len(expected)
        np.testing.assert_array_equal(
            ordered(connections(tile) for tile in parts), expected)


@pytest.mark.parametrize('case', CASES)
def test_tables_do_not_depend_on_how_they_are_made(case, monkeypatch):
    net = made(case)
    expected = connections(tiles(net)[0])
    monkeypatch.setattr(drawing, 'CHUNK', 1)
    np.testing.assert_array_equal(connections(tiles(net)[0]), expected)


def test_ranks_agree_on_rejected_partners_too(monkeypatch):
    monkeypatch.setattr(offsets, 'MOST_ENTRIES', 0)
    net = made('indegree, drawn')
    expected = connections(tiles(net)[0])
    parts = tiles(net, processes=(3, 2))
    np.testing.assert_array_equal(
        ordered(connections(tile) for tile in parts), expected)


def test_grids_finer_than_the_tiles_leave_no_gap():
    # 3 rows of 2 tiles on a population of 2 x 2: some tiles have none of it
    for source, target in [((2, 2), (12, 18)), ((12, 18), (2, 2))]:
        net = network(source, target, rule=FixedIndegree(9),
                      kernel=Gaussian(0.5), weight=Uniform(0, 1))
        expected = connections(tiles(net)[0])
        parts = tiles(net, processes=(3, 2))
        np.testing.assert_array_equal(
            ordered(connections(tile) for tile in parts), expected)


def test_several_projections_share_a_ring():
    net = Network(3, EXTENT, True)
    exc = net.population('exc', Izhikevich, (12, 18))
    inh = net.population('inh', Izhikevich, (6, 9))
    for source, target in itertools.product([exc, inh], [exc, inh]):
        net.project(source, target, rule=FixedIndegree(8),
                    kernel=Gaussian(0.2), weight=Uniform(0, 2),
                    delay=Uniform(1, 5))
    again, = net.project(exc, exc, rule=FixedIndegree(8),
                         kernel=Gaussian(0.2), weight=Uniform(0, 2),
                         delay=Uniform(1, 5))
    assert again.name == 'exc->exc#2'
    whole, = tiles(net)
    assert len(whole.shares[0].tables) < len(net.projections)
    first, second = (
        ordered(rows for drawn in drawing.all() for rows in [np.stack([
            drawn.rows.partners, np.repeat(drawn.owners, 8), drawn.weights,
            drawn.delays], axis=1)])
        for drawing in (drawings(net, projection)
                        for projection in (net.projections[0], again)))
    assert not np.array_equal(first[:, 0], second[:, 0])
    assert not np.isin(first[:, 2], second[:, 2]).any()
    both = ordered([first, second])
    held = connections(whole)
    assert set(map(tuple, both)) <= set(map(tuple, held))
    assert len(held) == 8*(3*216 + 2*54)

    parts = tiles(net, processes=(2, 3))
    np.testing.assert_array_equal(
        ordered(connections(tile) for tile in parts), connections(whole))


def test_a_rule_that_reaches_further_than_it_says_is_told():
    class Liar(AllToAll):
        def reach(self, pairing):
            return 0.1, 0.1

    net = network((6, 6), (6, 6), rule=Liar(), weight=1.0)
    with pytest.raises(SimulationError, match='from beyond the reach'):
        tiles(net, processes=(2, 2))


# --- weights and delays ----------------------------------------------------

SHAPE = (40, 50)


def drawn(weight=1.0, delay=1.0, dt=1.0, degree=6):
    """Weights, delays and distances of a net of 2000 neurons, by hand."""
    net = network(SHAPE, SHAPE, (False, True), rule=FixedIndegree(degree),
                  kernel=Gaussian(0.15), weight=weight, delay=delay)
    layout = arrange(net, dt, 1)
    rows = connections(build(net, layout, 0, dt))
    (source, target), (unit,) = rows[:, :2].T, layout.units.values()
    dy = (source//50 - target//50)/40*EXTENT[0]
    dx = abs(source % 50 - target % 50)/50*EXTENT[1]
    dx = np.minimum(dx, EXTENT[1] - dx)
    return rows[:, 2]*unit, rows[:, 3], np.hypot(dy, dx), layout


@pytest.mark.parametrize('weight, expected', [
    (Uniform(-2, 3), stats.uniform(-2, 5)),
    (Normal(4, 2), stats.norm(4, 2)),
    (LogNormal(0.3, 0.5), stats.lognorm(0.5, scale=np.exp(0.3))),
    (Exponential(2.5), stats.expon(scale=2.5)),
], ids=lambda v: getattr(v, 'name', ''))
def test_weights_and_delays_have_their_distribution(weight, expected):
    found, _, _, _ = drawn(weight)
    assert stats.kstest(found, expected.cdf).pvalue > LIKELY
    assert stats.kstest(found*1.1, expected.cdf).pvalue < LIKELY
    # No two of 12000 are drawn from one address
    assert np.unique(found).size > 0.99*found.size

    delay = Uniform(1, 60)
    _, steps, _, _ = drawn(weight, delay, dt=0.01)
    assert stats.kstest(steps*0.01, stats.uniform(1, 59).cdf).pvalue > LIKELY
    assert abs(stats.spearmanr(steps, found).statistic) < 0.05


@pytest.mark.parametrize('weight, expected', [
    (2.5, lambda d: np.full(d.shape, 2.5)),
    (Falloff(-2, Gaussian(0.2)), lambda d: -2*np.exp(-d**2/0.08)),
    (lambda d: 3 - d**2, lambda d: 3 - d**2),
    (Gaussian(0.2), lambda d: np.exp(-d**2/0.08)),
    (lambda d: 7, lambda d: np.full(d.shape, 7.0)),
], ids=['constant', 'falloff', 'function', 'kernel', 'one number'])
def test_weights_follow_distance(weight, expected):
    found, _, far, layout = drawn(weight)
    assert far.max() > 0.3
    unit, = layout.units.values()
    np.testing.assert_allclose(found, expected(far), rtol=1e-12,
                               atol=0.5*unit)


@pytest.mark.parametrize('delay, expected', [
    (1.26, lambda d: np.full(d.shape, 1.26)),
    (Distance(0.3, 1.0), lambda d: 1 + d/0.3),
    (Distance(0.05, 0.2), lambda d: 0.2 + d/0.05),
    (lambda d: 2 + np.sin(9*d), lambda d: 2 + np.sin(9*d)),
    (lambda d: 3, lambda d: np.full(d.shape, 3.0)),
], ids=['constant', 'fast', 'slow', 'function', 'one number'])
def test_delays_follow_distance_to_the_nearest_step(delay, expected):
    for dt in 0.1, 0.25:
        _, steps, far, layout = drawn(delay=delay, dt=dt)
        exact = expected(far)/dt
        assert abs(steps - exact).max() <= 0.5 + 1e-9
        clear = abs(exact - np.floor(exact) - 0.5) > 1e-9
        np.testing.assert_array_equal(steps[clear],
                                      np.floor(exact + 0.5)[clear])
        assert steps.min() >= layout.delays[0].shortest >= 1
        assert steps.max() <= layout.delays[0].longest <= layout.longest


def test_rounding_of_a_delay_is_told():
    layout = drawn(delay=1.26, dt=0.1)[3]
    assert layout.delays[0].shortest == layout.delays[0].longest == 13
    assert layout.notes == [
        'a->a: delay 1.26 ms rounded to 13 steps of 0.1 ms = 1.3 ms']
    assert drawn(delay=1.3, dt=0.1)[3].notes == []
    note, = drawn(delay=Distance(0.3, 1.0), dt=0.1)[3].notes
    assert 'rounded to the nearest step of 0.1 ms, 10 to' in note


@pytest.mark.parametrize('delay, message', [
    (0.4, 'at least one step of 1 ms.*as small as 0.4 ms'),
    (0.0, 'at least one step'),
    (-1.0, 'at least one step'),
    (Uniform(0.2, 3), 'at least one step'),
    (Normal(3, 1), 'at least one step'),
    (Distance(0.3), 'at least one step'),
    (lambda d: 1 - 10*d, 'at least one step'),
    (LARGEST_DELAY + 1.0, f'at most {LARGEST_DELAY} steps'),
    (LogNormal(0, 9, low=1), f'at most {LARGEST_DELAY} steps'),
    (Distance(1e-6, 1.0), f'at most {LARGEST_DELAY} steps'),
    (lambda d: 1/d, 'finite from 0 to .* mm; at 0 mm it is inf'),
    (lambda d: np.sqrt(0.1 - d), 'at 0.1.* mm it is nan'),
    (lambda d: d[:3], 'one number for each distance'),
    (lambda d: 1 + d/d.max(), 'whichever others it is asked for'),
    (lambda d: np.random.default_rng().uniform(1, 2, d.shape),
     'whichever others it is asked for'),
    (lambda d: d.nothing, 'it raised AttributeError'),
    (np.nan, 'a finite number'), (np.inf, 'a finite number'),
    (True, 'a number, a distribution'), ('1', 'a number, a distribution'),
    (None, 'a number, a distribution'), ([1.0], 'arrays go with the rule'),
])
@pytest.mark.filterwarnings('ignore::RuntimeWarning')
def test_delays_that_cannot_be_are_refused(delay, message):
    with pytest.raises(BadValue, match=message):
        drawn(delay=delay)


def test_the_largest_delay_works():
    for delay in LARGEST_DELAY, LARGEST_DELAY - 1:
        _, steps, _, _ = drawn(delay=float(delay), degree=1)
        assert (steps == delay).all()


def test_half_a_step_and_more_is_one_step():
    assert (drawn(delay=0.5)[1] == 1).all()
    assert (drawn(delay=0.05, dt=0.1)[1] == 1).all()


@pytest.mark.parametrize('weight, message', [
    (np.nan, 'a finite number'), (np.inf, 'a finite number'),
    (True, 'a number, a distribution'), ('1', 'a number, a distribution'),
    ([1.0, 2.0], 'arrays go with the rule edges only'),
    (lambda d: 1/d, 'finite from 0 to'),
    (lambda d: d + 1j, 'one number for each distance'),
])
@pytest.mark.filterwarnings('ignore::RuntimeWarning')
def test_weights_that_cannot_be_are_refused(weight, message):
    with pytest.raises(BadValue, match=message):
        drawn(weight)


def peak(d):
    """At one distance of the grid far from all that are sampled."""
    return np.where(abs(d - 1/40) < 1e-9, 5e3, 1.0)


def test_a_function_that_hides_its_extremes_is_found_out():
    with pytest.raises(BadValue, match='a->a: weight = 5000.0: must be a '
                       'number within'):
        drawn(peak)
    with pytest.raises(BadValue, match='a->a: delay = 5000.0'):
        drawn(delay=lambda d: peak(d) + d)
    with pytest.raises(BadValue, match='a->a: delay = nan'):
        drawn(delay=lambda d: np.where(abs(d - 1/40) < 1e-9, np.nan, 1 + d))


@pytest.mark.parametrize('weight, message', [
    ([1.0, 2.0], '3 numbers, one for each connection'),
    ([1.0, np.nan, 2.0], r'weight\[1\] = nan'),
    (['1', '2', '3'], '3 numbers'),
    ([[1.0, 2.0, 3.0]], '3 numbers'),
])
def test_arrays_have_a_number_for_each_edge(weight, message):
    with pytest.raises(BadValue, match=message):
        network((2, 2), (2, 2), rule=Edges([0, 1, 2], [1, 2, 3]),
                weight=weight)


def test_settings_of_distance_are_checked():
    for speed in 0, -1, np.nan, '1':
        with pytest.raises(BadValue, match='delay.speed'):
            Distance(speed)
    for minimum in -1, np.nan, np.inf, None:
        with pytest.raises(BadValue, match='delay.minimum'):
            Distance(1.0, minimum)
    with pytest.raises(BadValue, match='weight.amplitude'):
        Falloff(np.nan, Gaussian(1.0))
    with pytest.raises(BadValue, match='weight.kernel'):
        Falloff(1.0, 'gaussian')


# --- the unit of weights ---------------------------------------------------

def test_units_are_powers_of_two_that_fit_the_largest_weight():
    rng = np.random.default_rng(1)
    for bound in [*np.exp(rng.uniform(-40, 40, 500)), 1.0, 2.0, 0.1, 1e-300,
                  np.nextafter(2.0, 3), np.nextafter(2.0, 1)]:
        unit = unit_of(bound)
        assert np.frexp(unit)[0] == 0.5
        assert bound/unit <= 2**30*(1 + 1e-15)
        # Half of it is the largest error of rounding
        assert unit/2 < 2**-30*bound*(1 + 1e-15) or bound == 1e-300
    assert unit_of(0.0) == 1.0


@pytest.mark.parametrize('weight', [Uniform(-2, 3), 0.1, Normal(4, 2),
                                    lambda d: 0.3 - d])
def test_weights_are_rounded_finer_than_float32(weight):
    units = []
    for processes in TILINGS:
        net = network(SHAPE, SHAPE, rule=FixedIndegree(3), weight=weight,
                      delay=1.0)
        layout = arrange(net, 1.0, processes[0]*processes[1], processes)
        units += layout.units.values()
    assert len(set(units)) == 1

    # The weights before they are rounded, at the same addresses
    p = net.projections[0]
    owners, draws = np.repeat(np.arange(2000), 3), np.tile([0, 1, 2], 2000)
    rows = p.rule.rows(net.pairing(p), np.arange(2000))
    sheet, far = net.sheet, np.empty(6000)
    distances(rows.partners, owners, 50, 50, sheet.pitch(SHAPE),
              sheet.pitch(SHAPE), sheet.extent, sheet.periodic, far)
    exact = synapse_values.values(
        weight, synapse_values.address(net.seed, 'weight', p.name), owners,
        draws, far)
    found = connections(build(net, arrange(net, 1.0, 1), 0, 1.0))
    found = found[np.lexsort((found[:, 0], found[:, 1]))][:, 2]*units[0]
    exact = exact[np.lexsort((rows.partners, owners))]
    bound = max(map(abs, synapse_values.bounds(weight, sheet.longest())))
    if not isinstance(weight, Distribution):
        # Of two contacts of a pair either may come first
        assert abs(found - exact).max() <= units[0]/2 < 2**-30*bound
    assert abs(np.sort(found) - np.sort(exact)).max() <= units[0]/2


def test_weights_that_do_not_fit_are_refused():
    for weight in 2.0**31, -2.0**31, np.nan, np.inf:
        with pytest.raises(BadValue, match='p: weight'):
            drawing.quantised(np.array([0.0, weight]), 1.0, 'p')
    limits = np.array([2.0**31 - 1, 1 - 2.0**31])
    np.testing.assert_array_equal(drawing.quantised(limits, 1.0, 'p'), limits)


# --- delivery --------------------------------------------------------------

def delivered(tile, steps, numbers, times=1):
    """The ring after delivery, and the events counted."""
    share, = tile.shares
    ring = np.zeros_like(share.ring)
    events = 0
    for _ in range(times):
        for table in share.tables:
            events += table.deliver(ring, steps, numbers)
    return ring.reshape(share.slots, -1), events


def by_hand(tile, steps, numbers):
    """The ring, from the list of connections."""
    share, = tile.shares
    ring = np.zeros((share.slots, 1 << share.bits), np.int64)
    events = 0
    rows = np.concatenate([table.connections() for table in share.tables])
    for step, number in zip(steps, numbers, strict=True):
        for _, column, weight, delay in rows[rows[:, 0] == number]:
            ring[(int(step) + int(delay)) % share.slots, column] += weight
            events += 1
    return ring, events


def spikes(count, sources, seed=0, first=0):
    rng = np.random.default_rng(seed)
    return (np.sort(first + rng.integers(0, 40, count)),
            rng.integers(0, sources, count))


@pytest.mark.parametrize('case', ['indegree', 'indegree, drawn', 'outdegree',
                                  'edges', 'one to one', 'stencil'])
@pytest.mark.parametrize('periodic', [False, True])
def test_delivery_is_exact(case, periodic):
    net = made(case, periodic)
    total = sum(p.size for p in net.populations.values())
    for tile in tiles(net, processes=(2, 2)):
        for first in 0, 2**40 - 17:
            steps, numbers = spikes(60, total, first=first)
            found, events = delivered(tile, steps, numbers)
            expected, count = by_hand(tile, steps, numbers)
            np.testing.assert_array_equal(found, expected)
            assert events == count > 5
            order = np.random.default_rng(1).permutation(steps.size)
            np.testing.assert_array_equal(
                delivered(tile, steps[order], numbers[order])[0], expected)


def test_spikes_of_other_populations_are_passed_over():
    net = Network(1, EXTENT)
    a = net.population('a', Izhikevich, (6, 8))
    b = net.population('b', Izhikevich, (6, 8))
    net.project(b, b, rule=AllToAll(), weight=1.0, delay=2.0)
    net.project(b, b, rule=Stencil.moore(), weight=1.0, delay=2.0)
    tile, = tiles(net)
    foreign = np.arange(a.size)
    ring, events = delivered(tile, np.zeros(48, np.int64), foreign)
    assert events == 0 and not ring.any()
    beyond = np.array([96, 1000])
    assert delivered(tile, np.zeros(2, np.int64), beyond)[1] == 0
    ring, events = delivered(tile, np.zeros(1, np.int64), np.array([48]))
    assert events == 48 + 3 and ring.sum() == 51*2**30


@pytest.mark.parametrize('periodic', [False, (True, False), (False, True),
                                      True])
@pytest.mark.parametrize('shape', [(7, 9), (12, 18)])
def test_a_stencil_without_a_table_is_the_stored_one(shape, periodic):
    mask = [[0, 1.5, -2, 0, 0], [3, 0.7, 4, 1, 0], [0, 7, 0, -1, 1/3]]
    delay = 3.0

    def net(weight):
        return network(shape, shape, periodic, rule=Stencil(mask),
                       weight=weight, delay=delay)

    for processes in TILINGS:
        plain = tiles(net(0.3), processes=processes)
        table = tiles(net(lambda d: np.full(d.shape, 0.3)),
                      processes=processes)
        steps, numbers = spikes(50, shape[0]*shape[1], first=2**33)
        events = 0
        for one, other in zip(plain, table, strict=True):
            assert isinstance(one.shares[0].tables[0], StencilTable)
            assert isinstance(other.shares[0].tables[0], stored.Stored)
            found, count = delivered(one, steps, numbers)
            expected, again = delivered(other, steps, numbers)
            np.testing.assert_array_equal(found, expected)
            assert count == again
            np.testing.assert_array_equal(
                found, by_hand(other, steps, numbers)[0])
            events += count
        assert events > 50
        if periodic is True:
            assert events == 50*9
        assert plain[0].table_bytes < 400 < table[0].table_bytes


def test_a_ring_wraps_around_without_a_trace():
    net = network((3, 3), (3, 3), rule=AllToAll(), weight=1.0,
                  delay=Uniform(1, 16))
    tile, = tiles(net)
    assert tile.shares[0].slots == 16
    for step in range(40):
        ring, _ = delivered(tile, np.array([step]), np.array([4]))
        base, _ = delivered(tile, np.array([0]), np.array([4]))
        np.testing.assert_array_equal(ring, np.roll(base, step, axis=0))


def test_equal_delays_lie_side_by_side_and_equal_weights_take_no_room():
    net = network((6, 8), (6, 8), rule=FixedIndegree(400),
                  weight=2.0, delay=Distance(0.5, 1.0))
    share, = tiles(net)[0].shares
    table, = share.tables
    assert table.entries.dtype == np.uint16
    assert table.weights.size == table.bases.size < 48*6
    assert table.nbytes == (2*table.count + 12*table.bases.size
                            + 4*(48 + 1) + 4)
    # A segment has one delay and its targets are in order
    for q in range(table.bases.size):
        entries = table.entries[table.starts[q]:table.starts[q + 1]]
        assert (np.diff(entries.astype(int)) >= 0).all()
    delays = table.bases >> share.bits
    for k in range(48):
        part = delays[table.rows[k]:table.rows[k + 1]].astype(int)
        assert (np.diff(part) > 0).all()


def test_few_connections_a_delay_are_held_with_their_delays():
    net = network((6, 8), (6, 8), rule=FixedIndegree(5), weight=2.0,
                  delay=Uniform(1, 9))
    table, = tiles(net)[0].shares[0].tables
    assert table.packed and table.entries.dtype == np.uint32
    assert table.bases.size <= 48 and not table.bases.any()


def test_many_columns_are_cut_into_blocks():
    net = network((6, 8), (6, 8), rule=FixedIndegree(400), weight=1.0,
                  delay=Uniform(1, 9))
    p = net.projections[0]
    found = []
    for bits, base in (20, 0), (20, 2**16 - 20), (30, 2**29):
        landing = Landing((0, 6, 0, 8), (0, 6, 0, 8), base, bits,
                          2.0**-30, 1.0, 1, 9, 0)
        table, = stored.build(
            [Drawing(net.pairing(p), p.rule, p.weight, p.delay, landing)],
            {0: (0, 6, 0, 8)})
        assert not table.packed
        assert table.bases.itemsize == (4 if bits == 20 else 8)
        rows = table.connections()
        rows[:, 1] -= base
        found.append(ordered([rows]))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    assert found[0][:, 3].max() == 9 and found[0][:, 1].max() == 47


def test_many_columns_and_long_delays_take_entries_of_64_bits():
    net = network((6, 8), (6, 8), rule=FixedIndegree(5), weight=1.0,
                  delay=Uniform(1, 9))
    p = net.projections[0]
    found = {}
    for bits, base in (20, 900), (30, 2**29):
        landing = Landing((0, 6, 0, 8), (0, 6, 0, 8), base, bits,
                          2.0**-30, 1.0, 1, 9, 0)
        table, = stored.build(
            [Drawing(net.pairing(p), p.rule, p.weight, p.delay, landing)],
            {0: (0, 6, 0, 8)})
        assert table.packed
        assert table.entries.itemsize == (4 if bits == 20 else 8)
        found[bits] = table.connections() - [0, base, 0, 0]
    np.testing.assert_array_equal(found[20], found[30])
    assert found[30][:, 3].max() == 9 and found[30][:, 1].max() == 47

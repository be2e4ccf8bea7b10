"""Each connection rule against brute force over all pairs."""

import itertools

import numpy as np
import pytest
from scipy import stats

from dsim.connectivity import offsets
from dsim.connectivity.base import Pairing, size
from dsim.connectivity.bernoulli import PairwiseBernoulli
from dsim.connectivity.degree import FixedIndegree, FixedOutdegree, span
from dsim.connectivity.edges import Edges
from dsim.connectivity.kernels import (
    Box,
    Disc,
    Exponential,
    Gaussian,
    Profile,
    Ring,
    Uniform,
)
from dsim.connectivity.pairs import AllToAll, OneToOne
from dsim.connectivity.stencil import Stencil
from dsim.errors import BadValue, SimulationError
from dsim.space import Sheet

# Seeds are fixed, so these tests pass always or never; with some 300 of
# them, one in 30 wrongly at a first try
LIKELY = 1e-4

EXTENT = (1.0, 1.5)
GRIDS = {
    'equal': ((12, 18), (12, 18)),
    'unequal': ((12, 18), (24, 9)),
    'coprime': ((13, 10), (9, 14)),
}
PERIODIC = [(False, False), (True, False), (True, True)]
KERNELS = {
    'gaussian': (Gaussian(0.12), lambda dy, dx: np.where(
        np.hypot(dy, dx) <= 0.36, np.exp(-(dy**2 + dx**2)/(2*0.12**2)), 0)),
    'exponential': (Exponential(0.1, 0.49), lambda dy, dx: np.where(
        np.hypot(dy, dx) <= 0.49, np.exp(-np.hypot(dy, dx)/0.1), 0)),
    'disc': (Disc(0.301), lambda dy, dx: 1.0*(np.hypot(dy, dx) <= 0.301)),
    'ring': (Ring(0.19, 0.41), lambda dy, dx: 1.0*(
        (np.hypot(dy, dx) >= 0.19) & (np.hypot(dy, dx) <= 0.41))),
    'box': (Box(0.41, 0.71), lambda dy, dx: 1.0*(
        (abs(dy) <= 0.205) & (abs(dx) <= 0.355))),
    'uniform': (Uniform(), lambda dy, dx: np.ones(np.shape(dy))),
    'profile': (Profile(lambda d: d*(0.45 - d), 0.45), lambda dy, dx: np.where(
        np.hypot(dy, dx) <= 0.45,
        np.hypot(dy, dx)*(0.45 - np.hypot(dy, dx)), 0)),
}


def pairing(source=(12, 18), target=(12, 18), periodic=(False, False),
            kernel=None, same=None, seed=1, name='p'):
    same = source == target if same is None else same
    return Pairing(name, seed, Sheet(EXTENT, periodic), source, target, same,
                   kernel or Uniform())


def everyone(rule, joined):
    """The rows of all owners, and who owns each connection."""
    count = size(joined.grids(rule.owner)[0])
    rows = rule.rows(joined, np.arange(count))
    assert rows.pointer[0] == 0 and rows.pointer[-1] == rows.partners.size
    owners = np.repeat(np.arange(count), np.diff(rows.pointer))
    assert (rows.partners >= 0).all()
    assert (rows.partners < size(joined.grids(rule.owner)[1])).all()
    return owners, rows


def matrix(rule, joined):
    """How often each owner (row) drew each partner (column)."""
    owners, rows = everyone(rule, joined)
    grid, partners = joined.grids(rule.owner)
    counts = np.zeros((size(grid), size(partners)), int)
    np.add.at(counts, (owners, rows.partners), 1)
    return counts


def separations(joined, owner):
    """(dy, dx) from each owner (row) to each partner (column), by hand."""
    found = []
    for axis in (0, 1):
        places = []
        for shape in joined.grids(owner):
            index = np.indices(shape)[axis].ravel()
            places.append((index + 0.5)/shape[axis]*EXTENT[axis])
        offset = places[1][None, :] - places[0][:, None]
        if joined.sheet.periodic[axis]:
            images = offset + EXTENT[axis]*np.array([-1, 0, 1])[:, None, None]
            nearest = abs(images).argmin(axis=0)
            offset = np.take_along_axis(images, nearest[None], 0)[0]
        found.append(offset)
    return found


def chances(joined, owner, formula, no_self=False):
    """The probability of each partner, row by row, cut at open edges."""
    weights = np.asarray(formula(*separations(joined, owner)), float)
    if no_self:
        np.fill_diagonal(weights, 0)
    return weights/weights.sum(axis=1, keepdims=True)


def likelihood(observed, expected, joined, owner, variance=None):
    """Chi-square p-value over bins of distance, direction and place.

    ``variance`` of each pair's count; that of Poisson numbers if left out.
    """
    dy, dx = separations(joined, owner)
    quadrant = 2*(dy > 1e-9) + (dx > 1e-9)
    far = np.round(np.hypot(dy, dx), 9)
    edges = np.unique(np.quantile(far[expected > 0], np.linspace(0, 1, 9)))
    bins = quadrant*edges.size + np.searchsorted(edges, far)

    # Neurons near the border apart, as their kernels are cut there
    rows, columns = joined.grids(owner)[0]
    y, x = np.indices((rows, columns)).reshape(2, -1)
    middle = ((abs(y + 0.5 - rows/2) < 0.35*rows)
              & (abs(x + 0.5 - columns/2) < 0.35*columns))
    bins += (bins.max() + 1)*middle[:, None]
    counts, means, spread = (
        np.bincount(bins.ravel(), np.asarray(x, float).ravel()) for x in
        (observed, expected, expected if variance is None else variance))
    assert counts[means == 0].sum() == 0, 'a connection of no probability'
    keep = spread > 5
    assert keep.sum() > 3
    square = ((counts[keep] - means[keep])**2/spread[keep]).sum()
    degrees = keep.sum() - (variance is None)
    return stats.chi2.sf(square, degrees)


# --- fixed degree ----------------------------------------------------------

@pytest.fixture(params=['alias tables', 'rejection'])
def sampler(request, monkeypatch):
    if request.param == 'rejection':
        monkeypatch.setattr(offsets, 'MOST_ENTRIES', 0)
    return request.param


@pytest.mark.parametrize('periodic', PERIODIC)
@pytest.mark.parametrize('grids', GRIDS)
@pytest.mark.parametrize('kernel', KERNELS)
def test_partners_are_drawn_as_the_kernel_says(kernel, grids, periodic,
                                               sampler):
    profile, formula = KERNELS[kernel]
    joined = pairing(*GRIDS[grids], periodic, profile)
    for rule in FixedIndegree(40), FixedOutdegree(40, grids != 'equal'):
        used = offsets.tabulate(joined, rule.owner)
        assert (used is None) == (sampler == 'rejection'
                                  or kernel == 'uniform')
        observed = matrix(rule, joined)
        assert (observed.sum(axis=1) == 40).all()

        no_self = joined.same and not rule.self_connections
        expected = 40*chances(joined, rule.owner, formula, no_self)
        assert likelihood(observed, expected, joined, rule.owner) > LIKELY
        if no_self:
            assert not observed.diagonal().any()
        elif joined.same and kernel != 'ring' and kernel != 'profile':
            assert observed.diagonal().any()


def test_a_wrong_kernel_would_be_found_out(sampler):
    joined = pairing(*GRIDS['equal'], (False, True), Gaussian(0.12))
    observed = matrix(FixedIndegree(40), joined)
    _, formula = KERNELS['gaussian']

    wider = chances(joined, 'target', lambda dy, dx: np.where(
        np.hypot(dy, dx) <= 0.36, np.exp(-(dy**2 + dx**2)/(2*0.14**2)), 0))
    assert likelihood(observed, 40*wider, joined, 'target') < LIKELY
    shifted = np.roll(40*chances(joined, 'target', formula), 1, axis=0)
    with pytest.raises(AssertionError, match='of no probability'):
        likelihood(observed, shifted, joined, 'target')
    # An open edge that would not renormalise
    weights = formula(*separations(joined, 'target'))
    flat = weights*observed.sum()/weights.sum()
    assert likelihood(observed, flat, joined, 'target') < LIKELY


def lane(n=4000):
    """A ring of n neurons, each of which sees the same five others."""
    joined = Pairing('lane', 1, Sheet((1.0, float(n)), (True, True)), (1, n),
                     (1, n), True, Gaussian(1.0, 2.2))
    chance = np.exp(-0.5*np.arange(-2, 3)**2)
    return joined, chance/chance.sum()


def drawn_offsets(rule, n=4000):
    joined, chance = lane(n)
    owners, rows = everyone(rule, joined)
    steps = (rows.partners - owners + n//2) % n - n//2
    assert abs(steps).max() <= 2
    return steps.reshape(n, -1) + 2, chance


def test_draws_of_one_neuron_are_independent(sampler):
    steps, chance = drawn_offsets(FixedIndegree(6))
    for first, second in itertools.combinations(range(6), 2):
        pairs = np.bincount(5*steps[:, first] + steps[:, second],
                            minlength=25)
        expected = 4000*np.outer(chance, chance).ravel()
        assert stats.chisquare(pairs, expected).pvalue > LIKELY
    # And those of neighbours
    neighbours = np.bincount(5*steps[:-1, 0] + steps[1:, 0], minlength=25)
    expected = 3999*np.outer(chance, chance).ravel()
    assert stats.chisquare(neighbours, expected).pvalue > LIKELY


def test_single_contacts_are_drawn_one_after_the_other(sampler):
    steps, p = drawn_offsets(FixedIndegree(2, multiple_contacts=False))
    pairs = np.bincount(5*steps[:, 0] + steps[:, 1], minlength=25)
    expected = np.outer(p, p)/(1 - p)[:, None]
    np.fill_diagonal(expected, 0)
    assert not pairs.reshape(5, 5).diagonal().any()
    keep = expected.ravel() > 0
    assert stats.chisquare(pairs[keep],
                           4000*expected.ravel()[keep]).pvalue > LIKELY


@pytest.mark.parametrize('self_connections', [True, False])
@pytest.mark.parametrize('rule', [FixedIndegree, FixedOutdegree])
def test_single_contacts_can_take_all_there_are(rule, self_connections,
                                                sampler):
    for shape, periodic, kernel in [((3, 4), (False, False), Uniform()),
                                    ((5, 5), (True, True), Box(0.6, 0.9)),
                                    ((3, 4), (True, True), Gaussian(1.0))]:
        joined = pairing(shape, shape, periodic, kernel)
        degree = 9 if kernel.name == 'box' else size(shape)
        counts = matrix(rule(degree - (not self_connections),
                             self_connections, False), joined)
        assert counts.max() == 1
        expected = np.ones_like(counts)
        if kernel.name == 'box':
            dy, dx = separations(joined, 'target')
            expected = 1*((abs(dy) < 0.301) & (abs(dx) < 0.451))
        if not self_connections:
            np.fill_diagonal(expected, 0)
        np.testing.assert_array_equal(counts, expected)


def test_both_samplers_and_one_after_the_other_agree(monkeypatch):
    # Without multiple contacts there is no formula: numpy's own successive
    # draws are the reference
    profile, formula = KERNELS['gaussian']
    joined = pairing(*GRIDS['unequal'], (True, False), profile)
    rule = FixedIndegree(12, multiple_contacts=False)
    found = [matrix(rule, joined)]
    monkeypatch.setattr(offsets, 'MOST_ENTRIES', 0)
    found.append(matrix(rule, joined))

    rng = np.random.default_rng(4)
    chance = chances(joined, 'target', formula)
    times = 20
    expected = np.zeros_like(chance)
    for owner, p in enumerate(chance):
        for _ in range(times):
            expected[owner, rng.choice(p.size, 12, False, p)] += 1/times
    for counts in found:
        assert counts.max() == 1 and (counts.sum(axis=1) == 12).all()
        variance = expected*(1 + 1/times)
        assert likelihood(counts, expected, joined, 'target',
                          variance) > LIKELY
    assert likelihood(found[0], 12*chance, joined, 'target') < LIKELY


@pytest.mark.parametrize('periodic', PERIODIC)
@pytest.mark.parametrize('grids', GRIDS)
@pytest.mark.parametrize('kernel', sorted(set(KERNELS) - {'uniform'}))
def test_alias_tables_hold_the_probabilities(kernel, grids, periodic):
    profile, formula = KERNELS[kernel]
    joined = pairing(*GRIDS[grids], periodic, profile)
    (rows, columns), (others, across) = joined.grids('target')
    tables = offsets.tabulate(joined, 'target')
    assert tables.start.size == np.prod(tables.phases) + 1
    assert rows % tables.phases[0] == columns % tables.phases[1] == 0
    weights = formula(*separations(joined, 'target'))

    for owner in range(rows*columns):
        row, column = divmod(owner, columns)
        phase = (row % tables.phases[0]*tables.phases[1]
                 + column % tables.phases[1])
        part = slice(*tables.start[phase:phase + 2])
        count = part.stop - part.start
        own = (tables.choice[part] >> 32)/2**32
        chance = own/count
        alias = (tables.choice[part] & 0xffffffff).astype(np.int64)
        np.add.at(chance, alias, (1 - own)/count)

        # Put the entries where they point, off the sheet ones aside
        steps = tables.steps[part] + 2**31
        down = (2*row + 1)*others//(2*rows) + (steps >> 32)
        right = ((2*column + 1)*across//(2*columns)
                 + (steps & 0xffffffff) - 2**31)
        found = np.zeros((others, across))
        inside = np.ones(count, bool)
        for places, cells, joins in ((down, others, periodic[0]),
                                     (right, across, periodic[1])):
            if joins:
                places %= cells
            inside &= (places >= 0) & (places < cells)
        np.add.at(found, (down[inside], right[inside]), chance[inside])

        assert chance.sum() == pytest.approx(1, abs=1e-12)
        scale = found.sum()/weights[owner].sum()
        if all(periodic):
            assert scale*weights[owner].sum() == pytest.approx(1, abs=1e-12)
        # A profile is read off a table
        tolerance = 1e-7 if kernel == 'profile' else 2**-31
        np.testing.assert_allclose(found.ravel(), weights[owner]*scale,
                                   rtol=0, atol=tolerance)


def test_tables_are_made_only_where_they_pay():
    assert offsets.tabulate(pairing(kernel=Uniform()), 'target') is None
    # 1009 is a prime: as many phases as cells
    large = pairing((1009, 1009), (1000, 1000), kernel=Disc(0.1))
    assert offsets.tabulate(large, 'target') is None
    large = pairing((1009, 1009), (1009, 1009), kernel=Disc(0.1))
    assert offsets.tabulate(large, 'target').phases == (1, 1)


def test_span_holds_all_cells_in_reach():
    for cells, reach, periodic in itertools.product(
            [1, 2, 7, 10], np.linspace(0, 1.3, 27), [False, True]):
        middles = (np.arange(cells) + 0.5)/cells
        for place in np.linspace(0, 1, 21)[:-1]:
            first, count = span(place, reach, 1/cells, cells, periodic)
            found = np.sort(np.arange(first, first + count) % cells)
            assert np.unique(found).size == count <= cells
            far = abs(middles - place)
            far = np.minimum(far, 1 - far) if periodic else far
            sure = np.flatnonzero(far < reach - 1e-7)
            assert np.isin(sure, found).all()
            if reach < 0.5:
                assert (far[found] <= reach + 1e-7).all()


# --- each pair by itself ---------------------------------------------------

@pytest.mark.parametrize('periodic', PERIODIC)
@pytest.mark.parametrize('grids', GRIDS)
@pytest.mark.parametrize('kernel', KERNELS)
def test_pairs_are_joined_with_their_probability(kernel, grids, periodic):
    profile, formula = KERNELS[kernel]
    times = 40
    trials = [pairing(*GRIDS[grids], periodic, profile, seed=seed)
              for seed in range(times)]
    joined = trials[0]

    def observe(probability):
        rule = PairwiseBernoulli(probability, grids != 'equal')
        found = np.array([matrix(rule, trial) for trial in trials])
        assert found.max() == 1
        return found.sum(axis=0)

    weights = np.asarray(formula(*separations(joined, 'source')), float)
    chance = 0.3*weights/(0.45**2/4 if kernel == 'profile' else 1)
    if joined.same:
        np.fill_diagonal(chance, 0)
    observed, expected = observe(0.3), times*chance
    variance = expected*(1 - chance)
    assert likelihood(observed, expected, joined, 'source',
                      variance) > LIKELY
    assert likelihood(observe(0.34), expected, joined, 'source',
                      variance) < LIKELY

    # The number of targets of each source, and of sources of each target
    for axis in (0, 1):
        spread = variance.sum(axis=axis)
        square = ((observed - expected).sum(axis=axis)**2/spread).sum()
        both = 2*min(stats.chi2.sf(square, spread.size),
                     stats.chi2.cdf(square, spread.size))
        assert both > LIKELY
    degree = PairwiseBernoulli(0.3).degree(joined)
    assert degree > 0.8*chance.sum(axis=1).mean()


@pytest.mark.parametrize('periodic', PERIODIC)
@pytest.mark.parametrize('kernel', ['disc', 'ring', 'box', 'uniform'])
def test_probabilities_of_one_and_zero_are_exact(kernel, periodic):
    profile, formula = KERNELS[kernel]
    for grids in GRIDS.values():
        joined = pairing(*grids, periodic, profile)
        inside = formula(*separations(joined, 'source'))
        np.testing.assert_array_equal(
            matrix(PairwiseBernoulli(1.0), joined), inside)
        assert matrix(PairwiseBernoulli(0), joined).sum() == 0


def test_small_probabilities_are_right():
    joined = pairing((100, 100), (50, 60), kernel=Uniform())
    count = matrix(PairwiseBernoulli(1e-4), joined).sum()
    assert stats.binomtest(int(count), 30_000_000, 1e-4).pvalue > LIKELY


def test_more_than_expected_are_not_lost(monkeypatch):
    # The room for them is made from the mean: here of nothing
    joined = pairing(kernel=Disc(0.3))
    rule = PairwiseBernoulli(0.9)
    before = everyone(rule, joined)[1]
    monkeypatch.setattr(PairwiseBernoulli, 'degree', lambda self, p: 0.0)
    after = everyone(rule, joined)[1]
    assert after.partners.size > 1000
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


# --- without chance --------------------------------------------------------

def test_one_to_one_and_all_to_all():
    joined = pairing()
    np.testing.assert_array_equal(matrix(OneToOne(), joined), np.eye(216))
    everything = np.ones((216, 216))
    np.testing.assert_array_equal(matrix(AllToAll(), joined), everything)
    np.testing.assert_array_equal(matrix(AllToAll(False), joined),
                                  everything - np.eye(216))
    other = pairing((12, 18), (24, 9), same=False)
    for rule in AllToAll(), AllToAll(False):
        np.testing.assert_array_equal(matrix(rule, other), everything)
    twin = pairing(same=False)
    np.testing.assert_array_equal(matrix(AllToAll(False), twin), everything)


def test_edges_are_those_given_in_their_order():
    rng = np.random.default_rng(8)
    sources, targets = rng.integers(0, 216, (2, 900))
    rule = Edges(sources, targets.tolist())
    expected = np.zeros((216, 216), int)
    np.add.at(expected, (targets, sources), 1)
    np.testing.assert_array_equal(matrix(rule, pairing()), expected)
    assert rule.largest_indegree(pairing()) == expected.sum(axis=1).max()

    owners = np.array([7, 3, 215])
    rows = rule.rows(pairing(), owners)
    for k, owner in enumerate(owners):
        mine = rows.draws[rows.pointer[k]:rows.pointer[k + 1]]
        np.testing.assert_array_equal(mine, np.flatnonzero(targets == owner))
    assert Edges([], []).rows(pairing(), owners).partners.size == 0
    assert Edges([], []).reach(pairing()) == (0, 0)


@pytest.mark.parametrize('periodic', PERIODIC)
def test_edges_reach_as_far_as_the_longest(periodic):
    rng = np.random.default_rng(9)
    joined = pairing((12, 18), (24, 9), periodic)
    dy, dx = separations(joined, 'target')
    for count in 1, 3, 30:
        sources, targets = rng.integers(0, 216, (2, count))
        found = Edges(sources, targets).reach(joined)
        expected = (abs(dy[targets, sources]).max(),
                    abs(dx[targets, sources]).max())
        assert found == pytest.approx(expected, abs=1e-12)


MASK = np.array([[0, 2, 0, 0, 0], [1, 0, -3, 0, 4], [0, 0, 5, 0, 0.5]])


@pytest.mark.parametrize('periodic', [*PERIODIC, (False, True)])
def test_a_stencil_reaches_the_cells_of_its_mask(periodic):
    joined = pairing((7, 9), (7, 9), periodic)
    rule = Stencil(MASK)
    expected = np.zeros((63, 63))
    for row, column, i, j in itertools.product(
            range(7), range(9), range(3), range(5)):
        r, c = row + i - 1, column + j - 2
        if periodic[0]:
            r %= 7
        if periodic[1]:
            c %= 9
        if 0 <= r < 7 and 0 <= c < 9:
            expected[r*9 + c, row*9 + column] += MASK[i, j]

    owners, rows = everyone(rule, joined)
    found = np.zeros((63, 63))
    np.add.at(found, (owners, rows.partners), rule.factors[rows.draws])
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(matrix(rule, joined), expected != 0)
    assert rule.reach(joined) == pytest.approx((1/7, 2*1.5/9))
    assert rule.largest_indegree(joined) == rule.degree(joined) == 6


def test_neighbourhoods():
    for radius in 1, 2, 3:
        steps = np.arange(-radius, radius + 1)
        dy, dx = np.meshgrid(steps, steps, indexing='ij')
        middle = (dy == 0) & (dx == 0)
        np.testing.assert_array_equal(Stencil.moore(radius).mask, ~middle)
        np.testing.assert_array_equal(
            Stencil.von_neumann(radius).mask,
            (abs(dy) + abs(dx) <= radius) & ~middle)


# --- who draws what --------------------------------------------------------

def rules():
    rng = np.random.default_rng(3)
    return [FixedIndegree(15), FixedOutdegree(15),
            FixedIndegree(15, False, False), PairwiseBernoulli(0.4),
            OneToOne(), AllToAll(False), Edges(*rng.integers(0, 216, (2, 99))),
            Stencil.moore(2)]


@pytest.mark.parametrize('rule', rules(), ids=lambda r: r.name)
def test_a_row_does_not_depend_on_who_is_asked_together(rule, sampler):
    joined = pairing(periodic=(True, False), kernel=Gaussian(0.2))
    _, rows = everyone(rule, joined)
    make = rule.maker(joined)
    rng = np.random.default_rng(2)
    for count in 1, 2, 5, 100:
        owners = rng.permutation(216)[:count]
        some = make(owners)
        for k, owner in enumerate(owners):
            for column in 'partners', 'draws':
                part = slice(*rows.pointer[owner:owner + 2])
                mine = slice(*some.pointer[k:k + 2])
                np.testing.assert_array_equal(
                    getattr(some, column)[mine], getattr(rows, column)[part])
    assert make(np.zeros(0, np.int64)).partners.size == 0


@pytest.mark.parametrize('rule', rules(), ids=lambda r: r.name)
def test_draws_number_the_connections_of_an_owner(rule):
    joined = pairing(kernel=Gaussian(0.2))
    owners, rows = everyone(rule, joined)
    pairs = np.stack([owners, rows.draws])
    assert np.unique(pairs, axis=1).shape[1] == owners.size
    bound = rule.largest_indegree(joined)
    if bound is not None:
        assert rule.owner == 'target'
        assert np.diff(rows.pointer).max() <= bound


@pytest.mark.parametrize('rule', [FixedIndegree(15), FixedOutdegree(15),
                                  PairwiseBernoulli(0.1)],
                         ids=lambda r: r.name)
def test_another_seed_or_projection_draws_anew(rule, sampler):
    base = matrix(rule, pairing(kernel=Gaussian(0.2)))
    for change in {'seed': 2}, {'name': 'p#2'}:
        other = matrix(rule, pairing(kernel=Gaussian(0.2), **change))
        # What two independent draws have in common
        common = (base*other).sum()
        expected = (base.sum(axis=1)[:, None]*other/216).sum()
        assert common < 10*expected
        assert (base != other).any(axis=1).mean() > 0.95


@pytest.mark.parametrize('rule', rules(), ids=lambda r: r.name)
def test_no_connection_goes_beyond_the_reach(rule, sampler):
    for kernel, periodic in itertools.product(
            [Gaussian(0.15), Box(0.7, 0.9), Disc(2.0)], PERIODIC):
        joined = pairing(periodic=periodic, kernel=kernel)
        dy, dx = separations(joined, rule.owner)
        counts = matrix(rule, joined)
        reach = rule.reach(joined)
        for offset, far in zip((dy, dx), reach, strict=True):
            assert abs(offset[counts > 0]).max() <= far + 1e-9


# --- what cannot be --------------------------------------------------------

@pytest.mark.parametrize('rule', [FixedIndegree, FixedOutdegree])
def test_impossible_degrees_are_refused(rule):
    for degree in 0, -1, 1.5, '3', True, None:
        with pytest.raises(BadValue, match='a whole number, at least 1'):
            rule(degree)
    assert rule(np.int32(3)).number == 3

    alone = pairing((1, 1), (1, 1))
    with pytest.raises(BadValue, match='allow self_connections'):
        rule(1, self_connections=False).check(alone)
    rule(5).check(alone)
    small = pairing((2, 3), (2, 3))
    rule(6, multiple_contacts=False).check(small)
    for self_connections, most in (True, 6), (False, 5):
        with pytest.raises(BadValue, match=f'<= {most}, the neurons there'):
            rule(most + 1, self_connections, False).check(small)
    # The partners are those of the other side
    uneven = pairing((2, 3), (1, 2))
    with pytest.raises(BadValue, match='<= [26], the neurons there are'):
        rule(7, multiple_contacts=False).check(uneven)


@pytest.mark.parametrize('rule', [FixedIndegree, FixedOutdegree])
@pytest.mark.parametrize('kernel, settings', [
    (Ring(0.01, 0.02), {}),
    (Disc(0.05), {'self_connections': False}),
    (Disc(0.1), {'multiple_contacts': False}),
    # Only those near two corners find any
    (Ring(1.5, 1.55), {}),
], ids=str)
def test_a_kernel_without_neurons_is_told(rule, kernel, settings, sampler):
    joined = pairing(kernel=kernel)
    with pytest.raises(SimulationError, match=(
            r'projection p: (source|target) neuron \d+ finds no 20 partners '
            r'within its kernel .*; enlarge the kernel')):
        everyone(rule(20, **settings), joined)


@pytest.mark.parametrize('probability', [-0.1, 1.1, np.nan, '0.5', None,
                                         True, np.inf])
def test_probabilities_lie_between_zero_and_one(probability):
    with pytest.raises(BadValue, match='a number from 0 to 1'):
        PairwiseBernoulli(probability)


def test_one_to_one_and_stencils_need_equal_grids():
    joined = pairing((3, 4), (4, 3))
    for rule in OneToOne(), Stencil.moore():
        with pytest.raises(BadValue, match=r'the source is \(3, 4\), the '
                           r'target is|the target \(4, 3\)|\(4, 3\)'):
            rule.check(joined)
    for rule in OneToOne(), Stencil.moore():
        rule.check(pairing((3, 4), (3, 4), same=False))


@pytest.mark.parametrize('sources, targets, message', [
    ([1, 2], [1], 'as many sources as targets'),
    ([1.0], [1], 'edges.sources'),
    ([1], ['1'], 'edges.targets'),
    ([[1]], [[1]], 'a list of whole numbers'),
    ([True], [1], 'edges.sources'),
    ([2**70], [1], 'edges.sources'),
    (3, 4, 'a list of whole numbers'),
])
def test_edges_are_two_lists_of_ids(sources, targets, message):
    with pytest.raises(BadValue, match=message):
        Edges(sources, targets)


@pytest.mark.parametrize('sources, targets, message', [
    ([0, 216], [0, 0], r'edges.sources\[1\] = 216: must be a source id from '
     '0 to 215'),
    ([0, 1, -1], [0, 0, 0], r'edges.sources\[2\] = -1'),
    ([0], [24*9], r'edges.targets\[0\] = 216: must be a target id'),
    (np.array([2**64 - 1], np.uint64), [0], 'edges.sources.0. = '
     '18446744073709551615'),
])
def test_ids_out_of_range_are_told(sources, targets, message):
    with pytest.raises(BadValue, match=message):
        Edges(sources, targets).check(pairing((12, 18), (24, 9)))


@pytest.mark.parametrize('mask', [
    [[1, 1], [1, 1]], [[1, 1]], [1, 1, 1], [[0]], [[np.nan]], [[np.inf]],
    [['a']], [], [[1], [1, 1, 1]], None, [[[1]]]])
@pytest.mark.filterwarnings('ignore:Creating an ndarray from ragged')
def test_masks_are_tables_with_a_middle(mask):
    with pytest.raises(BadValue, match='stencil.mask'):
        Stencil(mask)


def test_a_stencil_fits_a_periodic_grid():
    rule = Stencil.moore(2)
    rule.check(pairing((5, 5), (5, 5), (True, True)))
    rule.check(pairing((4, 5), (4, 5), (False, True)))
    for shape in (4, 5), (5, 4):
        with pytest.raises(BadValue, match='no larger than the periodic'):
            rule.check(pairing(shape, shape, (True, True)))
    for radius in 0, -1, 1.5, True, '1':
        for make in Stencil.moore, Stencil.von_neumann:
            with pytest.raises(BadValue, match='a whole number >= 1'):
                make(radius)

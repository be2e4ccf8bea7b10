"""A fixed total of connections, and the binomial numbers that share it."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy import stats

from dsim import rng
from dsim.compiled import compiled
from dsim.connectivity.base import Pairing, size
from dsim.connectivity.binomial import binomial, chance
from dsim.connectivity.edges import Edges
from dsim.connectivity.fixed_total import FixedTotal
from dsim.connectivity.kernels import Gaussian, Uniform
from dsim.errors import BadValue
from dsim.network import Network
from dsim.neurons.lif import LIF
from dsim.partitioning import ProcessGrid, Tiling
from dsim.space import Sheet

# Seeds are fixed: these tests pass always or never
LIKELY = 1e-4


@compiled
def _fill(out, key, n, p):
    for i in range(out.size):
        out[i] = binomial(key, i, 7, n, p)


def numbers(n, p, count=100_000):
    out = np.empty(count, np.int64)
    _fill(out, rng.key(5, 'binomial'), n, p)
    return out


def pairing(source=(12, 18), target=(12, 18), periodic=(False, False),
            seed=1, same=None):
    same = source == target if same is None else same
    return Pairing('p', seed, Sheet((1.0, 1.5), periodic), source, target,
                   same, Uniform())


def matrix(rule, joined):
    """How often each target (row) drew each source (column)."""
    rows = rule.rows(joined, np.arange(size(joined.target)))
    counts = np.zeros((size(joined.target), size(joined.source)), int)
    owners = np.repeat(np.arange(counts.shape[0]), np.diff(rows.pointer))
    np.add.at(counts, (owners, rows.partners), 1)
    return counts


# --- binomial numbers ------------------------------------------------------

@pytest.mark.parametrize('n, p', [
    (1, 0.5), (2, 0.3), (3, 0.9), (20, 0.01), (40, 0.5), (1000, 0.003),
    (1000, 0.5), (5000, 0.75), (10**6, 1e-6), (10**8, 0.5)])
def test_binomial_numbers_have_their_distribution(n, p):
    found = numbers(n, p)
    assert found.min() >= 0 and found.max() <= n
    model = stats.binom(n, p)
    # Bins of a thousand or more expected, cut between whole numbers
    edges = np.unique(model.ppf(np.linspace(0, 1, 41)[1:-1]))
    expected = found.size*np.diff(np.concatenate(
        ([0.0], model.cdf(edges), [1.0])))
    observed = np.bincount(np.searchsorted(edges, found),
                           minlength=edges.size + 1)
    keep = expected > 5
    assert observed[~keep].sum() <= 25
    assert stats.chisquare(
        observed[keep], expected[keep]*observed[keep].sum()
        / expected[keep].sum()).pvalue > LIKELY
    assert abs(found.mean() - n*p) < 4*np.sqrt(n*p*(1 - p)/found.size)


def test_the_test_of_the_distribution_can_fail():
    found = numbers(1000, 0.5)
    model = stats.binom(1000, 0.501)
    assert abs(found.mean() - model.mean()) > 4*model.std()/found.size**0.5


def test_what_is_certain_is_not_drawn():
    assert (numbers(0, 0.5, 10) == 0).all()
    assert (numbers(9, 0.0, 10) == 0).all()
    assert (numbers(9, 1.0, 10) == 9).all()


def exact(k, n, p):
    p = Fraction(p)
    return float(comb(n, k)*p**k*(1 - p)**(n - k))


@pytest.mark.parametrize('n', [1, 2, 5, 15, 16, 17, 31, 100, 1000])
def test_chances_are_those_of_exact_fractions(n):
    for p in 1e-9, 1/1024, 0.05, 0.1, 0.25, 1/3, 0.5:
        for k in {0, min(int((n + 1)*p), n - 1), n//3}:
            assert chance(k, n, p) == pytest.approx(
                exact(k, n, p), rel=1e-12, abs=1e-300)
            middle = abs(k - n*p) <= 1
            assert not middle or chance(k, n, p) == pytest.approx(
                exact(k, n, p), rel=4e-15)


@pytest.mark.parametrize('n', [10**7, 10**10, 2**50])
def test_chances_of_many_trials_are_those_of_the_expansion(n):
    # De Moivre and Stirling: sqrt(2/(pi n)) (1 - 1/(4 n) + 1/(32 n²))
    expected = np.sqrt(2/(np.pi*n))*(1 - 1/(4*n) + 1/(32*n*n))
    assert chance(n//2, n, 0.5) == pytest.approx(expected, rel=3e-15)


def test_a_number_depends_on_all_of_its_address():
    key = rng.key(5, 'binomial')
    drawn = [binomial(*address, 10**9, 0.5) for address in (
        (key, 1, 7), (key, 2, 7), (key, 1, 8), (rng.key(6, 'binomial'), 1, 7))]
    assert len(set(drawn)) == 4
    assert drawn[0] == numbers(10**9, 0.5, 2)[1]


@pytest.mark.wheels
def test_these_numbers_on_every_machine():
    assert numbers(10**9, 0.5, 3).tolist() == FROZEN


FROZEN = [500027109, 499987711, 499982015]
"""What was drawn since this test was written."""


# --- the rule --------------------------------------------------------------

@pytest.mark.parametrize('source, target', [
    ((12, 18), (12, 18)), ((1, 7), (1, 1001)), ((20, 31), (1, 3)),
    ((1, 1), (5, 5))])
def test_the_total_is_exact(source, target):
    for total in 0, 1, 12345:
        counts = matrix(FixedTotal(total), pairing(source, target))
        assert counts.sum() == total


@pytest.mark.parametrize('shape', [(1, 4), (4, 1), (2, 2), (3, 1), (12, 18)])
def test_all_tiles_make_the_same_rows(shape):
    joined, rule = pairing((30, 7)), FixedTotal(9000)
    whole = rule.rows(joined, np.arange(216))
    tiling = Tiling([joined.target], ProcessGrid(*shape))
    total = 0
    for rank in range(shape[0]*shape[1]):
        make, ids = rule.maker(joined), tiling.ids(0, rank)
        for owners in np.array_split(ids, 3):
            rows = make(owners)
            total += rows.partners.size
            for k, owner in enumerate(owners):
                mine = slice(*rows.pointer[k:k + 2])
                theirs = slice(*whole.pointer[owner:owner + 2])
                np.testing.assert_array_equal(rows.partners[mine],
                                              whole.partners[theirs])
                np.testing.assert_array_equal(rows.draws[mine],
                                              np.arange(np.diff(
                                                  rows.pointer)[k]))
    assert total == 9000


def test_rows_may_be_asked_for_in_any_order():
    joined, rule = pairing(), FixedTotal(5000)
    whole = matrix(rule, joined).sum(axis=1)
    order = np.random.default_rng(1).permutation(216)
    make = rule.maker(joined)
    found = [make(order[k:k + 1]).partners.size for k in range(216)]
    np.testing.assert_array_equal(found, whole[order])


def test_indegrees_are_those_of_a_multinomial():
    # Each has the binomial's distribution, and two of them its covariance
    total, targets, seeds = 1500, 37, 400
    found = np.array([np.diff(FixedTotal(total).rows(
        pairing((1, 5), (1, targets), seed=seed),
        np.arange(targets)).pointer) for seed in range(seeds)])
    assert (found.sum(axis=1) == total).all()
    p = 1/targets
    variance = total*p*(1 - p)
    square = ((found - total*p)**2).sum()/variance*(1 - p)
    degrees = seeds*(targets - 1)
    assert 2*min(stats.chi2.sf(square, degrees),
                 stats.chi2.cdf(square, degrees)) > LIKELY

    counts = np.bincount(found.ravel(), minlength=total + 1)
    expected = found.size*stats.binom(total, p).pmf(np.arange(total + 1))
    keep = expected > 5
    assert stats.chisquare(counts[keep], expected[keep]*counts[keep].sum()
                           / expected[keep].sum()).pvalue > LIKELY
    # Neighbours of all levels of the tree
    for a, b in (0, 1), (3, 4), (17, 18), (0, 36), (8, 9):
        correlation = np.corrcoef(found[:, a], found[:, b])[0, 1]
        assert abs(correlation + 1/(targets - 1)) < 4/seeds**0.5


def test_pairs_are_drawn_evenly():
    counts = matrix(FixedTotal(100_000), pairing((10, 11), (7, 9)))
    assert stats.chisquare(counts.ravel()).pvalue > LIKELY
    assert counts.max() > 20
    assert stats.chisquare(counts.sum(axis=0)).pvalue > LIKELY
    assert stats.chisquare(counts.sum(axis=1)).pvalue > LIKELY
    # Draws of one target do not depend on one another
    rows = FixedTotal(200_000).rows(pairing((1, 6), (1, 50)), np.arange(50))
    first, second = rows.partners[:-1], rows.partners[1:]
    pairs = np.bincount(6*first + second, minlength=36)
    assert stats.chisquare(pairs).pvalue > LIKELY


def test_a_neuron_draws_itself_unless_forbidden():
    counts = matrix(FixedTotal(60_000), pairing((5, 6), (5, 6)))
    assert counts.diagonal().min() > 10
    counts = matrix(FixedTotal(60_000, self_connections=False),
                    pairing((5, 6), (5, 6)))
    assert counts.sum() == 60_000
    assert not counts.diagonal().any()
    off = counts[~np.eye(30, dtype=bool)]
    assert stats.chisquare(off).pvalue > LIKELY
    # Another population of the same shape has no self
    other = matrix(FixedTotal(60_000, self_connections=False),
                   pairing((5, 6), (5, 6), same=False))
    assert other.diagonal().any()


# --- blocks ----------------------------------------------------------------

def blocks_of(shape, blocks):
    row, column = np.divmod(np.arange(size(shape)), shape[1])
    return row*blocks[0]//shape[0], column*blocks[1]//shape[1]


@pytest.mark.parametrize('offset', [(0, 0), (1, 0), (-1, 2), (0, -1), (2, 4)])
@pytest.mark.parametrize('periodic', [(False, False), (True, True),
                                      (False, True)])
def test_connections_lead_from_block_to_block(offset, periodic):
    blocks, total = (2, 3), 4000
    source, target = (4, 15), (6, 6)
    joined = pairing(source, target, periodic)
    rule = FixedTotal(total, blocks=blocks, offset=offset)
    counts = matrix(rule, joined)

    expected = np.zeros_like(counts, float)
    there = np.stack(blocks_of(target, blocks)) + np.array(offset)[:, None]
    for axis in (0, 1):
        if periodic[axis]:
            there[axis] %= blocks[axis]
    mine = np.stack(blocks_of(source, blocks))
    joint = (there[:, :, None] == mine[:, None, :]).all(axis=0)
    expected[joint] = total/(6*10)
    assert counts[~joint].sum() == 0
    assert counts.sum() == pytest.approx(rule.degree(joined)*36)
    if joint.any():
        assert stats.chisquare(counts[joint]).pvalue > LIKELY
        block = 3*blocks_of(target, blocks)[0] + blocks_of(target, blocks)[1]
        ends = np.bincount(block, counts.sum(axis=1), 6)
        assert set(ends) <= {0, total}


@pytest.mark.parametrize('offset', [(0, 0), (1, 0), (-1, 1), (0, -2)])
def test_blocks_reach_as_far_as_their_farthest_pair(offset):
    joined = pairing((4, 15), (6, 6))
    rule = FixedTotal(30_000, blocks=(2, 3), offset=offset)
    targets, sources = np.nonzero(matrix(rule, joined))
    # A list of edges knows its reach from the connections themselves
    assert rule.reach(joined) == pytest.approx(
        Edges(sources, targets).reach(joined))
    assert FixedTotal(9).reach(joined) == (np.inf, np.inf)


def test_blocks_draw_their_own_numbers():
    rows = FixedTotal(3000, blocks=(1, 4)).rows(
        pairing((1, 40), (1, 40)), np.arange(40))
    degrees = np.diff(rows.pointer).reshape(4, 10)
    assert (degrees.sum(axis=1) == 3000).all()
    assert len({tuple(one) for one in degrees}) == 4


# --- mistakes --------------------------------------------------------------

@pytest.mark.parametrize('wrong', [
    {'total': -1}, {'total': 1.5}, {'total': True}, {'total': 2**48},
    {'total': 5, 'blocks': (0, 1)}, {'total': 5, 'blocks': (1,)},
    {'total': 5, 'offset': (0.5, 1)}, {'total': 5, 'blocks': 3}])
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(BadValue, match='fixed_total'):
        FixedTotal(**wrong)


def test_what_does_not_fit_is_refused():
    net = Network()
    net.population('a', LIF, (4, 6))
    net.population('one', LIF, 1)

    def project(rule, name='a', **more):
        net.project(name, name, rule=rule, weight=1.0, delay=1.0,
                    receptor='excitatory', **more)

    with pytest.raises(BadValue, match='left out with the rule fixed_total'):
        project(FixedTotal(5), kernel=Gaussian(0.1))
    with pytest.raises(BadValue, match='divisors of the rows and columns'):
        project(FixedTotal(5, blocks=(3, 3)))
    with pytest.raises(BadValue, match='allow self_connections'):
        project(FixedTotal(5, self_connections=False), 'one')
    project(FixedTotal(0, self_connections=False), 'one')
    project(FixedTotal(5, blocks=(4, 3)))

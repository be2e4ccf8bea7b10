"""Delays and weights as integers: those that one by one would be made."""

import itertools

import numpy as np
import pytest

from dsim.connectivity import integers, lattice
from dsim.connectivity import synapse_values as sv
from dsim.connectivity.base import Pairing
from dsim.connectivity.bernoulli import PairwiseBernoulli
from dsim.connectivity.degree import FixedIndegree, FixedOutdegree
from dsim.connectivity.edges import Edges
from dsim.connectivity.kernels import Disc, Gaussian
from dsim.connectivity.stencil import Stencil
from dsim.distributions import (
    Exponential,
    LogNormal,
    Normal,
    Uniform,
    draw,
    draw_some,
)
from dsim.errors import BadValue
from dsim.space import Sheet, distances

GRIDS = [((12, 18), (12, 18)), ((12, 18), (24, 9)), ((13, 10), (9, 14))]
PERIODIC = [(False, False), (True, False), (True, True)]
UNIT = 2.0**-20


def pairing(grids, periodic=(False, False), kernel=None):
    return Pairing('p', 3, Sheet((1.0, 1.5), periodic), *grids,
                   grids[0] == grids[1], kernel or Gaussian(0.15))


def one_by_one(value, what, joined, rule, owners, rows):
    """The values of all connections, from arrays of owners and distances."""
    own = np.repeat(owners, np.diff(rows.pointer))
    sources, targets = ((rows.partners, own) if rule.owner == 'target'
                        else (own, rows.partners))
    far = np.empty(own.size)
    sheet, a, b = joined.sheet, joined.source, joined.target
    distances(sources, targets, a[1], b[1], sheet.pitch(a), sheet.pitch(b),
              sheet.extent, sheet.periodic, far)
    key = sv.address(joined.seed, what, joined.name)
    return sv.values(value, key, own, rows.draws, far)


def made(rule, joined, some=3):
    count = np.prod(joined.grids(rule.owner)[0])
    owners = np.arange(0, count, some)
    return owners, rule.rows(joined, owners)


VALUES = [2.5, Uniform(1, 9), Normal(5, 1), Normal(5, 3, low=2, high=6),
          LogNormal(1, 0.3, high=20), Exponential(2.0, low=1.0, high=14.0),
          sv.Distance(0.07, 1.0), sv.Falloff(9.0, Gaussian(0.2)),
          lambda d: 3 + d**2]


@pytest.mark.parametrize('tables', [True, False])
@pytest.mark.parametrize('rule', [
    FixedIndegree(30), FixedOutdegree(30), PairwiseBernoulli(0.5)],
    ids=lambda rule: rule.name)
@pytest.mark.parametrize('value', VALUES, ids=str)
def test_they_are_those_made_one_by_one(value, rule, tables, monkeypatch):
    if not tables:
        monkeypatch.setattr(lattice, 'MOST_ENTRIES', 0)
    for grids, periodic in itertools.product(GRIDS, PERIODIC):
        joined = pairing(grids, periodic)
        owners, rows = made(rule, joined)
        make = integers.weights(value, joined, rule, UNIT)
        found = make(owners, rows)
        assert found.dtype == np.int32 and found.size == rows.partners.size
        expected = one_by_one(value, 'weight', joined, rule, owners, rows)
        # A distance may differ in its last bit
        assert abs(found - expected/UNIT).max() < 0.5001
        drawn = not sv.needs_distance(value)
        if drawn:
            np.testing.assert_array_equal(found, np.rint(expected/UNIT))

        make = integers.delays(value, joined, rule, 0.1, 3, 150)
        expected = one_by_one(value, 'delay', joined, rule, owners, rows)
        whole = np.clip(np.floor(expected/0.1 + 0.5), 3, 150)
        found = make(owners, rows)
        assert (found != whole).mean() < (1e-9 if drawn else 0.02)
        near = abs(expected/0.1 - found) <= 0.5 + 1e-9
        assert (near | (found == 3) | (found == 150)).all()
        # And those of two neurons by themselves
        rows = rule.rows(joined, owners)
        some = slice(rows.pointer[5], rows.pointer[7])
        whole = make(owners, rows)[some].copy()
        alone = rule.rows(joined, owners[5:7])
        np.testing.assert_array_equal(make(owners[5:7], alone), whole)


@pytest.mark.parametrize('grids', GRIDS)
@pytest.mark.parametrize('periodic', PERIODIC)
def test_offsets_have_the_distances(grids, periodic):
    joined = pairing(grids, periodic)
    numbers = lattice.lattice(joined, (9.0, 9.0))
    dy, dx = (lattice.offsets(joined, numbers, axis) for axis in (0, 1))
    (rows, columns), (others, across) = grids
    for axis, far, n, m in ((0, dy, rows, others), (1, dx, columns, across)):
        length = joined.sheet.extent[axis]
        for s, t in itertools.product(range(n), range(m)):
            k = lattice.entry(
                (2*s + 1)*numbers.source[axis], t, numbers.target[axis],
                numbers.around[axis], numbers.cells[axis])
            expected = abs((t + 0.5)/m - (s + 0.5)/n)*length
            if periodic[axis]:
                expected = min(expected, length - expected)
            assert far[k] == pytest.approx(expected, abs=1e-12)


def test_offsets_are_as_few_as_the_reach_needs():
    joined = pairing(((1000, 1000), (1000, 1000)), (True, True))
    numbers = lattice.lattice(joined, (0.01, 0.3))
    assert numbers.cells == (12, 201)
    assert lattice.lattice(joined, (9, 9)).cells == (501, 501)
    coprime = pairing(((1009, 1009), (1000, 1000)))
    assert lattice.lattice(coprime, (9, 9)) is None


def test_a_function_is_asked_for_few_distances_once():
    asked = []

    def far(d):
        asked.append(d.size)
        return 1 + d

    joined = pairing(((12, 18), (12, 18)), (True, True))
    rule = FixedIndegree(400)
    make = integers.delays(far, joined, rule, 0.1, 1, 100)
    owners, rows = made(rule, joined, 1)
    for _ in range(3):
        make(owners, rows)
    assert len(asked) == 1 and asked[0] <= 7*10


def test_factors_and_lists():
    joined = pairing(((12, 18), (12, 18)))
    stencil = Stencil([[0, 1, -2], [3, 0.5, 4], [0, 7, 0]])
    for value in 2.0, Uniform(1, 2), lambda d: 1 + d:
        owners, rows = made(stencil, joined)
        found = integers.weights(value, joined, stencil, UNIT)(owners, rows)
        expected = one_by_one(value, 'weight', joined, stencil, owners, rows)
        expected = expected*stencil.factors[rows.draws]
        assert abs(found - expected/UNIT).max() < 0.5001
        # But a delay has none
        found = integers.delays(value, joined, stencil, 0.01, 1, 900)(
            owners, rows)
        expected = one_by_one(value, 'delay', joined, stencil, owners, rows)
        assert abs(found - expected/0.01).max() < 0.5001

    luck = np.random.default_rng(4)
    edges = Edges(*luck.integers(0, 216, (2, 900)))
    weights = luck.normal(size=900)
    owners, rows = made(edges, joined, 1)
    found = integers.weights(weights, joined, edges, UNIT)(owners, rows)
    np.testing.assert_array_equal(found, np.rint(weights/UNIT)[rows.draws])


def test_what_does_not_fit_is_told():
    joined = pairing(((12, 18), (12, 18)), kernel=Disc(0.5))
    rule = FixedIndegree(50)
    owners, rows = made(rule, joined)
    for value in 3000.0, lambda d: 3000.0 + d, Uniform(2900, 3000):
        with pytest.raises(BadValue, match='p: weight = .*within ±2048'):
            integers.weights(value, joined, rule, UNIT)(owners, rows)
        with pytest.raises(BadValue, match='p: delay = .*: must be 1 to 9'):
            integers.delays(value, joined, rule, 1.0, 1, 9)(owners, rows)
    for value in lambda d: np.where(d > 0.2, np.nan, 1.0), 1e300:
        with pytest.raises(BadValue, match='p: weight'):
            integers.weights(value, joined, rule, UNIT)(owners, rows)
    # A step beyond is rounding; and nobody asks beyond the longest
    make = integers.delays(lambda d: 1.0 + 9.0*(d > 0.51), joined, rule, 1.0,
                           2, 4)
    assert (make(owners, rows) == 2).all()


def test_many_draws_are_those_one_by_one():
    n = 64
    owners = np.arange(n)*1_000_003 % 2**40
    indices = np.arange(n)*77
    for value in VALUES[1:6]:
        out, words = np.zeros(n), np.zeros(4*n, np.uint32)
        draw_some(out, words, n - 5, value.code(), np.uint64(5), owners,
                  indices)
        for k in range(n - 5):
            assert out[k] == draw(*value.code(), np.uint64(5), owners[k],
                                  indices[k])

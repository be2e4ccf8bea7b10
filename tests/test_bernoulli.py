"""Pairs drawn by leaps: each with its probability, and by itself."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from dsim import rng
from dsim.connectivity import bernoulli, lattice
from dsim.connectivity.base import Pairing
from dsim.connectivity.bernoulli import PairwiseBernoulli
from dsim.connectivity.kernels import Box, Disc, Gaussian, Ring, Uniform
from dsim.elementary import log
from dsim.space import Sheet

LIKELY = 1e-4
EXTENT = (1.0, 9.0)
# Cells on the very border of a kernel belong to it
EDGE = 1e-9
KERNELS = {
    'uniform': (Uniform(), lambda dy, dx: np.ones_like(dy)),
    'gaussian': (Gaussian(0.8), lambda dy, dx: np.where(
        np.hypot(dy, dx) <= 2.4 + EDGE, np.exp(-(dy**2 + dx**2)/1.28), 0)),
    'ring': (Ring(0.9, 2.2), lambda dy, dx: 1.0*(
        (np.hypot(dy, dx) >= 0.9 - EDGE) & (np.hypot(dy, dx) <= 2.2 + EDGE))),
    'box': (Box(0.7, 3.1), lambda dy, dx: 1.0*(
        (abs(dy) <= 0.35 + EDGE) & (abs(dx) <= 1.55 + EDGE))),
}


def pairing(source, target, periodic=(False, False), kernel=None, seed=1):
    return Pairing('p', seed, Sheet(EXTENT, periodic), source, target,
                   source == target, kernel or Uniform())


def matrix(rule, joined, bounds=None):
    """Whether each source (row) reaches each target (column)."""
    count, others = np.prod(joined.source), np.prod(joined.target)
    rows = rule.maker(joined, bounds)(np.arange(count))
    found = np.zeros((count, others), int)
    owners = np.repeat(np.arange(count), np.diff(rows.pointer))
    np.add.at(found, (owners, rows.partners), 1)
    assert found.max(initial=0) <= 1
    return found


def separations(joined):
    """(dy, dx) of each pair, the short way round, by hand."""
    found = []
    for axis in (0, 1):
        y, x = ((np.indices(shape)[axis].ravel() + 0.5)
                * EXTENT[axis]/shape[axis]
                for shape in (joined.source, joined.target))
        far = x[None, :] - y[:, None]
        if joined.sheet.periodic[axis]:
            far -= EXTENT[axis]*np.round(far/EXTENT[axis])
        found.append(far)
    return found


def dispersion(observed, chance, times):
    """p-value of counts of independent pairs, each with its own chance.

    The sum of squared deviations, whose variance is known exactly.
    """
    pair = chance*(1 - chance)
    some = pair > 0
    np.testing.assert_array_equal(observed[~some], times*chance[~some])
    p, n = pair[some], some.sum()
    square = ((observed - times*chance)[some]**2/(times*p)).sum()
    z = (square - n)/np.sqrt((2 + (1 - 6*p)/(times*p)).sum())
    return 2*stats.norm.sf(abs(z))


# --- each pair -------------------------------------------------------------

@pytest.mark.parametrize('tables', [True, False])
@pytest.mark.parametrize('periodic', [(False, False), (True, True)])
@pytest.mark.parametrize('kernel, p', [
    ('uniform', 0.5), ('uniform', 0.05), ('gaussian', 0.7),
    ('gaussian', 1.0), ('ring', 0.3), ('ring', 0.02), ('box', 0.4)])
def test_pairs_of_long_rows_have_their_chance(kernel, p, periodic, tables,
                                              monkeypatch):
    # Rows of several segments, which begin anywhere in a source's reach
    if not tables:
        if kernel in ('uniform', 'box'):
            pytest.skip('these have none')
        monkeypatch.setattr(lattice, 'MOST_ENTRIES', 0)
    profile, formula = KERNELS[kernel]
    times, shapes = 60, [((2, 41), (3, 300)), ((1, 90), (1, 90))]
    for source, target in shapes:
        trials = [pairing(source, target, periodic, profile, seed)
                  for seed in range(times)]
        chance = p*formula(*separations(trials[0]))
        rule = PairwiseBernoulli(p)
        observed = sum(matrix(rule, joined) for joined in trials)
        assert dispersion(observed, chance, times) > LIKELY
        wrong = np.clip(chance*1.2, 0, 1)
        if p < 0.8 and target[1] > 100:
            assert dispersion(observed, wrong, times) < LIKELY

        # As many as there should be of each target, source and offset
        variance = times*chance*(1 - chance)
        off = observed - times*chance
        sums = [off.sum(axis=0), off.sum(axis=1)]
        spreads = [variance.sum(axis=0), variance.sum(axis=1)]
        place = np.round(separations(trials[0])[1]*40).astype(int)
        place -= place.min()
        sums.append(np.bincount(place.ravel(), off.ravel()))
        spreads.append(np.bincount(place.ravel(), variance.ravel()))
        for total, spread in zip(sums, spreads, strict=True):
            z = total[spread > 5]/np.sqrt(spread[spread > 5])
            square = (z**2).sum()
            assert 2*min(stats.chi2.sf(square, z.size),
                         stats.chi2.cdf(square, z.size)) > LIKELY


@pytest.mark.parametrize('p', [0.6, 0.1, 0.015])
def test_neighbours_are_unrelated(p):
    joined = pairing((3, 50), (12, 900))
    found = matrix(PairwiseBernoulli(p), joined).reshape(3, 50, 12, 900)
    off = found - p
    for shift in (1, 2, 3, 31, 32, 64, 512):
        pairs = (off[..., shift:]*off[..., :-shift]).ravel()
        z = pairs.sum()/np.sqrt(pairs.size)/(p*(1 - p))
        assert abs(z) < 4, f'columns {shift} apart'
    for axis in (0, 1, 2):
        ahead = np.roll(off, 1, axis)
        z = (off*ahead).sum()/np.sqrt(off.size)/(p*(1 - p))
        assert abs(z) < 4, f'axis {axis}'
    other = matrix(PairwiseBernoulli(p), pairing((3, 50), (12, 900), seed=2))
    z = (off.ravel()*(other.ravel() - p)).sum()/np.sqrt(off.size)/(p*(1 - p))
    assert abs(z) < 4


@pytest.mark.parametrize('p', [0.3, 0.004])
def test_degrees_are_binomial(p):
    joined = pairing((40, 50), (20, 100))
    found = matrix(PairwiseBernoulli(p), joined)
    for axis in (0, 1):
        degrees = found.sum(axis=axis)
        low, high = stats.binom.ppf([0.02, 0.98], 2000, p).astype(int)
        seen = np.bincount(degrees.clip(low, high) - low)
        expected = stats.binom.pmf(np.arange(low, high + 1), 2000, p)
        expected[0] = stats.binom.cdf(low, 2000, p)
        expected[-1] = stats.binom.sf(high - 1, 2000, p)
        assert stats.chisquare(seen, 2000*expected).pvalue > LIKELY
    assert PairwiseBernoulli(p).degree(joined) == pytest.approx(2000*p)


def test_leaps_are_right_for_any_probability():
    # No resolution is lost for small ones
    for p in [*10.0**np.arange(-300, 0, 7), 1e-16, 3e-9, 0.3, 0.999,
              1 - 2.0**-53]:
        assert bernoulli._rate(p) == pytest.approx(1/math.log1p(-p), 1e-12)
    assert bernoulli._rate(1.0) == 0
    joined = pairing((1, 1), (1000, 1000))
    assert not matrix(PairwiseBernoulli(1e-15), joined).any()
    assert matrix(PairwiseBernoulli(1 - 1e-15), joined).all()


# --- by its definition -----------------------------------------------------

@pytest.mark.parametrize('target', [(3, 1500), (150, 30)])
@pytest.mark.parametrize('p', [0.9, 0.4, 0.03, 0.001])
def test_a_row_by_its_definition(p, target):
    # Rows shorter than a segment are one
    joined = pairing((4, 50), target)
    rule = PairwiseBernoulli(p)
    found = matrix(rule, joined)
    key, bits = rng.key(1, 'partners', 'p'), bernoulli._segment(p, True)
    assert bits == {0.9: 5, 0.4: 6, 0.03: 10, 0.001: 12}[p]
    rows, columns = target if target[1] >= 1 << bits else (1, 4500)
    segments = -(-columns >> bits)
    for source in 0, 7, 199:
        expected = np.zeros((rows, columns), int)
        for row, segment in itertools.product(range(rows), range(segments)):
            column, end = (segment << bits) - 1, (segment + 1) << bits
            for t in itertools.count():
                at = ((row*segments + segment)*2 << 13) + t//2
                a, b = rng.words(key, source, at)[t % 2*2:][:2]
                u = 1 - ((int(a) >> 5 << 26) + (int(b) >> 6))/2**53
                column += 1 + int(log(u)*bernoulli._rate(p))
                if column >= min(end, columns):
                    break
                expected[row, column] = 1
        np.testing.assert_array_equal(found[source], expected.ravel())


# --- tiles -----------------------------------------------------------------

@pytest.mark.parametrize('tables', [True, False])
@pytest.mark.parametrize('periodic', [(False, False), (True, True)])
@pytest.mark.parametrize('p', [0.6, 0.08])
@pytest.mark.parametrize('kernel', KERNELS)
def test_a_tile_draws_what_the_whole_would(kernel, p, periodic, tables,
                                           monkeypatch):
    if not tables:
        monkeypatch.setattr(lattice, 'MOST_ENTRIES', 0)
    joined = pairing((3, 40), (6, 200), periodic, KERNELS[kernel][0])
    rule = PairwiseBernoulli(p)
    whole = matrix(rule, joined).reshape(-1, 6, 200)
    assert whole.sum() > 500
    rows, columns = [0, 1, 4, 6], [0, 1, 32, 63, 64, 130, 200]
    for row, column in itertools.product(range(3), range(6)):
        bounds = (*rows[row:row + 2], *columns[column:column + 2])
        part = matrix(rule, joined, bounds).reshape(-1, 6, 200)
        inside = np.zeros((6, 200), int)
        inside[slice(*bounds[:2]), slice(*bounds[2:])] = 1
        np.testing.assert_array_equal(part, whole*inside)
    assert not matrix(rule, joined, (2, 2, 0, 200)).any()


def test_rows_hold_until_the_next_call():
    joined = pairing((3, 40), (6, 200), kernel=Disc(1.0))
    make = PairwiseBernoulli(0.6).maker(joined)
    first = make(np.arange(50)).partners.copy()
    make(np.arange(50, 120))
    np.testing.assert_array_equal(make(np.arange(50)).partners, first)


def test_no_neuron_reaches_itself_if_not_allowed():
    for kernel in Uniform(), Gaussian(1.0):
        joined = pairing((4, 30), (4, 30), (True, True), kernel)
        own = matrix(PairwiseBernoulli(0.9), joined)
        none = matrix(PairwiseBernoulli(0.9, False), joined)
        assert own.diagonal().sum() > 60 and not none.diagonal().any()
        np.fill_diagonal(own, 0)
        np.testing.assert_array_equal(own, none)

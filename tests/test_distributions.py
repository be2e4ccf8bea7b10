"""Distributions: drawn as declared, inside their bounds, or refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from dsim import rng
from dsim.distributions import (
    DISTRIBUTIONS,
    Exponential,
    LogNormal,
    Normal,
    Uniform,
    draw,
    fill,
    fill_pairs,
)
from dsim.elementary import exp, log
from dsim.errors import BadValue

KEY = rng.key(3, 'value', 'exc', 'a')
ZERO = np.uint64(0)


def drawn(distribution, size=100_000, index=0):
    out = np.empty(size)
    fill(out, distribution.code(), KEY, np.arange(size), index)
    return out


@pytest.mark.parametrize('distribution, exact', [
    (Uniform(-2.0, 3.0), stats.uniform(-2.0, 5.0)),
    (Normal(-60.0, 5.0), stats.norm(-60.0, 5.0)),
    (LogNormal(0.5, 0.8), stats.lognorm(0.8, scale=math.exp(0.5))),
    (Exponential(1.5), stats.expon(scale=1.5)),
])
def test_draws_follow_the_distribution(distribution, exact):
    values = drawn(distribution)
    assert stats.kstest(values, exact.cdf).pvalue > 1e-3
    low, high = distribution.bounds()
    assert low <= values.min() and values.max() <= high


def test_draws_are_made_of_numbers_at_the_same_address():
    for i in range(50):
        u, z = rng.uniform(KEY, i, 7), rng.normal(KEY, i, 7)
        for distribution, value in (
            (Uniform(-2.0, 3.0), -2.0 + 5.0*u),
            (Normal(-60.0, 5.0), -60.0 + 5.0*z),
            (LogNormal(0.5, 0.8), exp(0.5 + 0.8*z)),
            (Exponential(1.5), -1.5*log(1.0 - u)),
        ):
            assert draw(*distribution.code(), KEY, i, 7) == value


def test_a_negative_mean_gives_negative_times():
    values = drawn(Exponential(-1.5))
    assert (values == -drawn(Exponential(1.5))).all()
    assert Exponential(-1.5).bounds() == (-1.5*53*math.log(2), 0.0)


def test_bounds_are_reached():
    low, high = Normal(10, 2).bounds()
    assert (low, high) == (10 - 2*rng.LARGEST_NORMAL,
                           10 + 2*rng.LARGEST_NORMAL)
    assert LogNormal(1, 0.5).bounds() == pytest.approx(
        (math.exp(1 - 0.5*rng.LARGEST_NORMAL),
         math.exp(1 + 0.5*rng.LARGEST_NORMAL)), rel=1e-14)
    assert Exponential(2).bounds() == (0, pytest.approx(2*53*math.log(2)))
    assert Uniform(-1, 4).bounds() == (-1, 4)
    assert Normal(10, 0).bounds() == (10, 10)


@pytest.mark.parametrize('free, low, high', [
    (Normal(0.0, 1.0), -0.5, 1.0),
    (LogNormal(0.0, 1.0), 0.5, 2.0),
    (Exponential(1.0), 0.1, 2.0),
])
def test_limits_take_what_lies_beyond(free, low, high):
    distribution = replace(free, low=low, high=high)
    values, all_values = drawn(distribution, 2000), drawn(free, 2000)
    assert distribution.bounds() == (low, high)
    assert (values == all_values.clip(low, high)).all()
    assert all_values.min() < low and high < all_values.max()


def test_a_limit_on_one_side():
    low, high = Normal(1.0, 1.0, low=0.0).bounds()
    assert (low, high) == (0.0, 1.0 + rng.LARGEST_NORMAL)
    assert Normal(1.0, 1.0, low=20.0).bounds() == (20.0, 20.0)
    assert (drawn(Normal(1.0, 1.0, low=20.0), 10) == 20.0).all()


@pytest.mark.parametrize('distribution', [
    Uniform(0.1, np.nextafter(0.1, 1.0)), Uniform(0.7, 0.7),
    Normal(0.1, 1e-17), LogNormal(0.35, 2e-17), LogNormal(14.9, 5e-16),
])
def test_rounding_leads_no_draw_beyond_the_bounds(distribution):
    low, high = distribution.bounds()
    values = drawn(distribution, 10_000)
    assert low <= values.min() and values.max() <= high


def test_a_constant():
    assert draw(0, 2.5, 0.0, -math.inf, math.inf, KEY, 1, 2) == 2.5


def test_draws_are_addressed():
    code = Normal(0.0, 1.0).code()
    ids = np.array([9, 4, 400_000_000_000, 4])
    indices = np.array([1, 0, 2, 5])
    out, pairs = np.empty(4), np.empty(4)
    fill(out, code, KEY, ids, 5)
    fill_pairs(pairs, code, KEY, ids, indices)
    for i in range(4):
        assert out[i] == draw(*code, KEY, ids[i], 5)
        assert pairs[i] == draw(*code, KEY, ids[i], indices[i])
        assert out[i] == rng.normal(KEY, ids[i], 5)
    assert out[1] == out[3] and pairs[1] != pairs[3]


def test_table():
    assert list(DISTRIBUTIONS) == [
        'uniform', 'normal', 'lognormal', 'exponential']
    kinds = {cls.kind for cls in DISTRIBUTIONS.values()}
    assert len(kinds) == 4 and 0 not in kinds
    for value in Normal(1, 2).code()[1:]:
        assert type(value) is float


@pytest.mark.parametrize('make, words', [
    (lambda: Normal(0.0, -1.0), ('normal.std', '-1.0', '>= 0')),
    (lambda: LogNormal(0.0, -1.0), ('lognormal.sigma', '>= 0')),
    (lambda: Normal(math.nan, 1.0), ('normal.mean', 'finite')),
    (lambda: Normal(0.0, math.inf), ('normal.std', 'finite')),
    (lambda: Normal(0.0, 1.0, low=math.nan), ('normal.low', 'number')),
    (lambda: Normal('0', 1.0), ('normal.mean', "'0'", 'number')),
    (lambda: Exponential(True), ('exponential.mean', 'number')),
    (lambda: Uniform(3.0, 2.0), ('uniform.low', '3.0', 'high, which is 2')),
    (lambda: Uniform(-math.inf, 2.0), ('uniform.low', 'finite')),
    (lambda: Uniform(-1.7e308, 1.7e308), ('uniform', 'finite')),
    (lambda: Normal(0.0, 1.0, low=2.0, high=1.0), ('normal.low', 'high')),
    (lambda: LogNormal(0.0, 200.0), ('lognormal', 'finite', 'spread')),
    (lambda: Normal(0.0, 1.0, math.inf, math.inf), ('normal', 'finite')),
])
def test_refusals(make, words):
    with pytest.raises(BadValue) as caught:
        make()
    for word in words:
        assert word in str(caught.value)

"""Poisson numbers: right distributions, the same one by one and in bulk."""

import hashlib
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from dsim import poisson, rng
from dsim.compiled import compiled
from dsim.elementary import exp

KEY = rng.key(20_261_123, 'poisson')
LIKELY = 1e-3
MEANS = [0.01, 0.5, 1.0, 5.0, 16.0, 30.0, 40.0, 90.0]


def counts(size, mean, steps=1, key=KEY):
    out = np.zeros((steps, size))
    law = poisson.law(mean)
    poisson.add(out, key, 0, np.array([0]), size, law, 1.0)
    return out


@compiled
def _draws(key, first, index, mean, out):
    for i in range(out.size):
        out[i] = poisson.draw(key, first + i, index, mean)


@pytest.mark.wheels
def test_bits_do_not_depend_on_the_machine():
    means = np.arange(4096)/128
    out = counts(4096, means)
    out += 100*counts(4096, np.resize(means[:100], 4096))
    out += 10_000*counts(4096, 3.7)
    digest = hashlib.blake2b(out.tobytes(), digest_size=8).hexdigest()
    assert digest == '21477e563752825c'


# --- distributions ---------------------------------------------------------

@pytest.mark.parametrize('mean', MEANS)
@pytest.mark.parametrize('tables', [True, False])
def test_numbers_are_poisson(mean, tables, monkeypatch):
    if not tables:
        monkeypatch.setattr(poisson, 'MOST_KINDS', 0)
    means = mean if tables else np.full(100_000, mean)
    found = counts(100_000, means, 3).ravel().astype(np.int64)
    low, high = stats.poisson.ppf([20/found.size, 1 - 20/found.size], mean)
    low, high = int(low), max(int(high), int(low) + 1)

    expected = stats.poisson.pmf(np.arange(low, high + 1), mean)
    expected[0] = stats.poisson.cdf(low, mean)
    expected[-1] = stats.poisson.sf(high - 1, mean)
    seen = np.bincount(found.clip(low, high) - low)
    assert stats.chisquare(seen, expected*found.size).pvalue > LIKELY


def test_they_invert_the_distribution():
    # A mean of 90 is three pieces, in the further counters of the address
    for identity in range(200):
        u = [(rng.words(KEY, identity//4, 9 + (piece << 48))[identity % 4]
              + 0.5)/2**32 for piece in range(3)]
        for mean in 3.7, 30.0:
            assert poisson.draw(KEY, identity, 9, mean) == stats.poisson.ppf(
                u[0], mean)
        assert poisson.draw(KEY, identity, 9, 90.0) == stats.poisson.ppf(
            u, 30.0).sum()


def test_at_the_ends():
    for mean in (0.0, 1e-300):
        assert poisson.draw(KEY, 1, 2, mean) == 0
        assert not counts(5000, mean).any()
    many = poisson.draw(KEY, 1, 2, poisson.LARGEST_MEAN)
    assert abs(many - poisson.LARGEST_MEAN) < 5*many**0.5


def exact(mean, until):
    """The distribution function at 0 ... until - 1, from fractions."""
    terms = [Fraction(1)]
    for i in range(1, 400):
        terms.append(terms[-1]*Fraction(mean)/i)
    whole = sum(terms)
    return [sum(terms[:k + 1])/whole for k in range(until)]


@pytest.mark.parametrize('mean', [0.01, 0.75, 6.0, 30.0, 40.0])
def test_each_probability_is_right_to_53_bits(mean):
    law = poisson.law(mean)
    steps = law.totals[0][law.totals[0] < 2.0**33]/2**32
    assert steps.size > 6
    for found, step in zip(steps, exact(mean, steps.size), strict=True):
        assert abs(Fraction(found) - step) < 20*2.0**-53
    assert steps[-1] > 1 - 20*2.0**-53


@pytest.mark.parametrize('mean', [0.0, 1e-9, 0.01, 0.75, 6.0, 30.0, 40.0])
def test_tables_hold_the_distribution(mean):
    # For words about each step and about each border of a part, at random
    law = poisson.law(mean)
    steps = law.totals[0][law.totals[0] < 2.0**33]
    borders = np.arange(1025)*2.0**22
    words = (np.concatenate([steps, borders])[:, None]//1
             + np.arange(-2, 3)).ravel()
    words = words[(words >= 0) & (words < 2**32)].astype(np.int64)
    entries = law.entries[0][words >> 22].astype(np.int64)
    place, step = words & (2**22 - 1), entries & (2**22 - 1)
    number = (entries >> 22 & 511) + (place > step)
    open_ = (entries >> 31 > 0) | (place == step)

    # Steps below all of [word, word + 1), and those below its end
    surely = np.searchsorted(steps, words, 'right')
    perhaps = np.searchsorted(steps, words + 1, 'left')
    np.testing.assert_array_equal(number[~open_], surely[~open_])
    np.testing.assert_array_equal(surely[~open_], perhaps[~open_])
    assert (open_ | (surely == perhaps)).all()
    start = entries >> 22 & 511
    assert (start[open_] <= surely[open_]).all()
    assert np.mean(law.entries[0] >> 31) < 0.004


@compiled
def _search_at(word, mean, key, identities, out):
    zero = exp(-mean)*2.0**32
    for i in range(out.size):
        out[i] = poisson._search(word, mean, zero, key, identities[i], 7)


@pytest.mark.parametrize('mean', [0.3, 5.0, 30.0])
def test_further_bits_decide_where_a_word_cannot(mean):
    # With the word that holds a step, the bits after it must be compared
    totals = poisson.law(mean).totals[0]
    for k in range(int(mean), int(mean) + 3):
        word, rest = divmod(totals[k], 1.0)
        out = np.zeros(20_000)
        _search_at(np.uint32(word), mean, KEY, np.arange(20_000), out)
        assert set(out) == {k, k + 1}
        above = np.array([rng.uniform(KEY, ~i, 7) >= rest
                          for i in range(out.size)])
        np.testing.assert_array_equal(out == k + 1, above)


def test_bulk_numbers_use_further_bits_too(monkeypatch):
    # Words that hold a step come once in 2**32: here are some found
    mean = 0.3
    monkeypatch.setattr(poisson, 'MOST_KINDS', 1)
    law, totals = poisson.law(mean), poisson.law(mean).totals[0]
    for forced in law, poisson.law(np.array([mean, 0.2])):
        drawn = np.full(1024, np.uint32(totals[0]))
        drawn[::3] = np.uint32(totals[1])
        numbers, blocks = np.zeros(1024), np.arange(256) + 5
        if forced.zero.size:
            parts = tuple(np.full(1024, x) for x in (
                1.0, mean, forced.zero[0]))
            poisson._find(numbers, drawn, 256, parts, 0, KEY, blocks, 7)
        else:
            poisson._look_up(numbers, drawn, 256, np.zeros(1024, np.uint32),
                             forced, KEY, blocks, 7)
        expected = np.zeros(1024)
        for i in range(1024):
            k = int(i % 3 == 0)
            bits = rng.uniform(KEY, ~(20 + i), 7)
            expected[i] = k + (bits >= totals[k] % 1.0)
        np.testing.assert_array_equal(numbers, expected)


# --- independence ----------------------------------------------------------

def test_neighbouring_addresses_are_unrelated():
    n = 100_000
    base = counts(n, 4.0, 2)
    others = {
        'step': base[1],
        'purpose': counts(n, 4.0, key=rng.key(20_261_123, 'other'))[0],
        **{f'identity + {k}': np.roll(base[0], k) for k in (1, 2, 3, 4)},
    }
    for what, other in others.items():
        r = np.corrcoef(base[0], other)[0, 1]
        assert abs(r) < 4/n**0.5, what


# --- tiles -----------------------------------------------------------------

TILES = [(1, 1), (5, 1), (3, 2), (70, 3), (40, 5), (9, 37), (2, 64), (1, 1100),
         (2, 1021), (0, 4), (3, 0)]


def _tile(rows, width):
    # Rows of a wider grid: they begin at any id, also between fours
    return 7 + np.arange(rows, dtype=np.int64)*(2*width + 3)


@pytest.mark.parametrize('most', [0, 4, 256])
@pytest.mark.parametrize('rows, width', TILES)
def test_numbers_do_not_depend_on_the_tile(rows, width, most, monkeypatch):
    # Tables for all, for none, and for few means only
    monkeypatch.setattr(poisson, 'MOST_KINDS', most)
    first_ids, steps, step = _tile(rows, width), 3, 11
    ids = (first_ids[:, None] + np.arange(width)).ravel()
    weight = np.linspace(-1, 1, ids.size)
    # From no events at all to several pieces, beside each other
    for some in [0.0, 0.02, 0.7, 3.0, 16.0, 40.1, 150.0], [2.0, 0.3, 25.0]:
        mean = np.resize(some, ids.size)
        out = np.ones((steps, ids.size))
        poisson.add(out, KEY, step, first_ids, width, poisson.law(mean),
                    weight)
        alone = np.ones((steps, ids.size))
        for t in range(steps):
            for i, id in enumerate(ids):
                count = poisson.draw(KEY, id, step + t, mean[i])
                alone[t, i] += weight[i]*count
        assert (out == alone).all()


@pytest.mark.parametrize('mean', [0.02, 0.7, 30.0, 100.0])
@pytest.mark.parametrize('rows, width', TILES)
def test_a_mean_for_all_is_that_of_each(rows, width, mean):
    first_ids, n = _tile(rows, width), rows*width
    last, every = np.zeros((1, n)), np.zeros((3, n))
    poisson.add(last, KEY, 13, first_ids, width, poisson.law(mean), 0.5)
    poisson.add(every, KEY, 11, first_ids, width,
                poisson.law(np.full(n, mean)), np.full(n, 0.5))
    assert (last[0] == every[2]).all()

    # Rows that continue each other, as of a whole population
    first_ids = 3 + np.arange(rows)*width
    poisson.add(last, KEY, 13, first_ids, width, poisson.law(mean), 0.5)
    alone = np.zeros(n)
    _draws(KEY, 3, 13, mean, alone)
    assert (last[0] - every[2] == 0.5*alone).all()


@pytest.mark.parametrize('kind', [np.float64, np.float32])
def test_numbers_go_into_columns_of_a_larger_array(kind):
    first_ids, width = _tile(9, 37), 37
    whole = np.ones((4, 9*37), kind)
    large = np.ones((4, 9*37 + 60), kind)
    for out in whole, large[:, 23:-37]:
        poisson.add(out, KEY, 5, first_ids, width, poisson.law(2.5), 0.3)
    assert (large[:, 23:-37] == whole).all() and whole.any()
    large[:, 23:-37] = 1
    assert (large == 1).all()

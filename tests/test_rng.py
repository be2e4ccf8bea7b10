"""Random numbers: right bits, right distributions, no hidden order."""

import hashlib
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from dsim import rng
from dsim.compiled import compiled

KEY = rng.key(20_261_123, 'test')

# A right generator fails a test of fixed numbers never or always; these
# numbers were not chosen for passing
LIKELY = 1e-3


@compiled
def _uniforms(key, identities, index, out):
    for i in range(out.size):
        out[i] = rng.uniform(key, identities[i], index)


@compiled
def _numbers_below(key, first, index, n, out):
    for i in range(out.size):
        out[i] = rng.below(key, first + i, index, n)


def uniforms(size, key=KEY, first=0, index=0):
    out = np.empty(size)
    _uniforms(key, np.arange(first, first + size), index, out)
    return out


def below(size, n, index=0):
    out = np.empty(size, np.int64)
    _numbers_below(KEY, 0, index, n, out)
    return out


def normals(size, key=KEY, first=0, index=0, steps=1):
    out = np.zeros((steps, size))
    rng.add_normals(out, key, index, np.array([first]), size, 0.0, 1.0)
    return out


# --- bits ------------------------------------------------------------------

@pytest.mark.wheels
@pytest.mark.parametrize('counter, key, answer', [
    # From the file kat_vectors of Random123, the lines "philox4x32 10"
    ('00000000 00000000 00000000 00000000', '00000000 00000000',
     '6627e8d5 e169c58d bc57ac4c 9b00dbd8'),
    ('ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff',
     '408f276d 41c83b0e a20bc7c6 6d5451fd'),
    ('243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0',
     'd16cfe09 94fdcceb 5001e420 24126ea1'),
])
def test_known_answers(counter, key, answer):
    a, b, c, d = (int(word, 16) for word in counter.split())
    k0, k1 = (int(word, 16) for word in key.split())
    identity, index = np.array([b << 32 | a, d << 32 | c], np.uint64).view(
        np.int64)
    words = rng.words(np.uint64(k1 << 32 | k0), identity, index)
    assert ' '.join(f'{word:08x}' for word in words) == answer


def test_words_of_a_tile_are_the_words():
    identities = np.arange(5, 5 + 32)*1_000_003
    drawn = np.zeros(4*32, np.uint32)
    rng.fill_words_of(drawn, KEY, identities, 17, 3)
    for j in range(17):
        assert tuple(drawn[4*j:4*j + 4]) == rng.words(KEY, identities[j], 3)


def test_keys_are_told_apart():
    keys = [
        rng.key(1), rng.key(2), rng.key(-1), rng.key(1, ''), rng.key(1, '1'),
        rng.key(1, 1), rng.key(1, 'a', 'b'), rng.key(1, 'ab'),
        rng.key(1, 'b', 'a'), rng.key(1, 'a,s1:b'), rng.key(1, 'a', 'b', 0),
        rng.key(1, 'é'), rng.key(1, 11), rng.key(1, 1, 1), rng.key(11, 1),
    ]
    assert len({int(key) for key in keys}) == len(keys)
    assert rng.key(np.int64(1), np.int32(1)) == rng.key(1, 1)
    assert isinstance(keys[0], np.uint64)
    # Results would change with it
    assert rng.key(7, 'noise', 'exc') == 8237548670684327124
    with pytest.raises(TypeError):
        rng.key(1.5)


@pytest.mark.wheels
def test_bits_do_not_depend_on_the_machine():
    # The digest was the same for code made for generic x86-64, Haswell and
    # Zen 4, with numpy 1 and 2
    out = normals(4096, steps=2)
    digest = hashlib.blake2b(out.tobytes(), digest_size=8).hexdigest()
    assert digest == '294b272e6a7c653d'


# --- distributions ---------------------------------------------------------

def test_uniform():
    u = uniforms(400_000)
    assert u.min() >= 0.0 and u.max() < 1.0
    assert stats.kstest(u, 'uniform').pvalue > LIKELY

    # All 53 bits, also the last ones
    bits = (u*2.0**53).astype(np.int64)
    assert (bits == u*2.0**53).all()
    for shift in range(0, 48, 6):
        found = np.bincount(bits >> shift & 63, minlength=64)
        assert stats.chisquare(found).pvalue > LIKELY


def test_normal():
    z = normals(1_000_000, steps=2).ravel()
    n = z.size
    assert stats.kstest(z, 'norm').pvalue > LIKELY
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15),
                                  (4, 3, 96)):
        assert abs((z**power).mean() - moment) < 4*(spread/n)**0.5

    # Two-sided tails, each count within its Poisson limits
    for limit in (1.0, 2.0, 3.0, 4.0, 4.8):
        for tail in (z > limit, z < -limit):
            mean = n*NormalDist().cdf(-limit)
            assert abs(tail.sum() - mean) < 4*mean**0.5 + 1


def test_normal_quantiles():
    # Words from all octaves of the magnitude, and the ends
    octaves = np.random.default_rng(1).uniform(0, 32, 3000)
    words = [1, 3, 5, 2**32 - 1, *(2**octaves).astype(np.int64) | 1]
    errors = []
    for word in words:
        z = rng.deviate(np.uint32(word))
        assert rng.deviate(np.uint32(word - 1)) == -z
        errors.append(z + NormalDist().inv_cdf(word/2**33))
    assert min(errors) > -1e-13
    assert 7e-7 < max(errors) < 9e-7
    assert rng.deviate(np.uint32(1)) == rng.LARGEST_NORMAL
    assert pytest.approx(6.338, abs=1e-3) == rng.LARGEST_NORMAL


def test_moments_of_the_table():
    # Integrated over the segments, so without any sampling error
    p = 2.0**np.arange(-33, -1)[:, None]*(1 + np.arange(256)/256)
    widths = np.diff(np.append(p.ravel(), 0.5))
    a, b = rng._QUANTILES[:-1], rng._QUANTILES[1:]
    second = 2*(widths*(a*a + a*b + b*b)/3).sum()
    fourth = 2*(widths*(a**5 - b**5)/(a - b)/5).sum()
    assert 0 < second - 1 < 5e-7
    assert 0 < fourth - 3 < 2e-6


@pytest.mark.parametrize('n', [2, 3, 10, 1000])
def test_below_small(n):
    found = np.bincount(below(100_000, n))
    assert found.size == n
    assert stats.chisquare(found).pvalue > LIKELY
    assert not below(10, 1).any()


@pytest.mark.parametrize('n', [2**31 + 1, 3 << 61, 2**63 - 1])
def test_below_large(n):
    values = below(100_000, n)
    assert values.min() >= 0 and values.max() < n
    assert stats.kstest(values/n, 'uniform').pvalue > LIKELY
    # Without refusals, the remainders of 3 << 61 would be as 3 : 3 : 2
    assert stats.chisquare(np.bincount(values % 3)).pvalue > LIKELY


@pytest.mark.parametrize('n', [3 << 61, 2**62 + 987_654_321_987])
def test_below_by_its_definition(n):
    attempts = []
    for identity in range(300):
        attempt = 0
        while True:
            words = rng.words(KEY, identity, 5 + (attempt//2 << 48))
            low, high = words[:2] if attempt % 2 == 0 else words[2:]
            product = (int(high) << 32 | int(low))*n
            if product % 2**64 >= 2**64 % n:
                break
            attempt += 1
        attempts.append(attempt)
        assert rng.below(KEY, identity, 5, n) == product >> 64
    assert max(attempts) >= 2


# --- independence ----------------------------------------------------------

@pytest.mark.parametrize('draw', [uniforms, normals])
def test_neighbouring_addresses_are_unrelated(draw):
    n = 100_000
    base = draw(n).ravel()
    others = {
        'purpose': draw(n, key=rng.key(20_261_123, 'other')),
        'seed': draw(n, key=rng.key(20_261_124, 'test')),
        'index': draw(n, index=1),
        'far index': draw(n, index=2**47),
        **{f'identity + {k}': draw(n, first=k) for k in (1, 2, 3, 4, 2**32)},
    }
    for what, other in others.items():
        for f in (np.asarray, np.abs):
            r = np.corrcoef(f(base - base.mean()),
                            f(other.ravel() - base.mean()))[0, 1]
            assert abs(r) < 4/n**0.5, what


def test_identities_beyond_32_bits_differ():
    for draw in (uniforms, normals):
        assert (draw(64, first=0) != draw(64, first=2**34)).any()
        assert (draw(64, index=0) != draw(64, index=2**32)).any()


# --- tiles -----------------------------------------------------------------

def _tile(rows, width):
    # Rows of a wider grid: they begin at any id, also between fours
    return 7 + np.arange(rows, dtype=np.int64)*(2*width + 3)


TILES = [(1, 1), (5, 1), (3, 2), (70, 3), (40, 5), (9, 37), (2, 64), (1, 1100),
         (2, 1021), (0, 4), (3, 0)]


@pytest.mark.parametrize('rows, width', TILES)
def test_normals_do_not_depend_on_the_tile(rows, width):
    first_ids, steps, step = _tile(rows, width), 3, 11
    ids = (first_ids[:, None] + np.arange(width)).ravel()
    mean, std = np.linspace(-1, 1, ids.size), np.linspace(0, 2, ids.size)
    out = np.ones((steps, ids.size))
    rng.add_normals(out, KEY, step, first_ids, width, mean, std)

    alone = np.ones((steps, ids.size))
    for t in range(steps):
        for i, id in enumerate(ids):
            z = rng.normal(KEY, id, step + t)
            alone[t, i] += mean[i] + std[i]*z
    assert (out == alone).all()

    # The last step by itself, mean and std as numbers
    last = np.zeros((1, ids.size))
    rng.add_normals(last, KEY, step + 2, first_ids, width, 0.0, 1.5)
    every = np.zeros((steps, ids.size))
    rng.add_normals(every, KEY, step, first_ids, width,
                    np.zeros(ids.size), np.full(ids.size, 1.5))
    assert (last[0] == every[2]).all()



@pytest.mark.parametrize('kind', [np.float64, np.float32])
def test_normals_go_into_columns_of_a_larger_array(kind):
    first_ids, width = _tile(9, 37), 37
    whole = np.ones((4, 9*37), kind)
    large = np.ones((4, 9*37 + 60), kind)
    rng.add_normals(whole, KEY, 5, first_ids, width, 0.5, 2.0)
    rng.add_normals(large[:, 23:-37], KEY, 5, first_ids, width, 0.5, 2.0)
    assert (large[:, 23:-37] == whole).all()
    large[:, 23:-37] = 1
    assert (large == 1).all()


def test_rows_that_continue_each_other_are_one():
    for rows, width in ((1, 9), (4, 3), (40, 52)):
        first_ids = 6 + np.arange(rows)*width
        firsts, columns = rng.joined(first_ids, width)
        assert firsts.tolist() == [6] and columns == rows*width
        if rows > 1:
            first_ids[-1] += 1
            firsts, columns = rng.joined(first_ids, width)
            assert (firsts == first_ids).all() and columns == width

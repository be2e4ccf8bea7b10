"""exp, log and the normal quantile: small errors, the same bits anywhere."""

import hashlib
import math
from decimal import Context, Decimal, localcontext
from statistics import NormalDist

import numpy as np
import pytest

from dsim.compiled import compiled
from dsim.elementary import exp, log, upper_quantile


@compiled
def _exp_all(x, out):
    for i in range(x.size):
        out[i] = exp(x[i])


@compiled
def _log_all(x, out):
    for i in range(x.size):
        out[i] = log(x[i])


def _errors(loop, exact, x):
    """Return the errors of ``loop`` at ``x``, in units of the last place."""
    out = np.empty_like(x)
    loop(x, out)
    with localcontext(Context(prec=40, Emin=-9999, Emax=9999)):
        truth = [exact(Decimal(value)) for value in x.tolist()]
        return np.array([
            abs(float((Decimal(y) - t)/Decimal(math.ulp(float(t)))))
            for y, t in zip(out.tolist(), truth, strict=True)
        ])


@pytest.mark.parametrize('low, high', [
    (-0.4, 0.4), (-40.0, 40.0), (-707.0, 709.7), (-745.0, -708.0),
])
def test_exp_is_off_by_less_than_nine_tenths_of_an_ulp(low, high):
    x = np.random.default_rng(1).uniform(low, high, 4000)
    errors = _errors(_exp_all, Decimal.exp, x)
    assert errors.max() < 0.9
    # Correct rounding would give 1/4 on average
    assert errors.mean() < 0.3


@pytest.mark.parametrize('low, high', [
    (-0.001, 0.001), (-0.7, 0.7), (-36.0, 0.0), (-744.0, 709.0),
])
def test_log_is_off_by_less_than_nine_tenths_of_an_ulp(low, high):
    x = np.exp(np.random.default_rng(2).uniform(low, high, 4000))
    errors = _errors(_log_all, Decimal.ln, x)
    assert errors.max() < 0.9
    assert errors.mean() < 0.3


def test_exp_at_the_ends():
    assert exp(0.0) == exp(-0.0) == exp(0) == 1.0
    assert exp(math.inf) == exp(1e308) == exp(709.782712893385) == math.inf
    assert exp(709.782712893383) < math.inf
    assert exp(-math.inf) == exp(-1e308) == exp(-745.14) == 0.0
    assert exp(-745.13) == 5e-324
    assert math.isnan(exp(math.nan))


def test_log_at_the_ends():
    assert log(1.0) == log(1) == 0.0
    assert log(0.0) == log(-0.0) == -math.inf
    assert log(math.inf) == math.inf
    assert log(5e-324) == pytest.approx(-744.4400719213812, abs=2e-13)
    for x in (-1.0, -5e-324, -math.inf, math.nan):
        assert math.isnan(log(x))


@pytest.mark.parametrize('loop, one, low, high', [
    (_exp_all, exp, -700.0, 700.0), (_log_all, log, 1e-9, 1e9),
])
def test_vector_and_remainder_give_the_same_bits(loop, one, low, high):
    x = np.random.default_rng(3).uniform(low, high, 70)
    alone = np.array([one(value) for value in x])
    for length in range(1, 71):
        out = np.zeros(70)
        loop(x[:length], out)
        assert (out[:length] == alone[:length]).all()
        assert not out[length:].any()


@pytest.mark.parametrize('loop', [_exp_all, _log_all])
def test_no_fused_multiply_add(loop):
    loop(np.ones(1), np.empty(1))
    code, = loop.inspect_asm().values()
    assert 'mul' in code
    for fused in ('fmadd', 'fnmadd', 'fmsub', 'fnmsub', 'fmla', 'fmls'):
        assert fused not in code


@pytest.mark.wheels
def test_bits_do_not_depend_on_the_machine():
    # The digests were the same for code made for generic x86-64, Haswell and
    # Zen 4, with numpy 1 and 2
    x = np.arange(-746*32, 710*32)/32
    out = np.empty_like(x)
    _exp_all(x, out)
    assert _digest(out) == '8a86fa7975b730f0'
    _log_all((x + 746.0)/64, out)
    assert _digest(out) == '5656dbd902ffe783'


def _digest(array):
    return hashlib.blake2b(array.tobytes(), digest_size=8).hexdigest()


def test_upper_quantile():
    mantissa = np.array([1.0, 1.2, 1.4, 1.7, 1.99])
    for exponent in range(-36, -1):
        z = upper_quantile(mantissa, np.full(5, exponent))
        p = mantissa*2.0**exponent
        exact = [-NormalDist().inv_cdf(value) for value in p]
        assert z == pytest.approx(exact, rel=0, abs=1e-14)
    assert upper_quantile(np.array([1.0]), np.array([-1])) == 0.0

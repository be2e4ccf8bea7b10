"""Kernels against formulas written down again with numpy."""

import numpy as np
import pytest

from dsim.connectivity import KERNELS
from dsim.connectivity.base import Pairing, mean_profile
from dsim.connectivity.kernels import (
    Box,
    Disc,
    Exponential,
    Gaussian,
    Profile,
    Ring,
    Uniform,
    profile,
)
from dsim.errors import BadValue
from dsim.space import Sheet


def hill(d):
    return 3 + np.cos(10*d)


CASES = {
    'gaussian': (Gaussian(0.1), lambda dy, dx: np.where(
        np.hypot(dy, dx) <= 0.3, np.exp(-(dy**2 + dx**2)/0.02), 0)),
    'gaussian, cut off': (Gaussian(0.1, 0.15), lambda dy, dx: np.where(
        np.hypot(dy, dx) <= 0.15, np.exp(-(dy**2 + dx**2)/0.02), 0)),
    'exponential': (Exponential(0.08), lambda dy, dx: np.where(
        np.hypot(dy, dx) <= 0.4, np.exp(-np.hypot(dy, dx)/0.08), 0)),
    'exponential, cut off': (
        Exponential(0.08, 0.2), lambda dy, dx: np.where(
            np.hypot(dy, dx) <= 0.2, np.exp(-np.hypot(dy, dx)/0.08), 0)),
    'disc': (Disc(0.22), lambda dy, dx: np.hypot(dy, dx) <= 0.22),
    'ring': (Ring(0.1, 0.25), lambda dy, dx: (
        np.hypot(dy, dx) >= 0.1) & (np.hypot(dy, dx) <= 0.25)),
    'box': (Box(0.3, 0.5), lambda dy, dx: (
        abs(dy) <= 0.15) & (abs(dx) <= 0.25)),
    'uniform': (Uniform(), lambda dy, dx: np.ones(np.shape(dy))),
    'profile': (Profile(hill, 0.3), lambda dy, dx: np.where(
        np.hypot(dy, dx) <= 0.3, hill(np.hypot(dy, dx))/4, 0)),
}


def value(kernel, dy, dx):
    kind, a, b, _, table = kernel.code()
    return profile(kind, a, b, table, dy, dx)


def test_every_kernel_is_tested():
    assert {kernel.name for kernel, _ in CASES.values()} == set(KERNELS)


@pytest.mark.parametrize('case', CASES)
def test_the_profile_is_the_formula(case):
    kernel, formula = CASES[case]
    rng = np.random.default_rng(5)
    dy, dx = rng.uniform(-0.6, 0.6, (2, 4000))
    found = [value(kernel, *pair) for pair in zip(dy, dx, strict=True)]
    # A table read off at 4096 points; all others are exact
    tolerance = 1e-7 if case == 'profile' else 2e-15
    np.testing.assert_allclose(found, formula(dy, dx), rtol=tolerance)
    assert max(found) <= 1
    assert value(kernel, 0.0, 0.0) == formula(0.0, 0.0)

    # Along a row, as an array of any shape
    far = abs(dx).reshape(40, 100)
    np.testing.assert_allclose(kernel(far), formula(0*far, far),
                               rtol=tolerance)


@pytest.mark.parametrize('case', CASES)
def test_nothing_lies_beyond_the_reach(case):
    kernel, _ = CASES[case]
    height, width = kernel.reach()
    if np.isinf(height):
        return
    for beyond in (1.001*height, 0.0), (0.0, 1.001*width):
        assert value(kernel, *beyond) == 0
    for within in (0.999*height, 0.0), (0.0, 0.999*width):
        assert value(kernel, *within) > 0


def test_a_cell_on_the_border_belongs_to_the_kernel():
    # 0.1 is no binary fraction: multiples of the pitch fall to both sides
    for n in range(1, 60):
        far = sum([0.1]*n)
        assert value(Disc(n*0.1), far, 0.0) == 1
        assert value(Disc(n*0.1), 0.0, -far) == 1
        assert value(Ring(n*0.1, 100.0), 0.0, far) == 1
        assert value(Box(2*n*0.1, 2*n*0.1), far, -far) == 1
        assert value(Profile(np.ones_like, n*0.1), far, 0.0) == 1


@pytest.mark.parametrize('make', [
    lambda x: Gaussian(x), lambda x: Gaussian(0.1, x),
    lambda x: Exponential(x), lambda x: Exponential(0.1, x),
    lambda x: Ring(0.1, x), lambda x: Disc(x), lambda x: Box(x, 1.0),
    lambda x: Box(1.0, x), lambda x: Profile(hill, x)])
@pytest.mark.parametrize('length', [
    0.0, -0.1, np.nan, np.inf, '0.1', True, 1e300, 1e-300])
def test_lengths_are_positive(make, length):
    with pytest.raises(BadValue, match='a length > 0 in mm'):
        make(length)


def test_ring_has_an_inside():
    assert Ring(0, 0.1) == Ring(0.0, 0.1)
    for inner, message in (0.3, '<= outer'), (-0.1, '>= 0 in mm'):
        with pytest.raises(BadValue, match=message):
            Ring(inner, 0.2)


@pytest.mark.parametrize('function, message', [
    (lambda d: d - 0.1, 'at 0 mm it is -0.1'),
    (lambda d: 0*d, 'somewhere positive'),
    (lambda d: 1/d, 'at 0 mm it is inf'),
    (lambda d: np.where(d > 0.1, np.nan, 1), 'it is nan'),
    (lambda d: d[:5], 'it raised ValueError'),
    (lambda d: d.nothing, 'it raised AttributeError'),
])
@pytest.mark.filterwarnings('ignore:divide by zero')
def test_a_profile_is_finite_and_positive(function, message):
    with pytest.raises(BadValue, match=message):
        Profile(function, 0.2)


def test_kernels_are_equal_if_their_numbers_are():
    assert Gaussian(0.1) == Gaussian(0.1, 3*0.1)
    assert Gaussian(0.1) != Gaussian(0.2)
    assert Disc(0.1) != Gaussian(0.1)
    assert Profile(hill, 0.3) == Profile(hill, 0.3) != Profile(hill, 0.2)
    assert repr(Gaussian(0.1, 0.2)) == 'Gaussian(sigma=0.1, cutoff=0.2)'


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('periodic', [(False, False), (True, True)])
def test_mean_profile_sums_over_the_partners_of_a_central_neuron(
        case, periodic):
    kernel, formula = CASES[case]
    pairing = Pairing('p', 1, Sheet((1.0, 1.5), periodic), (12, 19), (24, 9),
                      False, kernel)
    y, x = (12 + 0.5)/24, 1.5*(4 + 0.5)/9
    dy = (np.arange(12) + 0.5)/12 - y
    dx = 1.5*(np.arange(19) + 0.5)/19 - x
    dy, dx = np.meshgrid(dy, dx, indexing='ij')
    if periodic[0]:
        dy, dx = dy - np.round(dy), dx - 1.5*np.round(dx/1.5)
    assert mean_profile(pairing, 'target') == pytest.approx(
        formula(dy, dx).sum(), rel=1e-6)

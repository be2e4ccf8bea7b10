"""Positions and distances against brute force over all images."""

import itertools

import numpy as np
import pytest

from dsim.errors import BadValue
from dsim.space import Sheet, distances, shortest

SIDES = list(itertools.product([False, True], repeat=2))


def nearest_image(sheet, source, target):
    """The distance to the nearest of all copies of the target."""
    ys, xs = (
        [k*length for k in (-1, 0, 1)] if joined else [0.0]
        for length, joined in zip(sheet.extent, sheet.periodic, strict=True))
    return min(np.hypot(target[0] - source[0] + y, target[1] - source[1] + x)
               for y in ys for x in xs)


def all_distances(sheet, source_shape, target_shape):
    sources, targets = (np.arange(s[0]*s[1]) for s in (source_shape,
                                                       target_shape))
    pairs = np.array(list(itertools.product(sources, targets)))
    out = np.empty(len(pairs))
    distances(pairs[:, 0].copy(), pairs[:, 1].copy(), source_shape[1],
              target_shape[1], sheet.pitch(source_shape),
              sheet.pitch(target_shape), sheet.extent, sheet.periodic, out)
    return pairs, out


def test_positions_are_the_middles_of_cells_row_by_row():
    sheet = Sheet((2.0, 3.0))
    y, x = sheet.positions((2, 4), np.arange(8))
    np.testing.assert_array_equal(y, [0.5]*4 + [1.5]*4)
    np.testing.assert_array_equal(x, [0.375, 1.125, 1.875, 2.625]*2)
    assert sheet.pitch((2, 4)) == (1.0, 0.75)


@pytest.mark.parametrize('periodic', SIDES)
@pytest.mark.parametrize('shapes', [((4, 6), (4, 6)), ((4, 6), (8, 3)),
                                    ((5, 3), (2, 7))])
def test_distances_are_those_to_the_nearest_image(periodic, shapes):
    sheet = Sheet((0.8, 1.7), periodic)
    pairs, found = all_distances(sheet, *shapes)
    positions = [np.transpose(sheet.positions(s, np.arange(s[0]*s[1])))
                 for s in shapes]
    expected = [nearest_image(sheet, positions[0][i], positions[1][j])
                for i, j in pairs]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    assert found.max() <= sheet.longest()
    assert found.max() > 0.7*sheet.longest()


def test_shortest_goes_round_joined_ends_only():
    assert shortest(0.7, 1.0, False) == 0.7
    assert shortest(0.7, 1.0, True) == pytest.approx(-0.3)
    assert shortest(-0.7, 1.0, True) == pytest.approx(0.3)
    assert shortest(0.5, 1.0, True) == 0.5
    assert shortest(-0.5, 1.0, True) == -0.5


def test_longest_counts_half_of_a_joined_side():
    assert Sheet((3.0, 4.0)).longest() == 5.0
    assert Sheet((6.0, 4.0), (True, False)).longest() == 5.0
    assert Sheet((6.0, 8.0), (True, True)).longest() == 5.0


@pytest.mark.parametrize('extent', [
    (0.0, 1.0), (1.0, -1.0), (np.inf, 1.0), (1.0, np.nan), (1.0,),
    (1.0, 2.0, 3.0), ('1', 2.0), (1e200, 1.0)])
def test_an_extent_is_two_positive_lengths(extent):
    with pytest.raises(BadValue, match='two positive lengths'):
        Sheet(extent)

"""The process grid: neighbours, the best grid, and what users are told."""

import math

import numpy as np
import pytest

from dsim.errors import BadValue, LayoutError
from dsim.partitioning.axis import Reach, bounds
from dsim.partitioning.processes import (
    ProcessGrid,
    choose,
    confirm,
    cut,
    divisors,
    fits,
    told,
)

OPEN, TORUS = (False, False), (True, True)


def test_ranks_and_places_are_inverse():
    grid = ProcessGrid(3, 5)
    places = [grid.place(rank) for rank in range(15)]
    assert places[7] == (1, 2)
    assert [grid.rank(*place) for place in places] == list(range(15))

    for rank in (-1, 15):
        with pytest.raises(ValueError, match='no rank'):
            grid.place(rank)
    with pytest.raises(LayoutError, match='0 x 5'):
        ProcessGrid(0, 5)


@pytest.mark.parametrize(('periodic', 'above', 'left'), [
    (OPEN, None, None),
    ((True, False), 10, None),
    ((False, True), None, 4),
    (TORUS, 10, 4),
])
def test_neighbours_at_the_sides(periodic, above, left):
    #  0  1  2  3  4
    #  5  6  7  8  9
    # 10 11 12 13 14
    grid = ProcessGrid(3, 5, periodic)
    assert grid.neighbour(0, -1, 0) == above
    assert grid.neighbour(0, 0, -1) == left
    assert grid.neighbour(0, 1, 1) == 6
    assert grid.neighbour(6, -1, 1) == 2


def pairs(grid, shapes, reaches):
    """Count (cell, other rank) pairs in reach, one pair of cells at a time."""
    found = set()
    for reach in reaches:
        source, target = shapes[reach.source], shapes[reach.target]
        runs = [bounds(target[0], grid.rows), bounds(target[1], grid.columns)]
        own = [bounds(source[0], grid.rows), bounds(source[1], grid.columns)]
        for cell in np.ndindex(*source):
            home = [np.searchsorted(own[a], cell[a], 'right') - 1
                    for a in (0, 1)]
            for other in np.ndindex(*target):
                far = False
                for a, distance in enumerate((reach.rows, reach.columns)):
                    gap = abs((cell[a] + .5)/source[a]
                              - (other[a] + .5)/target[a])
                    if grid.periodic[a]:
                        gap = min(gap, 1 - gap)
                    far = far or gap > distance + 1e-9
                place = [np.searchsorted(runs[a], other[a], 'right') - 1
                         for a in (0, 1)]
                if not far and place != home:
                    found.add((reach.source, cell, *map(int, place)))
    return len(found)


@pytest.mark.parametrize('periodic', [OPEN, (True, False), TORUS])
@pytest.mark.parametrize('reach', [0.0, 0.11, 0.3, 0.6, math.inf])
def test_told_counts_pairs_of_cells(periodic, reach):
    shapes = [(6, 5), (2, 3)]
    # The reaches of one population lie inside each other, so that their
    # outline is what they cover together
    reaches = [Reach(0, 1, reach, reach/2), Reach(1, 0, reach/2, reach),
               Reach(1, 1, 0.0, reach/3)]
    for rows, columns in [(1, 1), (1, 4), (3, 2), (6, 1)]:
        grid = ProcessGrid(rows, columns, periodic)
        first = told(grid, shapes, reaches[:1])
        assert first == pairs(grid, shapes, reaches[:1])
        second = told(grid, shapes, reaches[1:2])
        assert second == pairs(grid, shapes, reaches[1:2])
        assert told(grid, shapes, reaches[:2]) == first + second

    nested = [Reach(0, 0, 0.2, 0.2), Reach(0, 0, 0.4, 0.3)]
    assert told(grid, shapes, nested) == pairs(grid, shapes, nested)


def test_choose_takes_the_least_halo():
    shapes = [(24, 24), (12, 12)]
    reaches = [Reach(0, 0, .05, .05), Reach(1, 0, .03, .03)]
    assert choose(4, shapes, reaches=reaches).rows == 2

    # News that travels along rows only: cut between the rows, and turned
    along = [Reach(0, 0, .01, .4), Reach(0, 1, .01, .4)]
    across = [Reach(0, 0, .4, .01), Reach(0, 1, .4, .01)]
    assert choose(4, shapes, reaches=along) == ProcessGrid(4, 1)
    assert choose(4, shapes, reaches=across) == ProcessGrid(1, 4)

    for ranks in (6, 12):
        best = choose(ranks, shapes, reaches=reaches, periodic=TORUS)
        halos = [told(ProcessGrid(n, ranks // n, TORUS), shapes, reaches)
                 for n in divisors(ranks)]
        assert told(best, shapes, reaches) == min(halos) < max(halos)


def test_choose_without_reach_takes_the_shortest_cut():
    shapes = [(64, 64)]
    assert choose(4, shapes) == ProcessGrid(2, 2)
    assert choose(4, shapes, extent=(1.0, 5.0)) == ProcessGrid(1, 4)
    assert choose(4, shapes, extent=(5.0, 1.0)) == ProcessGrid(4, 1)
    assert choose(2, shapes) == ProcessGrid(2, 1)

    # A closed axis is cut once more, unless it is not cut at all
    assert cut(ProcessGrid(2, 3), (1.0, 10.0)) == 10 + 2
    assert cut(ProcessGrid(2, 3, TORUS), (1.0, 10.0)) == 2*10 + 3
    assert cut(ProcessGrid(1, 3, TORUS), (1.0, 10.0)) == 3


def test_every_rank_gets_a_neuron():
    # 8 rows of the fine grid; the coarse one may leave ranks without any
    assert choose(8, [(8, 1), (2, 2)]) == ProcessGrid(8, 1)
    assert choose(6, [(5, 4)]) in (ProcessGrid(3, 2), ProcessGrid(2, 3))
    assert choose(20, [(5, 4)]) == ProcessGrid(5, 4)

    # Not the rows of one grid with the columns of another
    assert not fits(8, 8, [(8, 1), (1, 8)])
    with pytest.raises(LayoutError):
        choose(64, [(8, 1), (1, 8)])


def test_no_grid_fits():
    with pytest.raises(LayoutError) as caught:
        choose(7, [(5, 4), (2, 2), (2, 2)])
    assert str(caught.value) == (
        '7 ranks do not fit the grids 5 x 4, 2 x 2: none of 1 x 7, 7 x 1 '
        'leaves each rank a row and a column; start 6 or 8 ranks'
    )
    with pytest.raises(LayoutError) as caught:
        choose(30, [(5, 4)])
    assert str(caught.value) == (
        '30 ranks do not fit the grids 5 x 4: more than the 20 neurons of '
        'the largest; start 20 ranks'
    )
    with pytest.raises(LayoutError, match='0 populations'):
        choose(2, [])


def test_nearby_counts_work():
    shapes = [(5, 4), (3, 3)]
    for ranks in range(1, 25):
        works = any(fits(n, ranks // n, shapes) for n in divisors(ranks))
        if works:
            assert choose(ranks, shapes).size == ranks
            continue
        with pytest.raises(LayoutError) as caught:
            choose(ranks, shapes)
        advice = str(caught.value).rpartition('start ')[2].split()
        for count in advice[:-1:2]:
            assert choose(int(count), shapes).size == int(count)


def test_confirm():
    shapes = [(64, 64)]
    assert confirm([2, 3], 6, shapes, TORUS) == ProcessGrid(2, 3, TORUS)

    with pytest.raises(LayoutError) as caught:
        confirm([2, 3], 4, shapes)
    assert str(caught.value) == (
        'processes = [2, 3] needs 6 ranks, this run has 4; '
        'give [2, 2] or start 6'
    )
    with pytest.raises(LayoutError) as caught:
        confirm([2, 3], 7, [(5, 4)])
    assert str(caught.value).endswith('this run has 7; start 6')

    with pytest.raises(LayoutError) as caught:
        confirm([8, 1], 8, [(4, 4)])
    assert str(caught.value) == (
        'processes = [8, 1] leaves ranks without neurons: no grid has 8 '
        'rows and 1 columns, there are 4 x 4; give [4, 2]'
    )
    with pytest.raises(LayoutError, match=r'4 x 4; start 6 or 8 ranks'):
        confirm([7, 1], 7, [(4, 4)])

    for wrong in ([2], [2, 0], [2.0, 2], 'ab', 4, [True, 2]):
        with pytest.raises(BadValue, match='two whole numbers'):
            confirm(wrong, 4, shapes)

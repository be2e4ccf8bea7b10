"""Process grids on hypercubes: corners, neighbours, ways between ranks."""

from itertools import pairwise, product

import numpy as np
import pytest

from dsim.partitioning import ProcessGrid, embed
from dsim.partitioning.graycode import Cube, Side, gray, route, ungray

SIDES = range(1, 33)


def grids(most):
    """All process grids of up to ``most`` ranks."""
    return [ProcessGrid(rows, columns)
            for rows in range(1, most + 1) for columns in range(1, most + 1)
            if rows*columns <= most]


def hops(way):
    return list(pairwise(way))


def test_gray_code():
    # The codes of three bits as they stand in any textbook
    assert [gray(n) for n in range(8)] == [0, 1, 3, 2, 6, 7, 5, 4]
    for n in range(2**10):
        assert ungray(gray(n)) == n
        assert (gray(n) ^ gray(n + 1)).bit_count() == 1
    for d in range(1, 10):
        assert (gray(0) ^ gray(2**d - 1)).bit_count() == 1
    assert ungray(gray(2**40 + 12345)) == 2**40 + 12345


@pytest.mark.parametrize('d', range(6))
def test_a_side_that_is_a_power_of_two(d):
    side = Side(2**d)
    assert side.dimensions == d
    assert side.corners.tolist() == [gray(n) for n in range(2**d)]
    assert side.standing[side.corners].tolist() == list(range(2**d))


def test_five_ranks_on_a_cube_of_eight_corners():
    # Runs [0] [1] [2] [3, 4] stand at 00 01 11 10; 4 is a second
    side = Side(5)
    assert side.corners.tolist() == [0b000, 0b001, 0b011, 0b010, 0b110]
    assert side.standing.tolist() == [0, 1, 3, 2, 0, 1, 4, 2]
    assert route(ProcessGrid(1, 5), 4, 1) == [4, 2, 1]
    assert route(ProcessGrid(1, 5), 1, 4) == [1, 0, 3, 4]
    assert side.senders(2, 0) == [3, 4]
    assert side.senders(3, 2) == [4]


def test_no_two_ranks_at_one_corner():
    for grid in grids(64):
        corners = embed(grid)
        assert corners.size == grid.size == np.unique(corners).size
        dimensions = len(Cube(grid).steps)
        assert corners.max() < 2**dimensions
        assert dimensions == ((grid.rows - 1).bit_length()
                              + (grid.columns - 1).bit_length())


@pytest.mark.parametrize(('rows', 'columns'),
                         [(1, 8), (4, 4), (2, 16), (8, 2)])
def test_grid_neighbours_are_hypercube_neighbours(rows, columns):
    grid = ProcessGrid(rows, columns, (True, True))
    corners = embed(grid)
    for rank, (down, right) in product(range(grid.size), [(1, 0), (0, 1)]):
        other = grid.neighbour(rank, down, right)
        apart = int(corners[rank] ^ corners[other]).bit_count()
        assert apart == (other != rank)


def test_neighbours_on_other_sides_are_near():
    # Never more than two hops, also round the end, for any side
    for ranks in SIDES:
        grid = ProcessGrid(ranks, 1, (True, True))
        for rank in range(ranks):
            other = grid.neighbour(rank, 1, 0)
            assert len(hops(route(grid, rank, other))) <= 2
            assert len(hops(route(grid, other, rank))) <= 2


def test_every_way_leads_to_its_goal():
    for grid in grids(20):
        cube = Cube(grid)
        links = {(rank, cube.across(rank, step))
                 for rank in range(grid.size) for step in cube.steps}
        for source, target in product(range(grid.size), repeat=2):
            way = route(grid, source, target)
            assert way[0] == source and way[-1] == target
            assert len(hops(way)) <= len(cube.steps)
            assert set(hops(way)) <= links
            assert len(set(way)) == len(way)


def test_ways_cross_the_differing_bits_in_order():
    for rows, columns in (1, 16), (4, 4), (8, 2):
        grid = ProcessGrid(rows, columns)
        corners = embed(grid)
        for source, target in product(range(16), repeat=2):
            bits = [int(corners[a] ^ corners[b])
                    for a, b in hops(route(grid, source, target))]
            differs = corners[source] ^ corners[target]
            assert bits == [1 << k for k in range(4) if differs >> k & 1]


def test_ways_from_one_rank_are_a_tree():
    # So one copy of a spike is enough on each link
    for grid in grids(20):
        for source in range(grid.size):
            before = {}
            for target in range(grid.size):
                for a, b in hops(route(grid, source, target)):
                    assert before.setdefault(b, a) == a


@pytest.mark.parametrize('ranks', SIDES)
def test_what_passes_a_link(ranks):
    side, grid = Side(ranks), ProcessGrid(1, ranks)
    passing = {}
    for source, target in product(range(ranks), repeat=2):
        for hop in hops(route(grid, source, target)):
            passing.setdefault(hop, set()).add((source, target))

    found, links = {}, 0
    for place, k in product(range(ranks), range(side.dimensions)):
        sources, goals = side.passing(place, k)
        pairs = set(product(np.flatnonzero(sources), np.flatnonzero(goals)))
        if pairs:
            across = int(side.across(np.array(place), k))
            assert place in side.senders(across, k)
            found[place, across] = pairs
            links += 1
    assert found == passing
    # No link belongs to two dimensions
    assert links == len(found)

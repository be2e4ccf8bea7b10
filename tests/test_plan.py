"""The halo plan against all pairs of cells, one grid after the other."""

import itertools
import math
import time

import numpy as np
import pytest

from dsim.partitioning.axis import Reach, runs_of, smallest_run
from dsim.partitioning.plan import HaloPlan
from dsim.partitioning.processes import ProcessGrid
from dsim.partitioning.tiling import Tiling

DISTANCES = [0.0, 0.05, 1/6, 0.25, 0.31, 0.5, 0.7, math.inf]


def random_plan(rng):
    """Return a small plan: any resolutions, sides, reaches and ranks."""
    populations = rng.integers(1, 4)
    shapes = rng.integers(1, 8, (populations, 2)).tolist()
    processes = ProcessGrid(*map(int, rng.integers(1, 5, 2)),
                            tuple(map(bool, rng.integers(0, 2, 2))))
    reaches = [
        Reach(*map(int, rng.integers(0, populations, 2)),
              *map(float, rng.choice(DISTANCES, 2)))
        for _ in range(rng.integers(0, 6))
    ]
    return HaloPlan(Tiling(shapes, processes), reaches)


def distance(cells, others, periodic):
    """Return the distances [cells, others] along one axis."""
    gap = abs((np.arange(cells)[:, None] + 0.5)/cells
              - (np.arange(others) + 0.5)/others)
    return np.minimum(gap, 1 - gap) if periodic else gap


def pairs(plan, reach):
    """Tell for all pairs of cells whether one reaches the other."""
    tiling, periodic = plan.tiling, plan.tiling.processes.periodic
    source, target = (tiling.shapes[p] for p in (reach.source, reach.target))
    near = [
        distance(source[axis], target[axis], periodic[axis])
        <= (reach.rows, reach.columns)[axis] + 1e-9 for axis in (0, 1)
    ]
    # [row, column, other row, other column]
    both = near[0][:, None, :, None] & near[1][None, :, None, :]
    return both.reshape(source[0]*source[1], target[0]*target[1])


def reaching(plan, p, target=None):
    """Tell which cells of a population reach which rank: [ranks, cells]."""
    tiling = plan.tiling
    told = np.zeros((tiling.processes.size, tiling.size(p)), bool)
    for reach in plan.reaches:
        if reach.source == p and target in (None, reach.target):
            found = pairs(plan, reach)
            for rank in range(len(told)):
                ids = tiling.ids(reach.target, rank)
                told[rank] |= found[:, ids].any(1)
    return told


@pytest.mark.parametrize('seed', range(120))
def test_plan_by_brute_force(seed):
    plan = random_plan(np.random.default_rng(seed))
    tiling, ranks = plan.tiling, range(plan.tiling.processes.size)
    told = [reaching(plan, p) for p in range(tiling.populations)]

    hears = np.zeros((len(ranks), len(ranks)), bool)
    for rank, peer, p in itertools.product(ranks, ranks,
                                           range(tiling.populations)):
        hears[rank, peer] |= told[p][peer, tiling.ids(p, rank)].any()
    np.fill_diagonal(hears, False)

    for rank in ranks:
        peers = plan.peers(rank)
        assert peers == np.flatnonzero(hears[rank]).tolist()
        assert plan.sources(rank) == np.flatnonzero(hears[:, rank]).tolist()
        assert plan.messages(rank) == len(peers)

        counts = plan.cells(rank)
        assert counts.shape == (len(peers), tiling.populations)
        for p in range(tiling.populations):
            ids = tiling.ids(p, rank)
            expected = [told[p][peer, ids].sum() for peer in peers]
            assert counts[:, p].tolist() == expected


@pytest.mark.parametrize('seed', range(120, 200))
def test_rectangles_are_the_cells_once_each(seed):
    plan = random_plan(np.random.default_rng(seed))
    tiling = plan.tiling
    for p in range(tiling.populations):
        told = reaching(plan, p)
        for rank, peer in itertools.product(range(len(told)), repeat=2):
            covered = np.zeros(tiling.shapes[p], int)
            for row0, row1, column0, column1 in plan.rectangles(p, rank,
                                                                peer):
                assert row0 < row1 and column0 < column1
                covered[row0:row1, column0:column1] += 1

            expected = np.zeros(tiling.size(p), int)
            if peer != rank:
                ids = tiling.ids(p, rank)
                expected[ids] = told[peer, ids]
            assert covered.ravel().tolist() == expected.tolist()


def shortest(flags, periodic):
    """Return the length of the smallest run that holds all flags."""
    size = flags.size
    return min(
        length for start in range(size) for length in range(size + 1)
        if (periodic or start + length <= size)
        and all((cell - start) % size < length
                for cell in np.flatnonzero(flags))
    )


@pytest.mark.parametrize('seed', range(200, 280))
def test_boxes_hold_all_that_reaches_a_tile(seed):
    plan = random_plan(np.random.default_rng(seed))
    tiling, periodic = plan.tiling, plan.tiling.processes.periodic
    for p in range(tiling.populations):
        rows, columns = tiling.shapes[p]
        for target in (None, *range(tiling.populations)):
            told = reaching(plan, p, target)
            for rank in range(len(told)):
                cells = told[rank].reshape(rows, columns)
                row0, height, column0, width = plan.box(p, rank, target)
                r, c = np.nonzero(cells)

                assert np.all((r - row0) % rows < height)
                assert np.all((c - column0) % columns < width)
                assert height == shortest(cells.any(1), periodic[0])
                assert width == shortest(cells.any(0), periodic[1])
                assert 0 <= row0 < rows and 0 <= column0 < columns
                for axis, (first, length) in enumerate([(row0, height),
                                                        (column0, width)]):
                    round_the_end = first + length > cells.shape[axis]
                    assert periodic[axis] or not round_the_end


def test_a_halo_that_can_be_drawn():
    # 8 x 8 cells on 2 x 2 ranks, two cells of reach:
    #
    #     . . # # | # # . .       rank 0 tells rank 1 the columns 2 and 3,
    #     . . # # | # # . .       and on a torus the columns 0 and 1, too
    reaches = [Reach(0, 0, 2/8, 2/8)]
    sheet = HaloPlan(Tiling([(8, 8)], ProcessGrid(2, 2)), reaches)
    assert sheet.rectangles(0, 0, 1) == [(0, 4, 2, 4)]
    assert sheet.rectangles(0, 0, 3) == [(2, 4, 2, 4)]
    assert sheet.box(0, 0) == (0, 6, 0, 6)
    assert sheet.box(0, 3) == (2, 6, 2, 6)

    reaches = [Reach(0, 0, 1/8, 1/8)]
    torus = HaloPlan(
        Tiling([(8, 8)], ProcessGrid(2, 2, (False, True))), reaches)
    assert torus.rectangles(0, 0, 1) == [(0, 4, 0, 1), (0, 4, 3, 4)]
    assert torus.rectangles(0, 2, 1) == [(4, 5, 0, 1), (4, 5, 3, 4)]
    assert torus.box(0, 0) == (0, 5, 7, 6)
    assert torus.cells(0).ravel().tolist() == [8, 4, 2]


def test_between_the_cells_of_a_coarser_grid():
    # Cells 0 to 8 at 1/18, 3/18, ... reach 2/18 far; the three targets lie
    # at 3/18, 9/18 and 15/18, so all reach one but only just
    tiling = Tiling([(1, 9), (1, 3)], ProcessGrid(1, 3))
    plan = HaloPlan(tiling, [Reach(0, 1, 0, 2/18)])
    assert all(plan.peers(rank) == [] for rank in range(3))
    assert plan.box(0, 1) == (0, 1, 3, 3)

    # With less, only those right above a target do
    plan = HaloPlan(tiling, [Reach(0, 1, 0, 1/18)])
    assert plan.box(0, 1) == (0, 1, 4, 1)


def test_several_reaches_do_not_blur():
    # One reach is long in rows, the other in columns: together a cross,
    # whose outline would take in the corners
    plan = HaloPlan(Tiling([(9, 9)], ProcessGrid(3, 3)),
                    [Reach(0, 0, 3/9, 0), Reach(0, 0, 0, 3/9)])
    assert plan.peers(4) == [1, 3, 5, 7]
    plan = HaloPlan(Tiling([(9, 9)], ProcessGrid(3, 3)),
                    [Reach(0, 0, 3/9, 1/9), Reach(0, 0, 1/9, 3/9)])
    assert plan.rectangles(0, 4, 8) == [(3, 5, 5, 6), (5, 6, 3, 6)]


def test_more_kinds_of_reach_than_bits():
    # Too much may be told then, but never too little
    reaches = [Reach(0, 0, 0.002*k, 0.4 - 0.002*k) for k in range(150)]
    plan = HaloPlan(Tiling([(12, 12)], ProcessGrid(3, 4)), reaches)
    told = reaching(plan, 0)
    for rank in range(12):
        ids = plan.tiling.ids(0, rank)
        peers, counts = plan.peers(rank), plan.cells(rank)[:, 0]
        for peer, count in zip(peers, counts, strict=True):
            covered = np.zeros((12, 12), bool)
            for row0, row1, column0, column1 in plan.rectangles(0, rank,
                                                                peer):
                covered[row0:row1, column0:column1] = True
            assert np.all(covered.ravel()[ids] >= told[peer, ids])
            assert count == covered.sum()


def test_reach_everywhere_and_nowhere():
    grid = ProcessGrid(2, 3)
    tiling = Tiling([(5, 7), (1, 2)], grid)
    everywhere = HaloPlan(tiling, [Reach(0, 1, math.inf, math.inf)])
    # The coarse population has a cell on two of the ranks
    owners = sorted(set(tiling.owner(1, [0, 1]).tolist()))
    assert len(owners) == 2
    assert everywhere.sources(owners[0]) == [
        rank for rank in range(6) if rank != owners[0]]
    assert everywhere.peers(owners[0]) == owners[1:]
    assert everywhere.box(0, owners[0]) == (0, 5, 0, 7)

    nowhere = HaloPlan(tiling, [])
    assert nowhere.peers(0) == nowhere.sources(0) == []
    assert nowhere.cells(0).shape == (0, 2)
    assert nowhere.rectangles(0, 0, 1) == []
    assert nowhere.box(0, 0) == (0, 0, 0, 0)


def test_smallest_run():
    def flags(text):
        return np.array([letter == '#' for letter in text])

    assert smallest_run(flags('.##.#...'), True) == (1, 4)
    assert smallest_run(flags('##....#.'), True) == (6, 4)
    assert smallest_run(flags('##....#.'), False) == (0, 7)
    assert smallest_run(flags('####'), True) == (0, 4)
    assert smallest_run(flags('....'), True) == (0, 0)
    # Two gaps alike: the run that does not go round
    assert smallest_run(flags('#.#.'), True) == (0, 3)
    assert runs_of(flags('##.#')) == [(0, 2), (3, 4)]


def test_mistakes():
    tiling = Tiling([(2, 2)], ProcessGrid(1, 1))
    with pytest.raises(ValueError, match='there are 1 populations'):
        HaloPlan(tiling, [Reach(0, 1, 1.0, 1.0)])
    for wrong in (-0.1, math.nan):
        with pytest.raises(ValueError, match='distance >= 0'):
            Reach(0, 0, 0.1, wrong)


def test_large_plans_are_cheap():
    # Rows + columns, not cells: a rank's share of a large run takes
    # milliseconds, where the pairs of cells would take hours
    tiling = Tiling([(4096, 4096), (2048, 2048)],
                    ProcessGrid(32, 32, (True, True)))
    reaches = [Reach(a, b, 0.01, 0.01) for a in (0, 1) for b in (0, 1)]
    plan = HaloPlan(tiling, reaches)
    start = time.perf_counter()
    assert len(plan.peers(500)) == len(plan.sources(500)) == 8
    # 0.01 is 40.96 cells of the fine grid: corners of 40 x 40 and sides of
    # 40 x 128; half of that in the coarse grid
    assert np.sort(plan.cells(500), axis=0).tolist() == (
        [[1600, 400]]*4 + [[5120, 1280]]*4)
    assert plan.masks(500).rows.shape == (8, 128 + 64)
    assert plan.box(0, 0)[1] == 128 + 2*40
    assert time.perf_counter() - start < 2

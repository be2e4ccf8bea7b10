"""Tiles: every cell has one owner, for all sizes that can be tried."""

import numpy as np
import pytest

from dsim.errors import LayoutError
from dsim.partitioning.axis import bounds, owner
from dsim.partitioning.drawing import draw, fold
from dsim.partitioning.processes import ProcessGrid
from dsim.partitioning.tiling import Tiling


@pytest.mark.parametrize('parts', range(1, 17))
def test_bounds_and_owner_by_brute_force(parts):
    for cells in range(1, 60):
        runs = bounds(cells, parts)
        assert runs.dtype == np.int64
        assert runs.tolist() == [cells*k // parts for k in range(parts + 1)]

        lengths = np.diff(runs)
        assert lengths.min() >= 0 and lengths.sum() == cells
        assert lengths.max() - lengths.min() <= 1
        assert (lengths.min() == 0) == (parts > cells)

        owners = [k for k in range(parts) for _ in range(lengths[k])]
        assert owner(np.arange(cells), cells, parts).tolist() == owners


def test_tiles_cover_each_grid_once():
    shapes = [(7, 10), (3, 2), (1, 12)]
    for rows, columns in [(1, 1), (2, 3), (4, 1), (7, 10), (5, 9)]:
        tiling = Tiling(shapes, ProcessGrid(rows, columns))
        assert tiling.first.tolist() == [0, 70, 76, 88]
        assert tiling.total == 88

        for p, shape in enumerate(shapes):
            grid = np.arange(tiling.size(p)).reshape(shape)
            seen = []
            for rank in range(rows*columns):
                row0, row1, column0, column1 = tiling.bounds(p, rank)
                ids = tiling.ids(p, rank)
                assert ids.dtype == np.int64
                assert ids.tolist() == (
                    grid[row0:row1, column0:column1].ravel().tolist())
                assert ids.size == tiling.count(p, rank)
                assert tiling.shape(p, rank) == (row1 - row0,
                                                 column1 - column0)
                assert np.all(tiling.owner(p, ids) == rank)
                seen.extend(ids)
                if ids.size:
                    width = column1 - column0
                    assert tiling.first_ids(p, rank).tolist() == (
                        ids[::width].tolist())
            assert sorted(seen) == list(range(tiling.size(p)))


def test_populations_are_cut_along_the_same_lines():
    # A cell's tile is the tile of its place, to within a cell
    fine, coarse = (60, 48), (20, 12)
    tiling = Tiling([fine, coarse], ProcessGrid(7, 5))
    for runs, n, parts in [(tiling.row_bounds, (60, 20), 7),
                           (tiling.column_bounds, (48, 12), 5)]:
        for p in (0, 1):
            ideal = np.arange(parts + 1)/parts
            assert np.all(abs(runs[p]/n[p] - ideal) <= 1/n[p])


def test_numbers_beyond_32_bits():
    tiling = Tiling([(100_000, 70_000)], ProcessGrid(8, 8))
    last = tiling.size(0) - 1
    assert tiling.total == 7_000_000_000
    assert tiling.owner(0, np.array([0, last, 5_000_000_000])).tolist() == [
        0, 63, 5*8 + 4]
    assert tiling.first_ids(0, 63)[-1] == last - 70_000//8 + 1


def test_what_is_not_there():
    tiling = Tiling([(3, 4)], ProcessGrid(2, 2))
    for ids in ([12], [-1, 3]):
        with pytest.raises(ValueError, match='ids 0 to 11'):
            tiling.owner(0, ids)
    with pytest.raises(LayoutError, match='without cells'):
        Tiling([(3, 0)], ProcessGrid(1, 1))


def test_drawing():
    tiling = Tiling([(5, 8), (1, 4)], ProcessGrid(2, 2, (True, False)))
    assert draw(tiling, ['exc', 'inh']) == '\n'.join([
        '4 ranks, 2 x 2 tiles, periodic in rows',
        '     +-----+-----+',
        'rank |   0 |   1 |',
        'exc  | 2x4 | 2x4 |',
        'inh  |   - |   - |',
        '     +-----+-----+',
        'rank |   2 |   3 |',
        'exc  | 3x4 | 3x4 |',
        'inh  | 1x2 | 1x2 |',
        '     +-----+-----+',
    ])
    assert draw(Tiling([(5, 8)], ProcessGrid(1, 1))) == '\n'.join([
        '1 rank, 1 x 1 tiles',
        '             +-----+',
        'rank         |   0 |',
        'population 0 | 5x8 |',
        '             +-----+',
    ])


def test_a_large_drawing_is_folded():
    assert fold(4, 4) == [0, 1, 2, 3]
    assert fold(9, 4) == [0, 1, None, 8]
    text = draw(Tiling([(40, 40)], ProcessGrid(1, 20)), ['exc'])
    ranks = text.splitlines()[2].replace('|', '').split()
    assert ranks == ['rank', *map(str, range(8)), '...',
                     *map(str, range(13, 20))]

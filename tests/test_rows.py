"""dsim.io.rows: rows find their canonical order from any distribution."""

import numpy as np
import pytest

from dsim.io.files import Alone
from dsim.io.rows import (
    Columns,
    by_ids,
    by_slices,
    exchange,
    offset,
    share,
    span,
)

SIZES = (1, 2, 3, 4)


def dealt(rows, comm):
    """My part of rows dealt out at random; rank 1 gets none."""
    luck = np.random.default_rng(5).integers(0, comm.size, len(rows))
    luck[luck == 1] = 0
    return rows[luck == comm.rank]


def all_of(column, comm):
    return np.concatenate(comm.allgather(column))


def check_slices(comm):
    dice = np.random.default_rng(7)
    for steps in (dice.integers(100, 500, 10_000),
                  dice.integers(0, 10**9, 999),
                  np.full(50, 3),
                  np.concatenate([np.zeros(900, int), np.arange(100)])):
        ids = np.arange(steps.size).astype(np.uint64)
        mine = dealt(np.arange(steps.size), comm)
        got, which = by_slices(steps[mine], comm, ids[mine])

        # Whole, with each step on one rank, in the order of the ranks
        everyone = all_of(got, comm)
        assert np.array_equal(np.sort(everyone), np.sort(steps))
        assert np.array_equal(steps[which.astype(int)], got)
        ends = [b for b in comm.allgather(
            (got.min(), got.max()) if got.size else None) if b]
        assert all(a[1] < b[0] for a, b in zip(ends, ends[1:], strict=False))

        # Shares are equal up to what one step holds
        most = max(comm.allgather(got.size))
        bars = np.bincount((steps - steps.min())
                           // (np.ptp(steps)//(1 << 16) + 1))
        assert most <= steps.size/comm.size + bars.max()

    nothing = np.zeros(0, np.int64)
    assert by_slices(nothing, comm, nothing)[1].size == 0
    assert span(nothing, comm) is None


def check_ids(comm):
    values = np.random.default_rng(8).random(101)
    mine = dealt(np.random.default_rng(9).permutation(101), comm)
    ids, got = by_ids(mine, 101, comm, mine, values[mine])
    assert np.array_equal(all_of(ids, comm), np.arange(101))
    assert np.array_equal(all_of(got, comm), values)
    # The last rank has the share with the id that nobody brought
    low, high = share(101, comm.rank, comm.size)
    fewer = np.arange(low, high)
    if comm.rank == comm.size - 1:
        fewer = fewer[:-1]
        with pytest.raises(ValueError, match='each once'):
            by_ids(fewer, 101, comm)
    else:
        by_ids(fewer, 101, comm)


def check_columns(comm):
    width = 13
    mine = dealt(np.random.default_rng(3).permutation(width), comm)
    columns = Columns(mine, width, comm)
    for steps in (0, 1, 2, 3, 50):
        whole = np.arange(steps*width, dtype=np.float32).reshape(-1, width)
        rows = columns.to_rows(whole[:, mine])
        assert rows.dtype == np.float32
        assert np.array_equal(rows, whole[slice(*share(steps, comm.rank,
                                                       comm.size))])
    for wrong in (mine + 1, mine[:0]):
        with pytest.raises(ValueError, match='columns 0 ... 12'):
            Columns(wrong, width, comm)


@pytest.mark.wheels
@pytest.mark.parallel(4)
def test_rows_find_their_order(comm, first_ranks):
    for size in SIZES:
        some = first_ranks(size)
        if some:
            first, total = offset(10*some.rank, some)
            assert first == 5*some.rank*(some.rank - 1)
            assert total == 5*size*(size - 1)
            check_slices(some)
            check_ids(some)
            check_columns(some)

            # Lower ranks first, and in the order in which they had them
            rows = some.rank + np.array([0.0, 0.1, 0.2])
            got, = exchange(np.array([size - 1, 0, 0]), some, rows)
            ranks = np.arange(size)
            assert np.array_equal(all_of(got, some), np.concatenate([
                np.ravel(ranks[:, None] + [0.1, 0.2]), ranks])
            ) or size == 1


def test_one_process_needs_no_mpi():
    alone = Alone()
    check_ids_of = np.array([2, 0, 1])
    assert np.array_equal(by_ids(check_ids_of, 3, alone, check_ids_of)[0],
                          [0, 1, 2])
    block = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(Columns([2, 0, 1], 3, alone).to_rows(block),
                          block[:, [1, 2, 0]])


@pytest.mark.parametrize('total', [0, 1, 7, 100])
@pytest.mark.parametrize('size', [1, 3, 8, 101])
def test_shares_are_whole_and_equal(total, size):
    bounds = [share(total, rank, size) for rank in range(size)]
    lengths = [high - low for low, high in bounds]
    assert [low for low, _ in bounds[1:]] == [high for _, high in bounds[:-1]]
    assert sum(lengths) == total
    assert max(lengths) - min(lengths) <= 1

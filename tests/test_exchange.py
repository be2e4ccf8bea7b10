"""Spikes between ranks: who hears what, when, and the counts."""

import time

import numpy as np
import pytest

from dsim.errors import LayoutError
from dsim.partitioning.axis import Reach
from dsim.partitioning.exchange import EXCHANGES
from dsim.partitioning.exchange.halo import Halo
from dsim.partitioning.exchange.loopback import complete, loopback
from dsim.partitioning.exchange.packets import Spikes, mark
from dsim.partitioning.plan import HaloPlan
from dsim.partitioning.processes import ProcessGrid
from dsim.partitioning.tiling import Tiling

NONE = Spikes(np.empty(0, np.int64), np.empty(0, np.int64))
TORUS = (True, True)


def small_plan(rows, columns, periodic=(True, False)):
    """Return a plan of two populations with unlike reaches."""
    tiling = Tiling([(9, 12), (3, 5)], ProcessGrid(rows, columns, periodic))
    return HaloPlan(tiling, [
        Reach(0, 0, 0.12, 0.1), Reach(0, 1, 0.05, 0.25), Reach(1, 0, 0.3, 0)])


def own_spikes(plan, rank, first_step, steps, rate, seed=0):
    """Return a window of random spikes of a rank, at most one a step."""
    tiling = plan.tiling
    mine = np.concatenate([tiling.first[p] + tiling.ids(p, rank)
                           for p in range(tiling.populations)])
    rng = np.random.default_rng((seed, rank, first_step))
    at, who = np.nonzero(rng.random((steps, mine.size)) < rate)
    return Spikes(first_step + at, mine[who])


def heard(plan, rank, posted):
    """Return what a rank must hear, spike by spike from the rectangles."""
    tiling, found = plan.tiling, []
    for other, spikes in enumerate(posted):
        reaching = [plan.rectangles(p, other, rank)
                    for p in range(tiling.populations)]
        for place, (step, number) in enumerate(zip(*spikes, strict=True)):
            p = np.searchsorted(tiling.first, number, 'right') - 1
            row, column = divmod(number - tiling.first[p],
                                 tiling.shapes[p][1])
            if any(row0 <= row < row1 and column0 <= column < column1
                   for row0, row1, column0, column1 in reaching[p]):
                found.append((step, other, place, number))
    return [(int(step), int(number))
            for step, _, _, number in sorted(found)]


def listed(spikes):
    """Return spikes as a list of (step, number)."""
    assert spikes.steps.dtype == spikes.numbers.dtype == np.int64
    return list(zip(spikes.steps.tolist(), spikes.numbers.tolist(),
                    strict=True))


@pytest.mark.parametrize(('rows', 'columns'), [(1, 2), (2, 2), (3, 2),
                                               (5, 3)])
def test_each_rank_hears_what_reaches_it(rows, columns):
    plan = small_plan(rows, columns)
    ranks = loopback(plan)
    windows = [(0, 3), (3, 1), (4, 5), (9, 2)]
    silent = 0
    for (first, steps), rate in zip(windows, [0.1, 0.0, 0.9, 0.3],
                                    strict=True):
        posted = [own_spikes(plan, rank, first, steps, rate)
                  for rank in range(rows*columns)]
        for exchange, spikes in zip(ranks, posted, strict=True):
            exchange.post(first, steps, spikes)
        for rank, exchange in enumerate(ranks):
            arrived = exchange.complete()
            assert listed(arrived) == heard(plan, rank, posted)
            others = posted[:rank] + posted[rank + 1:]
            silent += sum(spikes.steps.size for spikes in others)
            silent -= arrived.steps.size
    # Not everything went everywhere
    assert silent > 0


def test_the_message_format():
    plan = HaloPlan(Tiling([(1, 4), (1, 2)], ProcessGrid(1, 2)),
                    [Reach(0, 0, 0, 0.25), Reach(1, 0, 0, 1.0)])
    # Of rank 0, neuron 1 of the first population reaches, 0 does not; of
    # the second, neuron 0, which is number 4: two cells, in three steps
    sender, receiver = loopback(plan)
    sender.post(7, 3, Spikes(np.array([7, 7, 7, 9]), np.array([0, 1, 4, 4])))
    [letter] = receiver.mail._letters[0, 1]
    assert mark(7, 3) == 7 + 255*3
    # k = 0 in 6 bits, then 1 1 0 0 0 1, of which the last may be left out
    assert letter.tolist() == [(7 + 255*3) % 256, (7 + 255*3)//256,
                               0b11 << 6, 0b1000]

    receiver.post(7, 3, NONE)
    assert receiver.bytes == 2
    assert listed(receiver.complete()) == [(7, 1), (7, 4), (9, 4)]


def test_ranks_out_of_step_find_out():
    plan = HaloPlan(Tiling([(1, 4)], ProcessGrid(1, 2)),
                    [Reach(0, 0, 1.0, 1.0)])
    for scheme in EXCHANGES.values():
        for window in (6, 3), (7, 2), (7, 4), (10, 3), (7 + 2**32, 3):
            sender, receiver = loopback(plan, scheme)
            sender.post(7, 3, Spikes(np.array([7]), np.array([1])))
            receiver.post(*window, NONE)
            with pytest.raises(RuntimeError, match='from rank 0 is not of '
                                                   'the window'):
                receiver.complete()


def test_large_steps_and_numbers(message_size):
    # 4.9e9 neurons, and a run of 2**40 steps
    side = 70_000
    plan = HaloPlan(Tiling([(side, side), (2, 2)], ProcessGrid(2, 1)),
                    [Reach(0, 0, 3/side, 0), Reach(1, 1, 1.0, 1.0)])
    first = 2**40 + 5
    total = side*side
    edge = total//2 + 3*side - 1
    one = Spikes(np.array([first, first + 1, first + 1]),
                 np.array([edge, edge + 1, total + 3]))
    ranks = loopback(plan)
    ranks[0].post(first, 2, NONE)
    ranks[1].post(first, 2, one)
    assert listed(ranks[0].complete()) == [(first, edge),
                                           (first + 1, total + 3)]
    assert listed(ranks[1].complete()) == []
    # On the roll are three rows of one population and a row of the other
    places = [3*side - 1, 2*(3*side + 2) - 1]
    assert (ranks[1].messages, ranks[1].bytes) == (1, message_size(places))
    assert ranks[1].predict(plan, 1, 2, [0, 0]).bytes == 2


@pytest.mark.parametrize('spikes', [
    ([3], [0]),             # before the window
    ([6], [0]),             # after it
    ([5, 4], [0, 0]),       # out of order
    ([4], [2]),             # of another rank
    ([4], [-1]),            # of nobody
    ([4], [16]),            # of nobody
    ([4, 4], [0, 10]),      # of another rank, second population
    ([4, 4, 4], [8, 0, 8]),     # twice
])
def test_spikes_that_may_not_be_posted(spikes):
    # Rank 0 has the numbers 0, 1, 4, 5 and 8, 9
    plan = HaloPlan(Tiling([(2, 4), (2, 4)], ProcessGrid(1, 2)),
                    [Reach(0, 0, 1.0, 1.0)])
    exchange = loopback(plan)[0]
    with pytest.raises(ValueError, match='is out of order, outside'):
        exchange.post(4, 2, Spikes(*map(np.array, spikes)))
    with pytest.raises(ValueError, match='2 steps for 1 spikes'):
        exchange.post(4, 2, Spikes(np.array([4, 4]), np.array([0])))

    # Nothing was sent, so the window can be posted once more
    exchange.post(4, 2, NONE)
    assert exchange.messages == 1


def test_post_and_complete_take_turns():
    ranks = loopback(small_plan(2, 2))
    with pytest.raises(RuntimeError, match=r'rank 0: complete\(\) without'):
        ranks[0].complete()

    ranks[0].post(0, 2, NONE)
    with pytest.raises(RuntimeError, match='step 2 before .* from step 0'):
        ranks[0].post(2, 2, NONE)
    with pytest.raises(RuntimeError, match='rank 0 waits for rank 1, 2'):
        ranks[0].complete()

    # What was waited for can still come
    for rank in (1, 2, 3):
        ranks[rank].post(0, 2, NONE)
    assert listed(ranks[0].complete()) == []
    with pytest.raises(RuntimeError, match='without'):
        ranks[0].complete()


def test_buffers_are_used_again_without_harm():
    # Windows that grow and shrink, and callers who overwrite their arrays
    plan = HaloPlan(Tiling([(40, 40)], ProcessGrid(2, 2)),
                    [Reach(0, 0, 1.0, 1.0)])
    ranks, kept = loopback(plan), []
    for first, rate in [(0, 0.01), (2, 1.0), (4, 0.0), (6, 0.5)]:
        posted = [own_spikes(plan, rank, first, 2, rate)
                  for rank in range(4)]
        expected = [listed(spikes) for spikes in posted[1:]]
        for exchange, spikes in zip(ranks, posted, strict=True):
            exchange.post(first, 2, spikes)
            spikes.steps[:] = spikes.numbers[:] = -1
        arrived = [exchange.complete() for exchange in ranks][0]
        kept.append((arrived, sorted(sum(expected, []))))

    # Arrivals stay as they are through later windows
    for arrived, expected in kept:
        assert sorted(listed(arrived)) == expected


def test_a_rank_may_be_a_window_ahead():
    plan = HaloPlan(Tiling([(1, 4)], ProcessGrid(1, 2)),
                    [Reach(0, 0, 1.0, 1.0)])
    ahead, behind = loopback(plan)
    ahead.post(0, 1, Spikes(np.array([0]), np.array([0])))
    behind.post(0, 1, NONE)
    ahead.complete()
    ahead.post(1, 1, Spikes(np.array([1]), np.array([1])))
    assert listed(behind.complete()) == [(0, 0)]
    behind.post(1, 1, NONE)
    assert listed(behind.complete()) == [(1, 1)]


def test_a_steps_spikes_may_be_in_any_order():
    plan = HaloPlan(Tiling([(2, 8)], ProcessGrid(1, 2)),
                    [Reach(0, 0, 1.0, 1.0)])
    for scheme in EXCHANGES.values():
        ranks = loopback(plan, scheme)
        ranks[0].post(4, 2, Spikes(np.array([4, 4, 4, 5, 5]),
                                   np.array([9, 0, 3, 11, 2])))
        ranks[1].post(4, 2, NONE)
        assert [listed(heard) for heard in complete(ranks)] == [
            [], [(4, 0), (4, 3), (4, 9), (5, 2), (5, 11)]]


def test_counts_are_as_predicted(message_size):
    plan = small_plan(3, 2)
    ranks = loopback(plan)
    sizes = [plan.tiling.size(p) for p in (0, 1)]

    # All neurons in all steps: the mean is what happens
    posted = [own_spikes(plan, rank, 2, 4, 2.0) for rank in range(6)]
    for rank, exchange in enumerate(ranks):
        exchange.post(2, 4, posted[rank])
        traffic = Halo.predict(plan, rank, 4, [4*size for size in sizes])
        assert traffic == (exchange.messages, exchange.bytes, exchange.stages)
        assert traffic.messages == plan.messages(rank) > 0
    for exchange in ranks:
        exchange.complete()

    # Any raster: each spike is named by its place among those that count
    before = [(exchange.messages, exchange.bytes) for exchange in ranks]
    posted = [own_spikes(plan, rank, 6, 3, 0.3) for rank in range(6)]
    for rank, exchange in enumerate(ranks):
        exchange.post(6, 3, posted[rank])
        size = 0
        for peer in plan.peers(rank):
            roll = sorted(number for _, number in heard(
                plan, peer, [everyone_once(plan, rank) if other == rank
                             else NONE for other in range(6)]))
            size += message_size([
                (step - 6)*len(roll) + roll.index(number)
                for step, number in listed(posted[rank]) if number in roll])
        assert exchange.messages - before[rank][0] == len(plan.peers(rank))
        assert exchange.bytes - before[rank][1] == size
        assert exchange.stages == 2


def everyone_once(plan, rank):
    """Return a spike of each neuron of a rank."""
    return own_spikes(plan, rank, 0, 1, 2.0)


def test_one_rank_needs_no_communicator():
    plan = small_plan(1, 1)
    exchange = EXCHANGES['halo'](None, plan)
    exchange.post(0, 3, own_spikes(plan, 0, 0, 3, 0.5))
    assert listed(exchange.complete()) == []
    assert (exchange.messages, exchange.bytes, exchange.stages) == (0, 0, 0)
    assert Halo.predict(plan, 0, 3, [9, 9]) == (0, 0, 0)

    with pytest.raises(LayoutError, match='2 x 2 is for 4 ranks, this run '
                                          'has 1'):
        Halo(None, small_plan(2, 2))


@pytest.mark.wheels
@pytest.mark.parallel(1, 2, 3, 4)
def test_over_mpi(comm):
    assert list(EXCHANGES) == ['halo', 'hypercube', 'allgather']
    for name, scheme in EXCHANGES.items():
        assert scheme.name == name
        same_as_loopback(comm, scheme)
        ahead_of_each_other(comm, scheme)
    if comm.size > 1:
        out_of_step(comm)


def process_grid(ranks):
    """Return a closed grid, of 2 x 2 for 4 ranks, else of one row."""
    return ProcessGrid(*((2, 2) if ranks == 4 else (1, ranks)), TORUS)


def same_as_loopback(comm, scheme):
    """Compare spikes and counts with those of all ranks in one process."""
    # Some windows are far beyond what MPI sends without being asked for
    plan = HaloPlan(
        Tiling([(30, 32), (1, 2)], process_grid(comm.size)),
        [Reach(0, 0, 0.1, 0.3), Reach(0, 1, 0.1, 0.3), Reach(1, 0, 0.2, 0.2)])
    exchange, ranks = scheme(comm, plan), loopback(plan, scheme)

    for window, rate in enumerate([0.0, 0.01, 0.9, 0.0, 0.3, 1.0]):
        posted = [own_spikes(plan, rank, 50*window, 50, rate)
                  for rank in range(comm.size)]
        exchange.post(50*window, 50, posted[comm.rank])
        for local, spikes in zip(ranks, posted, strict=True):
            local.post(50*window, 50, spikes)
        expected = complete(ranks)[comm.rank]
        assert listed(exchange.complete()) == listed(expected)
        counted, local = (
            (each.messages, each.bytes, each.stages)
            for each in (exchange, ranks[comm.rank]))
        assert counted == local
    assert (expected.steps.size > 0) == (comm.size > 1)


def ahead_of_each_other(comm, scheme):
    """Let each rank in turn be late, so that it finds two windows' news."""
    plan = HaloPlan(Tiling([(1, 3*comm.size)], ProcessGrid(1, comm.size)),
                    [Reach(0, 0, 0, 1/comm.size)])
    exchange = scheme(comm, plan)
    for window in range(20):
        posted = [Spikes(np.array([window]), np.array([3*rank + window % 3]))
                  for rank in range(comm.size)]
        exchange.post(window, 1, posted[comm.rank])
        if window % comm.size == comm.rank:
            time.sleep(0.01)
        expected = heard(plan, comm.rank, posted)
        assert listed(exchange.complete()) == expected


def out_of_step(comm):
    """Two ranks whose windows differ do not take each other's spikes."""
    plan = HaloPlan(Tiling([(1, comm.size)], ProcessGrid(1, comm.size)),
                    [Reach(0, 0, 1.0, 1.0)])
    exchange = Halo(comm, plan)
    exchange.post(4*comm.rank, 4, NONE)
    with pytest.raises(RuntimeError, match='is not of the window'):
        exchange.complete()

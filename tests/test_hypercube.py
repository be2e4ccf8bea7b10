"""Schemes that pass spikes on: what arrives, and the counts, to the byte."""

import math

import numpy as np
import pytest

from dsim.errors import UnknownName
from dsim.partitioning.axis import Reach
from dsim.partitioning.exchange import EXCHANGES, find_scheme
from dsim.partitioning.exchange.allgather import Allgather
from dsim.partitioning.exchange.auto import seconds
from dsim.partitioning.exchange.base import Traffic
from dsim.partitioning.exchange.halo import Halo
from dsim.partitioning.exchange.hypercube import Hypercube
from dsim.partitioning.exchange.loopback import complete, loopback
from dsim.partitioning.exchange.packets import Spikes
from dsim.partitioning.graycode import route
from dsim.partitioning.plan import HaloPlan
from dsim.partitioning.processes import ProcessGrid, choose
from dsim.partitioning.tiling import Tiling

FORWARDING = Hypercube, Allgather
SHAPES = [(32, 34), (7, 9)]
TORUS = (True, True)


def uneven_plan(processes):
    """Two populations with unlike reaches, some of them far."""
    return HaloPlan(Tiling(SHAPES, processes), [
        Reach(0, 0, 0.08, 0.05), Reach(0, 1, 0.02, 0.4),
        Reach(1, 0, 0.3, 0.1)])


def plan_of(processes, reach, side=6):
    """One population of equal tiles; ``reach`` in cells."""
    rows, columns = side*processes.rows, side*processes.columns
    return HaloPlan(Tiling([(rows, columns)], processes),
                    [Reach(0, 0, reach/rows, reach/columns)])


def random_spikes(plan, first_step, steps, rate):
    """Return each rank's spikes of a window."""
    tiling, posted = plan.tiling, []
    for rank in range(tiling.processes.size):
        mine = np.concatenate([tiling.first[p] + tiling.ids(p, rank)
                               for p in range(tiling.populations)])
        rng = np.random.default_rng((rank, first_step))
        at, who = np.nonzero(rng.random((steps, mine.size)) < rate)
        posted.append(Spikes(first_step + at, mine[who]))
    return posted


def exchanged(plan, scheme, windows):
    """Return all ranks' exchanges, and what each heard in each window."""
    ranks, heard = loopback(plan, scheme), []
    for (first, steps), posted in windows:
        for exchange, spikes in zip(ranks, posted, strict=True):
            exchange.post(first, steps, spikes)
        heard += [(s.steps.tolist(), s.numbers.tolist())
                  for s in complete(ranks)]
    return ranks, heard


def grids(ranks):
    """The best grid, a single row, and an upright grid that is closed."""
    best = choose(ranks, SHAPES)
    return {ProcessGrid(best.rows, best.columns, (True, False)),
            ProcessGrid(max(best.rows, best.columns),
                        min(best.rows, best.columns), TORUS),
            ProcessGrid(1, ranks)}


@pytest.mark.parametrize('ranks', range(1, 33))
def test_all_hear_what_halo_lets_them_hear(ranks):
    for grid in grids(ranks):
        plan = uneven_plan(grid)
        windows = [(window, random_spikes(plan, *window, rate))
                   for window, rate in (((0, 3), 0.02), ((3, 2), 0.0),
                                        ((5, 1), 0.3))]
        _, expected = exchanged(plan, Halo, windows)
        for scheme in FORWARDING:
            assert exchanged(plan, scheme, windows)[1] == expected


@pytest.mark.parametrize('scheme', FORWARDING)
@pytest.mark.parametrize(('rows', 'columns'),
                         [(1, 1), (1, 2), (3, 1), (2, 3), (5, 3), (4, 4)])
def test_counted_is_predicted(rows, columns, scheme):
    # All neurons in all steps: the mean is what happens
    plan = uneven_plan(ProcessGrid(rows, columns, (False, True)))
    ranks, _ = exchanged(plan, scheme,
                         [((10, 3), random_spikes(plan, 10, 3, 2.0))])
    sizes = [3*plan.tiling.size(p) for p in (0, 1)]
    for rank, exchange in enumerate(ranks):
        traffic = scheme.predict(plan, rank, 3, sizes)
        assert traffic == (exchange.messages, exchange.bytes,
                           exchange.stages)
        assert traffic.messages <= traffic.stages


@pytest.mark.parametrize(('rows', 'columns', 'periodic'), [
    (4, 4, TORUS), (1, 7, TORUS), (3, 5, (False, True)), (2, 6, TORUS)])
def test_each_spike_crosses_a_link_once(rows, columns, periodic,
                                        message_size):
    # Counted from rectangles and routes, neuron by neuron
    grid = ProcessGrid(rows, columns, periodic)
    plan = uneven_plan(grid)
    posted = random_spikes(plan, 0, 4, 0.01)
    ranks, _ = exchanged(plan, Hypercube, [((0, 4), posted)])

    rolls = {}
    for rank in range(grid.size):
        for peer in plan.peers(rank):
            way = route(grid, rank, peer)
            numbers = [plan.tiling.first[p] + row*SHAPES[p][1] + column
                       for p in (0, 1)
                       for a, b, c, d in plan.rectangles(p, rank, peer)
                       for row in range(a, b) for column in range(c, d)]
            for hop in zip(way, way[1:], strict=False):
                rolls.setdefault(hop, set()).update(numbers)

    fired = [(step, number) for spikes in posted
             for step, number in zip(*map(list, spikes), strict=True)]
    messages, sent = np.zeros((2, grid.size), np.int64)
    for (sender, _), numbers in rolls.items():
        place = {number: k for k, number in enumerate(sorted(numbers))}
        messages[sender] += 1
        sent[sender] += message_size(sorted(
            step*len(place) + place[number]
            for step, number in fired if number in place))

    for rank, exchange in enumerate(ranks):
        assert exchange.messages == messages[rank] > 0
        assert exchange.bytes == sent[rank]


@pytest.mark.parametrize('d', range(7))
def test_everywhere_takes_one_message_a_dimension(d):
    # Recursive doubling: of s cells a rank, s, 2 s, 4 s, ... are passed on.
    # All fire: a window, k, and a bit for each cell and step
    grid = ProcessGrid(2**(d//2), 2**(d - d//2), TORUS)
    plan = plan_of(grid, math.inf)
    everyone = [10*36*grid.size]
    for scheme in FORWARDING:
        traffic = scheme.predict(plan, 0, 10, everyone)
        assert traffic == (d, sum(-(-(22 + 360*2**k)//8) for k in range(d)),
                           d)
    others = grid.size - 1
    assert Halo.predict(plan, 0, 10, everyone) == (
        others, others*-(-(22 + 360)//8), min(others, 1))


@pytest.mark.parametrize('ranks', range(1, 33))
def test_allgather_is_the_same_for_any_plan(ranks):
    # Each rank's spikes arrive once at every other, in the fewest stages
    grid = ProcessGrid(1, ranks)
    stages = math.ceil(math.log2(ranks))
    cells = [36*min(2**k, ranks - 2**k) for k in range(stages)]
    for reach in 0, math.inf:
        traffic = Allgather.predict(plan_of(grid, reach), ranks//2, 2,
                                    [2*36*ranks])
        assert traffic == (stages, sum(-(-(22 + 2*n)//8) for n in cells),
                           stages)
    assert sum(cells) == 36*(ranks - 1)


@pytest.mark.parametrize(('rows', 'columns'),
                         [(4, 4), (4, 8), (8, 8), (16, 8), (16, 16)])
def test_local_reach_costs_the_same_on_any_number_of_ranks(rows, columns):
    # Two links along each axis lead to all eight neighbours.  Of 36 cells
    # 2*12 cross rows; then of 36 and twice 12 heard, a third cross columns
    plan = plan_of(ProcessGrid(rows, columns, TORUS), 2)
    everyone = [5*plan.tiling.total]

    def size(*rolls):
        return sum(-(-(22 + 5*cells)//8) for cells in rolls)

    for rank in range(0, rows*columns, 3):
        traffic = Hypercube.predict(plan, rank, 5, everyone)
        assert traffic == (4, size(12, 12, 20, 20), 4)
        assert Halo.predict(plan, rank, 5, everyone) == (
            8, size(*4*[12], *4*[4]), 1)


def test_no_reach_no_messages():
    plan = plan_of(ProcessGrid(3, 4), 0)
    ranks, _ = exchanged(plan, Hypercube,
                         [((0, 2), random_spikes(plan, 0, 2, 0.5))])
    assert not any(e.messages or e.bytes or e.stages for e in ranks)


@pytest.mark.parametrize('scheme', FORWARDING)
def test_ranks_that_pass_on_wait_for_each_other(scheme):
    plan = plan_of(ProcessGrid(2, 2), math.inf)
    posted = random_spikes(plan, 0, 2, 0.5)
    ranks = loopback(plan, scheme)
    with pytest.raises(ValueError, match='out of order, outside'):
        ranks[0].post(0, 2, posted[1])
    for rank in 0, 1, 2:
        ranks[rank].post(0, 2, posted[rank])
    with pytest.raises(RuntimeError, match='waits for rank'):
        complete(ranks[:3])

    # What was waited for can still come, and posted arrays may change
    ranks[3].post(0, 2, posted[3])
    expected = sorted(sum((s.numbers.tolist() for s in posted[1:]), []))
    for spikes in posted:
        spikes.numbers[:] = -1
    assert sorted(complete(ranks)[0].numbers.tolist()) == expected


def test_large_steps_and_numbers(message_size):
    # 4.9e9 neurons, and a run of 2**40 steps
    first, side = 2**40 + 5, 70_000
    plan = HaloPlan(Tiling([(2, 2), (side, side)], ProcessGrid(2, 1)),
                    [Reach(1, 1, 3/side, 0)])
    edge = 4 + side*side//2 + side - 1
    spikes = Spikes(np.array([first, first + 1]),
                    np.array([edge, 4 + side*side - 1]))
    none = Spikes(*np.empty((2, 0), np.int64))
    for name, scheme in EXCHANGES.items():
        ranks, heard = exchanged(plan, scheme, [((first, 2),
                                                 [none, spikes])])
        assert heard == [([first], [edge]), ([], [])]
        # Allgather's roll is all of the rank, and it tells of both
        half = 2 + side*side//2
        places = ([2 + side - 1, 2*half - 1] if name == 'allgather'
                  else [side - 1])
        assert ranks[1].bytes == message_size(places)


def test_auto_takes_the_cheapest():
    assert seconds(Traffic(4, 5e3, 2)) == pytest.approx(
        2*6.5e-6 + 4*2e-6 + 1e-4)
    closed = [ProcessGrid(4, 4, TORUS), ProcessGrid(16, 16, TORUS)]
    for grid in closed:
        # Eight neighbours at once take less time than four stages
        assert find_scheme('auto', plan_of(grid, 2), 10, 1.0) is Halo
        far = plan_of(grid, math.inf)
        assert find_scheme('auto', far, 10, 1.0) is Hypercube
    alone = plan_of(ProcessGrid(1, 1), math.inf)
    assert find_scheme('auto', alone, 10, 1.0) is Halo
    # Where sides are far from powers of two, Bruck needs fewer stages
    odd = plan_of(ProcessGrid(5, 5, TORUS), math.inf)
    assert find_scheme('auto', odd, 10, 1.0) is Allgather

    for name, scheme in EXCHANGES.items():
        assert find_scheme(name, far, 10, 1.0) is scheme
    with pytest.raises(UnknownName, match="did you mean 'hypercube'.*\n.*"
                                          'allgather, auto, halo'):
        find_scheme('hypercub', far, 10, 1.0)


@pytest.mark.parallel(8)
def test_over_mpi(first_ranks):
    for size in 1, 2, 3, 4, 5, 6, 8:
        comm = first_ranks(size)
        if comm is None:
            continue
        for grid in grids(size):
            plan = uneven_plan(grid)
            windows = [(window, random_spikes(plan, *window, rate))
                       for window, rate in (((0, 3), 0.02), ((3, 40), 0.9))]
            for scheme in FORWARDING:
                same_as_loopback(comm, plan, scheme, windows)
        # Nobody may be two grids ahead: their messages look alike
        comm.Barrier()


def same_as_loopback(comm, plan, scheme, windows):
    """Compare with all ranks in one process, counts too."""
    ranks, expected = exchanged(plan, scheme, windows)
    exchange = scheme(comm, plan)
    for k, ((first, steps), posted) in enumerate(windows):
        exchange.post(first, steps, posted[comm.rank])
        found = exchange.complete()
        assert (found.steps.tolist(), found.numbers.tolist()) == expected[
            k*comm.size + comm.rank]
    local = ranks[comm.rank]
    assert (exchange.messages, exchange.bytes, exchange.stages) == (
        local.messages, local.bytes, local.stages)

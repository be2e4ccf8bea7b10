"""The format of messages: rolls, bits, and how long they are."""

import itertools

import numpy as np
import pytest

from dsim.partitioning.axis import Reach
from dsim.partitioning.exchange import coding
from dsim.partitioning.exchange.packets import (
    Packer,
    Relay,
    Spikes,
    Unpacker,
    mark,
    message_bytes,
)
from dsim.partitioning.exchange.roll import Names, Patch, Roll
from dsim.partitioning.plan import HaloPlan
from dsim.partitioning.processes import ProcessGrid
from dsim.partitioning.tiling import Tiling


def line_plan(cells, told):
    """Two ranks of a row of cells each; the last ones of rank 0 are told."""
    plan = HaloPlan(Tiling([(1, 2*cells)], ProcessGrid(1, 2)),
                    [Reach(0, 0, 1.0, (told + 0.5)/(2*cells))])
    assert plan.cells(0).tolist() == [[told]]
    return plan


def ends(plan):
    """Return the packer of rank 0 and the unpacker of rank 1."""
    masks, patch = plan.masks(0), Patch.of(plan.tiling, 0)
    roll = Roll.of(patch, masks.rows[0], masks.columns[0])
    return (Packer(plan.tiling, 0, [roll]),
            Unpacker([0], Names.on([roll], [patch])))


def padded(message):
    """Return a message as it lies in a mailbox: with anything behind it."""
    data = np.full(8*(message.size//8 + 3), 0xA5, np.uint8)
    data[:message.size] = message
    return data, np.array([0, message.size])


def as_bytes(places, head):
    """Write a message bit by bit: the format, once more and slowly."""
    gaps = np.diff(places, prepend=-1) - 1

    def bits(value, count):
        return f'{value:0{count}b}'[::-1] if count else ''

    def coded(k):
        return ''.join('0'*(gap >> k) + '1' + bits(gap & 2**k - 1, k)
                       for gap in gaps.tolist())

    text = bits(head, 16)
    if gaps.size:
        text += min((bits(k, 6) + coded(k) for k in range(30)), key=len)
    text += '0'*(-len(text) % 8)
    return bytes(int(text[k:k + 8][::-1], 2) for k in range(0, len(text), 8))


@pytest.mark.parametrize('rate', [0.0, 0.001, 0.02, 0.3, 0.7, 0.99, 1.0])
@pytest.mark.parametrize(('cells', 'steps'), [(1, 1), (40, 3), (900, 20)])
def test_there_and_back(cells, steps, rate, message_size):
    packer, unpacker = ends(line_plan(2*cells, cells))
    rng = np.random.default_rng((cells, steps))
    for first in 0, 1000, 2**40:
        # All neurons, of which the last half is told
        at, who = np.nonzero(rng.random((steps, 2*cells)) < rate)
        data, [stop] = packer.pack(first, steps, Spikes(first + at, who))
        message = data[:stop]

        told = who >= cells
        places = at[told]*cells + who[told] - cells
        assert message.tobytes() == as_bytes(places, mark(first, steps))
        assert stop == message_size(places)
        found = unpacker.unpack(*padded(message), first, steps)
        assert found.steps.tolist() == (first + at[told]).tolist()
        assert found.numbers.tolist() == who[told].tolist()


def test_the_shortest_code_is_found():
    rng = np.random.default_rng(1)
    for size, scale in itertools.product((1, 2, 30), (0, 1, 7, 300, 2**40)):
        gaps = (rng.exponential(1, size)**2*scale).astype(np.int64)
        lengths = [coding.bits_of(gaps, k) for k in range(49)]
        assert coding.shortest(gaps) == np.argmin(lengths)
        out = np.zeros(8*size + 40, np.uint8)
        stop = coding.write(gaps, 3, 2, out, 0)
        assert stop == -(-(8 + min(lengths))//8) <= 8*size + 1
        bit, k = 8, int(out[0]) >> 2
        for gap in gaps:
            found, bit = coding.read(out.view(np.uint64), bit, 8*stop, k)
            assert found == gap
        assert coding.read(out.view(np.uint64), bit, 8*stop, k)[0] == -1


def test_other_windows_have_other_marks():
    for first, steps in (0, 1), (7, 3), (2**40, 128), (65520, 20):
        near = [(first + a, steps + b) for a in range(-254, 255)
                for b in range(-254, 255) if (a or b) and steps + b >= 0]
        marks = {mark(*window) for window in near}
        own = mark(first, steps)
        assert own not in marks
        assert all(0 <= found < 2**16 for found in marks)
        for power in range(8, 60):
            assert mark(first + 2**power, steps) != own


def test_messages_that_are_not_of_this_window():
    packer, unpacker = ends(line_plan(4, 4))
    spikes = Spikes(np.array([7, 8, 9]), np.array([1, 0, 3]))
    data, [stop] = packer.pack(7, 3, spikes)
    message = data[:stop].copy()
    assert unpacker.unpack(*padded(message), 7, 3).numbers.size == 3

    def refused(changed, window=(7, 3)):
        with pytest.raises(RuntimeError, match=r'from rank 0 is not of the '
                                               r'window \['):
            unpacker.unpack(*padded(changed), *window)

    for window in (6, 3), (7, 2), (7, 4), (10, 3), (7 + 2**32, 3):
        refused(message, window)
    # Too short, too long, or of more cells than there are
    refused(message[:1])
    refused(message[:0])
    refused(np.append(message, np.zeros(2, np.uint8)))
    refused(np.append(message, np.full(1, 255, np.uint8)))
    code = np.array([0b1010], np.uint8)
    refused(np.concatenate((message[:2], [63], code)).astype(np.uint8))
    # An empty one of this window is as short as can be
    assert unpacker.unpack(*padded(message[:2]), 7, 3).numbers.size == 0


def test_a_roll_is_what_the_plan_says():
    tiling = Tiling([(24, 30), (6, 10)], ProcessGrid(3, 4, (True, False)))
    plan = HaloPlan(tiling, [Reach(0, 0, 0.04, 0.2), Reach(0, 1, 0.2, 0.03),
                             Reach(1, 0, 0.3, 0.1)])
    for rank in range(12):
        masks, patch = plan.masks(rank), Patch.of(tiling, rank)
        for k, peer in enumerate(masks.peers):
            roll = Roll.of(patch, masks.rows[k], masks.columns[k])
            numbers = sorted(
                tiling.first[p] + row*tiling.shapes[p][1] + column
                for p in range(2)
                for a, b, c, d in plan.rectangles(p, rank, peer)
                for row in range(a, b) for column in range(c, d))
            assert roll.size == len(numbers) == plan.cells(rank)[k].sum()

            # All fire in all of two steps: a bitmap of ones
            everyone = np.sort(np.concatenate(
                [tiling.first[p] + tiling.ids(p, rank) for p in range(2)]))
            spikes = Spikes(np.repeat([5, 6], everyone.size),
                            np.tile(everyone, 2))
            data, [stop] = Packer(tiling, rank, [roll]).pack(5, 2, spikes)
            assert stop == -(-(22 + 2*roll.size)//8)
            unpacker = Unpacker([rank], Names.on([roll], [patch]))
            found = unpacker.unpack(*padded(data[:stop]), 5, 2)
            assert found.numbers.tolist() == 2*numbers


def test_spikes_in_any_order_are_passed_on_in_order():
    tiling = Tiling([(40, 40), (9, 7)], ProcessGrid(1, 1))
    grids = Patch.of(tiling)
    rng = np.random.default_rng(3)
    rows = rng.integers(0, 4, 49).astype(np.uint64)
    columns = rng.integers(0, 4, 47).astype(np.uint64)
    roll = Roll.of(grids, rows, columns)
    at = rng.permutation(np.repeat([3, 4], 200))
    h, w = np.divmod(rng.permutation(1600)[:400], 40)
    table = np.array([at - 3, 40*h + w, h, w])
    message = Relay(grids, roll).pack(mark(3, 2), table, 400)

    passed = (rows[h] & columns[w]) > 0
    expected = sorted(zip(at[passed].tolist(),
                              (40*h + w)[passed].tolist(), strict=True))
    found = Unpacker([0], Names.on([roll], [grids])).unpack(
        *padded(message), 3, 2)
    assert list(zip(*map(list, found), strict=True)) == expected


@pytest.mark.parametrize(('cells', 'steps'), [(60, 1), (500, 1), (500, 16)])
@pytest.mark.parametrize('rate', [1e-4, 0.002, 0.008, 0.1, 0.6])
def test_the_mean_length_is_foretold(cells, steps, rate, message_size):
    rng = np.random.default_rng(5)
    lengths = [message_size(np.flatnonzero(rng.random(cells*steps) < rate))
               for _ in range(800)]
    told = message_bytes(steps, np.array([cells]), [rate])
    error = np.std(lengths)/len(lengths)**0.5
    assert told - np.mean(lengths) == pytest.approx(
        0.0, abs=3.5*error + 0.03*told)
    assert message_bytes(steps, np.array([cells]), [0.0]) == 2
    assert message_bytes(steps, np.array([cells]), [1.0]) == message_size(
        np.arange(cells*steps))


def test_different_rates_are_averaged(message_size):
    # As many spikes of one population as of another a quarter its size
    cells, rates, steps = np.array([800, 200]), [0.005, 0.02], 8
    probability = np.tile(np.repeat(rates, cells), steps)
    rng = np.random.default_rng(6)
    lengths = [message_size(np.flatnonzero(rng.random(8000) < probability))
               for _ in range(300)]
    told = message_bytes(steps, cells, rates)
    assert told == pytest.approx(np.mean(lengths), rel=0.03)

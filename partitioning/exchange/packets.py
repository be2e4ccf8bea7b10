"""Spikes to messages and back; the only file that knows their format.

A message holds one window's spikes for one rank, in 32-bit words:

    first step        2 words, the low one first
    spikes per step   1 for each step of the window
    numbers           1 for each spike in order of step; 2, the low one
                      first, where there are more than 2**32 neurons

A message of another number of steps has another length than its counts
add up to, so the two ends always agree on the window or find out.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dsim.compiled import compiled
from dsim.partitioning.axis import Flags, Integers
from dsim.partitioning.exchange.mail import Words
from dsim.partitioning.plan import Bits, HaloPlan

HEADER = 2
LOW = 0xFFFFFFFF


class Spikes(NamedTuple):
    """Spikes in order of step: int64 arrays of one length.

    ``steps`` are absolute, ``numbers`` count the neurons of all
    populations: first[p] + id.
    """

    steps: Integers
    numbers: Integers


def words_per_number(total: int) -> int:
    """Return the words that hold any number below ``total``."""
    return 1 if total <= 2**32 else 2


def message_bytes(steps: int, spikes: float, total: int) -> float:
    """Return the length of a message of so many spikes.

    ``total`` is the number of neurons of all populations.
    """
    return 4*(HEADER + steps + spikes*words_per_number(total))


def pack(first_step: int, steps: int, spikes: Spikes, chosen: Flags,
         total: int) -> Words:
    """Return one message of the chosen spikes of a window.

    They may be in any order; those of one step stay in theirs.  ``total``
    is the number of neurons of all populations.
    """
    wide = words_per_number(total)
    counts = np.zeros(steps, np.int64)
    count_chosen(spikes.steps, chosen, first_step, counts)
    body = HEADER + steps
    words = np.empty(body + wide*int(counts.sum()), np.uint32)
    words[:HEADER] = first_step & LOW, first_step >> 32
    words[HEADER:body] = counts
    starts = body + wide*(np.cumsum(counts) - counts)
    place_chosen(*spikes, chosen, first_step, wide, starts, words)
    return words


class Packer:
    """Cuts a rank's spikes to what each of its peers must hear of.

    ``peers`` are those of the plan, or some of them.
    """

    def __init__(self, plan: HaloPlan, rank: int,
                 peers: Sequence[int] | None = None):
        tiling = plan.tiling
        self.rank, self._masks = rank, plan.masks(rank, peers)
        self._wide = words_per_number(tiling.total)
        self._first = tiling.first
        self._tiles = np.array(
            [(*tiling.bounds(p, rank), tiling.shapes[p][1])
             for p in range(tiling.populations)], np.int64).reshape(-1, 5)
        self._words: Words = np.empty(1024, np.uint32)
        self._places = np.empty((0, 2), np.int64)

    def pack(self, first_step: int, steps: int,
             spikes: Spikes) -> list[tuple[int, Words]]:
        """Return each peer, ascending, and its message, an empty one too.

        The messages stay valid until the next call.  Raises ValueError for
        a spike out of order, outside the window or of another rank.
        """
        at = np.ascontiguousarray(spikes.steps, np.int64)
        numbers = np.ascontiguousarray(spikes.numbers, np.int64)
        if at.shape != numbers.shape:
            raise ValueError(f'{at.size} steps for {numbers.size} spikes')
        if self._places.shape[0] < at.size:
            self._places = np.empty((2*at.size, 2), np.int64)

        masks = self._masks
        counts = np.zeros((masks.peers.size, steps), np.int64)
        wrong = count_spikes(at, numbers, first_step, self._first,
                             self._tiles, masks.row_starts,
                             masks.column_starts, masks.rows, masks.columns,
                             self._places, counts)
        if wrong >= 0:
            raise ValueError(
                f'rank {self.rank}: spike {wrong} (step {at[wrong]}, number '
                f'{numbers[wrong]}) is out of order, outside the window '
                f'[{first_step}, {first_step + steps}) or not of this rank'
            )

        lengths = HEADER + steps + self._wide*counts.sum(1)
        bounds = np.concatenate(([0], np.cumsum(lengths)))
        if bounds[-1] > self._words.size:
            self._words = np.empty(2*int(bounds[-1]), np.uint32)
        fill_messages(numbers, first_step, masks.rows, masks.columns,
                      self._places, counts, self._wide, bounds, self._words)
        return [(int(peer), self._words[bounds[k]:bounds[k + 1]])
                for k, peer in enumerate(masks.peers)]


def unpack(words: Words, bounds: Sequence[int], sources: Sequence[int],
           window: tuple[int, int], total: int) -> Spikes:
    """Return the spikes of several messages, in order of step.

    ``bounds`` are those of the messages in ``words``, ``sources`` the ranks
    they are from, ``window`` the first step and the number of steps that
    each must be of, ``total`` the number of neurons.  Spikes of one step
    stay in the order of the messages.  Raises RuntimeError for a message
    of another window, as then the ranks are out of step.
    """
    first_step, steps = window
    limits = np.array(bounds, np.int64)
    wide = words_per_number(total)
    counts = np.zeros(steps, np.int64)
    wrong = count_arrivals(words, limits, first_step, wide, counts)
    if wrong >= 0:
        raise RuntimeError(
            f'the message from rank {sources[wrong]} is not of the window '
            f'[{first_step}, {first_step + steps}) of this rank'
        )

    ends = np.cumsum(counts)
    size = int(ends[-1]) if steps else 0
    spikes = Spikes(np.repeat(np.arange(first_step, first_step + steps),
                              counts),
                    np.empty(size, np.int64))
    place_arrivals(words, limits, wide, ends - counts, spikes.numbers)
    return spikes


@compiled
def count_spikes(steps: Integers, numbers: Integers, first_step: int,
                 first: Integers, tiles: Integers, row_starts: Integers,
                 column_starts: Integers, rows: Bits, columns: Bits,
                 places: Integers, counts: Integers) -> int:
    """Count each peer's spikes of each step; note their places in the masks.

    Returns the index of the first spike that must not be there, else -1.
    """
    peers, length = counts.shape
    p = 0
    last = 0
    for k in range(numbers.size):
        step = steps[k] - first_step
        number = numbers[k]
        if (step < last or step >= length
                or number < 0 or number >= first[-1]):
            return k
        last = step

        # Spikes of a step are mostly grouped by population
        while number < first[p]:
            p -= 1
        while number >= first[p + 1]:
            p += 1
        row, column = divmod(number - first[p], tiles[p, 4])
        if (row < tiles[p, 0] or row >= tiles[p, 1]
                or column < tiles[p, 2] or column >= tiles[p, 3]):
            return k

        h = row - tiles[p, 0] + row_starts[p]
        w = column - tiles[p, 2] + column_starts[p]
        places[k, 0] = h
        places[k, 1] = w
        for peer in range(peers):
            if rows[peer, h] & columns[peer, w]:
                counts[peer, step] += 1
    return -1


@compiled
def count_chosen(steps: Integers, chosen: Flags, first_step: int,
                 counts: Integers) -> None:
    """Count the chosen spikes of each step."""
    for k in range(steps.size):
        if chosen[k]:
            counts[steps[k] - first_step] += 1


@compiled
def place_chosen(steps: Integers, numbers: Integers, chosen: Flags,
                 first_step: int, wide: int, starts: Integers,
                 words: Words) -> None:
    """Write the chosen numbers, each step's from its start on."""
    for k in range(steps.size):
        if chosen[k]:
            step = steps[k] - first_step
            words[starts[step]] = numbers[k] & LOW
            if wide == 2:
                words[starts[step] + 1] = numbers[k] >> 32
            starts[step] += wide


@compiled
def fill_messages(numbers: Integers, first_step: int, rows: Bits,
                  columns: Bits, places: Integers, counts: Integers,
                  wide: int, bounds: Integers, words: Words) -> None:
    """Write each peer's message between its bounds of ``words``."""
    for peer in range(counts.shape[0]):
        at = bounds[peer]
        words[at] = first_step & LOW
        words[at + 1] = first_step >> 32
        at += HEADER
        for step in range(counts.shape[1]):
            words[at] = counts[peer, step]
            at += 1

        for k in range(numbers.size):
            if rows[peer, places[k, 0]] & columns[peer, places[k, 1]]:
                words[at] = numbers[k] & LOW
                if wide == 2:
                    words[at + 1] = numbers[k] >> 32
                at += wide


@compiled
def count_arrivals(words: Words, bounds: Integers, first_step: int,
                   wide: int, counts: Integers) -> int:
    """Add up the spikes of each step over all messages.

    Returns the index of the first message that is not of this window, or
    whose counts do not add up to its length, else -1.
    """
    start = HEADER + counts.size
    for k in range(bounds.size - 1):
        at = bounds[k]
        length = bounds[k + 1] - at
        if length < start:
            return k
        first = np.int64(words[at]) | np.int64(words[at + 1]) << 32
        if first != first_step:
            return k

        spikes = np.int64(0)
        for step in range(counts.size):
            count = np.int64(words[at + HEADER + step])
            counts[step] += count
            spikes += count
        if length != start + wide*spikes:
            return k
    return -1


@compiled
def place_arrivals(words: Words, bounds: Integers, wide: int,
                   starts: Integers, numbers: Integers) -> None:
    """Write the numbers of all messages, each step's from its start on."""
    steps = starts.size
    for k in range(bounds.size - 1):
        counts = bounds[k] + HEADER
        at = counts + steps
        for step in range(steps):
            for _ in range(words[counts + step]):
                number = np.int64(words[at])
                if wide == 2:
                    number |= np.int64(words[at + 1]) << 32
                numbers[starts[step]] = number
                starts[step] += 1
                at += wide

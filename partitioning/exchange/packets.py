"""Spikes to messages and back; the only file that knows their format.

A message holds one window's spikes for one rank, in bits, the lowest of
each byte first:

    window      16 bits, which tell it from all others nearby: `mark`
    k           6 bits, only if there are spikes
    gaps        one for each spike: how many cells were silent since the
                last one, in the Rice code of `dsim.partitioning.exchange.
                coding` with this k

The cells are those on the link's roll, in order, and then once more for
each further step of the window.  So neither steps nor numbers nor counts
are sent, and nothing depends on how many neurons there are.  The code with
k = 0 is a bitmap; the k that makes the message shortest is taken.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dsim.compiled import compiled
from dsim.partitioning.axis import Integers
from dsim.partitioning.exchange.coding import (
    BROKEN,
    END,
    WIDTH,
    Bytes,
    expected_bytes,
    read,
    write,
)
from dsim.partitioning.exchange.roll import Names, Patch, Places, Roll
from dsim.partitioning.tiling import Tiling

MARK_BITS = 16
PRIME, FACTOR = 65521, 255


class Spikes(NamedTuple):
    """Spikes in order of step: int64 arrays of one length.

    ``steps`` are absolute, ``numbers`` count the neurons of all
    populations: first[p] + id.
    """

    steps: Integers
    numbers: Integers


NOTHING = Spikes(np.empty(0, np.int64), np.empty(0, np.int64))


def mark(first_step: int, steps: int) -> int:
    """Return 16 bits that tell a window from those it might be taken for.

    Windows of one length with the same mark begin a multiple of 65,521
    steps apart.  Others with the same mark differ by 255 steps or more, in
    their beginning or in their length.
    """
    return (first_step + FACTOR*steps) % PRIME


def message_bytes(steps: int, cells: Integers, rates: Sequence[float]
                  ) -> float:
    """Return the mean length of a message of random spikes.

    ``cells`` of each population are on the roll and fire with a probability
    of ``rates`` in each of ``steps`` steps.  Exact if the rates are 0 or 1;
    see `expected_bytes`.  Where the rates differ, their mean is taken.
    """
    size = int(np.sum(cells))
    rate = float(np.dot(cells, rates))/size if size else 0.0
    return expected_bytes(size*steps, rate, MARK_BITS)


class Packer:
    """Makes the messages of a rank's spikes, one for each of some rolls.

    The rolls are of the rank's tiles.
    """

    def __init__(self, tiling: Tiling, rank: int, rolls: Sequence[Roll]):
        self.rank = rank
        patch = Patch.of(tiling, rank)
        self._tiles = outlines(tiling, rank, patch)
        self._places = Places.on(rolls, patch)
        self._bounds = np.zeros(len(rolls) + 1, np.int64)
        self._make_room(100)

    def pack(self, first_step: int, steps: int, spikes: Spikes
             ) -> tuple[Bytes, list[int]]:
        """Return the messages end to end, and where each one ends.

        They are in the order of the rolls and stay valid until the next
        call.  Raises ValueError for a spike out of order, outside the
        window, of another rank, or there twice.
        """
        at = np.ascontiguousarray(spikes.steps, np.int64)
        numbers = np.ascontiguousarray(spikes.numbers, np.int64)
        if at.shape != numbers.shape:
            raise ValueError(f'{at.size} steps for {numbers.size} spikes')
        if at.size > self._scratch.shape[1]:
            self._make_room(2*at.size)

        if self._pack(first_step, steps, at, numbers) >= 0:
            if not np.any(np.diff(at) < 0):
                # Those of one step may come in any order
                order = np.lexsort((numbers, at))
                at, numbers = at[order], numbers[order]
            wrong = self._pack(first_step, steps, at, numbers)
            if wrong >= 0:
                raise ValueError(
                    f'rank {self.rank}: the spike of step {at[wrong]}, '
                    f'number {numbers[wrong]}, is out of order, outside the '
                    f'window [{first_step}, {first_step + steps}), not of '
                    'this rank or there twice'
                )
        return self._out, self._bounds.tolist()[1:]

    def _pack(self, first_step: int, steps: int, at: Integers,
              numbers: Integers) -> int:
        wrong: int = pack_messages(
            at, numbers, first_step, steps, mark(first_step, steps),
            self._tiles, *self._places, self._scratch, self._out,
            self._bounds)
        return wrong

    def _make_room(self, spikes: int) -> None:
        # No code of a gap takes more than 8 bytes; see `shortest`
        self._scratch = np.empty((3, spikes), np.int64)
        self._out: Bytes = np.empty((self._bounds.size - 1)*(8*spikes + 4),
                                    np.uint8)


class Relay:
    """Makes the message of spikes from anywhere, for one roll.

    The roll is of the whole grids.
    """

    def __init__(self, grids: Patch, roll: Roll):
        sizes, rows, self._before = Places.on([roll], grids)
        self._size, self._rows = int(sizes[0]), rows[0]
        self._places = np.empty(100, np.int64)
        self._out: Bytes = np.empty(1000, np.uint8)

    def pack(self, head: int, table: Integers, count: int) -> Bytes:
        """Return the message of those spikes that are on the roll.

        The table int64[4, count or more] has steps within the window, which
        ``head`` marks, numbers, and rows and columns among those of all
        grids, in any order.  The message stays valid until the next call.
        """
        if count > self._places.size:
            self._places = np.empty(2*count, np.int64)
            self._out = np.empty(16*count + 4, np.uint8)
        told = list_places(table[0, :count], 0, table[2], table[3],
                           self._rows, self._before, self._size,
                           self._places)
        places = self._places[:told]
        if told > 1:
            # They are some runs, each in order
            places.sort(kind='stable')
        return self._out[:write_places(places, head, self._out, 0)]


class Unpacker:
    """Reads the messages from some ranks, each with its own roll."""

    def __init__(self, sources: Sequence[int], names: Names):
        self._sources, self._names = list(sources), names
        self._scratch = np.empty((2, 100), np.int64)

    def unpack(self, data: Bytes, bounds: Integers, first_step: int,
               steps: int) -> Spikes:
        """Return the spikes of all messages, in order of step.

        Those of one step stay in the order of the messages, those of one
        message are in order of their numbers.  See `read`.
        """
        found = self.read(data, bounds, first_step, steps)
        if found.shape[1] == 0:
            return NOTHING
        spikes = Spikes(*np.empty(found.shape, np.int64))
        order_by_step(found, first_step, steps, *spikes)
        return spikes

    def read(self, data: Bytes, bounds: Integers, first_step: int,
             steps: int) -> Integers:
        """Return steps within the window and numbers: int64[2, spikes].

        ``bounds`` are those of the messages in ``data``, in the order of
        the ranks; 16 bytes or more follow, and all are a multiple of 8.
        The window is what each must be of.  The spikes are in the order of
        the messages and stay valid until the next call.  Raises
        RuntimeError for a message of another window, as then the ranks are
        out of step.
        """
        head = mark(first_step, steps)
        count, wrong = unpack_messages(data, bounds, head, steps,
                                       *self._names, self._scratch)
        if count > self._scratch.shape[1]:
            self._scratch = np.empty((2, 2*count), np.int64)
            count, wrong = unpack_messages(data, bounds, head, steps,
                                           *self._names, self._scratch)
        if wrong >= 0:
            raise RuntimeError(
                f'the message from rank {self._sources[wrong]} is not of the '
                f'window [{first_step}, {first_step + steps}) of this rank'
            )
        return self._scratch[:, :count]


def outlines(tiling: Tiling, rank: int, patch: Patch) -> Integers:
    """Return what a rank's tiles are: int64[populations, 8].

    Bounds, the grid's columns, where the tile's rows and columns begin
    among those of all tiles, and the first number of the next population.
    """
    return np.array(
        [(*tiling.bounds(p, rank), tiling.shapes[p][1], patch.row_starts[p],
          patch.column_starts[p], tiling.first[p + 1])
         for p in range(tiling.populations)], np.int64)


@compiled
def pack_messages(steps: Integers, numbers: Integers, first_step: int,
                  length: int, head: int, tiles: Integers, sizes: Integers,
                  rows: Integers, before: Integers, scratch: Integers,
                  out: Bytes, bounds: Integers) -> int:
    """Write the message for each roll, and the bounds of the messages.

    Returns the index of the first spike that must not be there, else -1.
    """
    wrong = locate(steps, numbers, first_step, length, tiles, scratch)
    if wrong >= 0:
        return wrong
    at = 0
    for k in range(sizes.size):
        bounds[k] = at
        count = list_places(steps, first_step, scratch[0], scratch[1],
                            rows[k], before, sizes[k], scratch[2])
        at = write_places(scratch[2, :count], head, out, at)
    bounds[-1] = at
    return -1


@compiled
def locate(steps: Integers, numbers: Integers, first_step: int, length: int,
           tiles: Integers, scratch: Integers) -> int:
    """Write the row and the column of each spike among those of all tiles.

    Returns the index of the first spike that must not be there, else -1.
    """
    p = 0
    last_step, last_number = 0, -1
    for k in range(numbers.size):
        step = steps[k] - first_step
        number = numbers[k]
        if step != last_step:
            if step < last_step:
                return k
            p, last_number = 0, -1
        if (step >= length or number <= last_number
                or number >= tiles[-1, 7]):
            return k
        last_step, last_number = step, number

        while number >= tiles[p, 7]:
            p += 1
        first = tiles[p - 1, 7] if p > 0 else 0
        row, column = divmod(number - first, tiles[p, 4])
        if (row < tiles[p, 0] or row >= tiles[p, 1]
                or column < tiles[p, 2] or column >= tiles[p, 3]):
            return k
        scratch[0, k] = row - tiles[p, 0] + tiles[p, 5]
        scratch[1, k] = column - tiles[p, 2] + tiles[p, 6]
    return -1


@compiled
def list_places(steps: Integers, first_step: int, at_rows: Integers,
                at_columns: Integers, rows: Integers, before: Integers,
                size: int, found: Integers) -> int:
    """Write the place of each spike that is on the roll; return how many.

    Each step of the window begins where the one before it ends.
    """
    count = 0
    for k in range(steps.size):
        start = rows[at_rows[k], 0]
        strip = rows[at_rows[k], 1] + at_columns[k]
        place = before[strip]
        if before[strip + 1] > place:
            found[count] = (steps[k] - first_step)*size + start + place
            count += 1
    return count


@compiled
def write_places(places: Integers, head: int, out: Bytes, at: int) -> int:
    """Write a message from byte ``at`` on; return where the next one goes.

    The places, which ascend, are overwritten.
    """
    last = -1
    for k in range(places.size):
        place = places[k]
        places[k] = place - last - 1
        last = place
    return write(places, head, MARK_BITS, out, at)


@compiled
def unpack_messages(data: Bytes, bounds: Integers, head: int, length: int,
                    links: Integers, lines: Integers, columns: Integers,
                    hints: Integers, scratch: Integers
                    ) -> tuple[np.int64, int]:
    """Write step in the window and number of each spike to ``scratch``.

    Returns the spikes, or how many there may be if that is too many; and
    the index of the first message that is not of this window, else -1.
    """
    most = np.int64(0)
    for k in range(links.shape[0]):
        if bounds[k + 1] - bounds[k] > 2:
            bits = 8*(bounds[k + 1] - bounds[k]) - MARK_BITS - WIDTH
            most += bits//(1 + (data[bounds[k] + 2] & 63))
    if most > scratch.shape[1]:
        return most, -1

    count = np.int64(0)
    for k in range(links.shape[0]):
        count = unpack_one(data, bounds[k], bounds[k + 1], head, length,
                           links[k], lines, columns, hints, scratch, count)
        if count < 0:
            return np.int64(0), k
    return count, -1


@compiled
def unpack_one(data: Bytes, begin: int, end: int, head: int, length: int,
               link: Integers, lines: Integers, columns: Integers,
               hints: Integers, scratch: Integers, count: np.int64
               ) -> np.int64 | int:
    """Add a message's spikes to the ``count`` in ``scratch``.

    Returns how many there are then, or BROKEN.
    """
    if end - begin < 2 or (
            data[begin] | np.int64(data[begin + 1]) << 8) != head:
        return BROKEN
    if end - begin == 2:
        return count
    words, bit = data.view(np.uint64), 8*begin + MARK_BITS + WIDTH
    k = np.int64(data[begin + 2]) & 63

    size, first_hint, shift = link[0], link[2], link[3]
    place, step = np.int64(-1), np.int64(0)
    while True:
        gap, bit = read(words, bit, 8*end, k)
        if gap < 0:
            return count if gap == END else BROKEN
        place += gap + 1
        if place >= size:
            if size == 0:
                return BROKEN
            step += place//size
            place %= size
        if step >= length:
            return BROKEN
        line = hints[first_hint + (place >> shift)]
        while lines[line + 1, 0] <= place:
            line += 1
        scratch[0, count] = step
        scratch[1, count] = lines[line, 1] + columns[lines[line, 2] + place]
        count += 1


@compiled
def order_by_step(scratch: Integers, first_step: int, length: int,
                  steps: Integers, numbers: Integers) -> None:
    """Write spikes in order of step, those of one step as they come."""
    starts = np.zeros(length + 1, np.int64)
    for k in range(steps.size):
        starts[scratch[0, k] + 1] += 1
    for step in range(length):
        starts[step + 1] += starts[step]
    for k in range(steps.size):
        step = scratch[0, k]
        to = starts[step]
        starts[step] = to + 1
        steps[to] = first_step + step
        numbers[to] = scratch[1, k]

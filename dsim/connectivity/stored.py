"""Hold connections in compressed tables, by source, for one tile.

The connections of a source are cut into segments of one delay (and of one
weight, where a projection's weights are equal), so that one entry, a column
of the ring, takes 16 bits: the segment tells the slot and the block of
65,536 columns.  Where segments would be short, an entry holds delay and
column in 32 or 64 bits instead, and a source has one segment a weight.  All
projections share a table, so that delivery is one call for all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dsim.compiled import compiled
from dsim.connectivity.drawing import Box, Drawing, local_of, row_of
from dsim.errors import SimulationError
from dsim.space import Shape

BLOCK_BITS = 16
"""A short entry is a column within a block of so many bits."""

MOST = 2**32
"""Connections of a table; each adds less than 2**31 to a 64-bit sum, so no
sum can overflow."""

SHORTEST = 6
"""Segments of fewer connections, on average, are not worth their 12 B."""


@dataclass(frozen=True)
class Sources:
    """The neurons of one population that reach a tile.

    ``first`` is the number of the population's neuron 0, ``shape`` its
    grid, ``box`` (row0, rows, column0, columns) the part within reach.
    """

    first: int
    shape: Shape
    box: Box

    @property
    def count(self) -> int:
        """The number of neurons in the box."""
        return self.box[1]*self.box[3]


class Stored:
    """The connections that end on one tile, of several projections.

    ``sources`` int64[populations, 8]; the segments of source k are
    ``rows[k]`` ... ``rows[k + 1]`` - 1.  Segment q begins at place
    ``bases[q]`` of the ring after the step of the spike; its entries are
    ``starts[q]`` ... ``starts[q + 1]`` - 1.  ``weights`` int32 are those of
    the segments, or of the entries if ``each``.
    """

    def __init__(self, bits: int, packed: bool, each: bool,
                 parts: Sequence['_Part']):
        self.bits, self.packed, self.each = bits, packed, each
        self.sources = _table_of([part.sources for part in parts])
        self.rows = _end_to_end([part.rows for part in parts])
        self.starts = _end_to_end([part.starts for part in parts])
        self.bases = np.concatenate([part.bases for part in parts])
        count = int(self.starts[-1])
        wide = max(part.longest for part in parts).bit_length() + bits
        self.entries: np.ndarray = np.empty(
            count, _entry_type(packed, wide))
        self.weights = (np.empty(count, np.int32) if each else
                        np.concatenate([part.weights for part in parts]))
        begin = 0
        for part in parts:
            end = begin + int(part.starts[-1])
            part.fill(self.entries[begin:end],
                      self.weights[begin:end] if each else self.weights[:0])
            begin = end

    @property
    def count(self) -> int:
        """The number of connections."""
        return self.entries.size

    @property
    def nbytes(self) -> int:
        """The memory that the table takes."""
        return (self.rows.nbytes + self.starts.nbytes + self.bases.nbytes
                + self.entries.nbytes + self.weights.nbytes)

    def deliver(self, ring: np.ndarray, steps: np.ndarray,
                numbers: np.ndarray) -> int:
        """Add the weights of the spikes' connections to the ring.

        ``steps``, ``numbers`` int64[k]: when and who; neurons that reach
        nothing here are passed over.  Returns the synaptic events.
        """
        return _deliver(ring, self.bits, steps, numbers, self.sources,
                        self.rows, self.bases, self.starts, self.entries,
                        self.weights, self.packed, self.each)

    def connections(self) -> np.ndarray:
        """Return int64[k, 4]: source number, ring column, weight, delay.

        The weight in units of its receptor, the delay in steps.
        """
        numbers = np.concatenate([_numbers(row) for row in self.sources])
        per_segment = _lengths(self.starts)
        sources = np.repeat(np.repeat(numbers, _lengths(self.rows)),
                            per_segment)
        weights = (self.weights if self.each
                   else np.repeat(self.weights, per_segment))
        places = (np.repeat(self.bases.astype(np.int64), per_segment)
                  + self.entries.astype(np.int64))
        return np.stack([sources, places & ((1 << self.bits) - 1), weights,
                         places >> self.bits], axis=1)


def build(drawings: Sequence[Drawing], boxes: dict[int, Box]
          ) -> list[Stored]:
    """Make the tables of all connections that ``drawings`` tell of.

    ``boxes`` is first neuron number of a source population -> its part
    within reach.  Connections are drawn twice, once to count and once to
    fill, so that nothing but the table itself grows with their number.

    Raises
    ------
    BadValue
        If a weight does not fit the receptor's unit, or is not finite.
    SimulationError
        If a connection comes from beyond the reach of its rule.
    """
    tables: dict[tuple[bool, bool], list[_Part]] = {}
    for (first, each), mine in _grouped(drawings):
        shape = mine[0].pairing.source
        part = _Part(Sources(first, shape, boxes[first]), each, mine)
        if part.sources.count:
            part.count()
            tables.setdefault((part.packed, each), []).append(part)
    return [Stored(drawings[0].landing.bits, packed, each, parts)
            for (packed, each), parts in tables.items()]


def _grouped(drawings: Sequence[Drawing]
             ) -> Iterator[tuple[tuple[int, bool], list[Drawing]]]:
    groups: dict[tuple[int, bool], list[Drawing]] = {}
    for drawing in drawings:
        key = drawing.landing.first, drawing.equal_weight is None
        groups.setdefault(key, []).append(drawing)
    yield from groups.items()


class _Part:
    """The connections from one population, with weights of one sort.

    A *kind* is what the connections of a segment share: weight, delay and
    block of columns.
    """

    def __init__(self, sources: Sources, each: bool,
                 drawings: Sequence[Drawing]):
        self.sources, self.each = sources, each
        self.drawings = drawings
        self.values = sorted({d.equal_weight or 0 for d in drawings})
        self.shortest = min(d.landing.shortest for d in drawings)
        self.longest = max(d.landing.longest for d in drawings)
        self.bits = drawings[0].landing.bits

        ends = [d.landing.base + d.landing.neurons for d in drawings]
        self.block = min(d.landing.base for d in drawings) >> BLOCK_BITS
        self.blocks = (max(ends) - 1 >> BLOCK_BITS) - self.block + 1
        self.delays = self.longest - self.shortest + 1
        expected = sum(d.expected for d in drawings)
        self.packed = expected < SHORTEST*sources.count*self.kinds
        if self.packed:
            self.block, self.delays, self.blocks = 0, 1, 1

    @property
    def kinds(self) -> int:
        """The number of segments that one source may have."""
        return len(self.values)*self.delays*self.blocks

    def count(self) -> None:
        """First pass: how many connections each source has of each kind."""
        counts = np.zeros(self.sources.count*self.kinds + 1, np.int64)
        for drawing in self.drawings:
            for some in drawing.all(not self.packed, False):
                lost = _count(*self._arguments(drawing), some.owners,
                              some.rows.pointer, some.rows.partners,
                              some.delays, counts)
                if lost:
                    raise drawing.lost(lost)

        if counts.sum() >= MOST:
            raise SimulationError(
                f'{counts.sum():,} connections from one population to one '
                f'rank or thread, a table holds {MOST:,}; use more ranks')
        # Only segments that hold something are kept
        held = np.flatnonzero(counts[1:])
        row, kind = np.divmod(held, self.kinds)
        per_row = np.bincount(row, minlength=self.sources.count)
        self.rows = np.append(0, np.cumsum(per_row)).astype(np.uint32)
        value, place = np.divmod(kind, self.delays*self.blocks)
        delay, block = np.divmod(place, self.blocks)
        shift = 0 if self.packed else self.shortest
        bases = ((delay + shift << self.bits)
                 + (self.block + block << BLOCK_BITS))
        wide = self.longest.bit_length() + self.bits
        self.bases: np.ndarray = bases.astype(_entry_type(True, wide))
        self.weights = np.array(self.values, np.int32)[value]
        self.cursor = np.cumsum(counts)
        self.starts = np.append(
            self.cursor[held], self.cursor[-1]).astype(np.uint32)

    def fill(self, entries: np.ndarray, weights: np.ndarray) -> None:
        """Second pass: put each connection in its place."""
        for drawing in self.drawings:
            for some in drawing.all(weights=self.each):
                _fill(*self._arguments(drawing), some.owners,
                      some.rows.pointer, some.rows.partners, some.delays,
                      some.weights, self.bits, self.cursor, entries, weights)
        del self.cursor

    def _arguments(self, drawing: Drawing) -> tuple:
        pairing, landing = drawing.pairing, drawing.landing
        value = self.values.index(drawing.equal_weight or 0)
        return (drawing.by_target, pairing.source, pairing.target,
                self.sources.box, landing.bounds, landing.base, value,
                self.shortest,
                (self.delays, self.blocks, self.kinds, self.block),
                self.packed)


def _entry_type(packed: bool, bits: int) -> type:
    if not packed:
        return np.uint16
    return np.uint32 if bits <= 32 else np.uint64


def _table_of(sources: Sequence[Sources]) -> np.ndarray:
    rows, offset = [], 0
    for one in sources:
        size = one.shape[0]*one.shape[1]
        rows.append([one.first, one.first + size, one.shape[1], *one.box,
                     offset])
        offset += one.count
    return np.array(rows, np.int64)


def _numbers(sources: np.ndarray) -> np.ndarray:
    first, end, columns, row0, height, column0, width, _ = sources.tolist()
    rows = (row0 + np.arange(height)) % ((end - first)//columns)
    places = (column0 + np.arange(width)) % columns
    return (first + rows[:, None]*columns + places).ravel()


def _lengths(pointer: np.ndarray) -> np.ndarray:
    return (pointer[1:] - pointer[:-1]).astype(np.int64)


def _end_to_end(pointers: Sequence[np.ndarray]) -> np.ndarray:
    """Join pointers that each begin at 0, in their type."""
    ends = np.cumsum([int(pointer[-1]) for pointer in pointers])
    parts = [pointers[0]] + [
        (pointer[1:].astype(np.int64) + end).astype(pointer.dtype)
        for pointer, end in zip(pointers[1:], ends, strict=False)]
    return np.concatenate(parts)


@compiled
def _count(by_target, source_shape, target_shape, box, bounds, base, value,
           shortest, sizes, packed, owners, pointer, partners, delays,
           counts):
    """Count connections by row and kind; return how many have no row."""
    lost = 0
    for k in range(owners.size):
        own = (local_of(owners[k], target_shape, bounds) if by_target
               else row_of(owners[k], source_shape, box))
        for j in range(pointer[k], pointer[k + 1]):
            row, local = own, own
            if by_target:
                row = row_of(partners[j], source_shape, box)
            else:
                local = local_of(partners[j], target_shape, bounds)
                if local < 0:
                    continue
            if row < 0:
                lost += 1
                continue
            kind = _kind(value, delays[j] - shortest, base + local, sizes,
                         packed)
            counts[row*sizes[2] + kind + 1] += 1
    return lost


@compiled
def _kind(value, delay, column, sizes, packed):
    if packed:
        return value
    block = (column >> BLOCK_BITS) - sizes[3]
    return (value*sizes[0] + delay)*sizes[1] + block


@compiled
def _fill(by_target, source_shape, target_shape, box, bounds, base, value,
          shortest, sizes, packed, owners, pointer, partners, delays,
          values, bits, cursor, entries, weights):
    for k in range(owners.size):
        own = (local_of(owners[k], target_shape, bounds) if by_target
               else row_of(owners[k], source_shape, box))
        for j in range(pointer[k], pointer[k + 1]):
            row, local = own, own
            if by_target:
                row = row_of(partners[j], source_shape, box)
            else:
                local = local_of(partners[j], target_shape, bounds)
                if local < 0:
                    continue
            column = base + local
            kind = _kind(value, delays[j] - shortest, column, sizes, packed)
            place = cursor[row*sizes[2] + kind]
            cursor[row*sizes[2] + kind] += 1
            if packed:
                entries[place] = (np.int64(delays[j]) << bits) | column
            else:
                entries[place] = column & ((1 << BLOCK_BITS) - 1)
            if weights.size:
                weights[place] = values[j]


@compiled
def _deliver(ring, bits, steps, numbers, sources, rows, bases, starts,
             entries, weights, packed, each):
    mask = np.uint64(ring.size - 1)
    events = np.int64(0)
    p = 0
    for s in range(numbers.size):
        p, k = find(numbers[s], sources, p)
        if k < 0:
            continue
        slot = np.uint64(steps[s]) << np.uint64(bits)
        first, last = rows[k], rows[k + 1]
        for q in range(first, last):
            begin, end = np.uint64(starts[q]), np.uint64(starts[q + 1])
            at = (slot + np.uint64(bases[q])) & mask
            # An entry of its own delay may pass the ring's end, others stay
            # in their row
            if packed and each:
                for j in range(begin, end):
                    ring[(at + np.uint64(entries[j])) & mask] += weights[j]
            elif packed:
                weight = np.int64(weights[q])
                for j in range(begin, end):
                    ring[(at + np.uint64(entries[j])) & mask] += weight
            elif each:
                for j in range(begin, end):
                    ring[at + np.uint64(entries[j])] += weights[j]
            else:
                weight = np.int64(weights[q])
                for j in range(begin, end):
                    ring[at + np.uint64(entries[j])] += weight
        events += np.int64(starts[last]) - np.int64(starts[first])
    return events


@compiled
def find(number, sources, p):
    """Return the population of a neuron and its row, -1 if it has none.

    ``p`` is the population to look at first.
    """
    for _ in range(sources.shape[0]):
        if sources[p, 0] <= number < sources[p, 1]:
            columns = sources[p, 2]
            shape = ((sources[p, 1] - sources[p, 0])//columns, columns)
            box = (sources[p, 3], sources[p, 4], sources[p, 5],
                   sources[p, 6])
            row = row_of(number - sources[p, 0], shape, box)
            return p, row + sources[p, 7] if row >= 0 else row
        p = p + 1 if p + 1 < sources.shape[0] else 0
    return p, np.int64(-1)

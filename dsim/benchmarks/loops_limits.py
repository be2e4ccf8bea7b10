"""What the machine can do: delivery's memory traffic and nothing else.

A table of 4-byte entries is read row by row, as spikes would have it, and
each entry's 8-byte place in a ring of 16 steps is read, added to and
written.  Delivery out of such a table into such a ring cannot be faster
on this core.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from dsim.benchmarks.loops import Loop
from dsim.benchmarks.loops_tables import trains
from dsim.compiled import compiled
from dsim.connectivity import FixedOutdegree, Gaussian
from dsim.connectivity.base import Pairing
from dsim.space import Sheet, distances

DEGREE, SLOTS = 1000, 16
COPIED = 1 << 27
"""Bytes that are copied: more than a cache holds."""


def limits(side: int) -> Iterator[Loop]:
    """Touch what delivery touches; copy memory."""
    neurons = side*side
    ring = np.zeros(SLOTS*neurons, np.int64)
    rows = np.concatenate([spikes.numbers for spikes in trains(neurons, 1.0)])
    events = DEGREE*rows.size
    generator = np.random.default_rng(1)
    table = generator.integers(ring.size, size=(neurons, DEGREE),
                               dtype=np.uint32)
    made = {'scattered over the ring': table,
            'the same, sorted in each row': np.sort(table, axis=1),
            "at W1's distances and delays, sorted": places(side)}
    for name, entries in made.items():
        yield Loop(f'add, places {name}', 'event', events,
                   partial(_add, ring, entries, rows))
    yield Loop('read the table only', 'event', events,
               partial(_read, table, rows, np.zeros(1, np.uint64)))

    source = np.ones(COPIED, np.uint8)
    yield Loop(f'copy {COPIED >> 20} MiB, read and written', 'byte',
               2*COPIED, partial(np.copyto, np.zeros_like(source), source))


def places(side: int) -> np.ndarray:
    """Return the ring's places of each neuron's targets, as W1 has them.

    uint32[neurons, degree]: of the 16 steps and side x side columns, in
    order in each row.
    """
    shape, pitch = (side, side), (0.01, 0.01)
    sheet = Sheet((0.01*side, 0.01*side), (True, True))
    pairing = Pairing('limits', 1, sheet, shape, shape, True,
                      Gaussian(sigma=0.1, cutoff=0.3))
    draw = FixedOutdegree(DEGREE).maker(pairing)
    found = np.empty((side*side, DEGREE), np.uint32)
    for row in range(side):
        owners = np.arange(row*side, (row + 1)*side)
        targets = draw(owners).partners
        far = np.empty(targets.size)
        distances(np.repeat(owners, DEGREE), targets, side, side, pitch,
                  pitch, sheet.extent, sheet.periodic, far)
        delays = np.minimum(np.floor(far/0.02 + 0.5), SLOTS - 1)
        found[owners] = (delays.astype(np.int64)*side*side
                         + targets).reshape(side, DEGREE)
    return np.sort(found, axis=1)


@compiled
def _add(ring, table, rows):
    for k in range(rows.size):
        row = table[rows[k]]
        for j in range(row.size):
            ring[row[j]] += 1


@compiled
def _read(table, rows, out):
    total = np.uint64(0)
    for k in range(rows.size):
        row = table[rows[k]]
        for j in range(row.size):
            total += row[j]
    out[0] += total

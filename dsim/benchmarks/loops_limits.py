"""What the machine can do: delivery's memory traffic and nothing else.

That of the real tables, and for comparison that of rows of 4-byte entries
whose 8-byte places lie anywhere in a ring of 16 steps.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from dsim.benchmarks.loops import Loop
from dsim.benchmarks.loops_tables import (
    bare,
    bare_name,
    case,
    reading,
    trains,
)
from dsim.compiled import compiled

DEGREE, SLOTS = 1000, 16
COPIED = 1 << 27
"""Bytes that are copied: more than a cache holds."""


def limits(side: int) -> Iterator[Loop]:
    """Touch what delivery touches; copy memory."""
    for name in 'W1', 'W1-drawn':
        found = case(name, side, 'stored')
        events = found.deliver()
        yield Loop(bare_name(found), 'event', events, bare(found))
        yield Loop(f'{name}, entries read only', 'event', events,
                   reading(found))

    neurons = side*side
    ring = np.zeros(SLOTS*neurons, np.int64)
    rows = np.concatenate([spikes.numbers for spikes in trains(neurons, 1.0)])
    table = np.random.default_rng(1).integers(
        ring.size, size=(neurons, DEGREE), dtype=np.uint32)
    for what, entries in (('scattered over the ring', table),
                          ('the same, sorted in each row',
                           np.sort(table, axis=1))):
        yield Loop(f'add, places {what}', 'event', DEGREE*rows.size,
                   partial(_add, ring, entries, rows))

    source = np.ones(COPIED, np.uint8)
    yield Loop(f'copy {COPIED >> 20} MiB, read and written', 'byte',
               2*COPIED, partial(np.copyto, np.zeros_like(source), source))


@compiled
def _add(ring, table, rows):
    for k in range(rows.size):
        row = table[rows[k]]
        for j in range(row.size):
            ring[row[j]] += 1

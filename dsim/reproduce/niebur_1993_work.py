"""Spikes drawn at random, what they cost in visits, and the time they take.

A processor is walked through its part of the synapses without messages: the
busiest one of each step, as all others wait for it.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from dsim import rng
from dsim.compiled import compiled
from dsim.reproduce import niebur_1993_cost as cost
from dsim.reproduce.niebur_1993_cells import Setting
from dsim.reproduce.niebur_1993_layouts import take, walk
from dsim.reproduce.niebur_1993_tables import Table, direct, share

SIZE = 1024
"""M: the processors of a partition, and the synapses of a neuron."""

PARTITIONS = 16
SEED = 1993
REPEATS = 25
"""Of these the shortest time counts, as others may use the machine."""


class Timing(NamedTuple):
    """Seconds a step of the busiest processor; ``ideal`` their ratio.

    ``virtual`` neurons on each processor, which fire with probability
    ``p``; ``visits`` a step are those of (direct, transposed).
    """

    virtual: int
    p: float
    direct: float
    transposed: float
    visits: tuple[float, float]
    ideal: float

    @property
    def speed_up(self) -> float:
        """How much faster the transposed layout is."""
        return self.direct/self.transposed


def count_spikes(p: float, steps: int) -> np.ndarray:
    """Return int64[steps, 16]: spikes of each partition of 1024 neurons.

    Each neuron and step for itself, by 32 random bits.
    """
    found = np.zeros((steps, PARTITIONS), np.int64)
    _count(rng.key(SEED, 'spikes'), _threshold(p), SIZE, found)
    return found


def fire(p: float, step: int, neurons: int) -> np.ndarray:
    """Return the numbers of those that fire in a step, ascending."""
    drawn = np.empty(-(-neurons//4)*4, np.uint32)
    rng.fill_words(drawn, rng.key(SEED, 'spikes'), step, 0, drawn.size//4)
    return np.flatnonzero(drawn[:neurons] < _threshold(p))


def visits(counts: np.ndarray) -> tuple[int, int]:
    """Return visits on the critical path: (direct, transposed).

    For one neuron and, transposed, one synapse of each neuron of its
    partition on a processor; ``counts`` as of `count_spikes`.
    """
    busiest = counts.max(axis=1)
    return int(SIZE*np.count_nonzero(busiest)), int(busiest.sum())


def measure(make: Callable[[int], Setting], virtual: int,
            chances: Sequence[float], steps: int) -> list[Timing]:
    """Time the walks of the busiest processor's synapses.

    ``make(ranks)`` lays out a network of 16,384 neurons of 1024 synapses;
    of its ranks the first holds a partition's neurons, ``virtual`` on each
    of 1024 processors.
    """
    setting = make(PARTITIONS//virtual)
    whole = direct(setting, 0)
    ends = whole.pointer[virtual]
    tables = (Table(whole.numbers[:virtual], whole.pointer[:virtual + 1],
                    whole.entries[:ends].copy(), whole.weights[:ends].copy()),
              share(whole, SIZE, 0))
    # Few enough spikes that the list of them stays in the cache
    counts = [min(steps, max(round(20*steps/(p*SIZE*virtual)), 10))
              for p in chances]
    walks = [busiest_rows(p, virtual, count)
             for p, count in zip(chances, counts, strict=True)]
    seconds = _shortest(setting, [
        (table, part) for rows in walks
        for table, part in zip(tables, rows, strict=True)])

    found, neurons = [], SIZE*PARTITIONS*virtual
    for k, (p, count) in enumerate(zip(chances, counts, strict=True)):
        times = [each/count for each in seconds[2*k:2*k + 2]]
        visits = [table.entries.size/table.numbers.size*numbers.size/count
                  for table, (_, numbers) in zip(tables, walks[k],
                                                 strict=True)]
        ideal = cost.speed_up_of_ranks(p, neurons, SIZE*PARTITIONS, SIZE)
        found.append(Timing(virtual, p, times[0], times[1],
                            (visits[0], visits[1]), ideal))
    return found


def growth(make: Callable[[int], Setting], p: float, steps: int,
           partitions: int) -> float:
    """Return the time of a transposed step, relative to one partition.

    ``make`` as of `measure`.
    """
    setting = make(PARTITIONS)
    table = share(direct(setting, 0), SIZE, 0)
    one, many = _shortest(setting, [
        (table, busiest_rows(p, 1, steps, count)[1])
        for count in (1, partitions)])
    return many/one


def busiest_rows(p: float, virtual: int, steps: int,
                 partitions: int = PARTITIONS
                 ) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the spikes of the busiest processor and of the partition.

    Each as (steps, rows): rows of that processor's table, in order.
    """
    found = []
    for group in virtual, virtual*SIZE:
        groups = virtual*SIZE*partitions//group
        at, rows = [], []
        for step in range(steps):
            spikes = fire(p, step, group*groups)
            counts = np.bincount(spikes//group, minlength=groups)
            busiest = int(np.argmax(counts))
            mine = spikes[spikes//group == busiest] - busiest*group
            at.append(np.full(mine.size, step))
            rows.append(mine)
        found.append((np.concatenate(at), np.concatenate(rows)))
    return found


def _threshold(p: float) -> np.uint64:
    return np.uint64(round(p*2**32))


def _shortest(setting: Setting, walks: Sequence[
        tuple[Table, tuple[np.ndarray, np.ndarray]]]) -> list[float]:
    """Return the shortest of several times of each walk, taken in turn."""
    sums = np.zeros(setting.slots << setting.bits, np.int64)
    best = [np.inf]*len(walks)
    for _ in range(REPEATS):
        for k, (table, (at, rows)) in enumerate(walks):
            most = int(np.bincount(at, minlength=1).max())
            most *= int(np.diff(table.pointer).max())
            touched, taken = np.empty(most, np.int64), np.empty(
                (most, 2), np.int64)
            begin = time.perf_counter()
            replay(at, rows, table.pointer, table.entries, table.weights,
                   setting.bits, sums, touched, taken)
            best[k] = min(best[k], time.perf_counter() - begin)
    return best


@compiled
def replay(at, rows, pointer, entries, weights, bits, sums, touched, taken):
    """Walk through step after step, and take the sums out after each."""
    begin = 0
    while begin < at.size:
        end = begin + 1
        while end < at.size and at[end] == at[begin]:
            end += 1
        count = walk(rows[begin:end], at[begin:end], pointer, entries,
                     weights, bits, sums, touched)
        take(sums, touched, count, taken)
        begin = end


@compiled
def _count(key: Any, threshold: Any, size: int, found: np.ndarray) -> None:
    neurons = size*found.shape[1]
    drawn = np.empty(neurons, np.uint32)
    for step in range(found.shape[0]):
        rng.fill_words(drawn, key, step, 0, neurons//4)
        for partition in range(found.shape[1]):
            count = 0
            for word in drawn[partition*size:(partition + 1)*size]:
                count += word < threshold
            found[step, partition] = count

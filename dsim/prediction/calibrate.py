"""Measure what things cost: small runs on this machine."""

import os
import time
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from dsim.partitioning import HaloPlan, ProcessGrid, Reach, Tiling
from dsim.partitioning.exchange import EXCHANGES
from dsim.partitioning.exchange.packets import Spikes
from dsim.prediction import cases
from dsim.prediction.cases import Case
from dsim.prediction.counts import Census
from dsim.prediction.fit import Timing, errors, fit, least
from dsim.prediction.machine import Machine, load
from dsim.prediction.scaling import chosen, window_parts
from dsim.simulation import Simulation

ALONE = 0.03, 11
TOGETHER = 0.004, 80
"""Seconds that are timed at once, and how many times, of which the least is
taken: on one rank, of which what it is kept from working is known, and on
several, which need a moment when nothing comes between.
"""

BURSTS = 0, 10, 100, 1000, 5000
"""Spikes a rank and window for which messages are timed."""

BLOCKS, WINDOWS = 60, 15
"""So many times so many windows of each are timed, the least is taken.

Few windows, which have a chance that nothing comes between.
"""


def calibrate(comm: Any, facts: dict[str, str],
              say: Callable[[str], None] = lambda _: None) -> Machine:
    """Return what things cost on the machine of ``comm``; collective.

    Runs on one rank are made on all ranks at once, as they would share the
    memory.  Messages are timed between the ranks; on one alone their costs
    are those that come with dsim.  ``say`` is told what is being done.
    """
    facts = {**facts, 'ranks': str(comm.size), 'load': _load()}
    alone = comm.Split(comm.rank)
    constants: dict[str, float] = {}
    if comm.size == 1:
        constants.update(
            (name, cost) for name, cost in load().constants.items()
            if name.partition(' ')[0] in ('message', 'byte'))
    for name in EXCHANGES:
        say(f'exchange {name}')
        constants.update(_mean(comm, messages(name, alone, comm)))

    unseen = []
    for group in [comm, alone] if comm.size > 1 else [alone]:
        for case in cases.unseen():
            say(f'to check: {group.size} ranks: {case}')
            unseen.append((group.size, *measure(case, group)))
    timings = []
    for case in [*cases.parts(), *cases.networks()]:
        say(str(case))
        timings.append(measure(case, alone)[0])
    constants.update(_mean(comm, fit(timings)))
    alone.Free()

    machine = Machine(facts, constants)
    machine.check.update(check(machine, unseen, comm))
    return machine


def check(machine: Machine, unseen: Sequence[tuple[int, Timing, Census]],
          comm: Any) -> dict[str, Any]:
    """Return how well a machine's costs foretell runs not fitted.

    By number of ranks, what `errors` tells, and the times of a window.
    """
    found: dict[str, Any] = {}
    for size in sorted({ranks for ranks, *_ in unseen}):
        measured, foretold = {}, {}
        for ranks, timing, census in unseen:
            if ranks != size:
                continue
            works = [census.work(rank) for rank in chosen(census, machine)]
            measured[timing.name] = max(comm.allgather(timing.total))
            foretold[timing.name] = sum(
                window_parts(census, works, machine).values())
        found[str(size)] = {**errors(measured, foretold),
                            'seconds': measured, 'foretold': foretold}
    return found


def _load() -> str:
    """Say how busy the machine is with other things, if it tells."""
    if not hasattr(os, 'getloadavg'):
        return 'unknown'
    return f'{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores'


def measure(case: Case, comm: Any) -> tuple[Timing, Census]:
    """Run a case; return its mean window, and how to count; collective."""
    network = case.network()
    simulation = Simulation(network, case.dt, comm=comm)
    window = simulation.layout.window*case.dt
    simulation.run(window*max(2, round(50/window)))
    begin = time.perf_counter()
    simulation.run(window)
    once = max(comm.allgather(time.perf_counter() - begin))
    length, segments = ALONE if comm.size == 1 else TOGETHER
    windows = int(min(max(length/once, 2), 20_000))

    before = simulation.summary()
    first, timed = before, []
    for _ in range(segments):
        begin = time.process_time()
        simulation.run(windows*window)
        busy = time.process_time() - begin
        after = simulation.summary()
        timed.append((after.wall - before.wall,
                      _phases(before, after, windows, busy)))
        before = after
    seconds = (after.biological - first.biological)
    rates = [(after.spikes[name] - first.spikes[name])/p.size/seconds
             for name, p in network.populations.items()]
    census = Census(network, simulation.layout, case.dt, rates,
                    type(simulation.exchange))
    _, times = min(timed, key=itemgetter(0))
    return Timing(str(case), census.work(comm.rank).counts, times), census


def _phases(before: Any, after: Any, windows: int, busy: float
            ) -> dict[str, float]:
    """Return the seconds of a window by phase: the mean rank's.

    One rank never waits, so that of its time only what it was ``busy``
    counts, in s: the rest went to others on the machine.
    """
    wall = after.wall - before.wall
    scale = 1.0 if after.ranks > 1 else min(busy/wall, 1.0)
    mean = {phase: after.seconds[phase][1] - before.seconds[phase][1]
            for phase in after.seconds}
    mean['rest'] = max(wall - sum(mean.values()), 0.0)
    mean['exchange'] += mean.pop('wait')
    return {phase: scale*each/windows for phase, each in mean.items()}


def _mean(comm: Any, constants: dict[str, float]) -> dict[str, float]:
    found = comm.allgather(constants)
    return {name: sum(each[name] for each in found)/len(found)
            for name in constants}


def messages(name: str, alone: Any, comm: Any) -> dict[str, float]:
    """Return what the windows, spikes, messages and bytes of a scheme cost.

    Those of one rank by itself first; what more ranks take beyond that is
    laid to messages.
    """
    def counted(rows: list[Burst], *names: str) -> dict[str, float]:
        return least([f'{n} {name}' for n in names], [
            {f'post {name}': 1.0, f'posted {name}': row.spikes,
             f'message {name}': row.messages, f'byte {name}': row.bytes}
            for row in rows], [row.seconds for row in rows])

    costs = counted([burst(name, alone, count) for count in BURSTS],
                    'post', 'posted')
    if comm.size == 1:
        return costs
    more = [row._replace(seconds=max(
        row.seconds - costs[f'post {name}']
        - costs[f'posted {name}']*row.spikes, 1e-9))
        for row in (burst(name, comm, count) for count in BURSTS)]
    return {**costs, **counted(more, 'message', 'byte')}


class Burst(NamedTuple):
    """A window of so many spikes a rank, and what a rank sent."""

    spikes: int
    seconds: float
    messages: float
    bytes: float


def burst(name: str, comm: Any, count: int) -> Burst:
    """Time windows in which each rank sends ``count`` spikes to all."""
    side, steps = 128, 10
    tiling = Tiling([(side, side)], ProcessGrid(comm.size, 1))
    exchange = EXCHANGES[name](
        comm, HaloPlan(tiling, [Reach(0, 0, 1.0, 1.0)]))
    ids = tiling.ids(0, comm.rank)[np.arange(count) % (side*side//comm.size)]
    clock = time.process_time if comm.size == 1 else time.perf_counter
    times = []
    for _ in range(BLOCKS):
        comm.Barrier()
        begin = clock()
        for first in range(0, WINDOWS*steps, steps):
            fired = Spikes(first + np.arange(count)*steps//max(count, 1), ids)
            exchange.post(first, steps, fired)
            exchange.complete()
        times.append((clock() - begin)/WINDOWS)
    windows = BLOCKS*WINDOWS
    return Burst(count, max(comm.allgather(min(times))),
                 exchange.messages/windows, exchange.bytes/windows)

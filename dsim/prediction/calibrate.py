"""Measure what things cost: small runs on this machine."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from dsim.partitioning import HaloPlan, ProcessGrid, Reach, Tiling
from dsim.partitioning.exchange import EXCHANGES
from dsim.partitioning.exchange.packets import Spikes
from dsim.prediction import cases
from dsim.prediction.cases import Case
from dsim.prediction.counts import Census
from dsim.prediction.fit import Timing, errors, fit, least
from dsim.prediction.machine import Machine
from dsim.prediction.scaling import chosen, window_parts
from dsim.simulation import Simulation

SEGMENT, SEGMENTS = 0.05, 7
"""Seconds that are timed at once; of so many times the least is taken.

What else runs on a machine can only add to it.
"""

BURSTS = 0, 10, 100, 1000, 5000
"""Spikes a rank and window for which messages are timed."""

WINDOWS = 150
"""Windows of each burst."""


def calibrate(comm: Any, facts: dict[str, str],
              say: Callable[[str], None] = lambda _: None) -> Machine:
    """Return what things cost on the machine of ``comm``; collective.

    Runs on one rank are made on all ranks at once, as they would share the
    memory; with two ranks or more messages are timed, too, else they cost
    nothing.  ``say`` is called with what is being done.
    """
    alone = comm.Split(comm.rank)
    timings = []
    for case in [*cases.parts(), *cases.networks()]:
        say(str(case))
        timings.append(measure(case, alone)[0])
    constants = _mean(comm, fit(timings))
    for name in EXCHANGES:
        say(f'exchange {name}')
        constants.update(_exchange(name, alone, comm))

    machine = Machine(facts, constants)
    measured: dict[str, float] = {}
    foretold: dict[str, float] = {}
    for ranks in sorted({1, comm.size}):
        for case in cases.unseen():
            say(f'check on {ranks}: {case}')
            timing, census = measure(case, alone if ranks == 1 else comm)
            works = [census.work(rank) for rank in chosen(census, machine)]
            name = f'{ranks} ranks: {case}'
            measured[name] = max(comm.allgather(timing.total))
            foretold[name] = sum(window_parts(census, works,
                                              machine).values())
    check = {**errors(measured, foretold), 'ranks': comm.size,
             'seconds': measured, 'foretold': foretold}
    alone.Free()
    return Machine(facts, constants, machine.fabric, check)


def measure(case: Case, comm: Any) -> tuple[Timing, Census]:
    """Run a case; return its mean window, and how to count; collective."""
    network = case.network()
    simulation = Simulation(network, 1.0, comm=comm)
    window = simulation.layout.window
    simulation.run(50.0*-(-window//50) + 2.0*window)
    begin = time.perf_counter()
    simulation.run(float(window))
    once = max(comm.allgather(time.perf_counter() - begin))
    windows = int(min(max(SEGMENT/once, 5), 20_000))

    before = simulation.summary()
    first, segments = before, []
    for _ in range(SEGMENTS):
        begin = time.process_time()
        simulation.run(float(windows*window))
        busy = time.process_time() - begin
        after = simulation.summary()
        segments.append(_phases(before, after, windows, busy))
        before = after
    seconds = (after.biological - first.biological)
    rates = [(after.spikes[name] - first.spikes[name])/p.size/seconds
             for name, p in network.populations.items()]
    census = Census(network, simulation.layout, 1.0, rates,
                    type(simulation.exchange))
    times = min(segments, key=lambda each: sum(each.values()))
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


def _exchange(name: str, alone: Any, comm: Any) -> dict[str, float]:
    """Return what the windows, messages and bytes of a scheme cost."""
    base = [_bursts(name, alone, count) for count in BURSTS]
    found = least([f'window {name}', f'own {name}'], [
        {f'window {name}': 1.0, f'own {name}': float(count)}
        for count in BURSTS], [seconds for seconds, *_ in base],
        [seconds for seconds, *_ in base])
    costs = _mean(comm, {f'window {name}': found[f'window {name}']})
    if comm.size == 1:
        return costs
    sent = [_bursts(name, comm, count) for count in BURSTS]
    seconds = [max(each - costs[f'window {name}'], 0.0)
               for each, *_ in sent]
    found = least([f'message {name}', f'byte {name}'], [
        {f'message {name}': messages, f'byte {name}': count}
        for _, messages, count in sent], seconds,
        [each for each, *_ in sent])
    return {**costs, **_mean(comm, found)}


def _bursts(name: str, comm: Any, count: int) -> tuple[float, float, float]:
    """Time windows of ``count`` spikes a rank: (s, messages, bytes)."""
    side = 128
    grid = ProcessGrid(comm.size, 1)
    tiling = Tiling([(side, side)], grid)
    plan = HaloPlan(tiling, [Reach(0, 0, 1.0, 1.0)])
    exchange = EXCHANGES[name](comm, plan)
    ids = tiling.ids(0, comm.rank)
    steps = 10
    times = []
    for k in range(WINDOWS):
        fired = Spikes(
            np.sort(np.arange(count) % steps) + k*steps,
            ids[np.arange(count) % ids.size].astype(np.int64))
        comm.Barrier()
        begin = time.perf_counter()
        exchange.post(k*steps, steps, fired)
        exchange.complete()
        times.append(time.perf_counter() - begin)
    found = comm.allgather(min(times))
    return (max(found), exchange.messages/WINDOWS, exchange.bytes/WINDOWS)


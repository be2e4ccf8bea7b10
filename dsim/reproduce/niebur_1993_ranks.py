"""Spikes put into ranks that hold synapses: visits counted, steps timed."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from dsim.connectivity import FixedOutdegree
from dsim.network import Network
from dsim.neurons import LIF
from dsim.partitioning.exchange.packets import Spikes
from dsim.reproduce import niebur_1993_checks as checks
from dsim.reproduce import niebur_1993_work as work
from dsim.reproduce.niebur_1993_cells import Setting
from dsim.reproduce.niebur_1993_checks import DT, Control, Found
from dsim.reproduce.niebur_1993_layouts import Machine, real, virtual
from dsim.reproduce.niebur_1993_tables import direct, transpose

CHANCES = 0.00012, 0.001, 0.01
STEPS, REPEATS = 100, 10


def inject(machine: Machine, numbers: np.ndarray) -> None:
    """Let these neurons fire in a step, whatever they would do."""
    homes = machine.setting.homes[numbers]
    machine.deliver(1, [
        Spikes(np.full(mine.size, machine.step), mine)
        for mail in machine.mails for mine in [numbers[homes == mail.rank]]])


def pair(setting: Setting, q: int) -> list[Machine]:
    """Return the direct and the transposed layout on virtual ranks."""
    mails = virtual(setting.ranks)
    whole = [direct(setting, rank) for rank in range(setting.ranks)]
    return [Machine(setting, mails, whole),
            Machine(setting, mails, transpose(setting, q, mails, whole), q)]


def critical(machines: Sequence[Machine]) -> list[int]:
    """Return the visits of each step's busiest rank, summed over steps."""
    return [sum(map(max, machine.visits)) for machine in machines]


def one_each() -> float:
    """Return visits direct over transposed: one spike a partition.

    Counted by 64 ranks, a neuron of 16 synapses each, in partitions of 16:
    the paper's case with M = 16.
    """
    net = Network(seed=1)
    cells = net.population('cells', LIF(), (8, 8))
    net.project(cells, cells, rule=FixedOutdegree(16), weight=1.0, delay=DT,
                receptor='excitatory')
    setting = Setting(net, DT, 64)
    groups = setting.corners[setting.homes] >> 4
    numbers = np.sort([np.flatnonzero(groups == g)[g] for g in range(4)])
    machines = pair(setting, 4)
    for machine in machines:
        inject(machine, numbers)
    found = critical(machines)
    return found[0]/found[1]


def counted(steps: int = 100, p: float = 0.01
            ) -> tuple[list[int], list[int]]:
    """Return visits (direct, transposed) expected, and those counted.

    On 16 ranks that are one partition, 64 neurons of 64 synapses each.
    """
    setting = Setting(checks.network(32, 64), DT, 16)
    machines = pair(setting, 4)
    expected = np.zeros(2, np.int64)
    for step in range(steps):
        numbers = work.fire(p, step, setting.homes.size)
        homes = np.bincount(setting.homes[numbers], minlength=16)
        expected += 64*homes.max(), 64//16*numbers.size
        for machine in machines:
            inject(machine, numbers)
    return expected.tolist(), critical(machines)


def on_mpi(net: Network, steps: int, wanted: Control, comm: Any
           ) -> tuple[list[Found], dict[float, tuple[float, float]]]:
    """Run all layouts on the ranks of ``comm``; time two of them.

    Returns what each gave, and p -> seconds a step (direct, all ranks one
    partition) for random spikes; no times where the ranks are no power of
    two.  Collective.
    """
    setting, mails = Setting(net, DT, comm.size), real(comm)
    whole = [direct(setting, comm.rank)]
    cube = not comm.size & comm.size - 1
    found: list[Found] = []
    machines: list[Machine] = []
    for q in range(setting.dimensions + 1 if cube else 1):
        each, machine = checks.examine(setting, mails, whole, q, steps,
                                       wanted, comm)
        found.append(each)
        machines = [*machines[:1], machine]
    timed = {p: _clocked(machines, p, comm) for p in CHANCES if cube}
    return found, timed


def _clocked(machines: Sequence[Machine], p: float, comm: Any
             ) -> tuple[float, float]:
    """Return the mean time of a step of the slowest rank; collective."""
    best = np.full((2, STEPS), np.inf)
    for _ in range(REPEATS):
        for step in range(STEPS):
            numbers = work.fire(p, step, machines[0].setting.homes.size)
            for k, machine in enumerate(machines):
                comm.Barrier()
                begin = time.perf_counter()
                inject(machine, numbers)
                found = comm.allgather(time.perf_counter() - begin)
                best[k, step] = min(best[k, step], max(found))
    return float(best[0].mean()), float(best[1].mean())

"""The same network in all layouts: do they agree, and is all in its place?"""

from typing import Any, NamedTuple

import numpy as np

from dsim.connectivity import FixedOutdegree
from dsim.distributions import Uniform
from dsim.network import Network
from dsim.neurons import LIF
from dsim.partitioning.exchange.mail import Mail
from dsim.reproduce import niebur_1993_tables as tables
from dsim.reproduce.niebur_1993_cells import Setting
from dsim.reproduce.niebur_1993_layouts import Machine, virtual
from dsim.reproduce.niebur_1993_tables import Table
from dsim.simulation import Simulation
from dsim.stimuli import GaussianCurrent

DT = 0.1
DELAYS = 0.1, 3.0
"""In ms: from one step on."""

STRENGTH = 10240.0, -30720.0
"""Sum of the weights (pA) of a neuron's synapses, on average."""


def network(side: int = 128, synapses: int = 1024, seed: int = 1) -> Network:
    """Return side x side neurons with that many synapses each.

    Three quarters are excitatory and so are three quarters of a neuron's
    targets, drawn evenly.  The paper's neurons and connections are not
    known: these are leaky integrate-and-fire neurons driven by noise.
    """
    net = Network(seed=seed)
    model = LIF(initial={'v': Uniform(-70.0, -56.0)})
    exc = net.population('exc', model, (side, side*3//4))
    inh = net.population('inh', model, (side, side//4))
    for source, receptor, strength in (
            (exc, 'excitatory', STRENGTH[0]),
            (inh, 'inhibitory', STRENGTH[1])):
        ends = sorted(strength*x/synapses for x in (0.5, 1.5))
        for target, number in ((exc, synapses - synapses//4),
                               (inh, synapses//4)):
            net.project(source, target, rule=FixedOutdegree(number),
                        receptor=receptor, weight=Uniform(*ends),
                        delay=Uniform(*DELAYS))
    net.stimulate([exc, inh], GaussianCurrent(mean=280.0, std=700.0))
    return net


class Control(NamedTuple):
    """What dsim itself gives: the target-side layout.

    ``steps`` and ``numbers`` of all spikes, sorted; ``states`` by
    (population's index, variable), in order of id; ``bytes`` a synapse.
    """

    steps: np.ndarray
    numbers: np.ndarray
    states: dict[tuple[int, str], np.ndarray]
    rates: list[float]
    bytes: float


class Found(NamedTuple):
    """What a run in another layout gave.

    ``spikes`` and ``states`` tell whether they are the control's, bit for
    bit; ``restored`` whether transposing twice gives the direct tables,
    and so whether each synapse is there once; ``even`` whether each rank
    has 1/Q of each neuron's synapses, give or take one.  ``critical`` are
    the busiest ranks' visits, summed over steps; ``bytes`` a synapse.
    """

    ranks: int
    q: int
    spikes: bool
    states: bool
    restored: bool
    even: bool
    rounds: int
    spread: int
    routed: int
    critical: int
    bytes: float


def control(net: Network, steps: int, comm: Any) -> Control:
    """Run dsim itself; collective."""
    with Simulation(net, dt=DT, comm=comm) as simulation:
        simulation.run(steps*DT)
        times, numbers, rates, first = [], [], [], 0
        for name, population in net.populations.items():
            at, ids = simulation.spikes(name)
            times.append(np.rint(at/DT).astype(np.int64) - 1)
            numbers.append(first + ids.astype(np.int64))
            rates.append(1000*at.size/(steps*DT*population.size))
            first += population.size
        states = {(p, row.name): simulation.state(name, row.name)
                  for p, (name, population)
                  in enumerate(net.populations.items())
                  for row in population.model.states}
        facts = simulation.summary()
    all_times, all_numbers = np.concatenate(times), np.concatenate(numbers)
    order = np.lexsort((all_numbers, all_times))
    return Control(all_times[order], all_numbers[order], states, rates,
                   facts.table_bytes/facts.synapses)


def simulate(net: Network, steps: int, ranks: int, q: int, wanted: Control
             ) -> Found:
    """Run on so many ranks in this process, partitions of 2^q of them."""
    setting, mails = Setting(net, DT, ranks), virtual(ranks)
    whole = [tables.direct(setting, rank) for rank in range(ranks)]
    return examine(setting, mails, whole, q, steps, wanted, None)[0]


def examine(setting: Setting, mails: list[Mail], whole: list[Table], q: int,
            steps: int, wanted: Control, comm: Any
            ) -> tuple[Found, Machine]:
    """Run with one layout of the direct tables ``whole``; compare.

    Collective if ``comm`` is not None but the ranks of ``mails``.
    """
    held, restored = whole, True
    if q:
        held = tables.transpose(setting, q, mails, whole)
        back = tables.restore(setting, q, mails, held)
        restored = all(np.array_equal(*pair) for old, new in zip(
            whole, back, strict=True) for pair in zip(old, new, strict=True))
    machine = Machine(setting, mails, held, q)
    machine.run(steps)

    mine = (_same(machine, wanted, comm), restored, _even(whole, held, q),
            [max(row) for row in machine.visits], machine.spread_messages,
            machine.routed_messages, sum(table.nbytes for table in held),
            sum(table.entries.size for table in held))
    same, again, even, busiest, *sums = zip(
        *(comm.allgather(mine) if comm else [mine]), strict=True)
    spread, routed, taken, synapses = (sum(each) for each in sums)
    return Found(
        setting.ranks, q, all(s for s, _ in same), all(s for _, s in same),
        all(again), all(even), machine.rounds, spread, routed,
        int(np.max(busiest, axis=0).sum()), taken/synapses), machine


def _same(machine: Machine, wanted: Control, comm: Any) -> tuple[bool, bool]:
    """Tell whether spikes and states are the control's."""
    spikes = np.array(machine.spikes())
    if comm is not None:
        spikes = np.concatenate(comm.allgather(spikes), axis=1)
        spikes = spikes[:, np.lexsort(spikes[::-1])]
    states = True
    for (p, variable), values in wanted.states.items():
        ids, found = machine.state(p, variable)
        states &= values[ids].tobytes() == found.tobytes()
    return bool(np.array_equal(spikes, [wanted.steps, wanted.numbers])
                ), states


def _even(whole: list[Table], held: list[Table], q: int) -> bool:
    """Tell whether each row is a Qth of its neuron's synapses, ±1."""
    degree = np.diff(whole[0].pointer)[0]
    return all((abs(np.diff(table.pointer) - degree/2**q) <= 1).all()
               for table in held)

"""Waves on a grid of resting neurons: speed, symmetry, threshold, halo."""

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dsim.connectivity import Stencil
from dsim.network import Network
from dsim.neurons.izhikevich import Izhikevich
from dsim.reproduce.base import COMPUTED, Claim, Range, alone, share
from dsim.simulation import Simulation, arrange
from dsim.stimuli import ConstantCurrent

REST = {'v': -70.0, 'u': -14.0}
"""Where a regular spiking cell stays if nothing happens."""

SIDE, STEPS = 21, 200
KICK, KICK_STEPS = 20.0, 5
"""The current into the centre cell, and for how many steps."""

CRITICAL = 16.348282
"""The smallest pulse of one step that makes a resting cell fire."""

ACCURACY = 1e-5


@dataclass(frozen=True)
class Case:
    """A neighbourhood and a weight, and what another program found.

    ``arrivals`` are the times in ms of the first spikes along an axis, from
    the centre on; ``spikes`` the number of all.
    """

    neighbourhood: str
    weight: float
    arrivals: tuple[int, ...]
    spikes: int | None

    @property
    def name(self) -> str:
        """How the case is called in tables and figures."""
        return f'{self.neighbourhood}, w = {self.weight:g}'

    @property
    def stencil(self) -> Stencil:
        """Its connection rule."""
        return neighbours(self.neighbourhood)


VON_NEUMANN, MOORE = 'von Neumann', 'Moore'
CASES = (
    Case(VON_NEUMANN, 20.0, (3, 8, 13, 17, 22, 26, 31, 35, 40, 44, 49), 780),
    Case(VON_NEUMANN, 30.0, tuple(range(3, 34, 3)), 1662),
    Case(VON_NEUMANN, 40.0, tuple(range(3, 24, 2)), 2746),
    Case(MOORE, 20.0, (3, *range(8, 27, 2)), None),
    Case(MOORE, 30.0, (), 7444),
    Case(MOORE, 40.0, (3, *range(5, 15)), 10850),
)


class Raster(NamedTuple):
    """A run of the wave test: spikes, and v before each step [T, cells]."""

    times: np.ndarray
    ids: np.ndarray
    v: np.ndarray

    @property
    def digest(self) -> str:
        """A hash of all spikes and all bits of v."""
        digest = hashlib.sha256()
        for array in self:
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def neighbours(name: str, radius: int = 1) -> Stencil:
    """Return the rule of a neighbourhood."""
    make = {VON_NEUMANN: Stencil.von_neumann, MOORE: Stencil.moore}
    return make[name](radius)


def network(rule: Stencil, weight: float, side: int = SIDE,
            steps: int = KICK_STEPS) -> Network:
    """Return a resting grid whose centre is driven for ``steps`` steps."""
    net = Network(seed=1)
    cells = net.population('cells', Izhikevich.preset(
        'regular_spiking', initial=REST), (side, side))
    net.project(cells, cells, rule=rule, weight=weight, delay=1.0)
    drive = np.zeros((side, side))
    drive[side//2, side//2] = KICK
    net.stimulate(cells, ConstantCurrent(drive, stop=steps))
    return net


def raster(net: Network, comm: Any, steps: int = STEPS) -> Raster:
    """Run ``net`` and return what its cells did, on every rank."""
    if not net.recordings:
        net.record('cells', 'v')
    with Simulation(net, dt=1.0, comm=comm) as simulation:
        simulation.run(steps)
        return Raster(*simulation.spikes('cells'),
                      simulation.values('cells', 'v'))


def dense_reference(case: Case, side: int = SIDE, steps: int = STEPS
                    ) -> Raster:
    """Return the same run by another program: numpy and a dense matrix.

    Nothing of the simulator is used; cells are connected if they lie one
    apart.  Weights are whole numbers, so that no sum is rounded.
    """
    row, column = np.divmod(np.arange(side*side), side)
    down = abs(row[:, None] - row)
    right = abs(column[:, None] - column)
    apart = (down + right if case.neighbourhood == VON_NEUMANN
             else np.maximum(down, right))
    matrix = case.weight*(apart == 1)

    v, u = np.full(side*side, -70.0), np.full(side*side, -14.0)
    fired = np.zeros(side*side)
    times, ids, seen = [], [], []
    for step in range(steps):
        seen.append(v.copy())
        drive = matrix @ fired
        if step < KICK_STEPS:
            drive[side*side//2] += KICK
        v = v + 0.5*(0.04*v*v + 5*v + 140 - u + drive)
        v = v + 0.5*(0.04*v*v + 5*v + 140 - u + drive)
        u = u + 0.02*(0.2*v - u)
        fired = (v >= 30)*1.0
        v, u = np.where(v >= 30, -65.0, v), u + 8*fired
        ids.append(np.flatnonzero(fired))
        times.append(np.full(ids[-1].size, step + 1.0))
    return Raster(np.concatenate(times), np.concatenate(ids),
                  np.array(seen))


def first_spikes(run: Raster, side: int = SIDE) -> np.ndarray:
    """Return when each cell fired first, [side, side] in ms; -1 if never."""
    first = np.full(side*side, -1.0)
    first[run.ids[::-1]] = run.times[::-1]
    return first.reshape(side, side)


def is_symmetric(first: np.ndarray) -> bool:
    """Tell whether a map is the same under the 8 symmetries of a square."""
    turned = [np.rot90(each, k) for each in (first, first.T)
              for k in range(4)]
    return all(np.array_equal(first, each) for each in turned)


def fastest(first: np.ndarray) -> int:
    """Return the most cells that the front came forward in one step.

    The front is the farthest cell from the centre, along rows or columns,
    that has fired.
    """
    middle = first.shape[0]//2
    row, column = np.indices(first.shape)
    apart = np.maximum(abs(row - middle), abs(column - middle))
    last = int(first.max())
    front = [int(apart[(first >= 0) & (first <= t)].max(initial=0))
             for t in range(last + 1)]
    return int(np.diff(front).max(initial=0))


def weight_threshold(steps: int, comm: Any, low: float = 10.0,
                     high: float = 20.0) -> float:
    """Return the weight from which on more than the centre fires.

    By bisection, for a centre driven for ``steps`` steps.
    """
    while high - low > ACCURACY/10:
        middle = (low + high)/2
        run = raster(network(neighbours(VON_NEUMANN), middle, steps=steps),
                     comm)
        if np.any(run.ids != SIDE*SIDE//2):
            high = middle
        else:
            low = middle
    return (low + high)/2


def measure(comm: Any) -> tuple[list[Claim], dict[str, np.ndarray]]:
    """Check the wave test; return claims and first-spike maps by case."""
    claims, maps, runs = [], {}, {}
    for case in CASES:
        run = raster(network(case.stencil, case.weight), comm)
        runs[case], maps[case.name] = run, first_spikes(run)
        claims += _wave_claims(case, run, maps[case.name])
    return claims + _invariance(runs, maps, comm), maps


def _wave_claims(case: Case, run: Raster, first: np.ndarray) -> list[Claim]:
    axis = first[SIDE//2, SIDE//2:].astype(int)
    return [
        Claim(f'{case.name}: first spikes 0 to 10 cells from the centre',
              list(case.arrivals) or None, axis, COMPUTED, 'ms'),
        Claim(f'{case.name}: spikes in {STEPS} ms', case.spikes,
              run.times.size, COMPUTED),
    ]


def _invariance(runs: dict[Case, Raster], maps: dict[str, np.ndarray],
                comm: Any) -> list[Claim]:
    with alone(comm) as solo:
        one = [raster(network(case.stencil, case.weight), solo).digest
               for case in CASES]
    dense = [dense_reference(case).digest for case in CASES]
    ours = [runs[case].digest for case in CASES]
    same = all(comm.allgather(ours == one))
    wide = first_spikes(raster(network(neighbours(MOORE, 2), 40.0), comm))
    near = max(fastest(maps[case.name]) for case in CASES)
    return [
        Claim('first spikes the same under the 8 symmetries of the square, '
              'all six cases', True,
              all(is_symmetric(maps[case.name]) for case in CASES), COMPUTED),
        Claim('fastest front, radius 1', Range(0, 1), near,
              'causality: radius per delay', 'cells/ms'),
        Claim('fastest front, Moore of radius 2, w = 40', Range(0, 2),
              fastest(wide), 'causality: radius per delay', 'cells/ms'),
        Claim('spikes and v at each step, bit for bit, on these ranks and '
              'on one', True, same, 'promise of dsim'),
        Claim('spikes and v at each step, bit for bit, as a dense matrix '
              'in numpy', True, ours == dense, COMPUTED),
    ]


def measure_threshold(comm: Any) -> tuple[list[Claim], dict[int, float]]:
    """Find from which weight on a wave starts, by length of the stimulus.

    Returns claims and the threshold by number of driven steps.
    """
    lengths = range(1, KICK_STEPS + 1)
    rule = neighbours(VON_NEUMANN)
    with alone(comm) as solo:
        found = share(lengths, lambda n: weight_threshold(n, solo), comm)
        weak = [raster(network(rule, 15.0, steps=n), solo) for n in lengths]
    centre = [int(np.count_nonzero(run.ids == SIDE*SIDE//2))
              for run in (raster_of_centre(n, comm) for n in lengths)]
    cells = [np.unique(run.ids).size for run in weak]

    note = ('The centre must fire once for the claim to hold: driven by '
            f'I = {KICK:g} for 1 to 4 steps it does. The five steps of the '
            'wave test make it fire twice, 6 ms apart; the second pulse '
            'meets neighbours not yet back at rest, and less weight is '
            'enough.')
    return [
        Claim('spikes of the centre alone, driven for 1 2 3 4 5 steps', None,
              centre, 'this reconstruction'),
        Claim('von Neumann, w = 15, driven for 1 2 3 4 steps: cells that '
              'fire', [1, 1, 1, 1], cells[:4], COMPUTED, note=note),
        Claim('the same, driven for 5 steps as in the wave test', 1,
              cells[4], COMPUTED, note=note),
        Claim('least weight of a wave, driven for 1 2 3 4 steps',
              [CRITICAL]*4, np.round(found[:4], 6), COMPUTED,
              tolerance=ACCURACY, note=note),
        Claim('the same, driven for 5 steps', None, round(found[4], 6),
              'this reconstruction', note=note),
    ], dict(zip(lengths, found, strict=True))


def raster_of_centre(steps: int, comm: Any) -> Raster:
    """Return what the centre does when its neighbours cannot answer."""
    return raster(network(neighbours(VON_NEUMANN), 1e-3, steps=steps), comm)


def measure_halo(comm: Any) -> tuple[list[Claim], dict[int, int]]:
    """Count the spikes that leave a block: by the plan, and in a run.

    Returns claims and the cells to be told of by side of a block.
    """
    sides = [8, 16, 32, 64, 128]
    told = {n: _told(n) for n in sides}
    case = CASES[0]
    net = network(case.stencil, case.weight, side=64)
    with Simulation(net, dt=1.0, comm=comm) as simulation:
        simulation.run(STEPS)
        times, ids = simulation.spikes('cells')
        sent = simulation.summary().bytes
        needed = _needed(simulation, times, ids, comm.size)
    return [
        Claim('cells of an inner n x n block whose spikes leave it, counted '
              'per receiver, n = 8 16 32 64 128',
              [4*n + 4 for n in sides], list(told.values()),
              'perimeter and 4 corners'),
        Claim('bytes sent = those of messages that name the spikes of '
              'border cells and no others', True, sent == needed,
              'message format'),
    ], told


def _told(side: int) -> int:
    """Count for an inner rank of 4 x 4, blocks of ``side`` x ``side``."""
    net = network(neighbours(MOORE), 20.0, side=4*side)
    layout = arrange(net, 1.0, 16, (4, 4))
    return int(layout.plan.cells(5).sum())


def _needed(simulation: Simulation, times: np.ndarray, ids: np.ndarray,
            ranks: int) -> int:
    """Return the bytes of all messages, if each names the spikes it must."""
    plan, shape = simulation.layout.plan, simulation.network['cells'].shape
    fired = np.zeros((STEPS, *shape), np.bool_)
    fired[(np.rint(times).astype(int) - 1, *np.divmod(ids, shape[1]))] = True
    needed = 0
    for rank in range(ranks):
        for peer in plan.peers(rank):
            border = np.zeros(shape, np.bool_)
            for row0, row1, column0, column1 in plan.rectangles(
                    0, rank, peer):
                border[row0:row1, column0:column1] = True
            needed += sum(map(_message, fired[:, border]))
    return needed


def _message(fired: np.ndarray) -> int:
    """Return the bytes of a step's message about so many border cells."""
    gaps = np.diff(np.flatnonzero(fired), prepend=-1) - 1
    if gaps.size == 0:
        return 2
    bits = min(gaps.size*(k + 1) + int((gaps >> k).sum()) for k in range(16))
    return (16 + 6 + bits + 7)//8

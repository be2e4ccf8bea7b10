"""A large grid: waves that collide, and a spiral from a broken front."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dsim.io.frames import read_frames
from dsim.io.sonata import read_spikes
from dsim.network import Network
from dsim.neurons.izhikevich import Izhikevich
from dsim.reproduce.base import Claim
from dsim.reproduce.hooper_2025_waves import (
    MOORE,
    REST,
    VON_NEUMANN,
    neighbours,
)
from dsim.simulation import Simulation
from dsim.stimuli import ConstantCurrent

TIRED = 0.0
"""Recovery u of a cell that cannot fire for a while; at rest it is -14."""

PULSE = 40.0
"""Current for one step that makes a resting cell fire two steps later."""

FRAME = 2.0
"""Milliseconds from frame to frame."""


@dataclass(frozen=True)
class Sheet:
    """A run of a large grid: who is driven when, and who is tired.

    ``pulses`` are (time in ms, cells to drive for one step as bool [side,
    side]); ``tired`` bool [side, side] or None.
    """

    name: str
    neighbourhood: str
    weight: float
    duration: float
    pulses: tuple[tuple[float, np.ndarray], ...]
    tired: np.ndarray | None = None


class Seen(NamedTuple):
    """What a sheet did: spikes, and frames of v [T, side, side] in mV."""

    times: np.ndarray
    ids: np.ndarray
    frame_times: np.ndarray
    frames: np.ndarray


def collision(side: int, duration: float, sources: int = 3) -> Sheet:
    """Return a sheet with ring waves from so many places, one by one."""
    places = ((0.28, 0.25), (0.38, 0.78), (0.78, 0.45))[:sources]
    pulses = tuple((12.0*k, _spot(side, y, x))
                   for k, (y, x) in enumerate(places))
    return Sheet('collision', MOORE, 20.0, duration, pulses)


def spiral(side: int, duration: float, broken: bool = True) -> Sheet:
    """Return a sheet with a line of cells driven beside tired ones.

    So the wave can only go to the right.  If the line does not cross the
    sheet (``broken``), the open end of the front curls up.
    """
    line = np.zeros((side, side), bool)
    line[side//2 if broken else 0:, side//2 - 1:side//2 + 1] = True
    tired = np.zeros((side, side), bool)
    tired[:, :side//2 - 2] = True
    return Sheet('spiral' if broken else 'plane', VON_NEUMANN, 20.0,
                 duration, ((0.0, line),), tired)


def network(sheet: Sheet) -> Network:
    """Return the network of a sheet, with frames of v to be kept."""
    shape = sheet.pulses[0][1].shape
    net = Network(seed=1)
    initial: dict[str, Any] = dict(REST)
    if sheet.tired is not None:
        initial['u'] = np.where(sheet.tired, TIRED, REST['u'])
    cells = net.population('cells', Izhikevich.preset(
        'regular_spiking', initial=initial), shape)
    net.project(cells, cells, rule=neighbours(sheet.neighbourhood),
                weight=sheet.weight, delay=1.0)
    for time, driven in sheet.pulses:
        net.stimulate(cells, ConstantCurrent(PULSE*driven, start=time,
                                             stop=time + 1.0))
    net.record_frames(cells, 'v', interval=FRAME)
    return net


def run(sheet: Sheet, output: Path, comm: Any) -> Seen:
    """Run a sheet on all ranks, into ``output/<name>``; read it back."""
    place = output/sheet.name
    with Simulation(network(sheet), dt=1.0, output=place, comm=comm,
                    overwrite=True) as simulation:
        simulation.run(sheet.duration)
    seen = None
    if comm.rank == 0:
        times, ids = read_spikes(place/'spikes.h5')['cells']
        kept = read_frames(place/'frames.h5', 'cells', 'v')
        seen = Seen(times, ids.astype(np.int64), kept.times, kept.data)
    return comm.bcast(seen)


def measure(output: Path, comm: Any, small: bool
            ) -> tuple[list[Claim], dict[str, Seen]]:
    """Run all sheets; return what was found, and what was seen by name."""
    side, short, long = (48, 100.0, 300.0) if small else (128, 280.0, 600.0)
    sheets = [collision(side, short), spiral(side, long),
              spiral(side, long, broken=False)]
    seen = {sheet.name: run(sheet, output, comm) for sheet in sheets}
    one = run_quietly(collision(side, short, sources=1), comm)
    claims = _collision_claims(seen['collision'], one, side)
    claims += _spiral_claims(seen['spiral'], seen['plane'], long, side)
    return claims, seen


def run_quietly(sheet: Sheet, comm: Any) -> np.ndarray:
    """Run a sheet without output; return the ids of all spikes."""
    net = network(sheet)
    net.recordings.clear()
    with Simulation(net, dt=1.0, comm=comm) as simulation:
        simulation.run(sheet.duration)
        return simulation.spikes('cells')[1]


def _collision_claims(three: Seen, one: np.ndarray, side: int
                      ) -> list[Claim]:
    where = f'this reconstruction, {side} x {side}, Moore, w = 20'
    cells = side*side
    return [
        Claim('spikes of a cell, three waves that collide', None,
              round(three.ids.size/cells, 3), where),
        Claim('spikes of a cell, one wave', None, round(one.size/cells, 3),
              where, note='Waves do not pass through each other: what is '
              'left behind by one stops the other, so three of them make '
              'cells fire about as often as one.'),
    ]


def _spiral_claims(spiral: Seen, plane: Seen, duration: float, side: int
                   ) -> list[Claim]:
    where = f'this reconstruction, {side} x {side}, von Neumann, w = 20'
    late = spiral.times > duration - 100
    period = rotation(spiral, duration)
    return [
        Claim('unbroken front: last spike', None, float(plane.times.max()),
              where, 'ms'),
        Claim('broken front: spikes of a cell in the last 100 ms', None,
              round(np.count_nonzero(late)/side**2, 3), where,
              note='Nothing drives the sheet after the first step: the '
              'spiral sustains itself.'),
        Claim('broken front: time of a turn (median of the pauses)', None,
              period, where, 'ms'),
    ]


def rotation(seen: Seen, duration: float) -> float:
    """Return the median pause, in ms, between two passes of the front.

    Pauses of less than 30 ms are within a pass; the first half of the run
    is left out, in which the spiral forms.
    """
    late = seen.times > duration/2
    order = np.lexsort((seen.times[late], seen.ids[late]))
    times, ids = seen.times[late][order], seen.ids[late][order]
    pauses = np.diff(times)[np.diff(ids) == 0]
    pauses = pauses[pauses > 30]
    return float(np.median(pauses)) if pauses.size else 0.0


def _spot(side: int, y: float, x: float) -> np.ndarray:
    row, column = np.indices((side, side))
    return ((abs(row - round(y*side)) <= 1)
            & (abs(column - round(x*side)) <= 1))

"""How a network meets a number of ranks: delays in steps, tiles, the ring.

Everything here follows from the description and the process grid alone, so
that each rank finds the same, and a run that has not started can be told.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dsim.connectivity import procedural, synapse_values
from dsim.connectivity.base import size
from dsim.errors import BadValue
from dsim.network import Network, Projection
from dsim.partitioning import HaloPlan, ProcessGrid, Reach, Tiling
from dsim.partitioning.processes import choose, confirm

BITS_OF_WEIGHT = 30
"""The largest weight of a receptor takes at most so many of 32 bits."""

BYTES_PER_SYNAPSE = 4
"""Of a table, roughly; 2 to 8 in truth."""

LARGEST_DELAY = 2**16
"""In steps; the ring has a row for each."""


@dataclass(frozen=True)
class Delays:
    """The smallest and the largest delay of a projection, in steps."""

    shortest: int
    longest: int
    note: str = ''


@dataclass(frozen=True)
class Layout:
    """Where everything is, and how far apart in time.

    ``delays`` are those of the network's projections, in order, and so is
    ``procedural``: whether connections are drawn at each spike; ``units``
    are of (population, receptor): the power of two of which its weights are
    whole multiples.
    """

    tiling: Tiling
    plan: HaloPlan
    delays: tuple[Delays, ...]
    procedural: tuple[bool, ...]
    units: dict[tuple[str, str], float]
    window: int
    longest: int

    @property
    def notes(self) -> list[str]:
        """What was rounded, in sentences."""
        return [delays.note for delays in self.delays if delays.note]


def arrange(network: Network, dt: float, ranks: int,
            processes: Sequence[int] | None = None) -> Layout:
    """Lay ``network`` out on ``ranks`` ranks at steps of ``dt`` ms.

    Raises
    ------
    BadValue
        If there is no population, or a delay is below one step.
    LayoutError
        If the ranks cannot share the grids.
    """
    if isinstance(dt, bool) or not isinstance(dt, int | float) or not (
            0 < dt < np.inf):
        raise BadValue('simulation.dt', dt, 'a time > 0 in ms')
    if not network.populations:
        raise BadValue('populations', [], 'at least one population')

    shapes = [p.shape for p in network.populations.values()]
    delays = tuple(_delays(network, p, dt) for p in network.projections)
    reaches = [_reach(network, p) for p in network.projections]
    grid = _grid(network, shapes, ranks, reaches, processes)
    tiling = Tiling(shapes, grid)

    # Without projections nothing is exchanged: any window would do
    window = min((d.shortest for d in delays), default=64)
    longest = max((d.longest for d in delays), default=1)
    return Layout(tiling, HaloPlan(tiling, reaches), delays,
                  _procedural(network, ranks), _units(network), window,
                  longest)


def _grid(network: Network, shapes: Sequence[tuple[int, int]], ranks: int,
          reaches: Sequence[Reach], processes: Sequence[int] | None
          ) -> ProcessGrid:
    sheet = network.sheet
    if processes is not None:
        return confirm(processes, ranks, shapes, sheet.periodic)
    return choose(ranks, shapes, sheet.extent, reaches, sheet.periodic)


def _reach(network: Network, projection: Projection) -> Reach:
    names = list(network.populations)
    rows, columns = projection.rule.reach(network.pairing(projection))
    extent = network.sheet.extent
    return Reach(names.index(projection.source.name),
                 names.index(projection.target.name),
                 rows/extent[0], columns/extent[1])


def farthest(network: Network, projection: Projection) -> float:
    """Return a bound in mm on the length of a projection's connections."""
    length = projection.rule.length(network.pairing(projection))
    return min(length, network.sheet.longest())


def _delays(network: Network, projection: Projection, dt: float) -> Delays:
    delay, name = projection.delay, projection.name
    low, high = synapse_values.bounds(delay, farthest(network, projection))
    steps = [int(np.floor(min(t/dt, 2**40) + 0.5)) for t in (low, high)]
    if not low > 0 or steps[0] < 1:
        raise BadValue(
            f'{name}: delay', delay, f'at least one step of {dt:g} ms',
            f'it can be as small as {low:g} ms; give a longer delay, a '
            'minimum, or a smaller dt')
    if steps[1] > LARGEST_DELAY:
        raise BadValue(
            f'{name}: delay', delay, f'at most {LARGEST_DELAY} steps',
            f'it can be as large as {high:g} ms = {steps[1]} steps of '
            f'{dt:g} ms; give an upper bound, or a larger dt')
    return Delays(steps[0], steps[1], _rounding(projection, dt, steps))


def _rounding(projection: Projection, dt: float, steps: list[int]) -> str:
    delay, name = projection.delay, projection.name
    if not synapse_values.is_number(delay):
        return (f'{name}: delays are rounded to the nearest step of {dt:g} '
                f'ms, {steps[0]} to {steps[1]} steps')
    if abs(steps[0]*dt - delay) > 1e-9*dt:
        return (f'{name}: delay {delay:g} ms rounded to {steps[0]} steps of '
                f'{dt:g} ms = {steps[0]*dt:g} ms')
    return ''


def _units(network: Network) -> dict[tuple[str, str], float]:
    largest = {(p.name, r.name): 0.0 for p in network.populations.values()
               for r in p.model.receptors}
    for projection in network.projections:
        bounds = synapse_values.bounds(projection.weight,
                                       farthest(network, projection))
        factors = getattr(projection.rule, 'factors', np.ones(1))
        bound = max(abs(b) for b in bounds)*float(abs(factors).max())
        if not np.isfinite(bound):
            raise BadValue(f'{projection.name}: weight', projection.weight,
                           'bounded', 'give an upper bound')
        key = projection.target.name, projection.receptor
        largest[key] = max(largest[key], bound)
    return {key: unit_of(bound) for key, bound in largest.items()}


def _procedural(network: Network, ranks: int) -> tuple[bool, ...]:
    """Which projections are drawn at each spike instead of stored.

    Those that ask for it, and if what is stored would not fit the memory
    all of 'auto' that can.
    """
    known = [p.storage for p in network.projections]
    automatic = [p.storage == 'auto' and procedural.can(p.rule)
                 for p in network.projections]
    stored = BYTES_PER_SYNAPSE*sum(
        connections(network, p) for p in network.projections
        if p.storage != 'procedural')
    full = stored/ranks > memory_per_core()
    return tuple(storage == 'procedural' or (full and can)
                 for storage, can in zip(known, automatic, strict=True))


def connections(network: Network, projection: Projection) -> float:
    """Return the number of connections to be expected on all ranks."""
    pairing, rule = network.pairing(projection), projection.rule
    return rule.degree(pairing)*size(pairing.grids(rule.owner)[0])


def memory_per_core() -> float:
    """Return the bytes of memory that this machine has for each core."""
    pages = os.sysconf('SC_PHYS_PAGES')*os.sysconf('SC_PAGE_SIZE')
    return pages/(os.cpu_count() or 1)


def unit_of(bound: float) -> float:
    """Return the power of two of which weights up to ``bound`` are stored.

    ``bound`` then takes 29 to `BITS_OF_WEIGHT` of 32 bits: the rounding
    error of any weight is at most 2**-30 of it, finer than float32's.
    """
    if bound == 0:
        return 1.0
    half, exponent = math.frexp(bound)
    exponent -= half == 0.5
    return math.ldexp(1.0, max(exponent - BITS_OF_WEIGHT, -1000))

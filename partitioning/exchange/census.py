"""Count messages, bytes and stages of any scheme on any number of ranks.

Either in fact, with random spikes on all ranks in one process (`counted`),
or from the plan alone (`foretold`), which takes any number of ranks.  The
plans are those of `weak` scaling, where each rank has the same however many
there are, and of `strong` scaling, where the ranks share a sheet of one
size.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from dsim.partitioning.axis import Reach
from dsim.partitioning.exchange.base import Exchange, Traffic
from dsim.partitioning.exchange.loopback import complete, loopback
from dsim.partitioning.exchange.packets import Spikes
from dsim.partitioning.plan import HaloPlan
from dsim.partitioning.processes import ProcessGrid, choose, divisors
from dsim.partitioning.tiling import Tiling

Shapes = Sequence[tuple[int, int]]


class Spread(NamedTuple):
    """Of some numbers the smallest, the mean and the largest."""

    least: float
    mean: float
    most: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> 'Spread':
        """Return the spread of numbers."""
        return cls(min(numbers), math.fsum(numbers)/len(numbers),
                   max(numbers))


@dataclass(frozen=True)
class Census:
    """What the ranks send in a window of ``steps`` steps: spread over them.

    ``windows`` are those that were counted, 0 where the plan alone was
    asked; ``neurons`` are those of all ranks.
    """

    scheme: str
    ranks: int
    processes: tuple[int, int]
    neurons: int
    steps: int
    windows: int
    messages: Spread
    bytes: Spread
    stages: Spread

    def facts(self) -> dict[str, Any]:
        """Return all by name, for tables and JSON."""
        return asdict(self)


def weak(ranks: int, tiles: Shapes, reaches: Sequence[Reach],
         periodic: tuple[bool, bool] = (True, True)) -> HaloPlan:
    """Return the plan of a sheet that grows with the number of ranks.

    ``tiles`` are the (rows, columns) that each rank has of each population,
    the reaches fractions of the extent of a tile.  The process grid is as
    near to a square as can be, with no more rows than columns.
    """
    rows = max(n for n in divisors(ranks) if n*n <= ranks)
    columns = ranks//rows
    tiling = Tiling([(rows*a, columns*b) for a, b in tiles],
                    ProcessGrid(rows, columns, periodic))
    return HaloPlan(tiling, [
        Reach(r.source, r.target, r.rows/rows, r.columns/columns)
        for r in reaches])


def strong(ranks: int, shapes: Shapes, reaches: Sequence[Reach],
           periodic: tuple[bool, bool] = (True, True)) -> HaloPlan:
    """Return the plan of a sheet of one size for any number of ranks.

    ``shapes`` are (rows, columns) of the populations, the reaches fractions
    of the sheet's extent.  The process grid is the one with least to tell.
    """
    processes = choose(ranks, shapes, reaches=reaches, periodic=periodic)
    return HaloPlan(Tiling(shapes, processes), reaches)


def counted(scheme: type[Exchange], plan: HaloPlan, steps: int,
            rates: Sequence[float], dt: float = 1.0, windows: int = 4,
            seed: int | None = 0) -> Census:
    """Run some windows on all ranks in this process and count.

    Each neuron of population ``p`` fires ``rates[p]`` times a second, at
    random; steps are of ``dt`` ms.  Without a seed all tiles of one shape
    have the same spikes, so that ranks in the same place of a sheet differ
    in nothing.
    """
    ranks = loopback(plan, scheme)
    for window in range(windows):
        for exchange in ranks:
            key = (0 if seed is None else 1 + exchange.rank, window,
                   seed or 0)
            exchange.post(window*steps, steps, random_spikes(
                plan.tiling, exchange.rank, window*steps, steps,
                [rate*dt/1000 for rate in rates], key))
        complete(ranks)
    return census(scheme, plan, steps, windows, [
        Traffic(e.messages/windows, e.bytes/windows, e.stages/windows)
        for e in ranks])


def foretold(scheme: type[Exchange], plan: HaloPlan, steps: int,
             rates: Sequence[float], dt: float = 1.0,
             ranks: Iterable[int] | None = None) -> Census:
    """Tell from the plan what the ranks will send, or some of them."""
    tiling = plan.tiling
    spikes = [rate*dt/1000*steps*tiling.size(p)
              for p, rate in enumerate(rates)]
    return census(scheme, plan, steps, 0, [
        scheme.predict(plan, rank, steps, spikes)
        for rank in (range(tiling.processes.size) if ranks is None
                     else ranks)])


def census(scheme: type[Exchange], plan: HaloPlan, steps: int, windows: int,
           traffic: Sequence[Traffic]) -> Census:
    """Return the census of what some ranks send in a window."""
    tiling = plan.tiling
    grid = tiling.processes
    messages, sent, stages = zip(*traffic, strict=True)
    return Census(scheme.name, grid.size, (grid.rows, grid.columns),
                  tiling.total, steps, windows, Spread.of(messages),
                  Spread.of(sent), Spread.of(stages))


def random_spikes(tiling: Tiling, rank: int, first_step: int, steps: int,
                  rates: Sequence[float], key: Sequence[int]) -> Spikes:
    """Return a rank's spikes, each neuron's with its rate in each step."""
    mine = [tiling.first[p] + tiling.ids(p, rank)
            for p in range(tiling.populations)]
    chance = np.repeat(rates, [numbers.size for numbers in mine])
    drawn = np.random.default_rng(key).random((steps, chance.size))
    at, who = np.nonzero(drawn < chance)
    return Spikes(first_step + at, np.concatenate(mine)[who])

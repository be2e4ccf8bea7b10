"""log2(ranks) stages, forwarding on the way, dimension by dimension.

The Connection Machine's way: the process grid lies on a hypercube by Gray
codes (`dsim.partitioning.graycode`), and in stage k a rank speaks only to
the one across dimension k.  The irregular form is known as crystal router
(Fox et al. 1988, Solving Problems on Concurrent Processors).

A message holds no goals.  Tiles are products of rows and columns, and so
are reaches, so every rank finds from a spike's number and from geometry
where it still must go: two look-ups and an AND for each spike and stage.
Goals that were carried would take at least a word a spike and link.
"""

import numpy as np

from dsim.partitioning.exchange.atlas import Sieve
from dsim.partitioning.exchange.staged import Stage, Staged
from dsim.partitioning.graycode import Cube, Step
from dsim.partitioning.plan import HaloPlan


class Hypercube(Staged):
    """Across each dimension one message with all that must cross it.

    A spike that goes to several ranks the same way travels as one, so it
    crosses each link at most once.  Links that no spike can ever need have
    no message; others have one in each window, even if it is empty.
    """

    name = 'hypercube'

    @classmethod
    def plan_stages(cls, plan: HaloPlan, rank: int) -> list[Stage]:
        """Return one stage for each dimension with a link in use."""
        cube, stages = Cube(plan.tiling.processes), []
        for step in cube.steps:
            sieve = crossing(cube, plan, rank, step)
            to = (cube.across(rank, step)
                  if sieve.cells(plan.tiling).any() else None)
            others = {other: crossing(cube, plan, other, step)
                      for other in cube.senders(rank, step)}
            sources = {other: found for other, found in others.items()
                       if found.cells(plan.tiling).any()}
            if to is not None or sources:
                stages.append(Stage(to, sieve, list(sources),
                                    list(sources.values())))
        return stages


def crossing(cube: Cube, plan: HaloPlan, rank: int, step: Step) -> Sieve:
    """Return which cells' spikes a rank passes on across a dimension."""
    tiling, lines = plan.tiling, plan.lines
    place = tiling.processes.place(rank)
    sources, goals = cube.sides[step.axis].passing(place[step.axis],
                                                   step.dimension)
    owners = tiling.line_owners
    along = (lines.rows, lines.columns)[step.axis]
    bits = np.bitwise_or.reduce(along[goals], axis=0)
    bits *= sources[owners[step.axis]]

    # Rows come first: until then a spike is in the column it is from, and
    # afterwards in the row it goes to
    if step.axis == 0:
        columns = np.bitwise_or.reduce(lines.columns, axis=0)
        columns *= owners[1] == place[1]
        return Sieve(bits, columns)
    return Sieve(lines.rows[place[0]], bits)

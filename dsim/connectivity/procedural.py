"""Draw connections anew at each spike, instead of holding them.

A rule that draws for the source of each connection can make the row of a
neuron whenever that neuron fires: the same row as in a table, for no memory
at all.
"""

import numpy as np

from dsim.compiled import compiled
from dsim.connectivity.base import Rule
from dsim.connectivity.drawing import Drawing, local_of, row_of


def can(rule: Rule) -> bool:
    """Tell whether the connections of a rule can be drawn at each spike."""
    return rule.owner == 'source'


class Procedural:
    """The connections of one projection that end on one tile."""

    nbytes = 0

    def __init__(self, drawing: Drawing):
        self.drawing = drawing
        shape = drawing.pairing.source
        self._end = drawing.landing.first + shape[0]*shape[1]

    @property
    def count(self) -> int:
        """The number of connections, as many as are expected."""
        return round(self.drawing.expected)

    def deliver(self, ring: np.ndarray, steps: np.ndarray,
                numbers: np.ndarray) -> int:
        """Add the weights of the spikes' connections to the ring.

        ``steps``, ``numbers`` int64[k]: when and who; neurons of other
        populations are passed over.  Returns the synaptic events.
        """
        drawing, landing = self.drawing, self.drawing.landing
        mine = np.flatnonzero((numbers >= landing.first)
                              & (numbers < self._end))
        owners = numbers[mine] - landing.first
        mine = mine[_in_reach(owners, drawing.pairing.source, landing.box)]
        events, done, when = 0, 0, steps[mine]
        for some in drawing.of(numbers[mine] - landing.first):
            then = when[done:done + some.owners.size]
            done += some.owners.size
            events += _deliver(
                ring, landing.bits, then, drawing.pairing.target,
                landing.bounds, landing.base, some.rows.pointer,
                some.rows.partners, some.delays, some.weights)
        return events


@compiled
def _in_reach(owners, shape, box):
    found = np.empty(owners.size, np.bool_)
    for k in range(owners.size):
        found[k] = row_of(owners[k], shape, box) >= 0
    return found


@compiled
def _deliver(ring, bits, steps, shape, bounds, base, pointer, partners,
             delays, weights):
    mask = np.uint64(ring.size - 1)
    events = 0
    for k in range(steps.size):
        for j in range(pointer[k], pointer[k + 1]):
            local = local_of(partners[j], shape, bounds)
            if local < 0:
                continue
            step = np.uint64(steps[k] + delays[j])
            place = (step << np.uint64(bits)) + np.uint64(base + local)
            ring[place & mask] += weights[j]
            events += 1
    return events

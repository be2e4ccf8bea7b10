"""Pick the exchange scheme that should take the least time.

The time of a window on the slowest rank is taken to be

    stages*STAGE + messages*MESSAGE + bytes*BYTE

with the counts that each scheme predicts if all neurons fire at RATE.  The
constants decide only how messages weigh against stages and bytes; the
spikes are the same with any scheme.  Without the way through a network they
were measured on two ranks of one machine (AMD EPYC, Open MPI 4.1).
"""

from collections.abc import Iterable

from dsim.partitioning.exchange.base import Exchange, Traffic
from dsim.partitioning.plan import HaloPlan

STAGE = 6.5e-6
"""Seconds of a stage: 5 us of work, and 1.5 us, assumed, on the way."""

MESSAGE = 2e-6
"""Seconds that a rank is busy to send a message and to receive one."""

BYTE = 20e-9
"""Seconds to code and to decode a byte, which is about a spike.

A network of 5 GB/s adds only a hundredth of that.
"""

RATE = 10.0
"""Spikes a second and neuron."""

SAMPLE = 16
"""So many ranks at most are looked at, from the first to the last."""


def best(schemes: Iterable[type[Exchange]], plan: HaloPlan, steps: int,
         window: float) -> type[Exchange]:
    """Return the scheme that costs least; of equally good ones the first.

    A window has ``steps`` steps and lasts ``window`` ms.  All ranks find
    the same without asking each other.
    """
    return min(schemes, key=lambda scheme: cost(scheme, plan, steps, window))


def cost(scheme: type[Exchange], plan: HaloPlan, steps: int, window: float
         ) -> float:
    """Return the seconds that a window should take on the slowest rank."""
    tiling = plan.tiling
    spikes = [RATE*window/1000*tiling.size(p)
              for p in range(tiling.populations)]
    last, parts = tiling.processes.size - 1, SAMPLE - 1
    ranks = {last*k // parts for k in range(SAMPLE)}
    return max(seconds(scheme.predict(plan, rank, steps, spikes))
               for rank in ranks)


def seconds(traffic: Traffic) -> float:
    """Return how long a rank's messages of a window should take."""
    return (traffic.stages*STAGE + traffic.messages*MESSAGE
            + traffic.bytes*BYTE)

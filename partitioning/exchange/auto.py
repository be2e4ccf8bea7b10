"""Pick the exchange scheme that should take the least time.

The time of a window on the slowest rank is taken to be

    stages*LATENCY + messages*OVERHEAD + bytes/BANDWIDTH

with the counts that each scheme predicts if all neurons fire at RATE.  The
constants are round numbers for a cluster's network today.  They decide only
how messages weigh against bytes; the spikes are the same with any scheme.
"""

from collections.abc import Iterable

from dsim.partitioning.exchange.base import Exchange, Traffic
from dsim.partitioning.plan import HaloPlan

LATENCY = 1.5e-6
"""Seconds until the first byte of a message is there."""

OVERHEAD = 0.5e-6
"""Seconds that a rank is busy for each message that it sends."""

BANDWIDTH = 5e9
"""Bytes a second that a rank can send."""

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
    return (traffic.stages*LATENCY + traffic.messages*OVERHEAD
            + traffic.bytes/BANDWIDTH)

"""Wall time per phase; smallest, mean and largest over ranks."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Any

from dsim.engine.tile import Tile

PHASES = ('update', 'deliver', 'exchange', 'wait', 'record')
"""The verbs of the loop; ``build`` and ``run`` are timed beside them."""


@dataclass(frozen=True)
class Summary:
    """What a run cost, over all ranks.

    ``seconds`` is phase -> (smallest, mean, largest) over ranks; ``events``
    synaptic events; ``biological`` and ``wall`` in s; ``messages`` and
    ``bytes`` sent by all ranks; ``threads`` of each rank.
    """

    ranks: int
    neurons: int
    synapses: int
    table_bytes: int
    biological: float
    wall: float
    build: float
    seconds: dict[str, tuple[float, float, float]]
    spikes: dict[str, int]
    events: int
    messages: int
    bytes: int
    threads: int = 1

    @property
    def rtf(self) -> float:
        """The real-time factor: wall time per biological time."""
        return self.wall/self.biological if self.biological else 0.0

    @property
    def core_ns_per_event(self) -> float:
        """Time of all threads of all ranks per synaptic event, in ns."""
        cores = self.ranks*self.threads
        return 1e9*self.wall*cores/self.events if self.events else 0.0

    def shares(self) -> dict[str, float]:
        """Return each phase's share of the mean rank's time."""
        total = sum(mean for _, mean, _ in self.seconds.values())
        return {phase: (mean/total if total else 0.0)
                for phase, (_, mean, _) in self.seconds.items()}

    def line(self) -> str:
        """Return the phases' shares and the cost of an event in a line."""
        shares = '  '.join(f'{phase} {100*share:.0f} %' for phase, share
                           in self.shares().items())
        cost = (f'   {self.core_ns_per_event:.1f} core-ns per synaptic event'
                if self.events else '')
        return f'{shares}   RTF {self.rtf:.2f}{cost}'

    def facts(self) -> dict[str, Any]:
        """Return all figures by name, for attributes and JSON.

        A phase has its smallest, mean and largest seconds over ranks.
        """
        facts = asdict(self)
        facts.update({f'seconds_{k}': v
                      for k, v in facts.pop('seconds').items()})
        facts.update({f'spikes_{k}': v
                      for k, v in facts.pop('spikes').items()})
        return {**facts, 'rtf': self.rtf,
                'core_ns_per_event': self.core_ns_per_event}


class Timers:
    """Seconds spent in each phase on this rank."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys((*PHASES, 'build', 'run'), 0.0)

    def timed(self, phase: str, verb: Callable[..., Any]
              ) -> Callable[..., Any]:
        """Return ``verb`` with its wall time counted as ``phase``."""
        seconds, clock = self.seconds, time.perf_counter

        @wraps(verb)
        def counted(*arguments: Any) -> Any:
            begin = clock()
            try:
                return verb(*arguments)
            finally:
                seconds[phase] += clock() - begin

        return counted

    def summary(self, comm: Any, biological: float, tile: Tile,
                exchange: Any, spikes: dict[str, int]) -> Summary:
        """Return the figures over all ranks; collective.

        ``biological`` is the time reached in s, ``spikes`` those of all
        ranks.
        """
        mine = (self.seconds, tile.neurons, tile.synapses, tile.table_bytes,
                tile.events, exchange.messages, exchange.bytes)
        ranks = comm.allgather(mine)
        times = [seconds for seconds, *_ in ranks]
        sums = [sum(column) for column in list(zip(*ranks, strict=True))[1:]]
        neurons, synapses, table_bytes, events, messages, sent = sums
        return Summary(
            len(ranks), neurons, synapses, table_bytes, biological,
            max(t['run'] for t in times), max(t['build'] for t in times),
            {phase: _spread([t[phase] for t in times]) for phase in PHASES},
            spikes, events, messages, sent, len(tile.shares))


def _spread(values: list[float]) -> tuple[float, float, float]:
    return min(values), sum(values)/len(values), max(values)

"""Many tiles in one process: for tests, teaching and dry runs."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from dsim.partitioning.axis import Integers
from dsim.partitioning.exchange.base import Exchange
from dsim.partitioning.exchange.coding import Bytes
from dsim.partitioning.exchange.halo import Halo
from dsim.partitioning.exchange.mail import Mail
from dsim.partitioning.exchange.packets import Spikes
from dsim.partitioning.plan import HaloPlan


class NotSent(RuntimeError):
    """A rank waits for a message that no other has sent yet."""


@dataclass
class Seat:
    """One rank's place at a table of ranks in one process.

    It stands in for a communicator; ``letters`` (from, to) are shared.
    """

    rank: int
    size: int
    letters: dict[tuple[int, int], deque[Bytes]] = field(repr=False)


class LocalMail(Mail):
    """Messages that are put on the table and taken from it."""

    def __init__(self, comm: Seat):
        super().__init__(comm)
        self._letters = comm.letters

    def fetch(self, sources: Sequence[int]) -> tuple[Bytes, Integers]:
        """Take one message from each source; return them end to end.

        Raises NotSent where one is missing: what would wait for ever under
        MPI.  Then nothing is taken, so one may try again.
        """
        missing = [source for source in sources
                   if not self._letters.get((source, self.rank))]
        if missing:
            raise NotSent(
                f'rank {self.rank} waits for rank '
                f'{", ".join(map(str, missing))}: post() on all ranks, then '
                'complete()'
            )
        return super().fetch(sources)

    def _send(self, to: int, message: Bytes) -> None:
        # The sender uses its buffer again
        letters = self._letters.setdefault((self.rank, to), deque())
        letters.append(message.copy())

    def _probe(self, source: int) -> tuple[Bytes, int]:
        letter = self._letters[source, self.rank].popleft()
        return letter, letter.size

    def _receive(self, message: Bytes, into: Bytes) -> None:
        into[:] = message


def loopback(plan: HaloPlan, scheme: type[Exchange] = Halo
             ) -> list[Exchange]:
    """Return one exchange for each rank of the plan, in order of rank."""
    size = plan.tiling.processes.size
    letters: dict[tuple[int, int], deque[Bytes]] = {}
    return [scheme(Seat(rank, size, letters), plan, LocalMail)
            for rank in range(size)]


def complete(ranks: Sequence[Exchange]) -> list[Spikes]:
    """Complete a window on all ranks; return what each one hears.

    They take turns, so that those who pass on what they hear can do so.
    Raises RuntimeError where all that are left wait for each other.
    """
    heard: dict[int, Spikes] = {}
    while len(heard) < len(ranks):
        before = len(heard), sum(exchange.messages for exchange in ranks)
        waiting = None
        for k, exchange in enumerate(ranks):
            if k not in heard:
                try:
                    heard[k] = exchange.complete()
                except NotSent as error:
                    waiting = error
        if waiting and before == (
                len(heard), sum(exchange.messages for exchange in ranks)):
            raise waiting
    return [heard[k] for k in range(len(ranks))]

"""Many tiles in one process: for tests, teaching and dry runs."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from dsim.partitioning.exchange.halo import Halo
from dsim.partitioning.exchange.mail import Mail, Words
from dsim.partitioning.plan import HaloPlan


@dataclass
class Seat:
    """One rank's place at a table of ranks in one process.

    It stands in for a communicator; ``letters`` (from, to) are shared.
    """

    rank: int
    size: int
    letters: dict[tuple[int, int], deque[Words]] = field(repr=False)


class LocalMail(Mail):
    """Messages that are put on the table and taken from it."""

    def __init__(self, comm: Seat):
        super().__init__(comm)
        self._letters = comm.letters

    def fetch(self, sources: Sequence[int]) -> tuple[Words, list[int]]:
        """Take one message from each source; return them end to end.

        Raises RuntimeError where one has not been sent: what would wait for
        ever under MPI.  Then nothing is taken, so one may try again.
        """
        missing = [source for source in sources
                   if not self._letters.get((source, self.rank))]
        if missing:
            raise RuntimeError(
                f'rank {self.rank} waits for rank '
                f'{", ".join(map(str, missing))}: post() on all ranks, then '
                'complete()'
            )
        return super().fetch(sources)

    def _send(self, to: int, words: Words) -> None:
        # The sender uses its buffer again
        letters = self._letters.setdefault((self.rank, to), deque())
        letters.append(words.copy())

    def _probe(self, source: int) -> tuple[Words, int]:
        letter = self._letters[source, self.rank].popleft()
        return letter, letter.size

    def _receive(self, message: Words, into: Words) -> None:
        into[:] = message


class Loopback(Halo):
    """The halo scheme of one rank among others in the same process."""

    name = 'loopback'
    mail_type = LocalMail


def loopback(plan: HaloPlan) -> list[Loopback]:
    """Return one exchange for each rank of the plan, in order of rank."""
    size = plan.tiling.processes.size
    letters: dict[tuple[int, int], deque[Words]] = {}
    return [Loopback(Seat(rank, size, letters), plan)
            for rank in range(size)]

"""The machine: spread spikes, walk their synapses, route the sums.

Niebur and Brettle (1993).  The transposed algorithm on ranks of a hypercube,
of which the direct one is the case of sub-cubes of one rank.  dsim's own
way, synapses at their targets, is `dsim.simulation`.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dsim.compiled import compiled
from dsim.partitioning.exchange.coding import Bytes
from dsim.partitioning.exchange.loopback import LocalMail, Seat
from dsim.partitioning.exchange.mail import Mail
from dsim.partitioning.exchange.packets import Spikes
from dsim.reproduce.niebur_1993_cells import Cells, Setting
from dsim.reproduce.niebur_1993_tables import Table, confirm, received


def real(comm: Any) -> list[Mail]:
    """Return the mail of this rank of an MPI communicator."""
    return [Mail(comm)]


def virtual(ranks: int) -> list[Mail]:
    """Return the mails of many ranks in this process."""
    letters: dict[tuple[int, int], deque[Bytes]] = {}
    return [LocalMail(Seat(rank, ranks, letters)) for rank in range(ranks)]


class Link(NamedTuple):
    """One dimension as a rank sees it.

    ``across`` is whom it sends to, itself if nobody; ``senders`` are those
    who send to it; ``crosses`` bool[ranks] tells which owners are there.
    """

    across: int
    senders: list[int]
    crosses: np.ndarray


def links(setting: Setting, rank: int) -> list[Link]:
    """Return a rank's links, one for each dimension of the cube."""
    cube, processes = setting.cube, setting.layout.tiling.processes
    places = np.divmod(np.arange(setting.ranks), processes.columns)
    here, found = processes.place(rank), []
    for step in cube.steps:
        crosses = cube.sides[step.axis].crosses(
            here[step.axis], places[step.axis], step.dimension)
        found.append(Link(cube.across(rank, step), cube.senders(rank, step),
                          crosses))
    return found


class Machine:
    """The ranks of this process: their cells, synapses and messages.

    ``tables`` are as `direct` makes them (q = 0) or `transpose` (q > 0);
    partitions have 2^q ranks.  Counted are, by window and rank of this
    process, ``visits`` (synapses walked) and ``heard`` (spikes of the
    partition); ``rounds``, and messages ``spread`` and ``routed``.
    """

    def __init__(self, setting: Setting, mails: Sequence[Mail],
                 tables: Sequence[Table], q: int = 0):
        confirm(setting, q)
        self.setting, self.mails, self.tables = setting, mails, tables
        self.cells = [Cells(setting, mail.rank) for mail in mails]
        self.links = [links(setting, mail.rank) for mail in mails]
        self.q = q
        self.sums = np.zeros(setting.slots << setting.bits, np.int64)
        self.visits: list[list[int]] = []
        self.heard: list[list[int]] = []
        self.rounds = self.spread_messages = self.routed_messages = 0
        self.step = 0
        self._fired: list[Spikes] = []

    def run(self, steps: int) -> None:
        """Advance by so many steps; collective."""
        end = self.step + steps
        while self.step < end:
            window = self.setting.layout.window
            last = min((self.step//window + 1)*window, end)
            fired = [cells.advance(self.step, last - self.step)
                     for cells in self.cells]
            self._fired += fired
            self.deliver(last - self.step, fired)

    def deliver(self, steps: int, fired: Sequence[Spikes]) -> None:
        """Bring the next ``steps`` steps' spikes to their targets.

        ``fired`` are those of this process's ranks.  Collective.
        """
        heard = self.spread(steps, fired)
        sums = [self.walk(table, spikes)
                for table, spikes in zip(self.tables, heard, strict=True)]
        self.heard.append([spikes.steps.size for spikes in heard])
        for cells, found in zip(self.cells, self.route(sums), strict=True):
            cells.add(found)
        self.step += steps

    def spread(self, steps: int, fired: Sequence[Spikes]) -> list[Spikes]:
        """Tell all ranks of a sub-cube of its spikes, in q rounds."""
        known = list(fired)
        before = self._sent()
        for b in range(self.q):
            for spikes, mail, link in zip(known, self.mails, self.links,
                                          strict=True):
                mail.send(link[b].across, np.stack(spikes).ravel().view(
                    np.uint8))
            for k, mail in enumerate(self.mails):
                found = received(mail, self.links[k][b].senders, np.int64)
                known[k] = _joined(known[k], Spikes(*found.reshape(2, -1)))
                mail.finish()
        self.rounds += self.q
        self.spread_messages += self._sent() - before
        return known

    def walk(self, table: Table, spikes: Spikes) -> np.ndarray:
        """Add up what a rank's synapses of these spikes send.

        Returns int64[n, 2] of (address, sum), each address once.
        """
        rows = np.searchsorted(table.numbers, spikes.numbers)
        lengths = table.pointer[rows + 1] - table.pointer[rows]
        touched = np.empty(int(lengths.sum()), np.int64)
        count = walk(rows, spikes.steps, table.pointer, table.entries,
                     table.weights, self.setting.bits, self.sums, touched)
        if len(self.visits) == len(self.heard):
            self.visits.append([])
        self.visits[-1].append(touched.size)
        return self._taken(touched, count)

    def route(self, sums: list[np.ndarray]) -> list[np.ndarray]:
        """Bring sums to their owners, dimension by dimension.

        Those for one address that meet on the way are added, and travel on
        as one.
        """
        before = self._sent()
        for b in range(self.setting.dimensions):
            for k, mail in enumerate(self.mails):
                link = self.links[k][b]
                if link.across != mail.rank:
                    sums[k], sent = self._parted(sums[k], link)
                    mail.send(link.across, sent)
            for k, mail in enumerate(self.mails):
                others = received(mail, self.links[k][b].senders, np.int64)
                sums[k] = self._combined(sums[k], others.reshape(-1, 2))
                mail.finish()
        self.routed_messages += self._sent() - before
        return sums

    def spikes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (steps, numbers) of this process's ranks, sorted."""
        parts = [np.array(spikes) for spikes in self._fired]
        steps, numbers = np.concatenate(
            [np.zeros((2, 0), np.int64), *parts], axis=1)
        order = np.lexsort((numbers, steps))
        return steps[order], numbers[order]

    def state(self, p: int, variable: str) -> tuple[np.ndarray, np.ndarray]:
        """Return (ids, values) of a state variable in this process."""
        found = [cells.state(p, variable) for cells in self.cells]
        ids, values = (np.concatenate(part) for part
                       in zip(*found, strict=True))
        return ids, values

    def _sent(self) -> int:
        return sum(mail.messages for mail in self.mails)

    def _parted(self, sums: np.ndarray, link: Link
                ) -> tuple[np.ndarray, Bytes]:
        stay, leave = np.empty_like(sums), np.empty_like(sums)
        kept = part(sums, self.setting.bits, self.setting.owners,
                    link.crosses, stay, leave)
        sent = leave[:len(sums) - kept]
        return stay[:kept], sent.reshape(-1).view(np.uint8)

    def _combined(self, sums: np.ndarray, others: np.ndarray) -> np.ndarray:
        if len(others) == 0:
            return sums
        touched = np.empty(len(sums) + len(others), np.int64)
        count = gather(sums, self.sums, touched, 0)
        count = gather(others, self.sums, touched, count)
        return self._taken(touched, count)

    def _taken(self, touched: np.ndarray, count: int) -> np.ndarray:
        taken = np.empty((count, 2), np.int64)
        return taken[:take(self.sums, touched, count, taken)]


def _joined(one: Spikes, other: Spikes) -> Spikes:
    """Return the spikes of both in order of step, then of number."""
    steps = np.concatenate([one.steps, other.steps])
    numbers = np.concatenate([one.numbers, other.numbers])
    order = np.lexsort((numbers, steps))
    return Spikes(steps[order], numbers[order])


@compiled
def walk(rows, steps, pointer, entries, weights, bits, sums, touched):
    """Add the weights of the rows' synapses; list the sums touched.

    A sum that comes back to zero may be listed twice.  Returns the length
    of the list.
    """
    # Unsigned, as numbers that could count from the end take longer
    mask, one = np.uint64(sums.size - 1), np.uint64(1)
    count = np.uint64(0)
    for s in range(rows.size):
        slot, row = np.uint64(steps[s]) << np.uint64(bits), np.uint64(rows[s])
        k, end = np.uint64(pointer[row]), np.uint64(pointer[row + one])
        while k < end:
            address = (slot + np.uint64(entries[k])) & mask
            before = sums[address]
            if before == 0:
                touched[count] = address
                count += one
            sums[address] = before + weights[k]
            k += one
    return np.int64(count)


@compiled
def gather(found, sums, touched, count):
    """Add sums (address, weight) to those there; go on with the list."""
    for k in range(len(found)):
        address = found[k, 0]
        if sums[address] == 0:
            touched[count] = address
            count += 1
        sums[address] += found[k, 1]
    return count


@compiled
def take(sums, touched, count, taken):
    """Move the sums listed out, those of zero aside; return how many."""
    kept, one = np.uint64(0), np.uint64(1)
    for k in range(count):
        address = np.uint64(touched[np.uint64(k)])
        if sums[address] != 0:
            taken[kept, 0] = touched[np.uint64(k)]
            taken[kept, 1] = sums[address]
            sums[address] = 0
            kept += one
    return np.int64(kept)


@compiled
def part(found, bits, owners, crosses, stay, leave):
    """Part sums by whether their owner is across; return how many stay."""
    mask = (1 << bits) - 1
    kept = left = 0
    for k in range(len(found)):
        if crosses[owners[found[k, 0] & mask]]:
            leave[left, 0], leave[left, 1] = found[k, 0], found[k, 1]
            left += 1
        else:
            stay[kept, 0], stay[kept, 1] = found[k, 0], found[k, 1]
            kept += 1
    return kept

"""Messages of any length between ranks: sent, fetched and counted."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from dsim.partitioning.axis import Integers
from dsim.partitioning.exchange.coding import Bytes

# Of the exchange alone; others may use the communicator with other tags
TAG = 1993

SPARE = 16
"""Bytes after the messages, for those who read words."""


class Mail:
    """Non-blocking sends and blocking receipts over MPI.

    Messages are uint8 arrays.  Between two ranks they arrive in the order
    in which they were sent.  ``messages`` and ``bytes`` count what this
    rank has sent.
    """

    def __init__(self, comm: Any):
        self._comm = comm
        self.rank = 0 if comm is None else int(comm.rank)
        self.size = 1 if comm is None else int(comm.size)
        self.messages = self.bytes = 0
        self._requests: list[Any] = []
        self._inbox: Bytes = np.empty(4096, np.uint8)
        self._bounds = np.zeros(64, np.int64)
        self._status: Any = None

    def send(self, to: int, message: Bytes) -> None:
        """Send bytes off; they must stay as they are until `finish`."""
        self._send(to, message)
        self.messages += 1
        self.bytes += message.size

    def fetch(self, sources: Sequence[int]) -> tuple[Bytes, Integers]:
        """Wait for one message from each source; return them end to end.

        Returns bytes that begin with the messages, and the bounds of the
        messages in them.  There are SPARE bytes or more behind them, a
        multiple of 8 in all.  Both stay valid until the next call.
        """
        if self._bounds.size <= len(sources):
            self._bounds = np.zeros(2*len(sources), np.int64)
        start = 0
        for k, source in enumerate(sources, 1):
            message, length = self._probe(source)
            stop = start + length
            if stop + SPARE > self._inbox.size:
                self._inbox = np.resize(self._inbox, 8*(stop//4 + SPARE))
            self._receive(message, self._inbox[start:stop])
            self._bounds[k] = start = stop
        return self._inbox, self._bounds

    def finish(self) -> None:
        """Wait until all that was sent has left."""
        if self._requests:
            self._requests[0].Waitall(self._requests)
            self._requests.clear()

    def _send(self, to: int, message: Bytes) -> None:
        self._requests.append(self._comm.Isend(message, to, TAG))

    def _probe(self, source: int) -> tuple[Any, int]:
        # The next message and its length.  Whoever holds a communicator has
        # loaded MPI, so this takes it from there and never starts it
        if self._status is None:
            self._status = sys.modules['mpi4py.MPI'].Status()
        message = self._comm.Mprobe(source, TAG, self._status)
        return message, self._status.Get_count()

    def _receive(self, message: Any, into: Bytes) -> None:
        message.Recv(into)

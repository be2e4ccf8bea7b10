"""Messages of any length between ranks: sent, fetched and counted."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]

# Of the exchange alone; others may use the communicator with other tags
TAG = 1993


class Mail:
    """Non-blocking sends and blocking receipts over MPI.

    Messages are arrays of 32-bit words.  Between two ranks they arrive in
    the order in which they were sent.  ``messages`` and ``bytes`` count
    what this rank has sent.
    """

    def __init__(self, comm: Any):
        self._comm = comm
        self.rank = 0 if comm is None else int(comm.rank)
        self.size = 1 if comm is None else int(comm.size)
        self.messages = self.bytes = 0
        self._requests: list[Any] = []
        self._inbox: Words = np.empty(1024, np.uint32)
        self._status: Any = None

    def send(self, to: int, words: Words) -> None:
        """Send words off; they must stay as they are until `finish`."""
        self._send(to, words)
        self.messages += 1
        self.bytes += words.nbytes

    def fetch(self, sources: Sequence[int]) -> tuple[Words, list[int]]:
        """Wait for one message from each source; return them end to end.

        Returns the words and the bounds of the messages in them.  The words
        stay valid until the next call.
        """
        bounds = [0]
        for source in sources:
            message, length = self._probe(source)
            start, stop = bounds[-1], bounds[-1] + length
            if stop > self._inbox.size:
                self._inbox = np.resize(self._inbox, 2*stop)
            self._receive(message, self._inbox[start:stop])
            bounds.append(stop)
        return self._inbox[:bounds[-1]], bounds

    def finish(self) -> None:
        """Wait until all that was sent has left."""
        if self._requests:
            self._requests[0].Waitall(self._requests)
            self._requests.clear()

    def _send(self, to: int, words: Words) -> None:
        self._requests.append(self._comm.Isend(words, to, TAG))

    def _probe(self, source: int) -> tuple[Any, int]:
        # The next message and its words.  Whoever holds a communicator has
        # loaded MPI, so this takes it from there and never starts it
        if self._status is None:
            self._status = sys.modules['mpi4py.MPI'].Status()
        message = self._comm.Mprobe(source, TAG, self._status)
        return message, self._status.Get_count() // 4

    def _receive(self, message: Any, into: Words) -> None:
        message.Recv(into)

"""Tile: the arrays this rank owns, and the verbs on them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from dsim.engine.clock import Stretch
from dsim.engine.share import Share
from dsim.neurons.base import Neuron
from dsim.partitioning.exchange.packets import Spikes


@dataclass
class Piece:
    """The part of one population that lies on this tile.

    ``ids`` int64[n] are global, row-major; ``states`` are arrays[n];
    ``parameters`` numbers or arrays[n]; ``units`` receptor -> unit of its
    weights; ``first`` turns ids into numbers.
    """

    name: str
    model: Neuron
    ids: np.ndarray
    bounds: tuple[int, int, int, int]
    first: int
    states: dict[str, np.ndarray]
    parameters: dict[str, Any]
    units: dict[str, float]

    @property
    def nbytes(self) -> int:
        """The memory that ids, state and parameters take."""
        arrays = [self.ids, *self.states.values(), *self.parameters.values()]
        return sum(array.nbytes for array in arrays if np.ndim(array))

    @property
    def precision(self) -> np.dtype:
        """The type of the state."""
        return next(iter(self.states.values())).dtype


class Tile:
    """All pieces of one rank, and the shares in which threads work on them.

    A spike is delivered by every share to its own neurons, into integer
    sums, so neither the number of threads nor their order can matter.
    """

    def __init__(self, pieces: Sequence[Piece], shares: Sequence[Share],
                 longest: int):
        self.pieces, self.shares = list(pieces), list(shares)
        self.longest = longest
        self._pool = (ThreadPoolExecutor(len(self.shares), 'dsim')
                      if len(self.shares) > 1 else None)

    @property
    def neurons(self) -> int:
        """The number of neurons."""
        return sum(piece.ids.size for piece in self.pieces)

    @property
    def synapses(self) -> int:
        """The number of connections, those that are not stored too."""
        return sum(table.count for share in self.shares
                   for table in share.tables)

    @property
    def table_bytes(self) -> int:
        """The memory that connections take."""
        return sum(table.nbytes for share in self.shares
                   for table in share.tables)

    @property
    def nbytes(self) -> int:
        """The memory that state, input, buffers and connections take."""
        return (sum(piece.nbytes for piece in self.pieces)
                + sum(share.nbytes for share in self.shares))

    @property
    def events(self) -> int:
        """The synaptic events so far."""
        return sum(share.events for share in self.shares)

    @property
    def fired(self) -> Spikes:
        """The window's spikes so far, ordered by step."""
        found = [share.found.spikes() for share in self.shares]
        if len(found) == 1:
            return found[0]
        steps = np.concatenate([spikes.steps for spikes in found])
        order = np.argsort(steps, kind='stable')
        numbers = np.concatenate([spikes.numbers for spikes in found])
        return Spikes(steps[order], numbers[order])

    def clear(self) -> None:
        """Forget the spikes of the window that is over."""
        for share in self.shares:
            share.found.clear()

    def advance(self, stretch: Stretch) -> None:
        """Integrate all neurons over the steps of ``stretch``."""
        self._each(Share.advance, stretch)

    def deliver(self, spikes: Spikes) -> None:
        """Add the weights of the spikes' connections to the ring."""
        if spikes.steps.size:
            self._each(Share.deliver, spikes)

    def _each(self, verb: Any, argument: Any) -> None:
        if self._pool is None:
            verb(self.shares[0], argument)
            return
        # The first share is this thread's own
        others = [self._pool.submit(verb, share, argument)
                  for share in self.shares[1:]]
        verb(self.shares[0], argument)
        for other in others:
            other.result()

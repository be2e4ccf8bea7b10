"""Tile: the arrays this rank owns, and the verbs on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from dsim.compiled import compiled
from dsim.engine.clock import Stretch
from dsim.neurons.base import Neuron
from dsim.partitioning.exchange.packets import Spikes
from dsim.stimuli.base import Drive


class Table(Protocol):
    """The connections of one projection that end on this tile."""

    count: int
    nbytes: int

    def deliver(self, ring: np.ndarray, steps: np.ndarray,
                numbers: np.ndarray) -> int:
        """Add the spikes' weights to the ring; return the events."""


@dataclass
class Input:
    """One receptor's columns of the ring, and the unit of its weights."""

    name: str
    base: int
    unit: float
    drives: list[Drive] = field(default_factory=list)


@dataclass
class Piece:
    """The part of one population that lies on this tile.

    ``ids`` int64[n] are global, row-major; ``states`` are arrays[n];
    ``parameters`` numbers or arrays[n]; ``first`` turns ids into numbers.
    """

    name: str
    model: Neuron
    ids: np.ndarray
    bounds: tuple[int, int, int, int]
    first: int
    states: dict[str, np.ndarray]
    parameters: dict[str, Any]
    inputs: list[Input]
    drives: list[Drive] = field(default_factory=list)

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
    """All pieces of one rank, their synaptic input to come, their spikes.

    ``ring`` int64[slots x columns] holds the sums of weights that arrive in
    the steps to come, each receptor in its own unit: integers, so that the
    order in which spikes arrive cannot matter.
    """

    def __init__(self, pieces: Sequence[Piece], tables: Sequence[Table],
                 slots: int, bits: int, dt: float, longest: int):
        self.pieces, self.tables = list(pieces), list(tables)
        self.dt, self.bits, self.slots = dt, bits, slots
        self.ring = np.zeros(slots << bits, dtype=np.int64)
        self.longest = longest
        self.buffers = [_Buffers(piece, longest) for piece in self.pieces]
        self.events = 0
        self.clear()

    @property
    def neurons(self) -> int:
        """The number of neurons."""
        return sum(piece.ids.size for piece in self.pieces)

    @property
    def synapses(self) -> int:
        """The number of connections that are held in tables."""
        return sum(table.count for table in self.tables)

    @property
    def table_bytes(self) -> int:
        """The memory that connections take."""
        return sum(table.nbytes for table in self.tables)

    @property
    def nbytes(self) -> int:
        """The memory that state, input, buffers and connections take."""
        return (self.table_bytes + self.ring.nbytes
                + sum(piece.nbytes for piece in self.pieces)
                + sum(buffers.nbytes for buffers in self.buffers))

    def clear(self) -> None:
        """Forget the spikes of the window that is over."""
        self._steps: list[np.ndarray] = []
        self._numbers: list[np.ndarray] = []

    @property
    def fired(self) -> Spikes:
        """The window's spikes so far, ordered by step."""
        if not self._steps:
            return Spikes(_NONE, _NONE)
        steps = np.concatenate(self._steps)
        order = np.argsort(steps, kind='stable')
        return Spikes(steps[order], np.concatenate(self._numbers)[order])

    def advance(self, stretch: Stretch) -> None:
        """Integrate all neurons over the steps of ``stretch``."""
        for piece, buffers in zip(self.pieces, self.buffers, strict=True):
            if piece.ids.size == 0:
                continue
            self._gather(piece, buffers, stretch)
            piece.model.advance(
                *piece.states.values(), buffers.current[:len(stretch)],
                *(found[:len(stretch)] for found in buffers.inputs),
                *piece.parameters.values(), self.dt,
                buffers.fired[:len(stretch)])
            self._collect(piece, buffers, stretch)

    def deliver(self, spikes: Spikes) -> None:
        """Add the weights of the spikes' connections to the ring."""
        for table in self.tables:
            self.events += table.deliver(self.ring, *spikes)

    def _gather(self, piece: Piece, buffers: '_Buffers',
                stretch: Stretch) -> None:
        current = buffers.current[:len(stretch)]
        current[:] = 0
        for drive in piece.drives:
            drive.add(current, stretch.first)
        for found, receptor in zip(buffers.inputs, piece.inputs, strict=True):
            _take(self.ring, self.bits, stretch.first, receptor.base,
                  receptor.unit, found[:len(stretch)])
            for drive in receptor.drives:
                drive.add(found[:len(stretch)], stretch.first)

    def _collect(self, piece: Piece, buffers: '_Buffers',
                 stretch: Stretch) -> None:
        fired = buffers.fired[:len(stretch)]
        count = np.count_nonzero(fired)
        if count:
            steps = np.empty(count, dtype=np.int64)
            numbers = np.empty(count, dtype=np.int64)
            _list(fired, stretch.first, piece.ids, piece.first, steps,
                  numbers)
            self._steps.append(steps)
            self._numbers.append(numbers)


class _Buffers:
    """What a piece needs to advance by a stretch of ``longest`` steps."""

    def __init__(self, piece: Piece, longest: int):
        shape = (longest, piece.ids.size)
        kind = piece.precision
        self.current = np.zeros(shape, dtype=kind)
        self.inputs = [np.zeros(shape, dtype=kind) for _ in piece.inputs]
        self.fired = np.zeros(shape, dtype=np.uint8)
        self.nbytes = (self.current.nbytes + self.fired.nbytes
                       + sum(found.nbytes for found in self.inputs))


_NONE = np.zeros(0, dtype=np.int64)


@compiled
def _take(ring, bits, first_step, base, unit, out):
    """Move a receptor's sums out of the ring, as numbers."""
    mask = (ring.size >> bits) - 1
    for t in range(out.shape[0]):
        row = (((first_step + t) & mask) << bits) + base
        slot = ring[row:row + out.shape[1]]
        for i in range(out.shape[1]):
            out[t, i] = slot[i]*unit
            slot[i] = 0


@compiled
def _list(fired, first_step, ids, first, steps, numbers):
    k = 0
    for t in range(fired.shape[0]):
        for i in range(fired.shape[1]):
            if fired[t, i]:
                steps[k] = first_step + t
                numbers[k] = first + ids[i]
                k += 1

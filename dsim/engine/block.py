"""Block: neurons of one model that are advanced in one call.

A block is several small populations together, or a part of a large one: few
calls for any number of populations, and buffers that stay in the cache.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dsim.compiled import compiled
from dsim.engine.clock import Stretch
from dsim.neurons.base import Neuron
from dsim.partitioning.exchange.packets import Spikes
from dsim.stimuli.base import Drive

CURRENT = -1
"""In place of a receptor's number: a drive that adds to the current."""


class Bound(NamedTuple):
    """A stimulus of the neurons ``begin`` ... ``end`` - 1 of a block.

    It adds to the input of receptor number ``receptor``, or to `CURRENT`.
    """

    drive: Drive
    begin: int
    end: int
    receptor: int


class Block:
    """A run of neurons: their state, where their input is, what drives them.

    ``states`` and ``parameters`` are in the model's order, arrays[n] or, of
    parameters, numbers; ``numbers`` int64[n] are the neurons' over all
    populations, kept as ``runs`` int64[2, k + 1] of neighbours: where each
    begins in the block, and with which number.  ``inputs`` int64[k, 4] are
    (receptor, begin, end, column): from ``column`` on the ring holds what
    the neurons begin ... end - 1 receive, in ``units`` float64[k].
    """

    def __init__(self, model: Neuron, states: Sequence[np.ndarray],
                 parameters: Sequence[Any], numbers: np.ndarray,
                 inputs: np.ndarray, units: np.ndarray):
        self.model, self.states = model, list(states)
        self.parameters, self.size = list(parameters), numbers.size
        begins = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 2) != 1)
        self.runs = np.stack([np.append(begins, numbers.size),
                              np.append(numbers[begins], 0)])
        self.inputs, self.units = inputs, units
        self.drives: list[Bound] = []

    @property
    def numbers(self) -> np.ndarray:
        """The neurons' numbers over all populations, int64[n]."""
        begins, starts = self.runs
        return np.arange(self.size) + np.repeat(
            starts[:-1] - begins[:-1], np.diff(begins))

    @property
    def lines(self) -> int:
        """How many numbers a neuron is given in a step."""
        return 1 + len(self.model.receptors)

    def lend(self, scratch: 'Scratch') -> None:
        """Use ``scratch`` for what is needed during a call only."""
        steps, lines = scratch.steps, self.lines
        self._real = scratch.real[:lines*steps*self.size].reshape(
            lines, steps, self.size)
        self._fired = scratch.fired[:steps*self.size].reshape(
            steps, self.size)
        self._words = scratch.fired.view(np.uint64)

    def advance(self, ring: np.ndarray, bits: int, dt: float,
                stretch: Stretch, found: 'Found') -> None:
        """Integrate the neurons over a stretch; list who fired."""
        steps, first = len(stretch), stretch.first
        current, *inputs = [part[:steps] for part in self._real]
        fired = self._fired[:steps]
        _gather(ring, bits, first, steps, self.inputs, self.units, self._real)
        for drive, begin, end, receptor in self.drives:
            into = current if receptor == CURRENT else inputs[receptor]
            drive.add(into[:, begin:end], first)
        self.model.advance(*self.states, current, *inputs, *self.parameters,
                           dt, fired)
        found.collect(fired, self._words, first, self.runs)


class Scratch(NamedTuple):
    """Room for the input and the spikes of any block over ``steps`` steps.

    The blocks of a share take turns in it, so that it stays in the cache.
    ``fired`` uint8 has whole words of 8 bytes.
    """

    real: np.ndarray
    fired: np.ndarray
    steps: int


class Found:
    """The spikes of a window, as the blocks find them."""

    def __init__(self) -> None:
        self._steps = np.empty(1024, np.int64)
        self._numbers = np.empty(1024, np.int64)
        self.clear()

    def clear(self) -> None:
        """Forget all."""
        self._count = 0
        self._ordered = True

    def collect(self, fired: np.ndarray, words: np.ndarray, first: int,
                runs: np.ndarray) -> None:
        """Add the neurons that ``fired`` uint8[T, n] in steps from first.

        ``words`` uint64 are the same memory, and maybe more; ``runs`` tell
        the numbers of a `Block`.
        """
        before = self._count
        room = before + fired.size
        if self._steps.size < room:
            self._steps = np.resize(self._steps, 2*room)
            self._numbers = np.resize(self._numbers, 2*room)
        self._count = _collect(fired.ravel(), words, first, runs,
                               self._steps, self._numbers, before)
        if 0 < before < self._count and (
                self._steps[before] < self._steps[before - 1]):
            self._ordered = False

    def spikes(self) -> Spikes:
        """Return the spikes so far, ordered by step."""
        steps = self._steps[:self._count].copy()
        numbers = self._numbers[:self._count].copy()
        if self._ordered:
            return Spikes(steps, numbers)
        order = np.argsort(steps, kind='stable')
        return Spikes(steps[order], numbers[order])


@compiled
def _gather(ring, bits, first_step, steps, inputs, units, out):
    """Clear the current; move the receptors' sums out of the ring."""
    mask = (ring.size >> bits) - 1
    for t in range(steps):
        out[0, t, :] = 0
        for k in range(units.size):
            receptor, begin, end, column = inputs[k]
            row = (((first_step + t) & mask) << bits) + column
            slot = ring[row:row + end - begin]
            line, unit = out[1 + receptor, t, begin:end], units[k]
            for i in range(slot.size):
                line[i] = slot[i]*unit
                slot[i] = 0


@compiled
def _collect(fired, words, first_step, runs, steps, found, count):
    # Most neurons are silent: look at eight at once
    size, whole = runs[0, -1], fired.size//8
    t, r = 0, 0
    for word in range(whole + 1):
        if word < whole and words[word] == 0:
            continue
        for k in range(8*word, min(8*word + 8, fired.size)):
            if fired[k]:
                while k >= (t + 1)*size:
                    t, r = t + 1, 0
                while k - t*size >= runs[0, r + 1]:
                    r += 1
                steps[count] = first_step + t
                found[count] = runs[1, r] + k - t*size - runs[0, r]
                count += 1
    return count

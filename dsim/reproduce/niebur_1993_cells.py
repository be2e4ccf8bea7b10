"""Where neurons and their inputs are, and what a processor does for its own.

The upper block of figure 1 of Niebur and Brettle (1993), "cell data".  It is
written apart from dsim's engine, so that equal bits mean something.
"""

from typing import Any

import numpy as np

from dsim.engine.layout import arrange
from dsim.errors import LayoutError
from dsim.network import Network, Population
from dsim.partitioning.exchange.packets import Spikes
from dsim.partitioning.graycode import Cube, embed
from dsim.stimuli.base import Drive, Site
from dsim.values import evaluate

MOST_PLACES = 2**32
"""Addresses of sums are held in 32 bits."""


class Setting:
    """A network on a hypercube of ranks: what all ranks know alike.

    The inputs (receptors) of all neurons are numbered rank by rank:
    ``first`` int64[ranks + 1] are the numbers of each rank's first, and
    ``inputs[population, receptor]`` int64[size] those by neuron id.
    ``owners`` int32[inputs] and ``homes`` int32[neurons] are the ranks of
    inputs and of neurons; ``corners`` where ranks stand on the cube.
    An address is (slot << bits) + input, the slot being the step modulo
    ``slots`` in which something arrives.
    """

    def __init__(self, network: Network, dt: float, ranks: int):
        """Raises LayoutError where addresses need more than 32 bits."""
        self.network, self.dt, self.ranks = network, dt, ranks
        self.layout = arrange(network, dt, ranks)
        tiling = self.layout.tiling
        self.cube = Cube(tiling.processes)
        self.corners = embed(tiling.processes)

        self.homes = np.empty(tiling.total, np.int32)
        self.inputs = {(p.name, r.name): np.empty(p.size, np.int64)
                       for p in network.populations.values()
                       for r in p.model.receptors}
        self.first = np.zeros(ranks + 1, np.int64)
        for rank in range(ranks):
            self.first[rank + 1] = self._number_inputs(rank)
        self.owners = np.repeat(np.arange(ranks, dtype=np.int32),
                                np.diff(self.first))

        self.bits = max(int(self.first[-1]) - 1, 0).bit_length()
        self.slots = 1 << self.layout.longest.bit_length()
        if self.slots << self.bits > MOST_PLACES:
            raise LayoutError(
                f'{self.first[-1]:,} inputs and {self.slots} steps of delay '
                'do not fit the 32 bits of an address')

    @property
    def dimensions(self) -> int:
        """The dimensions of the hypercube."""
        return len(self.cube.steps)

    def _number_inputs(self, rank: int) -> int:
        """Number a rank's inputs; return the number after the last."""
        tiling, last = self.layout.tiling, int(self.first[rank])
        for p, population in enumerate(self.network.populations.values()):
            ids = tiling.ids(p, rank)
            self.homes[tiling.first[p] + ids] = rank
            for receptor in population.model.receptors:
                found = self.inputs[population.name, receptor.name]
                found[ids] = last + np.arange(ids.size)
                last += ids.size
        return last


class Part:
    """One population's neurons on one rank."""

    def __init__(self, setting: Setting, rank: int, p: int,
                 population: Population):
        network, tiling = setting.network, setting.layout.tiling
        model, kind = population.model, np.dtype(population.precision)
        self.ids, self.advance = tiling.ids(p, rank), model.advance
        self.first, self.kind = int(tiling.first[p]), kind
        place = network.place(population, self.ids)

        given = {**model.parameter_values(), **model.initial}
        values = {name: evaluate(value, place, name)
                  for name, value in given.items()}
        model.check(values)
        self.parameters = [_typed(values[row.name], kind)
                           for row in model.parameters]
        self.states = {name: np.full(self.ids.size, value, kind)
                       for name, value in model.start(values).items()}
        self.units = [setting.layout.units[population.name, r.name]
                      for r in model.receptors]

        _, width = tiling.shape(p, rank)
        self.drives: list[tuple[int, Drive]] = []
        names = [r.name for r in model.receptors]
        for stimulation in network.stimulations:
            if stimulation.population is population and self.ids.size:
                site = Site(place, tiling.first_ids(p, rank), width,
                            stimulation.name, setting.dt)
                name = stimulation.stimulus.input_name(model.receptors)
                into = -1 if name is None else names.index(name)
                self.drives.append((into, stimulation.stimulus.bind(site)))


class Cells:
    """All neurons of one rank and the ring of what will arrive there.

    ``ring`` int64[slots, inputs]: sums of weights in their receptor's unit.
    """

    def __init__(self, setting: Setting, rank: int):
        self.dt, self.first = setting.dt, int(setting.first[rank])
        self.bits = setting.bits
        self.parts = [
            Part(setting, rank, p, population) for p, population
            in enumerate(setting.network.populations.values())]
        inputs = int(setting.first[rank + 1]) - self.first
        self.ring = np.zeros((setting.slots, inputs), np.int64)

    def advance(self, first_step: int, steps: int) -> Spikes:
        """Integrate all neurons; return their spikes, ordered by step."""
        found = [np.zeros((2, 0), np.int64)]
        slots = np.arange(first_step, first_step + steps) % len(self.ring)
        column = 0
        for part in self.parts:
            inputs = [np.zeros((steps, part.ids.size), part.kind)]
            for unit in part.units:
                stop = column + part.ids.size
                sums = self.ring[slots, column:stop]
                inputs.append((sums*unit).astype(part.kind))
                column = stop
            for into, drive in part.drives:
                drive.add(inputs[into + 1], first_step)

            fired = np.zeros((steps, part.ids.size), np.uint8)
            if part.ids.size:
                part.advance(*part.states.values(), *inputs,
                             *part.parameters, self.dt, fired)
            t, i = np.nonzero(fired)
            found.append(np.array([first_step + t, part.first + part.ids[i]]))
        self.ring[slots] = 0
        spikes = np.concatenate(found, axis=1)
        return Spikes(*spikes[:, np.argsort(spikes[0], kind='stable')])

    def add(self, sums: np.ndarray) -> None:
        """Add sums int64[n, 2] of (address, weights), no address twice."""
        slots, columns = sums[:, 0] >> self.bits, sums[:, 0]
        columns = (columns & (1 << self.bits) - 1) - self.first
        self.ring[slots, columns] += sums[:, 1]

    def state(self, p: int, variable: str) -> tuple[np.ndarray, np.ndarray]:
        """Return (ids, values) of a population's state variable."""
        return self.parts[p].ids, self.parts[p].states[variable]


def _typed(value: Any, kind: np.dtype) -> Any:
    return np.asarray(value, kind) if np.ndim(value) else kind.type(value)

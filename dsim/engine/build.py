"""Network + Layout -> Tile: the only file that sees all of them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from dsim.connectivity import Stencil, procedural, stored
from dsim.connectivity.drawing import Drawing, Landing
from dsim.connectivity.stencil import Table as StencilTable
from dsim.connectivity.synapse_values import is_number
from dsim.engine.block import CURRENT, Block, Bound
from dsim.engine.cut import (
    BLOCK,
    Group,
    Part,
    blocks_of,
    number_columns,
    share_out,
)
from dsim.engine.layout import Layout
from dsim.engine.share import Share
from dsim.engine.tile import Piece, Tile
from dsim.errors import BadValue
from dsim.network import Network, Population, Projection, Stimulation
from dsim.partitioning.exchange import Exchange, find_scheme
from dsim.stimuli.base import Site
from dsim.values import evaluate

STRETCH_BYTES = 1 << 18
"""A block's input for one stretch of steps should stay in the cache."""


def build(network: Network, layout: Layout, rank: int, dt: float,
          threads: int = 1) -> Tile:
    """Make the tile of ``rank``: state, parameters, connections, stimuli.

    Raises
    ------
    BadValue
        If a parameter or a weight is out of its range.
    SimulationError
        If a connection rule cannot be served.
    """
    pieces = [_piece(network, layout, rank, k, population) for k, population
              in enumerate(network.populations.values())]
    builder = _Builder(network, layout, rank, dt, pieces)
    with ThreadPoolExecutor(threads) as pool:
        shares = list(pool.map(builder.share, share_out(pieces, threads)))
    return Tile(pieces, shares, builder.longest)


def connect(name: str, comm: Any, layout: Layout, dt: float) -> Exchange:
    """Return the exchange scheme ``name`` for the ranks of ``comm``.

    Raises `UnknownName` if there is no such scheme.
    """
    scheme = find_scheme(name, layout.plan, layout.window, layout.window*dt,
                         'simulation.exchange')
    return scheme(comm, layout.plan)


def _piece(network: Network, layout: Layout, rank: int, k: int,
           population: Population) -> Piece:
    ids = layout.tiling.ids(k, rank)
    place = network.place(population, ids)
    model, kind = population.model, np.dtype(population.precision)

    given = {**model.parameter_values(), **model.initial}
    try:
        values = {name: evaluate(value, place, name)
                  for name, value in given.items()}
        model.check(values)
    except BadValue as error:
        raise BadValue(f'{population.name}: {error.key}', error.value,
                       error.allowed, error.fix) from None

    parameters = {row.name: _typed(values[row.name], kind)
                  for row in model.parameters}
    states = {name: np.full(ids.size, value, dtype=kind)
              for name, value in model.start(values).items()}
    units = {r.name: layout.units[population.name, r.name]
             for r in model.receptors}
    return Piece(population.name, model, ids, layout.tiling.bounds(k, rank),
                 int(layout.tiling.first[k]), states, parameters, units)


def _typed(value: float | np.ndarray, kind: np.dtype) -> Any:
    return np.asarray(value, kind) if np.ndim(value) else kind.type(value)


class _Builder:
    """Makes the shares of one tile."""

    def __init__(self, network: Network, layout: Layout, rank: int,
                 dt: float, pieces: Sequence[Piece]):
        self.network, self.layout, self.dt = network, layout, dt
        self.rank, self.names = rank, list(network.populations)
        self.longest = stretch_of(
            layout, sum(piece.ids.size for piece in pieces))

    def share(self, groups: Sequence[Group]) -> Share:
        """Make the share that works on some groups."""
        columns = number_columns(groups)
        bits = max(columns - 1, 0).bit_length()
        slots = 1 << (self.layout.longest - 1).bit_length()
        parts = {part.piece.name: part for group in groups for part in group}
        tables = list(self._tables(parts, bits))
        blocks = [block for group in groups for block in self._blocks(group)]
        return Share(blocks, tables, slots, bits, self.dt, self.longest)

    def _blocks(self, group: Group) -> Iterator[Block]:
        for block, parts in blocks_of(group):
            begin = 0
            for part in parts:
                for stimulation in self.network.stimulations:
                    if stimulation.population.name == part.piece.name:
                        block.drives.append(
                            self._bound(stimulation, part, begin))
                begin += part.size
            yield block

    def _bound(self, stimulation: Stimulation, part: Part, begin: int
               ) -> Bound:
        piece = part.piece
        _, _, column0, column1 = part.bounds
        place = self.network.place(stimulation.population,
                                   piece.ids[part.span])
        drive = stimulation.stimulus.bind(Site(
            place, part.first_ids, column1 - column0, stimulation.name,
            self.dt))
        name = stimulation.stimulus.input_name(piece.model.receptors)
        names = [receptor.name for receptor in piece.model.receptors]
        return Bound(drive, begin, begin + part.size,
                     CURRENT if name is None else names.index(name))

    def _tables(self, parts: dict[str, Part], bits: int) -> Iterator[Any]:
        drawings = []
        for k, projection in enumerate(self.network.projections):
            part = parts.get(projection.target.name)
            if part is None:
                continue
            landing = self._landing(k, projection, part, bits)
            pairing = self.network.pairing(projection)
            if isinstance(projection.rule, Stencil) and is_plain(projection):
                yield StencilTable(pairing, projection.rule,
                                   projection.weight, landing)
                continue
            drawing = Drawing(pairing, projection.rule, projection.weight,
                              projection.delay, landing)
            if self.layout.procedural[k]:
                yield procedural.Procedural(drawing)
            else:
                drawings.append(drawing)
        if drawings:
            yield from self._stored(drawings)

    def _stored(self, drawings: Sequence[Drawing]) -> list[stored.Stored]:
        tiling, plan = self.layout.tiling, self.layout.plan
        boxes = {int(tiling.first[k]): plan.box(k, self.rank)
                 for k in range(len(self.names))}
        try:
            return stored.build(drawings, boxes)
        except MemoryError:
            raise BadValue(
                'projections', ', '.join(d.pairing.name for d in drawings),
                'tables that fit the memory', 'use more ranks, or storage = '
                '"procedural"; `dsim check` tells the memory a rank needs'
            ) from None

    def _landing(self, k: int, projection: Projection, part: Part, bits: int
                 ) -> Landing:
        source = self.names.index(projection.source.name)
        target = self.names.index(projection.target.name)
        delays = self.layout.delays[k]
        return Landing(
            part.bounds, self.layout.plan.box(source, self.rank, target),
            part.columns[projection.receptor], bits,
            part.piece.units[projection.receptor], self.dt, delays.shortest,
            delays.longest, int(self.layout.tiling.first[source]))


def stretch_of(layout: Layout, neurons: int) -> int:
    """Return how many steps a rank of so many neurons runs in a call."""
    largest = max(min(neurons, BLOCK), 1)
    return max(1, min(layout.window, STRETCH_BYTES//(8*largest)))


def is_plain(projection: Projection) -> bool:
    """Tell whether every neuron has the same weights and one delay."""
    return is_number(projection.weight) and is_number(projection.delay)

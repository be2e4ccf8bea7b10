"""Network + Layout -> Tile: the only file that sees all of them."""

from typing import Any

import numpy as np

from dsim.connectivity import Stencil, stored
from dsim.connectivity.stencil import Table as StencilTable
from dsim.connectivity.stored import Landing
from dsim.connectivity.synapse_values import is_number
from dsim.engine.layout import Layout
from dsim.engine.tile import Input, Piece, Tile
from dsim.errors import BadValue, SimulationError
from dsim.network import Network, Population, Projection, Stimulation
from dsim.partitioning.exchange import Exchange, find_scheme
from dsim.stimuli.base import Site
from dsim.values import evaluate

STRETCH_BYTES = 1 << 18
"""A piece's input for one stretch of steps should stay in the cache."""

MOST_SYNAPSES = 2**32
"""Each adds less than 2**31 to a 64-bit sum, so no sum can overflow."""


def build(network: Network, layout: Layout, rank: int, dt: float) -> Tile:
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
    bits = _number_columns(pieces)
    slots = 1 << (layout.longest - 1).bit_length()
    for stimulation in network.stimulations:
        _bind(network, layout, rank, dt, stimulation, pieces)

    tables = [table for k in range(len(network.projections)) if (
        table := _table(network, layout, rank, dt, k, pieces, bits))]
    connections = sum(table.count for table in tables)
    if connections >= MOST_SYNAPSES:
        raise SimulationError(
            f'rank {rank} holds {connections:,} synapses, {MOST_SYNAPSES:,} '
            'or more might overflow a sum of weights; use more ranks')

    largest = max((piece.ids.size for piece in pieces), default=1)
    longest = max(1, min(layout.window, STRETCH_BYTES//(8*max(largest, 1))))
    return Tile(pieces, tables, slots, bits, dt, longest)


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
    inputs = [Input(r.name, 0, layout.units[population.name, r.name])
              for r in model.receptors]
    return Piece(population.name, model, ids, layout.tiling.bounds(k, rank),
                 int(layout.tiling.first[k]), states, parameters, inputs)


def _typed(value: float | np.ndarray, kind: np.dtype) -> Any:
    return np.asarray(value, kind) if np.ndim(value) else kind.type(value)


def _number_columns(pieces: list[Piece]) -> int:
    """Give each receptor its columns of the ring; return the row's bits."""
    columns = 0
    for piece in pieces:
        for receptor in piece.inputs:
            receptor.base = columns
            columns += piece.ids.size
    return max(columns - 1, 0).bit_length()


def _bind(network: Network, layout: Layout, rank: int, dt: float,
          stimulation: Stimulation, pieces: list[Piece]) -> None:
    k = list(network.populations).index(stimulation.population.name)
    piece = pieces[k]
    if piece.ids.size == 0:
        return
    _, _, column0, column1 = piece.bounds
    site = Site(network.place(stimulation.population, piece.ids),
                layout.tiling.first_ids(k, rank), column1 - column0,
                stimulation.name, dt)
    drive = stimulation.stimulus.bind(site)
    name = stimulation.stimulus.input_name(piece.model.receptors)
    into = piece.drives if name is None else next(
        r.drives for r in piece.inputs if r.name == name)
    into.append(drive)


def _table(network: Network, layout: Layout, rank: int, dt: float, k: int,
           pieces: list[Piece], bits: int) -> Any:
    projection = network.projections[k]
    names = list(network.populations)
    source = names.index(projection.source.name)
    target = names.index(projection.target.name)
    piece, delays = pieces[target], layout.delays[k]
    if piece.ids.size == 0:
        return None
    receptor = next(r for r in piece.inputs if r.name == projection.receptor)
    landing = Landing(
        piece.bounds, layout.plan.box(source, rank, target), receptor.base,
        bits, receptor.unit, dt, delays.shortest, delays.longest,
        int(layout.tiling.first[source]))
    pairing = network.pairing(projection)
    if isinstance(projection.rule, Stencil) and is_plain(projection):
        return StencilTable(pairing, projection.rule, projection.weight,
                            landing)
    try:
        return stored.build(pairing, projection.rule, projection.weight,
                            projection.delay, piece.ids, landing)
    except MemoryError:
        raise BadValue(
            projection.name, projection.rule, 'a table that fits the memory',
            'use more ranks; `dsim check` tells the memory a rank needs'
        ) from None


def is_plain(projection: Projection) -> bool:
    """Tell whether every neuron has the same weights and one delay."""
    return is_number(projection.weight) and is_number(projection.delay)


"""Cut a rank's pieces into shares for threads, and shares into blocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dsim.engine.block import Block
from dsim.engine.tile import Piece
from dsim.partitioning.axis import bounds as cut_evenly

BLOCK = 1 << 15
"""Neurons of a block at most: its buffers then fit the second cache."""

SMALL = 1 << 14
"""Populations of one model with fewer neurons together are one block."""


@dataclass
class Part:
    """Lines ``begin`` ... ``end`` - 1 of a piece, in one share.

    A line is a row of the tile, or a neuron where it has one row only.
    ``columns`` receptor -> first column of the ring.
    """

    piece: Piece
    begin: int
    end: int
    columns: dict[str, int]

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """(row0, row1, column0, column1) in the population's grid."""
        row0, row1, column0, column1 = self.piece.bounds
        if row1 - row0 == 1:
            return row0, row1, column0 + self.begin, column0 + self.end
        return row0 + self.begin, row0 + self.end, column0, column1

    @property
    def width(self) -> int:
        """The neurons of a line."""
        return line_of(self.piece)

    @property
    def span(self) -> slice:
        """The neurons, among those of the piece."""
        return slice(self.begin*self.width, self.end*self.width)

    @property
    def size(self) -> int:
        """The number of neurons."""
        return (self.end - self.begin)*self.width

    @property
    def first_ids(self) -> np.ndarray:
        """The id at the start of each row: int64[rows]."""
        row0, row1, column0, column1 = self.bounds
        return self.piece.ids[self.span][::max(column1 - column0, 1)]


Group = list[Part]
"""Parts whose receptors lie side by side in the ring, one after the other."""


def share_out(pieces: Sequence[Piece], threads: int) -> list[list[Group]]:
    """Return for each thread the groups of parts that it works on.

    For several threads each piece is cut into as many parts.  For one, small
    pieces of one model and precision are one group.
    """
    shares: list[list[Group]] = [[] for _ in range(threads)]
    alike: dict[Any, list[Piece]] = {}
    for piece in pieces:
        if piece.ids.size:
            key = type(piece.model), piece.model.scheme, piece.precision
            alike.setdefault(key, []).append(piece)

    for some in alike.values():
        if threads == 1 and sum(p.ids.size for p in some) <= SMALL:
            shares[0].append([whole(piece) for piece in some])
            continue
        for piece in some:
            for share, part in zip(shares, _strips(piece, threads),
                                   strict=True):
                if part.size:
                    share.append([part])
    return shares


def line_of(piece: Piece) -> int:
    """Return the neurons of a line: a row, or 1 where there is one row."""
    row0, row1, column0, column1 = piece.bounds
    return 1 if row1 - row0 == 1 else column1 - column0


def whole(piece: Piece) -> Part:
    """Return all of a piece as one part."""
    return Part(piece, 0, piece.ids.size//line_of(piece), {})


def _strips(piece: Piece, threads: int) -> Iterator[Part]:
    edges = cut_evenly(piece.ids.size//line_of(piece), threads)
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        yield Part(piece, int(begin), int(end), {})


def number_columns(groups: Sequence[Group]) -> int:
    """Give each receptor its columns of the ring; return their number.

    Those of one receptor and one group lie side by side.
    """
    columns = 0
    for group in groups:
        for receptor in group[0].piece.model.receptors:
            for part in group:
                part.columns[receptor.name] = columns
                columns += part.size
    return columns


def blocks_of(group: Group) -> Iterator[tuple[Block, Group]]:
    """Yield the blocks of a group, and what parts each is made of."""
    if len(group) > 1:
        yield _joined(group), group
        return
    part, = group
    lines = max(1, BLOCK//part.width)
    for begin in range(part.begin, part.end, lines):
        end = min(begin + lines, part.end)
        shift = (begin - part.begin)*part.width
        some = Part(part.piece, begin, end, {
            name: first + shift for name, first in part.columns.items()})
        piece, span = some.piece, some.span
        states = [state[span] for state in piece.states.values()]
        parameters = [value[span] if np.ndim(value) else value
                      for value in piece.parameters.values()]
        yield _block([some], states, parameters,
                     piece.first + piece.ids[span]), [some]


def _joined(group: Group) -> Block:
    """Make one block of whole pieces, which then look at its arrays."""
    pieces = [part.piece for part in group]
    ends = np.cumsum([0, *(piece.ids.size for piece in pieces)])
    states = []
    for name in pieces[0].states:
        joined = np.concatenate([piece.states[name] for piece in pieces])
        states.append(joined)
        for k, piece in enumerate(pieces):
            piece.states[name] = joined[ends[k]:ends[k + 1]]
    parameters = [_together([piece.parameters[name] for piece in pieces],
                            np.diff(ends))
                  for name in pieces[0].parameters]
    numbers = np.concatenate([piece.first + piece.ids for piece in pieces])
    return _block(group, states, parameters, numbers)


def _together(values: Sequence[Any], sizes: np.ndarray) -> Any:
    if not any(np.ndim(value) for value in values) and all(
            value == values[0] for value in values):
        return values[0]
    return np.concatenate([np.broadcast_to(value, size) for value, size
                           in zip(values, sizes, strict=True)])


def _block(group: Group, states: list[np.ndarray], parameters: list[Any],
           numbers: np.ndarray) -> Block:
    inputs, units, begin = [], [], 0
    model = group[0].piece.model
    for part in group:
        for k, receptor in enumerate(model.receptors):
            inputs.append([k, begin, begin + part.size,
                           part.columns[receptor.name]])
            units.append(part.piece.units[receptor.name])
        begin += part.size
    return Block(model, states, parameters, numbers,
                 np.array(inputs, np.int64).reshape(-1, 4),
                 np.array(units, np.float64))

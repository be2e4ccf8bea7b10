"""A fixed number of connections in all, drawn evenly among all pairs.

Drawing each connection's target evenly makes the in-degrees one draw of a
multinomial distribution.  They are found without drawing the targets: the
total is split between two halves of the ids by a binomial number, each part
again between its halves, and so on.  Each split is addressed by its place
in this tree, so that a rank descends to its own targets only and finds what
any other rank would.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from dsim import rng
from dsim.compiled import compiled
from dsim.connectivity.base import Bounds, Pairing, Rows, Rule, size
from dsim.connectivity.binomial import binomial
from dsim.errors import BadValue
from dsim.space import Shape

BATCH = 256
"""Most blocks of random words made at once: 4 kB."""

DEEPEST = 42
"""Levels of a tree, as a population has fewer than 2**40 neurons."""


class FixedTotal(Rule):
    """``total`` connections, each between a source and a target drawn evenly.

    With replacement, as NEST's ``fixed_total_number``: a pair may be drawn
    several times.  ``blocks`` (rows, columns) cuts both grids into as many
    equal blocks; then ``total`` connections end in each block, and come from
    the block that lies ``offset`` (rows, columns) further on, round the ends
    of a periodic sheet; where an open sheet has none, there are none.
    """

    name = 'fixed_total'
    owner = 'target'
    spatial = False

    def __init__(self, total: int, self_connections: bool = True,
                 blocks: Sequence[int] | None = None,
                 offset: Sequence[int] | None = None):
        if not _whole(total) or not 0 <= total < 2**48:
            raise BadValue(f'{self.name}.total', total, 'a whole number from '
                           '0 to 2**48 - 1: how many connections in all')
        self.total = int(total)
        self.self_connections = bool(self_connections)
        self.blocks = _pair(blocks, 1, f'{self.name}.blocks', 1)
        self.offset = _pair(offset, 0, f'{self.name}.offset', -2**40)

    def check(self, pairing: Pairing) -> None:
        for shape in pairing.source, pairing.target:
            if any(n % parts for n, parts in zip(shape, self.blocks,
                                                 strict=True)):
                raise BadValue(
                    f'{self.name}.blocks', list(self.blocks), 'divisors of '
                    f'the rows and columns of both grids, here {shape}')
        sources = size(pairing.source)//size(self.blocks)
        if sources >= 2**32:
            raise BadValue(self.name, pairing.name,
                           'drawn from fewer than 2**32 neurons')
        if self.total and sources == 1 and self._excludes_self(pairing):
            raise BadValue(self.name, self.total, 'drawn from at least one '
                           'neuron', 'allow self_connections')

    def rows(self, pairing: Pairing, owners: np.ndarray) -> Rows:
        return self.maker(pairing)(owners)

    def maker(self, pairing: Pairing, bounds: Bounds | None = None
              ) -> Callable[[np.ndarray], Rows]:
        layout = _Blocks(pairing.source, pairing.target, self.blocks,
                         self.offset, pairing.sheet.periodic)
        split = rng.key(pairing.seed, 'split', pairing.name)
        partners = rng.key(pairing.seed, 'partners', pairing.name)
        no_self = self._excludes_self(pairing)
        # Neighbours share most of their way from the root: each call goes
        # on from where the last one ended, on a copy of its own
        last = [np.zeros((DEEPEST + 1, 5), dtype=np.int64)]

        def make(owners: np.ndarray) -> Rows:
            pointer = np.zeros(owners.size + 1, dtype=np.int64)
            way = last[0].copy()
            _count(owners, self.total, layout, split, way, pointer)
            last[0] = way
            found = np.empty(pointer[-1], dtype=np.int64)
            draws = np.empty(pointer[-1], dtype=np.int64)
            _draw(owners, layout, no_self, partners, pointer, found, draws)
            return Rows(pointer, found, draws)

        return make

    def reach(self, pairing: Pairing) -> tuple[float, float]:
        if self.blocks == (1, 1):
            return pairing.kernel.reach()
        far = [length*((abs(steps) + 1)/parts - 0.5/sources - 0.5/targets)
               for length, steps, parts, sources, targets
               in zip(pairing.sheet.extent, self.offset, self.blocks,
                      pairing.source, pairing.target, strict=True)]
        return far[0], far[1]

    def degree(self, pairing: Pairing) -> float:
        served = 1
        for parts, steps, periodic in zip(
                self.blocks, self.offset, pairing.sheet.periodic,
                strict=True):
            served *= parts if periodic else max(parts - abs(steps), 0)
        return self.total*served/size(pairing.target)

    def _excludes_self(self, pairing: Pairing) -> bool:
        return pairing.same and not self.self_connections


class _Blocks(NamedTuple):
    """Both grids, into how many blocks they are cut, and which are joined."""

    source: Shape
    target: Shape
    blocks: tuple[int, int]
    offset: tuple[int, int]
    periodic: tuple[bool, bool]


def _whole(value: object) -> bool:
    return (isinstance(value, int | np.integer)
            and not isinstance(value, bool))


def _pair(given: Sequence[int] | None, default: int, key: str,
          least: int) -> tuple[int, int]:
    pair = (default, default) if given is None else given
    if (not isinstance(pair, Sequence | np.ndarray) or len(pair) != 2
            or not all(_whole(n) and least <= n < 2**40 for n in pair)):
        raise BadValue(key, given, '[rows, columns], two whole numbers'
                       + (f' >= {least}' if least > 0 else ''))
    return int(pair[0]), int(pair[1])


@compiled
def _place(owner, layout):
    """Return (block, its row and column, the owner's place in it, size)."""
    _, target, blocks, _, _ = layout
    height, width = target[0]//blocks[0], target[1]//blocks[1]
    row, column = divmod(owner, target[1])
    down, right = row//height, column//width
    place = (row - down*height)*width + column - right*width
    return down*blocks[1] + right, down, right, place, height*width


@compiled
def _partner_block(place, offset, parts, periodic):
    """Return the block ``offset`` further on, -1 if there is none."""
    if periodic:
        return (place + offset) % parts
    other = place + offset
    return other if 0 <= other < parts else np.int64(-1)


@compiled
def _count(owners, total, layout, key, way, pointer):
    """Write the bounds of the rows into ``pointer``."""
    _, _, blocks, offset, periodic = layout
    for k in range(owners.size):
        block, down, right, place, count = _place(owners[k], layout)
        down = _partner_block(down, offset[0], blocks[0], periodic[0])
        right = _partner_block(right, offset[1], blocks[1], periodic[1])
        degree = np.int64(0)
        if down >= 0 and right >= 0:
            degree = _indegree(block, place, count, total, key, way)
        pointer[k + 1] = pointer[k] + degree


@compiled
def _indegree(block, place, count, total, key, way):
    """Return the share of one target of a block of ``count``.

    ``way`` holds the nodes from the root to the last target: (first id,
    last id + 1, number of the node, its share, that of its first half or -1
    if that was not drawn yet); its first line (how many nodes, the block).
    """
    depth = way[0, 0]
    if depth == 0 or way[0, 1] != block:
        depth = 1
        way[0, 1] = block
        way[1, 0], way[1, 1], way[1, 2] = 0, count, 1
        way[1, 3], way[1, 4] = total, -1
    while not way[depth, 0] <= place < way[depth, 1]:
        depth -= 1
    while way[depth, 1] - way[depth, 0] > 1:
        first, last, node, share, half = way[depth]
        middle = (first + last)//2
        if half < 0:
            half = binomial(key, node, block, share,
                            (middle - first)/(last - first))
            way[depth, 4] = half
        depth += 1
        if place < middle:
            way[depth, 0], way[depth, 1] = first, middle
            way[depth, 2], way[depth, 3] = 2*node, half
        else:
            way[depth, 0], way[depth, 1] = middle, last
            way[depth, 2], way[depth, 3] = 2*node + 1, share - half
        way[depth, 4] = -1
    way[0, 0] = depth
    return way[depth, 3]


@compiled
def _draw(owners, layout, no_self, key, pointer, found, draws):
    """Draw each owner's sources evenly from their block, and number them."""
    source, _, blocks, offset, periodic = layout
    height, width = source[0]//blocks[0], source[1]//blocks[1]
    drawn = np.empty(4*BATCH, np.uint32)
    for k in range(owners.size):
        begin, end = pointer[k], pointer[k + 1]
        if begin == end:
            continue
        owner = owners[k]
        _, down, right, _, _ = _place(owner, layout)
        down = _partner_block(down, offset[0], blocks[0], periodic[0])
        right = _partner_block(right, offset[1], blocks[1], periodic[1])
        origin = down*height*source[1] + right*width
        got, tried = begin, 0
        while got < end:
            batch = min((end - got + 31)//32*8, BATCH)
            rng.fill_words(drawn, key, owner, tried, batch)
            tried += batch
            got = _accept(drawn[:4*batch], height, width, source[1], origin,
                          owner if no_self else np.int64(-1),
                          found[:end], got)
        for j in range(begin, end):
            draws[j] = j - begin


@compiled
def _accept(drawn, height, width, columns, origin, forbidden, found, got):
    """Append the neurons that the words stand for; return how many."""
    # Lemire: products whose low half is below this are drawn anew.
    # Unsigned indices are known not to count from the end
    count = np.uint64(height*width)
    uneven = np.uint64(2**32 - height*width) % count
    skipped = np.uint64(columns - width if height > 1 else 0)
    for t in range(drawn.size):
        if got == found.size:
            break
        product = np.uint64(drawn[np.uint64(t)])*count
        inside = product >> np.uint64(32)
        if skipped:
            inside += inside//np.uint64(width)*skipped
        partner = origin + np.int64(inside)
        found[np.uint64(got)] = partner
        good = ((product & np.uint64(0xffffffff) >= uneven)
                & (partner != forbidden))
        got += np.int64(good)
    return got

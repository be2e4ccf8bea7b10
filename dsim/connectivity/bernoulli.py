"""Each pair is connected with the probability that its kernel gives."""

import numpy as np

from dsim import rng
from dsim.compiled import compiled
from dsim.connectivity.base import Pairing, Rows, Rule, mean_profile
from dsim.connectivity.degree import span
from dsim.connectivity.kernels import profile
from dsim.errors import BadValue
from dsim.space import shortest


class PairwiseBernoulli(Rule):
    """Connect each pair with probability ``probability`` x kernel(distance).

    The draw of a pair is addressed by (target id, source id).
    """

    name = 'pairwise_bernoulli'
    owner = 'target'

    def __init__(self, probability: float, self_connections: bool = True):
        number = isinstance(probability, int | float)
        if not number or not 0 <= probability <= 1:
            raise BadValue(f'{self.name}.probability', probability,
                           'a number from 0 to 1')
        self.probability = float(probability)
        self.self_connections = bool(self_connections)

    def rows(self, pairing: Pairing, owners: np.ndarray) -> Rows:
        grid, partners = pairing.grids(self.owner)
        arguments = (
            owners, self.probability, grid, partners,
            pairing.sheet.extent, pairing.sheet.periodic,
            pairing.kernel.code(), pairing.same and not self.self_connections,
            rng.key(pairing.seed, 'partners', pairing.name))
        pointer = np.zeros(owners.size + 1, dtype=np.int64)
        _draw(*arguments, pointer, np.empty(0, dtype=np.int64))
        np.cumsum(pointer, out=pointer)
        found = np.empty(pointer[-1], dtype=np.int64)
        _draw(*arguments, pointer, found)
        return Rows(pointer, found, found)

    def degree(self, pairing: Pairing) -> float:
        return self.probability*mean_profile(pairing, self.owner)


@compiled
def _draw(owners, probability, grid, partners, extent, periodic, code,
          no_self, key, pointer, found):
    """Write the rows; with no room in ``found``, count them in pointer."""
    kind, a, b, reach, table = code
    height, width = extent[0]/grid[0], extent[1]/grid[1]
    high, wide = extent[0]/partners[0], extent[1]/partners[1]

    for k in range(owners.size):
        owner = owners[k]
        row, column = divmod(owner, grid[1])
        y, x = (row + 0.5)*height, (column + 0.5)*width
        row0, rows = span(y, reach[0], high, partners[0], periodic[0])
        column0, columns = span(x, reach[1], wide, partners[1], periodic[1])
        got, group = pointer[k], np.int64(-1)
        words = rng.words(key, owner, 0)
        if found.size == 0:
            got = 0
        for i in range(row0, row0 + rows):
            r = i % partners[0]
            dy = shortest((r + 0.5)*high - y, extent[0], periodic[0])
            for j in range(column0, column0 + columns):
                c = j % partners[1]
                source = r*partners[1] + c
                if source >> 2 != group:
                    # One call of the generator serves four neighbours
                    group = source >> 2
                    words = rng.words(key, owner, group)
                chance = probability
                if kind != 0:
                    dx = shortest((c + 0.5)*wide - x, extent[1], periodic[1])
                    chance *= profile(kind, a, b, table, dy, dx)
                word = words[0]
                if source & 3 == 1:
                    word = words[1]
                elif source & 3 == 2:
                    word = words[2]
                elif source & 3 == 3:
                    word = words[3]
                if word*2.0**-32 < chance and not (no_self
                                                   and source == owner):
                    if found.size:
                        found[got] = source
                    got += 1
        if found.size == 0:
            pointer[k + 1] = got

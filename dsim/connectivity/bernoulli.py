"""Each pair is connected with the probability that its kernel gives."""

import numpy as np

from dsim import rng
from dsim.compiled import compiled
from dsim.connectivity.base import Pairing, Rows, Rule, mean_profile
from dsim.connectivity.degree import span
from dsim.connectivity.kernels import profile
from dsim.connectivity.offsets import wrapped
from dsim.errors import BadValue
from dsim.space import shortest
from dsim.values import is_number


class PairwiseBernoulli(Rule):
    """Connect each pair with probability ``probability`` x kernel(distance).

    The draw of a pair is addressed by (target id, source id).
    """

    name = 'pairwise_bernoulli'
    owner = 'target'

    def __init__(self, probability: float, self_connections: bool = True):
        if not is_number(probability) or not 0 <= probability <= 1:
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

        # Room for as many as can be expected; if too little, once more
        room = int(1.1*owners.size*self.degree(pairing)) + 1000
        found = np.empty(room, dtype=np.int64)
        _draw(*arguments, pointer, found)
        if pointer[-1] > room:
            found = np.empty(pointer[-1], dtype=np.int64)
            _draw(*arguments, pointer, found)
        found = found[:pointer[-1]]
        return Rows(pointer, found, found)

    def length(self, pairing: Pairing) -> float:
        return pairing.kernel.length()

    def degree(self, pairing: Pairing) -> float:
        return self.probability*mean_profile(pairing, self.owner)


@compiled
def _draw(owners, probability, grid, partners, extent, periodic, code,
          no_self, key, pointer, found):
    """Write the rows one after the other, as far as there is room."""
    reach = code[3]
    height, width = extent[0]/grid[0], extent[1]/grid[1]
    pitch = extent[0]/partners[0], extent[1]/partners[1]
    drawn = np.empty(4*(partners[1]//4 + 2), np.uint32)

    for k in range(owners.size):
        owner = owners[k]
        row, column = divmod(owner, grid[1])
        y, x = (row + 0.5)*height, (column + 0.5)*width
        row0, rows = span(y, reach[0], pitch[0], partners[0], periodic[0])
        column0, columns = span(x, reach[1], pitch[1], partners[1],
                                periodic[1])
        forbidden = owner if no_self else np.int64(-1)
        got = pointer[k]
        for i in range(row0, row0 + rows):
            r = wrapped(i, partners[0], True)
            dy = shortest((r + 0.5)*pitch[0] - y, extent[0], periodic[0])
            # Over the end of a joined axis the columns go on at its start
            for part in range(2):
                begin = max(column0, 0)
                end = min(column0 + columns, partners[1])
                if part and column0 < 0:
                    begin, end = column0 + partners[1], partners[1]
                elif part:
                    begin, end = 0, column0 + columns - partners[1]
                got = _row(owner, probability, r*partners[1], begin, end, dy,
                           x, pitch[1], extent[1], periodic[1], code,
                           forbidden, key, drawn, got, found)
        pointer[k + 1] = got


@compiled
def _row(owner, probability, first, begin, end, dy, x, pitch, length,
         periodic, code, forbidden, key, drawn, got, found):
    """Draw the columns begin ... end - 1 of the row of ids from ``first``."""
    if begin >= end:
        return got
    # One call of the generator serves four neighbours
    kind, a, b, _, table = code
    group = (first + begin) >> 2
    blocks = ((first + end - 1) >> 2) - group + 1
    rng.fill_words(drawn, key, owner, group, blocks)
    for c in range(begin, end):
        source = first + c
        word = drawn[source - 4*group]*2.0**-32
        # No kernel is above 1, and to compute it takes longest
        if word >= probability or source == forbidden:
            continue
        if kind != 0:
            dx = shortest((c + 0.5)*pitch - x, length, periodic)
            if word >= probability*profile(kind, a, b, table, dy, dx):
                continue
        if got < found.size:
            found[got] = source
        got += 1
    return got

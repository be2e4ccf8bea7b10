"""The state of all neurons in canonical order, whatever the tiles."""

from typing import Any

import numpy as np

from dsim.engine.tile import Tile


def gather(tile: Tile, name: str, variable: str, size: int,
           comm: Any) -> np.ndarray:
    """Return ``variable`` of a whole population, by id, on every rank.

    Collective.  Returns an array [size] in the precision of the state.
    """
    piece = next(p for p in tile.pieces if p.name == name)
    whole = np.zeros(size, dtype=piece.precision)
    for ids, values in comm.allgather((piece.ids, piece.states[variable])):
        whole[ids] = values
    return whole

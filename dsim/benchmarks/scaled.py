"""A model file as a network of another size, with the same in-degrees."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dsim.errors import BadValue
from dsim.io import modelfile
from dsim.model import Model
from dsim.model import load as load_model


def load(path: Path, scale: float, seed: int | None = None,
         comm: Any = None, changes: Sequence[str] = ()) -> Model:
    """Read a model file and make it ``scale`` times as large.

    The grids and the sheet grow alike, so that the density and with it
    the connections by distance stay what they are; the probability of
    connections that do not depend on distance is divided by ``scale``.
    ``changes`` are texts 'key.path=value', as for --set.

    Raises
    ------
    BadValue
        If the scale is not a number > 0, or asks for a probability > 1.
    InputFileError, ModelFileError
        If the model file cannot be used.
    """
    first = list(changes)
    if seed is not None:
        first.append(f'simulation.seed={seed}')
    found = load_model(path, first, comm)
    if scale == 1:
        return found
    if not 0 < scale < math.inf:
        raise BadValue('scale', scale, 'a number > 0')

    tree = modelfile.load(path, first, comm).value
    shapes = {name: population.shape for name, population
              in found.network.populations.items()}
    rows, columns = factors(scale, min(rows for rows, _ in shapes.values()))
    grow = [f'populations.{name}.shape=[{grown(shape[0], rows)}, '
            f'{grown(shape[1], columns)}]'
            for name, shape in shapes.items()]
    height, width = found.network.sheet.extent
    grow.append(f'sheet.extent=[{height*rows!r}, {width*columns!r}]')
    grow += _probabilities(tree, scale)
    return load_model(path, first + grow, comm)


def factors(scale: float, rows: int = 2) -> tuple[float, float]:
    """Return how much rows and columns grow: as nearly alike as they can.

    A whole scale gives whole factors, so that no grid is rounded; a grid
    of one row stays one.
    """
    if rows == 1:
        return 1.0, float(scale)
    if scale == int(scale):
        whole = int(scale)
        first = next(k for k in range(math.isqrt(whole), 0, -1)
                     if whole % k == 0)
        return float(first), float(whole//first)
    return math.sqrt(scale), math.sqrt(scale)


def grown(side: int, factor: float) -> int:
    """Return a grid's side times ``factor``, at least 1."""
    return max(1, round(side*factor))


def _probabilities(tree: dict[str, Any], scale: float) -> list[str]:
    changes = []
    for k, entry in enumerate(tree.get('projections', ())):
        kernel = entry.get('kernel', 'uniform')
        name = kernel.get('name') if isinstance(kernel, dict) else kernel
        if 'probability' in entry and name == 'uniform':
            probability = entry['probability']/scale
            if probability > 1:
                raise BadValue('scale', scale, 'at least '
                               f'{entry["probability"]:g}, the probability '
                               'of a connection')
            changes.append(f'projections.{k}.probability={probability!r}')
    return changes

"""Node files: each neuron's position, model and parameters."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dsim.io.files import File
from dsim.io.rows import by_ids
from dsim.io.sonata.layout import column, mark, opened
from dsim.io.whole import refuse

MM = {'units': 'mm'}


class Nodes(NamedTuple):
    """What a rank knows of one population.

    ``size`` is the number of neurons on all ranks, ``ids`` int64[n] those
    of this rank in any order, ``x`` and ``y`` float64[n] in mm.  A value of
    ``parameters`` is a number, the same for all neurons and on all ranks,
    or an array[n].
    """

    size: int
    ids: np.ndarray
    x: np.ndarray
    y: np.ndarray
    model: str
    parameters: Mapping[str, Any]


def write_nodes(path: str | os.PathLike, comm: Any,
                populations: Mapping[str, Nodes],
                overwrite: bool = False, driver: str = 'auto') -> Path:
    """Write all populations, and ``node_types.csv`` beside the file.

    Each population is one node type: its model and the parameters that are
    equal for all neurons stand in the table, positions and the parameters
    that differ in the file.  Collective.  Returns the path of the table.
    Raises OutputError, on all ranks, where they cannot be written, and
    ValueError if the ranks do not hold each id once.
    """
    path = Path(path)
    table = path.with_name('node_types.csv')
    with File.create(path, comm, overwrite, driver) as file:
        mark(file)
        for number, (name, nodes) in enumerate(populations.items()):
            _write_population(file, name, nodes, number)
        # Before the nodes get their name: they are never without a table
        file.at_root(lambda: _write_types(table, populations, overwrite))
    return table


def read_positions(path: str | os.PathLike
                   ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return (x, y), float64[n] in mm and in order of id, by population.

    Needs no MPI.  Raises InputFileError if it is no such file.
    """
    with opened(path, 'nodes') as nodes:
        return {name: (group['0/x'][()], group['0/y'][()])
                for name, group in nodes.items()}


def _write_population(file: File, name: str, nodes: Nodes,
                      number: int) -> None:
    differing = {key: np.asarray(value)
                 for key, value in nodes.parameters.items()
                 if np.ndim(value)}
    ids, x, y, *values = by_ids(nodes.ids, nodes.size, file.comm, nodes.ids,
                                 nodes.x, nodes.y, *differing.values())
    group = f'/nodes/{name}'
    column(file, f'{group}/node_type_id', np.full(ids.size, number), 'u8')
    column(file, f'{group}/node_id', ids, 'u8')
    column(file, f'{group}/node_group_id', np.zeros(ids.size, 'u4'), 'u4')
    column(file, f'{group}/node_group_index', ids, 'u8')
    column(file, f'{group}/0/x', x, 'f8', MM)
    column(file, f'{group}/0/y', y, 'f8', MM)
    column(file, f'{group}/0/z', np.zeros(ids.size), 'f8', MM)
    # Readers look for this group even where it is empty
    file.attributes(f'{group}/0/dynamics_params', {})
    for key, rows in zip(differing, values, strict=True):
        column(file, f'{group}/0/dynamics_params/{key}', rows, rows.dtype)


def _write_types(table: Path, populations: Mapping[str, Nodes],
                 overwrite: bool) -> None:
    refuse(table, overwrite)
    table.write_text(_types(populations))


def _types(populations: Mapping[str, Nodes]) -> str:
    """Return the table of node types; its columns are parted by blanks."""
    shared = [{key: value for key, value in nodes.parameters.items()
               if not np.ndim(value)} for nodes in populations.values()]
    keys = sorted(set().union(*shared))
    lines = [['node_type_id', 'pop_name', 'model_type', 'model_template',
              *keys]]
    for number, (name, nodes) in enumerate(populations.items()):
        lines.append([str(number), name, 'point_neuron',
                      f'dsim:{nodes.model}',
                      *(_cell(shared[number].get(key)) for key in keys)])
    return ''.join(' '.join(line) + '\n' for line in lines)


def _cell(value: Any) -> str:
    return 'NULL' if value is None else repr(np.asarray(value).item())

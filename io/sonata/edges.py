"""Edge files, both directions: connections listed one by one."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from dsim.errors import InputFileError
from dsim.io.files import Alone, File
from dsim.io.rows import offset
from dsim.io.sonata.layout import MS, column, mark, opened

PIECE = 1 << 20
"""Edges that are read at once."""


class Edges(NamedTuple):
    """Connections k: sources[k] -> targets[k], in the order of the file.

    ``numbers`` int64[n] tells which edges of the file these are.
    ``weights`` and ``delays`` (ms) are float64[n], or None where the file
    has none and the projection must say.
    """

    source_population: str
    target_population: str
    sources: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None = None
    delays: np.ndarray | None = None
    numbers: np.ndarray | None = None


def write_edges(path: str | os.PathLike, edges: Edges, comm: Any = None,
                overwrite: bool = False, driver: str = 'auto') -> str:
    """Write edges as a SONATA file, those of rank 0 first.

    Collective over ``comm``; without one this process writes alone.  All
    ranks have weights, or none has; so with delays.
    Returns the name of the edge population, ``<source>_to_<target>``.
    Raises OutputError, on all ranks, where the file cannot be written.
    """
    name = f'{edges.source_population}_to_{edges.target_population}'
    group = f'/edges/{name}'
    with File.create(path, comm or Alone(), overwrite, driver) as file:
        mark(file)
        for side, ids, population in (
                ('source', edges.sources, edges.source_population),
                ('target', edges.targets, edges.target_population)):
            column(file, f'{group}/{side}_node_id', ids, np.uint64,
                   {'node_population': population})

        count = len(edges.targets)
        first, _ = offset(count, file.comm)
        index = np.arange(first, first + count)
        zeros = np.zeros(count, np.uint32)
        column(file, f'{group}/edge_type_id', zeros, np.uint64)
        column(file, f'{group}/edge_group_id', zeros, np.uint32)
        column(file, f'{group}/edge_group_index', index, np.uint64)
        file.attributes(f'{group}/0', {})
        if edges.weights is not None:
            column(file, f'{group}/0/syn_weight', edges.weights, np.float64)
        if edges.delays is not None:
            column(file, f'{group}/0/delay', edges.delays, np.float64, MS)
    return name


def read_edges(path: str | os.PathLike, population: str | None = None,
               keep: Callable[[np.ndarray], np.ndarray] | None = None
               ) -> Edges:
    """Read the edges of one edge population; needs no MPI.

    ``population`` may be left out if the file has one only.  ``keep`` takes
    target ids and returns which to keep (bool[n]), so that a rank holds
    its own part of a large file only.  A file that ends in ``.npz`` has
    plain arrays ``sources`` and ``targets``, if wanted ``weights`` and
    ``delays``.  Raises InputFileError for what cannot be used.
    """
    if Path(path).suffix == '.npz':
        return _read_arrays(Path(path), keep)

    with opened(path, 'edges') as populations:
        if population is None and len(populations) == 1:
            population = next(iter(populations))
        if population not in populations:
            there = ', '.join(sorted(populations)) or 'none'
            asked = population or 'not named'
            raise InputFileError(f'{path}: edge population {asked}; '
                                 f'there are: {there}')
        return _read_population(Path(path), populations[population], keep)


def _read_population(path: Path, group: h5py.Group,
                     keep: Callable[[np.ndarray], np.ndarray] | None
                     ) -> Edges:
    """Read piece by piece, holding no more than is kept."""
    inner = {name: group[f'0/{name}'] for name in ('syn_weight', 'delay')
             if f'0/{name}' in group}
    kept: dict[str, list[np.ndarray]] = {
        name: [] for name in ('sources', 'targets', 'numbers', *inner)}
    for low in range(0, len(group['target_node_id']), PIECE):
        piece = slice(low, low + PIECE)
        targets = group['target_node_id'][piece].astype(np.int64)
        if 'edge_group_id' in group and group['edge_group_id'][piece].any():
            raise InputFileError(f'{path}: {group.name} has several edge '
                                 'groups, dsim reads only one: 0')
        here = np.flatnonzero(np.ones(targets.size, bool) if keep is None
                              else keep(targets))
        kept['targets'].append(targets[here])
        kept['sources'].append(
            group['source_node_id'][piece].astype(np.int64)[here])
        kept['numbers'].append(low + here)
        # Where in the group's own arrays an edge has its values
        index = low + here
        if 'edge_group_index' in group:
            index = group['edge_group_index'][piece].astype(np.int64)[here]
        for name, dataset in inner.items():
            kept[name].append(_values(dataset, index))

    whole = {name: np.concatenate(parts) if parts else np.zeros(0, np.int64)
             for name, parts in kept.items()}
    return Edges(_population(group['source_node_id']),
                 _population(group['target_node_id']),
                 whole['sources'], whole['targets'],
                 whole.get('syn_weight'), whole.get('delay'),
                 whole['numbers'])


def _values(dataset: h5py.Dataset, index: np.ndarray) -> np.ndarray:
    if index.size == 0:
        return np.zeros(0)
    low = index.min()
    values = dataset[low:index.max() + 1][index - low]
    return values.astype(np.float64)


def _population(dataset: h5py.Dataset) -> str:
    name = dataset.attrs.get('node_population', '')
    return name.decode() if isinstance(name, bytes) else str(name)


def _read_arrays(path: Path,
                 keep: Callable[[np.ndarray], np.ndarray] | None) -> Edges:
    if not path.is_file():
        raise InputFileError(f'{path}: there is no such file')
    try:
        with np.load(path, allow_pickle=False) as arrays:
            columns = {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputFileError(f'{path}: cannot be read: {error}') from error

    names = ('sources', 'targets', 'weights', 'delays')
    missing = [name for name in names[:2] if name not in columns]
    lengths = {columns[name].shape for name in names if name in columns}
    if missing or len(lengths) != 1 or len(*lengths) != 1:
        raise InputFileError(
            f'{path}: needs arrays sources and targets, and may have weights '
            f'and delays, all of one length; it has '
            f'{", ".join(f"{k} {v.shape}" for k, v in columns.items())}')

    targets = columns['targets'].astype(np.int64)
    here = (np.arange(targets.size) if keep is None
            else np.flatnonzero(keep(targets)))
    weights, delays = (
        columns[name][here].astype(np.float64) if name in columns else None
        for name in names[2:])
    return Edges('', '', columns['sources'][here].astype(np.int64),
                 targets[here], weights, delays, here)

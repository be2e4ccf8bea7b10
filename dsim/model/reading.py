"""A model file to a Network and how it is to be run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dsim.io import modelfile
from dsim.io.toml import as_toml
from dsim.io.tree import Node
from dsim.model import parts
from dsim.model.keys import OUTPUT, PARTS, RECORDING, SHEET, SIMULATION
from dsim.network import Network


@dataclass(frozen=True)
class Settings:
    """How a model is to be run, as its file says."""

    duration: float
    dt: float
    processes: list[int] | None
    exchange: str
    threads: int
    folder: str
    overwrite: bool
    flush_every: float


class Model(NamedTuple):
    """A network, how to run it, and its file with all defaults as text.

    ``tree`` knows where each value stands: errors that are raised within
    ``with model.tree.blamed()`` name the file.
    """

    network: Network
    settings: Settings
    resolved: str
    tree: Node


def load(path: str | Path, overrides: Sequence[str] = (),
         comm: Any = None) -> Model:
    """Read a model file, with what --set changes in it.

    ``overrides`` are texts 'key.path=value'.  Rank 0 of ``comm`` reads; all
    ranks get the same model.  ``Model.resolved`` is a model file that gives
    the same network (beside the files that it names).

    Raises
    ------
    InputFileError
        If a file cannot be read.
    ModelFileError
        If it is wrong, naming the file, the key and what is allowed; both
        on all ranks alike.
    """
    root = modelfile.load(path, overrides, comm)
    part = root.read(PARTS)
    settings = _settings(part, Path(path).stem)
    sheet = part['sheet'].read(SHEET)
    with root.blamed():
        network = Network(root['simulation'].value['seed'], **sheet)

    if not part['populations'].value:
        raise part['populations'].wrong('one [populations.NAME] or more')
    for node in part['populations']:
        parts.add_population(network, node)
    for node in part['projections'] or ():
        parts.add_projection(network, node)
    for node in part['stimuli'] or ():
        parts.add_stimulus(network, node)
    kept = part['recording'].read(RECORDING)
    for node in kept['values'] or ():
        parts.add_values(network, node, settings.dt)
    for node in kept['frames'] or ():
        parts.add_frames(network, node, settings.dt)
    return Model(network, settings, as_toml(root.value), root)


def _settings(part: Mapping[str, Any], stem: str) -> Settings:
    node, folder = part['simulation'], f'runs/{stem}'
    run = node.read(SIMULATION)
    if not 0 < run['dt'] < np.inf:
        raise node['dt'].wrong('a time > 0 in ms')
    if not 0 <= run['duration'] < np.inf:
        raise node['duration'].wrong('a time >= 0 in ms')
    parts.check_steps(node['duration'], run['dt'])
    if run['processes'] and min(run['processes']) < 1:
        raise node['processes'].wrong('[rows, columns], both >= 1')
    if run['threads'] < 1:
        raise node['threads'].wrong('a whole number >= 1')
    kept = part['output'].read(
        replace(key, default=folder) if key.name == 'folder' else key
        for key in OUTPUT)
    del run['seed']
    return Settings(**run, **kept)

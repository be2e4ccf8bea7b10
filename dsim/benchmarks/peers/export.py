"""Write a network as one file that any simulator can load.

The file is a .npz of plain arrays and a page of JSON; `driver.Listed` reads
it, without dsim.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dsim.connectivity import synapse_values as sv
from dsim.connectivity.base import Rows, size
from dsim.engine.layout import Delays, arrange
from dsim.errors import BadValue
from dsim.network import Network, Population, Projection
from dsim.space import distances
from dsim.stimuli.current import ConstantCurrent, GaussianCurrent
from dsim.values import evaluate

KINDS = {'sources': np.int32, 'targets': np.int32, 'delays': np.int32,
         'weights': np.float64}

AT_ONCE = 1 << 20
"""Connections that are made at a time."""


def export(network: Network, dt: float, path: str | Path) -> int:
    """Write ``network`` at steps of ``dt`` ms; return its connections.

    Neurons are numbered over all populations in order of declaration, as
    dsim numbers them.  For projection k the file has ``sources_k`` and
    ``targets_k`` int32[n], ``delays_k`` int32[n] in steps (or one number)
    and ``weights_k`` float64[n] (or one number), and ``page`` as JSON: the
    populations with parameters, first states, and their noise.

    Raises
    ------
    BadValue
        For a stimulus other than constant currents and Gaussian noise that
        never end.
    """
    layout = arrange(network, dt, 1)
    arrays: dict[str, np.ndarray] = {}
    firsts = [int(first) for first in layout.tiling.first]
    populations = [
        _population(network, population, first, arrays) for population, first
        in zip(network.populations.values(), firsts, strict=False)]
    first_of = {p['name']: p['first'] for p in populations}

    count = 0
    for k, projection in enumerate(network.projections):
        found = connections(network, projection, dt, layout.delays[k])
        found['sources'] += first_of[projection.source.name]
        found['targets'] += first_of[projection.target.name]
        for what, kind in KINDS.items():
            arrays[f'{what}_{k}'] = found[what].astype(kind)
        count += found['sources'].size

    page = {'dt': dt, 'seed': network.seed, 'neurons': firsts[-1],
            'connections': count, 'populations': populations,
            'projections': [{'name': p.name, 'receptor': p.receptor}
                            for p in network.projections]}
    arrays['page'] = np.array(json.dumps(page))
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return count


def connections(network: Network, projection: Projection, dt: float,
                delays: Delays) -> dict[str, np.ndarray]:
    """Return all connections of a projection as arrays, by owner.

    ``sources`` and ``targets`` int64[n] are ids; ``delays`` in steps and
    ``weights`` have one number each, or one for all.
    """
    parts: dict[str, list[np.ndarray]] = {
        'sources': [], 'targets': [], 'delays': [], 'weights': []}
    for owners, rows in _chunks(network, projection):
        own = np.repeat(owners, np.diff(rows.pointer))
        ends = {'sources': rows.partners, 'targets': own}
        if projection.rule.owner == 'source':
            ends = {'sources': own, 'targets': rows.partners}
        parts['sources'].append(ends['sources'])
        parts['targets'].append(ends['targets'])

        far = _lengths(network, projection, **ends)
        found = {what: _values(network, projection, what, own, rows, far)
                 for what in ('delay', 'weight')}
        steps = np.floor(found['delay']/dt + 0.5)
        parts['delays'].append(
            np.clip(steps, delays.shortest, delays.longest).astype(np.int64))
        parts['weights'].append(found['weight'])
    return {what: _joined(found, what in ('delays', 'weights'))
            for what, found in parts.items()}


def _joined(parts: list[np.ndarray], values: bool) -> np.ndarray:
    """Put parts together; of values that are all equal one is enough."""
    if values and parts and parts[0].size:
        one = parts[0][:1]
        if all((part == one).all() for part in parts):
            return one
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _chunks(network: Network, projection: Projection
            ) -> Iterator[tuple[np.ndarray, Rows]]:
    pairing, rule = network.pairing(projection), projection.rule
    make = rule.maker(pairing)
    owners = size(pairing.grids(rule.owner)[0])
    some = max(int(AT_ONCE/max(rule.degree(pairing), 1.0)), 1)
    for first in range(0, owners, some):
        ids = np.arange(first, min(first + some, owners), dtype=np.int64)
        yield ids, make(ids)


def _values(network: Network, projection: Projection, what: str,
            own: np.ndarray, rows: Rows, far: np.ndarray) -> np.ndarray:
    """Return float64[n]: the delay in ms or the weight of connections."""
    key = sv.address(network.seed, what, projection.name)
    found = sv.values(getattr(projection, what), key, own, rows.draws, far)
    factors = getattr(projection.rule, 'factors', None)
    if what == 'weight' and factors is not None:
        found = found*factors[rows.draws]
    return found


def _lengths(network: Network, projection: Projection, sources: np.ndarray,
             targets: np.ndarray) -> np.ndarray:
    """Return the lengths in mm, if weight or delay depends on them."""
    if not (sv.needs_distance(projection.delay)
            or sv.needs_distance(projection.weight)):
        return np.empty(0)
    sheet, out = network.sheet, np.empty(sources.size)
    source, target = projection.source.shape, projection.target.shape
    distances(sources, targets, source[1], target[1], sheet.pitch(source),
              sheet.pitch(target), sheet.extent, sheet.periodic, out)
    return out


def _population(network: Network, population: Population, first: int,
                arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return what the page tells of a population; arrays go to ``arrays``."""
    model, name = population.model, population.name
    place = network.place(population, np.arange(population.size))
    given = {**model.parameter_values(), **model.initial}
    values = {key: evaluate(value, place, key)
              for key, value in given.items()}
    states = model.start(values)
    mean, std = _noise(network, population)

    def kept(kind: str, found: dict[str, Any]) -> dict[str, Any]:
        for key, value in found.items():
            if np.ndim(value):
                arrays[f'{kind}_{name}_{key}'] = np.asarray(value)
        return {key: None if np.ndim(value) else float(value)
                for key, value in found.items()}

    return {'name': name, 'first': first, 'size': population.size,
            'model': model.name, 'scheme': model.scheme,
            'precision': population.precision,
            'parameters': kept('parameter', {
                row.name: values[row.name] for row in model.parameters}),
            'states': kept('state', states),
            'noise': kept('noise', {'mean': mean, 'std': std})}


def _noise(network: Network, population: Population) -> tuple[Any, Any]:
    """Return the sum of currents: mean and standard deviation a step."""
    place = network.place(population, np.arange(population.size))
    mean: Any = 0.0
    variance: Any = 0.0
    for stimulation in network.stimulations:
        if stimulation.population is not population:
            continue
        stimulus, key = stimulation.stimulus, stimulation.name
        endless = (isinstance(stimulus, ConstantCurrent | GaussianCurrent)
                   and stimulus.start == 0 and np.isinf(stimulus.stop))
        if not endless:
            raise BadValue(key, stimulus, 'a constant current or Gaussian '
                           'noise without end', 'the peers know no other')
        if isinstance(stimulus, GaussianCurrent):
            here = stimulus.values(place, key)
            mean, variance = mean + here[0], variance + here[1]**2
        elif isinstance(stimulus, ConstantCurrent):
            mean = mean + evaluate(stimulus.value, place, stimulus.name)
    return mean, np.sqrt(variance)

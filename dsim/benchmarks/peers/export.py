"""Write a network as one file that any simulator can load.

The file is a .npz of plain arrays and a page of JSON; `driver.Listed` reads
it, without dsim.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from dsim.connectivity.drawing import Drawing, Landing
from dsim.engine.layout import Layout, arrange
from dsim.errors import BadValue
from dsim.network import Network, Population
from dsim.stimuli.current import ConstantCurrent, GaussianCurrent
from dsim.values import evaluate

KINDS = {'sources': np.int32, 'targets': np.int32, 'delays': np.int32,
         'weights': np.float64}


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
        found = connections(network, layout, k, dt)
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


def connections(network: Network, layout: Layout, k: int, dt: float
                ) -> dict[str, np.ndarray]:
    """Return all connections of projection number ``k`` as arrays.

    ``sources`` and ``targets`` int64[n] are ids; ``delays`` in steps and
    ``weights``, rounded as dsim rounds them, have one number each, or one
    for all.
    """
    projection = network.projections[k]
    unit = layout.units[projection.target.name, projection.receptor]
    delays = layout.delays[k]
    (rows, columns), source = (projection.target.shape,
                               projection.source.shape)
    drawing = Drawing(
        network.pairing(projection), projection.rule, projection.weight,
        projection.delay, Landing(
            (0, rows, 0, columns), (0, source[0], 0, source[1]), 0, 0, unit,
            dt, delays.shortest, delays.longest, 0))
    parts: dict[str, list[np.ndarray]] = {name: [] for name in KINDS}
    for some in drawing.all():
        own = np.repeat(some.owners, np.diff(some.rows.pointer))
        ends = some.rows.partners, own
        for name, found in zip(
                KINDS, (*(ends if drawing.by_target else ends[::-1]),
                        some.delays, some.weights), strict=True):
            parts[name].append(np.array(found, ndmin=1))
    whole = {name: _joined(found, name in ('delays', 'weights'))
             for name, found in parts.items()}
    whole['weights'] = whole['weights']*unit
    return whole


def _joined(parts: list[np.ndarray], values: bool) -> np.ndarray:
    """Put parts together; of values that are all equal one is enough."""
    if values and parts and parts[0].size:
        one = parts[0][:1]
        if all((part == one).all() for part in parts):
            return one
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


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

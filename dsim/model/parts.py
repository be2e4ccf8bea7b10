"""The parts of a model file, one function each, added to a network."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from dsim.connectivity import Edges
from dsim.errors import lookup
from dsim.io.tree import Key, Node
from dsim.model.classes import CURRENT, WEIGHT, chosen, row
from dsim.model.keys import (
    FRAMES,
    KIND,
    POPULATION,
    PROJECTION,
    RULE,
    STIMULUS,
    VALUES,
)
from dsim.model.kinds import VALUE
from dsim.model.own import own_model
from dsim.network import Network, Population
from dsim.neurons import NEURONS
from dsim.neurons.base import Neuron


def add_population(network: Network, node: Node) -> None:
    """Add the population of a table [populations.NAME]."""
    if not isinstance(node.value, dict):
        raise node.wrong('a table: write it under [populations.NAME]')
    model = _model(node, node.take(row(POPULATION, 'model')))
    found = node.read(
        replace(key, default=next(iter(model.schemes)))
        if key.name == 'scheme' else key for key in POPULATION)
    with node['scheme'].blamed():
        lookup('scheme', found['scheme'], model.schemes)
    preset = {}
    if found['preset'] is not None:
        with node['preset'].blamed():
            preset = lookup('preset', found['preset'], model.presets)

    # A key for each row of the model's own tables
    parameters = found['parameters'].read(
        Key(row.name, VALUE, _plain(row.unit),
            preset.get(row.name, row.default), row.meaning)
        for row in model.parameters)
    states = found['initial'].read(
        Key(row.name, VALUE, _plain(row.unit), row.default, row.meaning)
        for row in model.states)
    initial = {name: value for name, value in states.items()
               if value is not None}
    with node.blamed():
        network.population(
            node.path[-1], model(scheme=found['scheme'], initial=initial,
                                 **parameters),
            found['shape'], precision=found['precision'],
            record_spikes=found['record_spikes'])


def add_projection(network: Network, node: Node) -> None:
    """Add the connections of one table [[projections]]."""
    source, = _populations(network, node, PROJECTION, 'source')
    targets = _populations(network, node, PROJECTION, 'target')
    # The file of an edge list may hold the weights and the delays
    rule = node.take(row(PROJECTION, 'rule'))
    listed = rule == Edges.name and 'file' in node
    keys = [replace(key, default=None) if listed
            and key.name in ('weight', 'delay') else key
            for key in PROJECTION]
    made, found = chosen(node, RULE, keys, _units(targets, node))
    for name in ('weight', 'delay'):
        if found[name] is None:
            found[name] = getattr(made, f'{name}s')
        if found[name] is None:
            found[name] = node.take(row(PROJECTION, name))

    with node.blamed():
        network.project(source, targets, rule=made,
                        kernel=found['kernel'], weight=found['weight'],
                        delay=found['delay'], receptor=found['receptor'],
                        storage=found['storage'])


def add_stimulus(network: Network, node: Node) -> None:
    """Add the stimulus of one table [[stimuli]]."""
    targets = _populations(network, node, STIMULUS, 'target')
    made, _ = chosen(node, KIND, STIMULUS, _units(targets, node))
    with node.blamed():
        network.stimulate(targets, made)


def add_values(network: Network, node: Node, dt: float) -> None:
    """Add what one table [[recording.values]] says to keep."""
    found = node.read(VALUES)
    population, = _populations(network, node, FRAMES, 'population')
    ids, every = found['ids'], found['every']
    if every is not None:
        if ids is not None or every < 1:
            raise node['every'].wrong('>= 1, and without ids')
        ids = np.arange(0, population.size, every)
    with node.blamed():
        network.record(population, found['variable'], ids=ids,
                       interval=found['interval'])
    check_steps(node['interval'], dt)


def add_frames(network: Network, node: Node, dt: float) -> None:
    """Add what one table [[recording.frames]] says to keep."""
    found = node.read(FRAMES)
    population, = _populations(network, node, FRAMES, 'population')
    with node.blamed():
        network.record_frames(population, found['variable'],
                              interval=found['interval'])
    check_steps(node['interval'], dt)


def check_steps(node: Node, dt: float) -> None:
    """Raise `ModelFileError` unless a time is a number of steps."""
    steps = node.number('ms')/dt
    if abs(steps - round(steps)) > 1e-6:
        raise node.wrong(f'a whole number of steps of {dt:g} ms')


def _model(node: Node, name: str) -> type[Neuron]:
    if '.py' in name:
        return own_model(node['model'])
    with node['model'].blamed():
        return lookup('neuron model', name, NEURONS)


def _populations(network: Network, node: Node, keys: Sequence[Key],
                 name: str) -> list[Population]:
    names = node.take(row(keys, name))
    with node[name].blamed():
        return [network[one] for one in
                ([names] if isinstance(names, str) else names)]


def _units(populations: Sequence[Population], node: Node
           ) -> Mapping[str, str]:
    """Return what the units of currents and of weights are here."""
    receptor = node.value.get('receptor')
    for one in populations if receptor else ():
        known = {row.name: row for row in one.model.receptors}
        with node['receptor'].blamed():
            lookup('receptor', receptor, known, one.name)

    # C dv/dt is in pA where C is in pF, v in mV and t in ms
    currents = {'pA' if any(row.unit == 'pF' for row in p.model.parameters)
                else '' for p in populations}
    weights = {_plain(row.unit) for p in populations
               for row in p.model.receptors
               if not receptor or row.name == receptor}
    return {unit: found.pop() if len(found) == 1 else ''
            for unit, found in ((CURRENT, currents), (WEIGHT, weights))}


def _plain(unit: str) -> str:
    return '' if unit == '1' else unit

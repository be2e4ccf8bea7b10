"""A checked tree from a model file to a Network and its run settings.

The tables here (`SIMULATION` ... `OUTPUT`, `ARGUMENTS`) are the single
source of checks, defaults, messages and the page of keys (`describe`).  The
keys of a rule, kernel, stimulus or distribution are the arguments of its
class.
"""

import inspect
import traceback
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dsim.connectivity import KERNELS, RULES, Edges, Kernel, Stencil
from dsim.connectivity.synapse_values import Distance, Falloff
from dsim.distributions import DISTRIBUTIONS
from dsim.errors import BadValue, InputFileError, lookup
from dsim.expression import Expression
from dsim.io import modelfile
from dsim.io.modelfile import (
    FLAG,
    NUMBER,
    REQUIRED,
    TABLE,
    TEXT,
    WHOLE,
    Key,
    Kind,
    Node,
    as_toml,
    together,
)
from dsim.network import Network, Population
from dsim.neurons import NEURONS
from dsim.neurons.base import Neuron
from dsim.stimuli import STIMULI
from dsim.values import VARIABLES

# Units that depend on the model, as the page of keys calls them
CURRENT = 'of the current'
WEIGHT = 'of the receptor'
ITS = 'of the value'


@dataclass(frozen=True)
class Settings:
    """How a model is to be run, as its file says."""

    duration: float
    dt: float
    processes: list[int] | None
    exchange: str
    folder: str
    overwrite: bool
    flush_every: float


class Model(NamedTuple):
    """A network, how to run it, and its file with all defaults as text."""

    network: Network
    settings: Settings
    resolved: str


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
        _population(network, node)
    for node in part['projections'] or ():
        _projection(network, node)
    for node in part['stimuli'] or ():
        _stimulus(network, node)
    _recordings(network, part['recording'].read(RECORDING), settings.dt)
    return Model(network, settings, as_toml(root.value))


# --- kinds of values -------------------------------------------------------

def _list_of(kind: Kind, count: int | None, words: str) -> Kind:
    return Kind(words, lambda node, unit: [
        kind.read(one, unit) for one in node.items(words, count)])


def _either(words: str, **kinds: Kind) -> Kind:
    # By the type of what is written there
    def read(node: Node, unit: str) -> Any:
        kind = kinds.get(type(node.value).__name__)
        if kind is None:
            raise node.wrong(words)
        return kind.read(node, unit)

    return Kind(words, read)


def _read_array(node: Node, unit: str) -> Any:
    if isinstance(node.value, dict):
        return _from_file(node, lambda path, dataset: _load(path, dataset))
    if isinstance(node.value, list):
        for one in node:
            _read_array(one, unit)
        try:
            return np.array(node.value)
        except ValueError:
            raise node.wrong('rows of one length') from None
    node.number(unit)
    return node.value


def _read_pixels(node: Node, unit: str) -> Any:
    if not isinstance(node.value, dict):
        return _read_array(node, unit)
    from dsim.io.images import read_image
    return _from_file(node, lambda path, dataset: read_image(path))


def _from_file(node: Node, read: Callable[[Path, str | None], Any]) -> Any:
    found = node.read(ARRAY_FILE)
    with found['file'].blamed():
        return together(lambda: read(_beside(found['file']),
                                     found['dataset']), node.origin.comm)


def _read_file(node: Node, unit: str) -> Node:
    TEXT.read(node, unit)
    return node


def _beside(node: Node) -> Path:
    return node.origin.file.parent / node.value


def _load(path: Path, dataset: str | None) -> np.ndarray:
    """Read an array: .npy, HDF5 (with the dataset's name), or text."""
    try:
        if dataset is not None:
            import h5py
            with h5py.File(path, 'r') as file:
                return file[dataset][()]
        if path.suffix == '.npy':
            return np.load(path, allow_pickle=False)
        return np.loadtxt(path, delimiter=',' if path.suffix == '.csv'
                          else None)
    except FileNotFoundError:
        raise InputFileError(f'{path}: there is no such file') from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputFileError(f'{path}: cannot be read as an array: {error}'
                             ) from None


def _read_formula(node: Node, variables: tuple[str, ...]) -> Expression:
    with node.blamed():
        try:
            return Expression(node.value, variables)
        except BadValue as error:
            raise node.wrong(error.allowed) from None


class ByDistance:
    """A function of distance d (mm), given as a formula."""

    def __init__(self, formula: Expression):
        self.formula = formula

    def __repr__(self) -> str:
        return repr(self.formula)

    def __call__(self, distance: np.ndarray) -> np.ndarray:
        values = self.formula(d=distance)
        return np.broadcast_to(values, np.shape(distance)).astype(float)


def _read_by_distance(node: Node, unit: str) -> ByDistance:
    TEXT.read(node, unit)
    return ByDistance(_read_formula(node, ('d',)))


def _read_value(node: Node, unit: str) -> Any:
    if isinstance(node.value, str) and not node.is_quantity():
        return _read_formula(node, VARIABLES)
    return _read_number_or_more(node, unit, VALUE)


def _of_synapses(form: str, first: str, cls: type) -> Kind:
    # A class of functions of distance is known by its first key
    def read(node: Node, unit: str) -> Any:
        if isinstance(node.value, str) and not node.is_quantity():
            return _read_by_distance(node, unit)
        if first in node:
            return _made(node, cls, arguments(cls), unit)
        return _read_number_or_more(node, unit, kind)

    kind = Kind('a number, a distribution such as {normal = [1, 0.1]}, a '
                f'formula of d in quotes, or {form}', read)
    return kind


def _read_number_or_more(node: Node, unit: str, kind: Kind) -> Any:
    if isinstance(node.value, list) or 'file' in node:
        return _read_array(node, unit)
    if isinstance(node.value, dict):
        return _read_distribution(node, unit, kind)
    if isinstance(node.value, bool):
        raise node.wrong(kind.words)
    return node.number(unit)


def _read_distribution(node: Node, unit: str, kind: Kind) -> Any:
    if len(node.value) != 1:
        raise node.wrong(kind.words)
    inner, = node
    with node.blamed():
        cls = lookup('distribution', inner.path[-1], DISTRIBUTIONS)
    keys = arguments(cls, {})
    if isinstance(inner.value, list):
        names = [key.name for key in keys]
        needed = sum(key.default is REQUIRED for key in keys)
        if not needed <= len(inner.value) <= len(names):
            raise inner.wrong(f'[{", ".join(names)}]')
        inner.value = dict(zip(names, inner.value, strict=False))
    return _made(inner, cls, keys, unit)


def _read_kernel(node: Node, unit: str) -> Kernel:
    if isinstance(node.value, str):
        node.value = {'name': node.value}
    if not isinstance(node.value, dict):
        raise node.wrong(_KERNEL.words)
    return _variant(node, 'name', 'kernel', KERNELS, KERNEL, {})[0]


_FILE_HINT = '{file = "..."}'
_WHOLES = _list_of(WHOLE, 2, '[rows, columns], two whole numbers')
_TEXTS = _list_of(TEXT, None, 'a list of names')
_NAMES = _either('a name or a list of names', str=TEXT, list=_TEXTS)
_TABLES = _list_of(TABLE, None, 'a list of tables, each under [[...]]')
_EXTENT = _list_of(NUMBER, 2, '[height, width]')
_FLAGS = _list_of(FLAG, 2, '[rows, columns], each true or false')
_PERIODIC = _either('true, false, or [rows, columns]', bool=FLAG,
                    list=_FLAGS)
_SHAPE = _either('[rows, columns] or a whole number', int=WHOLE, list=_WHOLES)
_FILE = Kind('a file name in quotes', _read_file)
_ARRAY = Kind(f'a list of numbers or {_FILE_HINT}', _read_array)
_PIXELS = Kind(f'rows of numbers or {_FILE_HINT}', _read_pixels)
_PROFILE = Kind('a formula of d', _read_by_distance)
_KERNEL = Kind('a table such as {name = "gaussian", sigma = 0.1}',
               _read_kernel)
VALUE = Kind('a number, a distribution such as {uniform = [0, 1]}, a formula '
             f'in quotes, a list of numbers or {_FILE_HINT}', _read_value)
WEIGHTS = _of_synapses('{amplitude = 1, kernel = {...}}', 'amplitude',
                       Falloff)
DELAYS = _of_synapses('{speed = 0.3, minimum = 1}', 'speed', Distance)


# --- the keys of a model file ----------------------------------------------

PARTS = (
    Key('simulation', TABLE, default={}),
    Key('sheet', TABLE, default={}),
    Key('populations', TABLE, meaning='what there is to simulate'),
    Key('projections', _TABLES, default=None),
    Key('stimuli', _TABLES, default=None),
    Key('recording', TABLE, default={}),
    Key('output', TABLE, default={}),
)
SIMULATION = (
    Key('duration', NUMBER, 'ms', meaning='how long to simulate'),
    Key('dt', NUMBER, 'ms', 1.0, 'time step'),
    Key('seed', WHOLE, '', 1, 'every random number is a function of it'),
    Key('processes', _WHOLES, '', None, 'the process grid; left out, the one '
        'with the least to exchange'),
    Key('exchange', TEXT, '', 'halo', 'how spikes travel between ranks'),
)
SHEET = (
    Key('extent', _EXTENT, 'mm', [1.0, 1.0], 'the piece of tissue that all '
        'populations share'),
    Key('periodic', _PERIODIC, '', False, 'whether its ends are joined'),
)
POPULATION = (
    Key('model', TEXT, meaning='a neuron model below, or '
        '"my_model.py:ClassName", a file beside this one'),
    Key('preset', TEXT, '', None, 'a set of parameters of the model'),
    Key('scheme', TEXT, '', None, 'how the model is integrated; left out, '
        'its first scheme'),
    Key('shape', _SHAPE, meaning='the grid; one number is one row'),
    Key('precision', TEXT, '', 'float64', 'of the state: float64 or float32'),
    Key('parameters', TABLE, '', {}, 'those of the model by name, each one '
        'value for all neurons or for each'),
    Key('initial', TABLE, '', {}, 'state variables at time 0, likewise'),
)
PROJECTION = (
    Key('name', TEXT, '', None, 'a name for use with --set'),
    Key('source', TEXT, meaning='the population that sends'),
    Key('target', _NAMES, meaning='the populations that receive'),
    Key('rule', TEXT, meaning='which pairs are connected: a rule below, '
        'whose keys stand beside these'),
    Key('kernel', _KERNEL, '', None, 'the spatial profile, for rules that '
        'draw by distance; left out, uniform'),
    Key('weight', WEIGHTS, WEIGHT, meaning='of each connection'),
    Key('delay', DELAYS, 'ms', 1.0, 'of each connection, rounded to steps'),
    Key('receptor', TEXT, '', None, 'input of the target model; needed if it '
        'has several'),
)
STIMULUS = (
    Key('name', TEXT, '', None, 'a name for use with --set'),
    Key('target', _NAMES, meaning='the populations that are driven'),
    Key('kind', TEXT, meaning='a stimulus below, whose keys stand beside '
        'these'),
)
KERNEL = (Key('name', TEXT, meaning='a kernel below'),)
RECORDING = (
    Key('values', _TABLES, '', None, 'state variables of some neurons'),
    Key('frames', _TABLES, '', None, 'state variables of whole grids'),
)
FRAMES = (
    Key('population', TEXT, meaning='whose'),
    Key('variable', TEXT, meaning='a state variable of its model'),
    Key('interval', NUMBER, 'ms', 1.0, 'time between two looks'),
)
VALUES = (
    *FRAMES,
    Key('ids', _ARRAY, '', None, 'which neurons, from 0'),
    Key('every', WHOLE, '', None, 'or every n-th neuron; left out, all'),
)
OUTPUT = (
    Key('folder', TEXT, '', None, 'from the folder that one is in; left out, '
        'runs/ and the name of the model file'),
    Key('overwrite', FLAG, '', False, 'whether an earlier run may be lost'),
    Key('flush_every', NUMBER, 'ms', 1000.0, 'time after which what was '
        'recorded is on disk'),
)
ARRAY_FILE = (
    Key('file', _FILE, meaning='.npy, .csv, .txt, a picture, or HDF5'),
    Key('dataset', TEXT, '', None, 'for HDF5: which array in it'),
)

_KEYS = (
    # of connection rules
    Key('degree', WHOLE, '', meaning='how many partners each neuron draws'),
    Key('self_connections', FLAG, meaning='whether a neuron may draw itself'),
    Key('multiple_contacts', FLAG, meaning='whether it may draw one twice'),
    Key('probability', NUMBER, '', meaning='of a pair where the kernel is 1'),
    # of kernels
    Key('sigma', NUMBER, 'mm', meaning='standard deviation'),
    Key('scale', NUMBER, 'mm', meaning='distance of a fall by e'),
    Key('cutoff', NUMBER, 'mm', meaning='no connection beyond it'),
    Key('inner', NUMBER, 'mm', meaning='smallest distance'),
    Key('outer', NUMBER, 'mm', meaning='largest distance'),
    Key('radius', NUMBER, 'mm', meaning='largest distance'),
    Key('height', NUMBER, 'mm', meaning='along the rows axis'),
    Key('width', NUMBER, 'mm', meaning='along the columns axis'),
    Key('function', _PROFILE, '', meaning='the profile, any scale'),
    # of weights and delays
    Key('amplitude', NUMBER, WEIGHT, meaning='weight where the kernel is 1'),
    Key('kernel', _KERNEL, '', meaning='how the weight falls'),
    Key('speed', NUMBER, 'mm/ms', meaning='the delay grows by distance/speed'),
    Key('minimum', NUMBER, 'ms', meaning='delay at distance 0'),
    # of stimuli
    Key('start', NUMBER, 'ms', meaning='when it begins'),
    Key('stop', NUMBER, 'ms', meaning='when it ends'),
    Key('value', VALUE, CURRENT, meaning='the current'),
    Key('mean', VALUE, CURRENT, meaning='of each step'),
    Key('std', VALUE, CURRENT, meaning='of each step'),
    Key('times', _ARRAY, 'ms', meaning='when'),
    Key('values', _ARRAY, CURRENT, meaning='the current from each time on'),
    Key('rate', VALUE, 'Hz', meaning='of the spikes into each neuron'),
    Key('weight', VALUE, WEIGHT, meaning='of each spike'),
    Key('receptor', TEXT, '', meaning='input of the model; "" if only one'),
    Key('ids', _ARRAY, '', meaning='the neuron of each spike, from 0'),
    Key('pixels', _PIXELS, '', meaning='from 0 to 1, over the whole sheet'),
    Key('low', NUMBER, CURRENT, meaning='current at pixels of 0'),
    Key('high', NUMBER, CURRENT, meaning='current at pixels of 1'),
)
ARGUMENTS = {key.name: key for key in _KEYS}
"""The arguments of rules, kernels and so on by name; see `arguments`."""

STENCIL = (
    Key('neighbourhood', TEXT, '', None, '"von_neumann" or "moore"'),
    Key('radius', WHOLE, '', None, 'its size in cells; left out, 1'),
    Key('mask', _ARRAY, '', None, 'or rows of factors of the weight, an odd '
        'number each way, the source in the middle'),
)
EDGES = (
    Key('file', _FILE, '', None, 'SONATA edges, or .npz; weights and delays '
        'come from it too, unless they are given here'),
    Key('population', TEXT, '', None, 'which edges, if the file has several'),
    Key('sources', _ARRAY, '', None, 'or the ids themselves, from 0'),
    Key('targets', _ARRAY, '', None, 'as many'),
)


def arguments(cls: Callable[..., Any],
              known: Mapping[str, Key] = ARGUMENTS) -> list[Key]:
    """Return the keys of a class: the arguments of its constructor.

    An argument that is not ``known`` is a number in the unit of what the
    class describes.
    """
    keys = []
    for one in inspect.signature(cls).parameters.values():
        key = known.get(one.name) or Key(one.name, NUMBER, ITS)
        keys.append(key if one.default is one.empty
                    else replace(key, default=one.default))
    return keys


# --- from the tree to the network ------------------------------------------

def _settings(part: Mapping[str, Any], stem: str) -> Settings:
    node, folder = part['simulation'], f'runs/{stem}'
    run = node.read(SIMULATION)
    if not 0 < run['dt'] < np.inf:
        raise node['dt'].wrong('a time > 0 in ms')
    if not 0 <= run['duration'] < np.inf:
        raise node['duration'].wrong('a time >= 0 in ms')
    _check_steps(node['duration'], run['dt'])
    if run['processes'] and min(run['processes']) < 1:
        raise node['processes'].wrong('[rows, columns], both >= 1')
    kept = part['output'].read(
        replace(key, default=folder) if key.name == 'folder' else key
        for key in OUTPUT)
    del run['seed']
    return Settings(**run, **kept)


def _check_steps(node: Node, dt: float) -> None:
    steps = node.number('ms')/dt
    if abs(steps - round(steps)) > 1e-6:
        raise node.wrong(f'a whole number of steps of {dt:g} ms')


def _population(network: Network, node: Node) -> None:
    if not isinstance(node.value, dict):
        raise node.wrong('a table: write it under [populations.NAME]')
    model = _model_class(node, node.take(_key(POPULATION, 'model')))
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
            found['shape'], precision=found['precision'])


def _model_class(node: Node, name: str) -> type[Neuron]:
    if '.py' in name:
        return _own_model(node['model'])
    with node['model'].blamed():
        return lookup('neuron model', name, NEURONS)


def _own_model(node: Node) -> type[Neuron]:
    """Run a Python file, read on rank 0, and return a class of it."""
    file, _, name = node.value.rpartition(':')
    if not file:
        raise node.wrong('"my_model.py:ClassName"')
    path = node.origin.file.parent / file
    with node.blamed():
        text = together(lambda: modelfile.read_text(path), node.origin.comm)
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    try:
        exec(compile(text, str(path), 'exec'), vars(module))
    except Exception as error:
        raise node.error(_where(error, path)) from error

    models = {key: value for key, value in vars(module).items()
              if isinstance(value, type) and issubclass(value, Neuron)
              and value.schemes and value.__module__ == module.__name__}
    with node.blamed():
        return lookup('neuron model', name, models, str(path))


def _where(error: Exception, path: Path) -> str:
    lines = [frame.lineno for frame in
             traceback.extract_tb(error.__traceback__)
             if frame.filename == str(path)]
    line = getattr(error, 'lineno', None) or (lines[-1] if lines else '?')
    what = getattr(error, 'msg', error)
    return f'{path}, line {line}: {type(error).__name__}: {what}'


def _projection(network: Network, node: Node) -> None:
    source, = _populations(network, node, PROJECTION, 'source')
    targets = _populations(network, node, PROJECTION, 'target')
    # The file of an edge list may hold the weights and the delays
    rule = node.take(_key(PROJECTION, 'rule'))
    listed = rule == Edges.name and 'file' in node
    keys = [replace(key, default=None) if listed
            and key.name in ('weight', 'delay') else key
            for key in PROJECTION]
    made, found = _variant(node, 'rule', 'connection rule', RULES, keys,
                           _units(targets, node))
    for name in ('weight', 'delay'):
        if found[name] is None:
            found[name] = getattr(made, f'{name}s')
        if found[name] is None:
            found[name] = node.take(_key(PROJECTION, name))

    with node.blamed():
        network.project(source, targets, rule=made,
                        kernel=found['kernel'], weight=found['weight'],
                        delay=found['delay'], receptor=found['receptor'])


def _stimulus(network: Network, node: Node) -> None:
    targets = _populations(network, node, STIMULUS, 'target')
    made, _ = _variant(node, 'kind', 'stimulus', STIMULI, STIMULUS,
                       _units(targets, node))
    with node.blamed():
        network.stimulate(targets, made)


def _recordings(network: Network, part: Mapping[str, Any], dt: float
                ) -> None:
    for node in part['values'] or ():
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
        _check_steps(node['interval'], dt)

    for node in part['frames'] or ():
        found = node.read(FRAMES)
        population, = _populations(network, node, FRAMES, 'population')
        with node.blamed():
            network.record_frames(population, found['variable'],
                                  interval=found['interval'])
        _check_steps(node['interval'], dt)


def _key(keys: Iterable[Key], name: str) -> Key:
    return next(key for key in keys if key.name == name)


def _populations(network: Network, node: Node, keys: Sequence[Key],
                 name: str) -> list[Population]:
    names = node.take(_key(keys, name))
    with node[name].blamed():
        return [network[one] for one in
                ([names] if isinstance(names, str) else names)]


def _units(populations: Sequence[Population], node: Node) -> dict[str, str]:
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


def _variant(node: Node, label: str, kind: str, table: Mapping[str, Any],
             common: Sequence[Key], units: Mapping[str, str]
             ) -> tuple[Any, dict[str, Any]]:
    """Return an entry of a table made from its keys, and all values.

    ``node[label]`` names the entry; ``common`` are the keys of all entries.
    """
    name = node.take(_key(common, label))
    with node[label].blamed():
        cls = lookup(kind, name, table)
    keys, make = SPECIAL.get(cls, (arguments(cls), cls))
    found = node.read(_in_units([*common, *keys], units))
    with node.blamed():
        return make(**{key.name: found[key.name] for key in keys}), found


def _made(node: Node, cls: Callable[..., Any], keys: Sequence[Key],
          unit: str) -> Any:
    found = node.read(_in_units(keys, {WEIGHT: unit, ITS: unit}))
    with node.blamed():
        return cls(**found)


def _in_units(keys: Sequence[Key], units: Mapping[str, str]) -> list[Key]:
    return [replace(key, unit=units.get(key.unit, key.unit)) for key in keys]


class FileEdges(Edges):
    """Edges with the weights and delays that their file has, or None."""

    def __init__(self, sources: Any, targets: Any, weights: Any,
                 delays: Any):
        super().__init__(sources, targets)
        self.weights, self.delays = weights, delays


def _edges(file: Node | None, population: str | None, sources: Any,
           targets: Any) -> Edges:
    given = [ids is not None for ids in (sources, targets)]
    if not all(given) if file is None else any(given):
        raise BadValue('rule', 'edges', 'given with a file, or with both '
                       'sources and targets')
    if file is None:
        return Edges(sources, targets)

    from dsim.io.sonata.edges import read_edges
    with file.blamed():
        found = together(lambda: read_edges(_beside(file), population),
                         file.origin.comm)
    return FileEdges(found.sources, found.targets, found.weights,
                     found.delays)


def _stencil(neighbourhood: str | None, radius: int | None,
             mask: Any) -> Stencil:
    if (mask is None) == (neighbourhood is None):
        raise BadValue('rule', 'stencil', 'given with a mask or a '
                       'neighbourhood')
    if mask is not None and radius is not None:
        raise BadValue('radius', radius, 'left out with a mask')
    if mask is not None:
        return Stencil(mask)
    return lookup('neighbourhood', neighbourhood, NEIGHBOURHOODS)(
        1 if radius is None else radius)


NEIGHBOURHOODS = {'von_neumann': Stencil.von_neumann,
                  'moore': Stencil.moore}
SPECIAL: dict[type, tuple[Sequence[Key], Callable[..., Any]]] = {
    Edges: (EDGES, _edges), Stencil: (STENCIL, _stencil)}
"""Rules with other keys than their constructor's."""


# --- the page of keys ------------------------------------------------------

def describe() -> str:
    """Return all keys of a model file as a page in Markdown."""
    parts = [_section(title, keys) for title, keys in SECTIONS]
    for title, label, table in ROOMS:
        parts.append(f'## {title}\n')
        for name, cls in sorted(table.items()):
            keys = SPECIAL.get(cls, (None,))[0]
            if keys is None:
                keys = arguments(cls, {} if table is DISTRIBUTIONS
                                 else ARGUMENTS)
            parts.append(f'### `{label.format(name)}`\n\n{_summary(cls)}\n'
                         + ('\n' + _rows(keys) if keys else ''))
    parts.append('## Neuron models\n')
    for name, model in NEURONS.items():
        parts.append(f'### `model = "{name}"`\n\n{_summary(model)}\n\n'
                     + _model_lines(model))
    return '\n'.join(parts)


def _section(title: str, keys: Sequence[Key]) -> str:
    return f'## `{title}`\n\n{_rows(keys)}'


def _rows(keys: Sequence[Key]) -> str:
    lines = ['| key | value | unit | default | meaning |',
             '|---|---|---|---|---|']
    for key in keys:
        default = ('required' if key.default is REQUIRED else
                   '' if key.default is None else
                   f'`{modelfile.inline(key.default)}`')
        cells = (f'`{key.name}`', LINKS.get(key.kind, key.kind.words),
                 key.unit, default, key.meaning)
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


def _summary(cls: type) -> str:
    first = (inspect.getdoc(cls) or '').partition('\n\n')[0]
    return first.replace('\n', ' ')


def _model_lines(model: type[Neuron]) -> str:
    rows: dict[str, Iterable[str]] = {
        'presets': model.presets, 'schemes': model.schemes,
        'parameters': [p.name for p in model.parameters],
        'state variables': [s.name for s in model.states],
        'receptors': [r.name for r in model.receptors]}
    return ''.join(f'* {what}: ' + ', '.join(f'`{n}`' for n in names) + '\n'
                   for what, names in rows.items() if names)


LINKS = {VALUE: '[a value for each neuron](#values-for-each-neuron)',
         WEIGHTS: '[a weight](#weights-and-delays)',
         DELAYS: '[a delay](#weights-and-delays)'}
SECTIONS = (
    ('[simulation]', SIMULATION), ('[sheet]', SHEET),
    ('[populations.NAME]', POPULATION), ('[[projections]]', PROJECTION),
    ('[[stimuli]]', STIMULUS), ('[[recording.values]]', VALUES),
    ('[[recording.frames]]', FRAMES), ('[output]', OUTPUT),
)
ROOMS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ('Connection rules', 'rule = "{}"', RULES),
    ('Kernels', 'kernel = {{name = "{}", ...}}', KERNELS),
    ('Distributions', '{{{} = [...]}}', DISTRIBUTIONS),
    ('Stimuli', 'kind = "{}"', STIMULI),
)

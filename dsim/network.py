"""Population, Projection, Network: what is simulated.

A description knows no rank, no file and no clock; it can be asked by any
rank in any order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dsim.connectivity import (
    Edges,
    Kernel,
    Rule,
    Uniform,
    procedural,
    synapse_values,
)
from dsim.connectivity.base import Pairing
from dsim.errors import BadValue, UnknownName
from dsim.neurons.base import Neuron
from dsim.space import Shape, Sheet
from dsim.stimuli.base import Stimulus
from dsim.values import Place, evaluate

STORAGE = 'auto', 'stored', 'procedural'
"""How connections are held: in a table, or drawn anew at each spike."""


@dataclass(eq=False)
class Population:
    """Neurons of one model on a grid of ``shape`` (rows, columns)."""

    name: str
    model: Neuron
    shape: Shape
    precision: str = 'float64'
    record_spikes: bool = True

    @property
    def size(self) -> int:
        """The number of neurons."""
        return self.shape[0]*self.shape[1]


@dataclass(eq=False)
class Projection:
    """Connections from one population to another by one rule.

    ``name`` addresses its random draws: source, target, and a number where
    two projections join the same populations.  ``storage`` is one of
    `STORAGE`.
    """

    name: str
    source: Population
    target: Population
    rule: Rule
    kernel: Kernel
    weight: Any
    delay: Any
    receptor: str
    storage: str = 'auto'


@dataclass(eq=False)
class Stimulation:
    """One stimulus to one population; ``name`` addresses its draws."""

    name: str
    population: Population
    stimulus: Stimulus


@dataclass(eq=False)
class Recording:
    """A state variable to be kept, of chosen neurons or the whole grid.

    ``kind`` is 'values' (of ``ids``) or 'frames'; ``interval`` in ms.
    """

    kind: str
    name: str
    population: Population
    variable: str
    interval: float
    ids: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


class Network:
    """A model: populations on one sheet, projections, stimuli, recordings.

    Parameters
    ----------
    seed
        Every random number of the model is a function of it.
    extent
        (height, width) of the sheet in mm.
    periodic
        Whether the sheet's ends are joined: one answer, or one for each of
        (rows, columns).
    """

    def __init__(self, seed: int = 1,
                 extent: tuple[float, float] = (1.0, 1.0),
                 periodic: bool | tuple[bool, bool] = False):
        if (isinstance(seed, bool) or not isinstance(seed, int | np.integer)
                or not 0 <= seed < 2**64):
            raise BadValue('seed', seed, 'a whole number from 0 to 2**64 - 1')
        joined = (periodic,)*2 if isinstance(periodic, bool) else periodic
        self.seed = int(seed)
        self.sheet = Sheet((float(extent[0]), float(extent[1])),
                           (bool(joined[0]), bool(joined[1])))
        self.populations: dict[str, Population] = {}
        self.projections: list[Projection] = []
        self.stimulations: list[Stimulation] = []
        self.recordings: list[Recording] = []

    def population(self, name: str, model: Neuron | type[Neuron],
                   shape: int | Sequence[int], *,
                   precision: str = 'float64',
                   record_spikes: bool = True) -> Population:
        """Add a population and return it.

        ``shape`` is (rows, columns), or a number of neurons for one row.
        ``precision`` is that of the state: 'float64' or 'float32'.  Its
        spikes are kept if ``record_spikes``, counted in any case.
        """
        if not isinstance(name, str) or not name.isidentifier():
            raise BadValue('population', name, 'a name of letters, digits '
                           'and _ that does not begin with a digit')
        if name in self.populations:
            raise BadValue('population', name, 'a name not yet taken')
        if isinstance(model, type) and issubclass(model, Neuron):
            model = model()
        if not isinstance(model, Neuron):
            raise BadValue(f'{name}.model', model, 'a neuron model')
        if precision not in ('float64', 'float32'):
            raise BadValue(f'{name}.precision', precision,
                           "'float64' or 'float32'")
        if not isinstance(record_spikes, bool | np.bool_):
            raise BadValue(f'{name}.record_spikes', record_spikes,
                           'True or False')

        made = Population(name, model, grid(shape, f'{name}.shape'),
                          precision, bool(record_spikes))
        self._check_values(made)
        self.populations[name] = made
        return made

    def project(self, source: Population | str,
                target: 'Population | str | Iterable[Population | str]', *,
                rule: Rule, weight: Any, delay: Any = 1.0,
                kernel: Kernel | None = None,
                receptor: str | None = None,
                storage: str = 'auto') -> list[Projection]:
        """Connect ``source`` to each ``target`` and return the projections.

        Parameters
        ----------
        rule
            Which pairs: `FixedIndegree`, `PairwiseBernoulli`, `Stencil`, ...
        weight
            In the unit of the receptor: a number, a distribution, a function
            of distance in mm, or an array with `Edges`.
        delay
            In ms, likewise; rounded to steps when a run is built.
        kernel
            The spatial profile for rules that draw by distance.
        receptor
            Which input of the target model; needed if it has several.
        storage
            'stored': in a table; 'procedural': drawn anew at each spike, for
            no memory but more time, by rules that draw for the source;
            'auto': the first as long as it fits the memory.  The network
            is the same.
        """
        return [self._projection(self[source], self[one], rule, weight,
                                 delay, kernel, receptor, storage)
                for one in each(target)]

    def stimulate(self, target: 'Population | str | Iterable[Population|str]',
                  stimulus: Stimulus) -> list[Stimulation]:
        """Drive each ``target`` with ``stimulus``."""
        made = []
        for one in each(target):
            population = self[one]
            if not isinstance(stimulus, Stimulus):
                raise BadValue(f'stimulus of {population.name}', stimulus,
                               'a stimulus such as dsim.ConstantCurrent(5)')
            stimulus.check(population.model.receptors,
                           self.place(population, np.zeros(1, np.int64)))
            name = _numbered(f'{stimulus.name}->{population.name}',
                             [s.name for s in self.stimulations])
            made.append(Stimulation(name, population, stimulus))
            self.stimulations.append(made[-1])
        return made

    def record(self, target: Population | str, variable: str, *,
               ids: Any = None, interval: float = 1.0) -> Recording:
        """Keep ``variable`` of the neurons ``ids`` (all if None).

        In order of id, each once, however they are given.
        """
        population = self[target]
        if ids is None:
            ids = np.arange(population.size)
        chosen = np.asarray(ids)
        where = f'recording of {population.name}'
        if (chosen.ndim != 1 or chosen.size == 0
                or chosen.dtype.kind not in 'iu'):
            raise BadValue(f'{where}: ids', ids, 'a list of neuron ids')
        if chosen.min() < 0 or chosen.max() >= population.size:
            raise BadValue(f'{where}: ids', ids,
                           f'from 0 to {population.size - 1}')
        return self._recording('values', population, variable, interval,
                               np.unique(chosen).astype(np.int64))

    def record_frames(self, target: Population | str, variable: str, *,
                      interval: float = 1.0) -> Recording:
        """Keep ``variable`` of the whole grid, as one frame an interval."""
        return self._recording('frames', self[target], variable, interval,
                               np.zeros(0, dtype=np.int64))

    def __getitem__(self, name: Population | str) -> Population:
        key = name.name if isinstance(name, Population) else name
        if key not in self.populations:
            raise UnknownName('population', key, self.populations)
        found = self.populations[key]
        if isinstance(name, Population) and found is not name:
            raise BadValue('population', key, 'one of this network')
        return found

    def place(self, population: Population, ids: np.ndarray) -> Place:
        """Return where values of the neurons ``ids`` are to be evaluated."""
        return Place(ids, population.shape, self.sheet, self.seed,
                     population.name)

    def pairing(self, projection: Projection) -> Pairing:
        """Return what a connection rule needs to know of a projection."""
        return Pairing(
            projection.name, self.seed, self.sheet, projection.source.shape,
            projection.target.shape, projection.source is projection.target,
            projection.kernel)

    def describe(self) -> str:
        """Return the whole network in words, a line for each part."""
        lines = [f'network: seed {self.seed}, {self.sheet}']
        lines += [f'population {p.name}: {p.model!r}, shape {p.shape}, '
                  f'{p.precision}' for p in self.populations.values()]
        lines += [f'projection {p.name}: {p.rule!r}, {p.kernel!r}, weight '
                  f'{p.weight!r}, delay {p.delay!r}, receptor {p.receptor}'
                  for p in self.projections]
        lines += [f'stimulus {s.name}: {s.stimulus!r}'
                  for s in self.stimulations]
        lines += [f'{r.kind} {r.name}: every {r.interval} ms'
                  for r in self.recordings]
        return '\n'.join(lines)

    def _check_values(self, population: Population) -> None:
        # One neuron shows a wrong kind or shape of value before any rank
        # allocates anything
        first = self.place(population, np.zeros(1, dtype=np.int64))
        model = population.model
        values: Mapping[str, Any] = {**model.settings, **model.initial}
        for name, value in values.items():
            evaluate(value, first, f'{population.name}.{name}')

    def _projection(self, source: Population, target: Population, rule: Rule,
                    weight: Any, delay: Any, kernel: Kernel | None,
                    receptor: str | None, storage: str) -> Projection:
        name = _numbered(f'{source.name}->{target.name}',
                         [p.name for p in self.projections])
        if not isinstance(rule, Rule):
            raise BadValue(f'{name}: rule', rule,
                           'a connection rule such as dsim.OneToOne()')
        if kernel is not None and not isinstance(kernel, Kernel):
            raise BadValue(f'{name}: kernel', kernel,
                           'a kernel such as dsim.Gaussian(sigma=0.1)')
        if kernel is not None and not rule.spatial:
            raise BadValue(f'{name}: kernel', kernel,
                           f'left out with the rule {rule.name}')
        confirm_storage(storage, rule, name)
        count = rule.sources.size if isinstance(rule, Edges) else None
        synapse_values.check(weight, f'{name}: weight', count)
        synapse_values.check(delay, f'{name}: delay', count)

        made = Projection(
            name, source, target, rule, kernel or Uniform(), weight, delay,
            _receptor(target, receptor, name), storage)
        rule.check(self.pairing(made))
        self.projections.append(made)
        return made

    def _recording(self, kind: str, population: Population, variable: str,
                   interval: float, ids: np.ndarray) -> Recording:
        known = [state.name for state in population.model.states]
        if variable not in known:
            raise UnknownName('state variable', variable, known,
                              f'recording of {population.name}')
        if not isinstance(interval, int | float) or not interval > 0:
            raise BadValue(f'recording of {population.name}: interval',
                           interval, 'a time > 0 in ms')
        name = f'{population.name}_{variable}'
        if any(r.kind == kind and r.name == name for r in self.recordings):
            raise BadValue(f'recording of {population.name}', variable,
                           f'recorded once as {kind}')
        made = Recording(kind, name, population, variable, float(interval),
                         ids)
        self.recordings.append(made)
        return made


def confirm_storage(storage: str, rule: Rule, name: str) -> None:
    """Raise a `DsimError` unless a rule's connections can be held so.

    ``name`` is the projection's.
    """
    if storage not in STORAGE:
        raise UnknownName('storage', storage, STORAGE, name)
    if storage == 'procedural' and not procedural.can(rule):
        raise BadValue(
            f'{name}: storage', storage, "'stored' or 'auto' with the rule "
            f'{rule.name}', 'only rules that draw for the source of a '
            'connection, such as fixed_outdegree, can be drawn anew at a '
            'spike')


def each(targets: 'Population | str | Iterable[Population | str]'
         ) -> list[Population | str]:
    """Return one target or many as a list."""
    if isinstance(targets, Population | str):
        return [targets]
    return list(targets)


def grid(shape: int | Sequence[int], key: str) -> Shape:
    """Return ``shape`` as (rows, columns); a number is one row."""
    sides = [1, shape] if isinstance(shape, int | np.integer) else shape
    whole = isinstance(sides, Sequence | np.ndarray) and len(sides) == 2
    if not whole or not all(isinstance(s, int | np.integer)
                            and not isinstance(s, bool) and s > 0
                            for s in sides):
        raise BadValue(key, shape, '[rows, columns] or a number of neurons, '
                       'whole and > 0')
    if int(sides[0])*int(sides[1]) >= 2**40:
        raise BadValue(key, shape, 'fewer than 2**40 neurons')
    return int(sides[0]), int(sides[1])


def _numbered(name: str, taken: Sequence[str]) -> str:
    count = sum(t == name or t.startswith(f'{name}#') for t in taken)
    return f'{name}#{count + 1}' if count else name


def _receptor(target: Population, receptor: str | None, name: str) -> str:
    known = [r.name for r in target.model.receptors]
    if receptor is None and len(known) == 1:
        return known[0]
    if receptor is None:
        raise BadValue(f'{name}: receptor', receptor,
                       f'one of {", ".join(known)}' if known else
                       f'left out: {target.model.name} takes no spikes')
    if receptor not in known:
        raise UnknownName('receptor', receptor, known, name)
    return receptor

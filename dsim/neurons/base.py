"""Neuron: what every model declares and what its compiled step promises.

A model is a class with tables and one step.  This is a complete one::

    class Leaky(Neuron):
        states = (State('v', 0.0, 'mV', 'membrane potential'),)
        parameters = (Parameter('tau', 10.0, 'ms', 'decay', above=0.0),)
        receptors = (Receptor('input', 'mV', 'added to v'),)

        def advance(v, current, input, tau, dt, fired):
            for t in range(current.shape[0]):
                for i in range(v.size):
                    v[i] += dt*(current[t, i] - v[i])/tau[i] + input[t, i]
                    fired[t, i] = v[i] >= 1.0
                    v[i] = 0.0 if fired[t, i] else v[i]
"""

import inspect
import re
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from dsim.compiled import compiled
from dsim.declare import Parameter, Receptor, State, Table
from dsim.errors import BadValue, UnknownName

Values = Mapping[str, Any]
Step = Callable[..., None]

# Words that stand for something else in the signature of a step or of a
# model's constructor
RESERVED = ('current', 'dt', 'fired', 'scheme', 'initial')


class Neuron:
    """A model of single neurons: tables, and a compiled step.

    A subclass declares ``states``, ``parameters`` and ``receptors``, and
    either ``advance`` or ``schemes`` (name -> step; the first one is the
    default).  A step takes, in this order (`arguments`),

    * each state: float64[n] or float32[n], updated in place,
    * ``current``: [T, n], what stimuli add in each of T time steps,
    * each receptor: [T, n], the weights that arrive in that step, summed,
    * each parameter: a number, or an array [n]; ``tau[i]`` reads both,
    * ``dt``: the time step in ms,
    * ``fired``: uint8[T, n], to be set to 1 where a spike leaves, else 0.

    What a neuron does may depend on nothing else, and not on n or on how T
    steps are cut into calls.  A step in plain Python is compiled here.
    """

    name: ClassVar[str] = ''
    states: ClassVar[tuple[State, ...]] = ()
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    receptors: ClassVar[tuple[Receptor, ...]] = ()
    schemes: ClassVar[dict[str, Step]] = {}

    #: Preset name -> parameter name -> number
    presets: ClassVar[dict[str, dict[str, float]]] = {}

    #: State name -> function of the values of all parameters and of the
    #: states declared before it; for states whose default is None
    starts: ClassVar[dict[str, Callable[[Values], Any]]] = {}

    #: Pairs of parameters of which the first must be below the second
    ordered: ClassVar[tuple[tuple[str, str], ...]] = ()

    advance: Step

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Check the tables against the steps, and make the presets."""
        super().__init_subclass__(**keywords)
        if 'name' not in vars(cls):
            cls.name = _dashed(cls.__name__)

        for table in ('states', 'parameters', 'receptors'):
            rows = getattr(cls, table)
            # A single row in brackets without a comma is not a tuple yet
            setattr(cls, table, (rows,) if hasattr(rows, 'meaning')
                    else tuple(rows))
        _check_tables(cls)
        cls.schemes = _schemes(cls)
        for step in cls.schemes.values():
            _check_signature(cls, step)
        if cls.schemes:
            cls.advance = staticmethod(next(iter(cls.schemes.values())))
        for preset in vars(cls).get('presets', {}):
            setattr(cls, preset, _preset_method(preset))

    def __init__(self, *, scheme: str | None = None,
                 initial: Values | None = None, **settings: Any):
        """Keep what differs from the defaults, and check plain numbers.

        ``settings`` gives parameters and ``initial`` states: a number, or
        anything that becomes one number a neuron later (a distribution, an
        array, a function).  ``scheme`` picks one of ``schemes``.

        Raises
        ------
        UnknownName
            If there is no such parameter, state or scheme.
        BadValue
            If a number is out of its range.
        """
        if not self.schemes:
            raise TypeError(f'{type(self).__name__} has no step: write its '
                            f'advance, or use one of its subclasses')
        self.scheme = scheme or next(iter(self.schemes))
        if self.scheme not in self.schemes:
            raise UnknownName('scheme', scheme, self.schemes, self.name)
        self.advance = self.schemes[self.scheme]

        self.settings = dict(settings)
        self.initial = dict(initial or {})
        states = Table('state', self.name, self.states)
        for name in self.initial:
            states[name]
        self.check({**self.parameter_values(), **self.initial})

    def __repr__(self) -> str:
        words = [f'{key}={value!r}' for key, value in self.settings.items()]
        if self.initial:
            words.append(f'initial={self.initial!r}')
        if self.scheme != next(iter(self.schemes)):
            words.append(f'scheme={self.scheme!r}')
        return f'{type(self).__name__}({", ".join(words)})'

    @classmethod
    def preset(cls, preset: str, /, **overrides: Any) -> Self:
        """Return a neuron with the parameters of ``preset``.

        ``overrides`` are the arguments of the constructor.  Raises
        `UnknownName` if there is no such preset.
        """
        if preset not in cls.presets:
            raise UnknownName('preset', preset, cls.presets, cls.name)
        return cls(**{**cls.presets[preset], **overrides})

    @classmethod
    def arguments(cls) -> list[str]:
        """Return the names of what a step takes, in order."""
        return [*_names(cls.states), 'current', *_names(cls.receptors),
                *_names(cls.parameters), 'dt', 'fired']

    @classmethod
    def check(cls, values: Values) -> None:
        """Raise `BadValue` if a parameter or a state may not be so.

        ``values`` are by name, of all neurons or of some.  Numbers and
        arrays are checked; what is neither is left for later.
        """
        parameters = Table('parameter', cls.name, cls.parameters)
        states = _names(cls.states)
        for name, value in values.items():
            limits = _limits(f'{cls.name}.{name}', value)
            if name not in states:
                row = parameters[name]
                if limits:
                    row.check(*limits, f'{cls.name}.')

        for below, above in cls.ordered:
            pair = [values.get(name) for name in (below, above)]
            if all(_is_numeric(value) for value in pair):
                _check_order(cls, below, above, *pair)

    def parameter_values(self) -> dict[str, Any]:
        """Return all parameters by name: as set, else by default."""
        rows = Table('parameter', self.name, self.parameters)
        for name in self.settings:
            rows[name]
        return {row.name: self.settings.get(row.name, row.default)
                for row in rows}

    def start(self, values: Values) -> dict[str, Any]:
        """Return the states at time 0 by name.

        ``values`` are all parameters, and those states that ``initial``
        gives: numbers, or arrays of one length.  The other states are at
        their defaults, or follow from ``starts``.
        """
        known = dict(values)
        for state in self.states:
            if state.name not in known:
                rule = self.starts.get(state.name)
                known[state.name] = rule(known) if rule else state.default
        return {state.name: known[state.name] for state in self.states}


class Trace(NamedTuple):
    """What unconnected neurons did: one row for each time step."""

    t: np.ndarray
    states: dict[str, np.ndarray]
    fired: np.ndarray
    dt: float

    def spikes(self, i: int = 0) -> np.ndarray:
        """Return the times of the spikes of neuron ``i``, in ms."""
        return self.t[self.fired[:, i] != 0]


def trace(neuron: Neuron, current: Any, dt: float, dtype: Any = np.float64,
          **inputs: Any) -> Trace:
    """Follow neurons that nothing connects, step by step.

    ``current`` ([steps] for one neuron, or [steps, n]) and the ``inputs``
    by receptor ([steps, n], or a number) act in their own step.  Parameters
    and initial states are numbers or arrays [n].  States are as they are at
    the end of each step, which is ``Trace.t``, in ms.
    """
    current = np.array(current, dtype)
    current = current.reshape(current.shape[0], -1)
    steps, n = current.shape
    fed = {name: np.zeros((steps, n), dtype)
           for name in _names(neuron.receptors)}
    for name, weights in inputs.items():
        Table('receptor', neuron.name, neuron.receptors)[name]
        fed[name][:] = weights

    values = {name: np.asarray(value, dtype) if np.ndim(value) else
              float(value) for name, value
              in neuron.parameter_values().items()}
    now = {name: np.full(n, value, dtype) for name, value
           in neuron.start({**values, **neuron.initial}).items()}
    fired = np.zeros((steps, n), np.uint8)
    kept = {name: np.empty((steps, n), dtype) for name in now}
    for k in range(steps):
        here = slice(k, k + 1)
        neuron.advance(
            *now.values(), current[here],
            *(weights[here] for weights in fed.values()),
            *values.values(), dt, fired[here])
        for name, state in now.items():
            kept[name][k] = state
    return Trace(dt*np.arange(1, steps + 1), kept, fired, dt)


def _names(rows: tuple[Any, ...]) -> list[str]:
    return [row.name for row in rows]


def _dashed(name: str) -> str:
    # MyNeuron -> my-neuron
    return re.sub(r'(?<=[a-z0-9])(?=[A-Z])', '-', name).lower()


def _schemes(cls: type[Neuron]) -> dict[str, Step]:
    own = vars(cls)
    if 'advance' in own and 'schemes' in own:
        raise TypeError(f'{cls.__name__} has both advance and schemes: '
                        f'write one of them')
    given = own.get('schemes', cls.schemes)
    if 'advance' in own:
        given = {'advance': own['advance']}
    return {name: _machine_code(step) for name, step in given.items()}


def _machine_code(step: Any) -> Step:
    plain = step.__func__ if isinstance(step, staticmethod) else step
    return plain if hasattr(plain, 'py_func') else compiled(plain)


def _check_signature(cls: type[Neuron], step: Any) -> None:
    takes = list(inspect.signature(step.py_func).parameters)
    if takes != cls.arguments():
        raise TypeError(
            f'{cls.__name__}.{step.py_func.__name__} takes {takes}, '
            f'its tables promise {cls.arguments()}')


def _check_tables(cls: type[Neuron]) -> None:
    names = _names(cls.states + cls.receptors + cls.parameters)
    for name in names:
        if names.count(name) > 1 or name in RESERVED:
            raise TypeError(f'{cls.__name__} has two meanings for {name!r}')

    known = {
        'starts': (cls.starts, _names(cls.states)),
        'ordered': (sum(cls.ordered, ()), _names(cls.parameters)),
        **{f'presets[{preset!r}]': (numbers, _names(cls.parameters))
           for preset, numbers in cls.presets.items()},
    }
    for table, (used, there) in known.items():
        for name in used:
            if name not in there:
                raise TypeError(f'{cls.__name__}.{table} speaks of {name!r}, '
                                f'which its tables do not have')
    for preset in vars(cls).get('presets', {}):
        if hasattr(Neuron, preset):
            raise TypeError(f'{cls.__name__}: no preset may be called '
                            f'{preset!r}, every neuron has another one')
    for state in cls.states:
        if state.default is None and state.name not in cls.starts:
            raise TypeError(f'{cls.__name__}: state {state.name!r} needs a '
                            f'default, or a function in starts')


def _preset_method(preset: str) -> Any:
    def make(cls: type[Neuron], **overrides: Any) -> Neuron:
        return cls.preset(preset, **overrides)

    make.__name__ = preset
    make.__doc__ = f'Return a neuron with the preset {preset!r}.'
    return classmethod(make)


def _is_numeric(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in 'iuf' and value.size > 0
    return isinstance(value, Real) and not isinstance(value, bool)


def _limits(key: str, value: Any) -> tuple[float, float] | None:
    # Smallest and largest of a number or of an array, None for the rest
    if value is None or isinstance(value, bool):
        raise BadValue(key, value, 'a number')
    if not _is_numeric(value):
        return None
    wrong = np.extract(~np.isfinite(value), value)
    if wrong.size:
        raise BadValue(key, float(wrong[0]), 'a finite number')
    return float(np.min(value)), float(np.max(value))


def _check_order(cls: type[Neuron], below: str, above: str,
                 low: Any, high: Any) -> None:
    wrong = ~np.atleast_1d(np.less(low, high))
    if wrong.any():
        i = int(np.argmax(wrong))
        shown = [float(np.broadcast_to(values, wrong.shape)[i])
                 for values in (low, high)]
        raise BadValue(f'{cls.name}.{below}', shown[0],
                       f'< {above} (here {shown[1]:g})')

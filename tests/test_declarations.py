"""Every model of NEURONS: complete tables, and bits that depend on no cut."""

import inspect

import numpy as np
import pytest

from dsim.declare import Parameter, State
from dsim.neurons import NEURONS
from dsim.neurons.base import Neuron

MODELS = list(NEURONS.values())
SCHEMES = [(model, scheme) for model in MODELS for scheme in model.schemes]
ROWS = [(model, row) for model in MODELS
        for row in model.states + model.parameters + model.receptors]


def show(value):
    return getattr(value, 'name', None)


@pytest.mark.parametrize('model, row', ROWS, ids=show)
def test_unit_and_meaning_are_present(model, row):
    assert row.unit.strip() and row.meaning.strip()
    assert row.name.isidentifier()


@pytest.mark.parametrize('model', MODELS, ids=show)
def test_defaults_and_presets_are_allowed(model):
    model()
    for preset in model.presets:
        assert isinstance(getattr(model, preset)(), model)


@pytest.mark.parametrize('name', NEURONS)
def test_a_model_stands_under_its_name_and_says_what_it_is(name):
    assert NEURONS[name].name == name
    assert NEURONS[name].__doc__.strip()


@pytest.mark.parametrize('model, scheme', SCHEMES, ids=show)
def test_signature_is_that_of_the_tables(model, scheme):
    step = model.schemes[scheme].py_func
    names = [row.name for row in model.states]
    names += ['current', *(row.name for row in model.receptors)]
    names += [*(row.name for row in model.parameters), 'dt', 'fired']
    assert list(inspect.signature(step).parameters) == names
    assert model.arguments() == names


class Population:
    """n neurons with states, input and parameters that all differ."""

    def __init__(self, model, scheme, n, steps, dtype, arrays, dt=0.5):
        random = np.random.default_rng(1)
        self.neuron, self.dt = model(scheme=scheme), dt
        self.values = dict(self.neuron.parameter_values())
        self.states = {
            name: np.full(n, value, dtype) for name, value
            in self.neuron.start(self.values).items()}
        self.states['v'] += random.uniform(0, 12, n).astype(dtype)
        if arrays:
            self.values = {
                name: (value*random.uniform(0.99, 1.01, n)).astype(dtype)
                for name, value in self.values.items()}

        # Slopes of v in mV/ms, or picoamperes
        units = [row.unit for row in model.receptors]
        strong = 3000.0 if {'pA', 'nS'} & set(units) else 15.0
        self.current = random.uniform(0, strong, (steps, n))
        self.inputs = [random.uniform(0, 3, (steps, n)) for _ in units]

    def advance(self, steps, neurons):
        """Return states, by rows, and spikes of some after some steps."""
        now = [state[neurons].copy() for state in self.states.values()]
        fired = np.full(self.current.shape, 7, np.uint8)[:, neurons].copy()
        values = [value[neurons].copy() if np.ndim(value) else value
                  for value in self.values.values()]
        for some in steps:
            self.neuron.advance(
                *now, self.current[some, neurons].copy(),
                *(rows[some, neurons].copy() for rows in self.inputs),
                *values, self.dt, fired[some])
        return np.array(now), fired


KINDS = [(np.float64, False), (np.float64, True), (np.float32, False)]


@pytest.mark.parametrize('dtype, arrays', KINDS, ids=lambda kind: str(kind))
@pytest.mark.parametrize('model, scheme', SCHEMES, ids=show)
def test_same_bits_however_cut(model, scheme, dtype, arrays):
    everyone, at_once = slice(None), [slice(0, 40)]
    for n, first in ((37, 20), (301, 123), (1, 0)):
        some = Population(model, scheme, n, 40, dtype, arrays)
        states, fired = some.advance(at_once, everyone)
        assert np.isfinite(states).all()
        assert set(np.unique(fired)) <= {0, 1}
        if n > 100:
            assert fired.any()

        parts = [some.advance(at_once, part) for part in
                 (slice(first), slice(first, n))]
        np.testing.assert_array_equal(
            np.concatenate([part[0] for part in parts], axis=1), states)
        np.testing.assert_array_equal(
            np.concatenate([part[1] for part in parts], axis=1), fired)

        for cuts in (range(40), range(0, 40, 8), [0, 3, 39]):
            bounds = [*cuts, 40]
            steps = [slice(*pair) for pair in
                     zip(bounds[:-1], bounds[1:], strict=True)]
            now, then = some.advance(steps, everyone)
            np.testing.assert_array_equal(now, states)
            np.testing.assert_array_equal(then, fired)


@pytest.mark.parametrize('model, scheme', SCHEMES, ids=show)
def test_numbers_and_equal_arrays_are_the_same(model, scheme):
    alike = Population(model, scheme, 37, 40, np.float64, False)
    states, fired = alike.advance([slice(0, 40)], slice(None))
    alike.values = {name: np.full(37, value)
                    for name, value in alike.values.items()}
    now, then = alike.advance([slice(0, 40)], slice(None))
    np.testing.assert_array_equal(now, states)
    np.testing.assert_array_equal(then, fired)


def forgetful(v, current, gain, dt, fired):
    # Wrong on purpose: a sum over all neurons and all steps of a call
    total = 0.0
    for t in range(current.shape[0]):
        for i in range(v.size):
            total += current[t, i]
            v[i] += gain[i]*dt*total
            fired[t, i] = v[i] > 0.0


def test_that_the_comparison_can_fail():
    model = type('Forgetful', (Neuron,), {
        'states': (State('v', -65.0, 'mV', 'membrane potential'),),
        'parameters': (Parameter('gain', 1.0, '1', 'gain'),),
        'advance': forgetful})
    with pytest.raises(AssertionError, match='not equal'):
        test_same_bits_however_cut(model, 'advance', np.float64, False)

"""What the base class promises to models, and to the people who write them."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from dsim.declare import Parameter, Receptor, State
from dsim.errors import BadValue, UnknownName
from dsim.neurons import base
from dsim.neurons.base import Neuron, trace
from dsim.neurons.izhikevich import Izhikevich
from dsim.neurons.lif import LIF

ROOT = Path(__file__).resolve().parent.parent

V = State('v', 0.0, 'mV', 'membrane potential')
TAU = Parameter('tau', 10.0, 'ms', 'decay', above=0.0)
INPUT = Receptor('input', 'mV', 'added to v')


def leak(v, current, input, tau, dt, fired):
    for t in range(current.shape[0]):
        for i in range(v.size):
            v[i] += dt*(current[t, i] - v[i])/tau[i] + input[t, i]
            fired[t, i] = v[i] >= 1.0
            v[i] = 0.0 if fired[t, i] else v[i]


def declare(**words):
    """Make a model class called MyLeaky with some words of its body."""
    body = {'states': (V,), 'parameters': (TAU,), 'receptors': (INPUT,)}
    if 'schemes' not in words:
        body['advance'] = leak
    return type('MyLeaky', (Neuron,), {**body, **words})


def test_the_model_in_the_docstring_runs():
    code = base.__doc__.split('::\n\n', 1)[1]
    names = {'Neuron': Neuron, 'State': State, 'Parameter': Parameter,
             'Receptor': Receptor}
    exec(textwrap.dedent(code), names)
    model = names['Leaky']
    done = trace(model(tau=20.0), np.full(3, 0.5), 0.1)
    v = 0.0
    for k in range(3):
        v += 0.1*(0.5 - v)/20.0
        assert done.states['v'][k, 0] == v
    assert model.name == 'leaky'


USER_FILE = '''
import numpy as np
from dsim.declare import Parameter, Receptor, State
from dsim.neurons.base import Neuron, trace

class MyOwnCell(Neuron):
    states = (State('v', 0.0, 'mV', 'membrane potential'),)
    parameters = (Parameter('gain', 1.0, '1', 'gain'),)
    receptors = (Receptor('input', 'mV', 'added to v'),)

    def advance(v, current, input, gain, dt, fired):
        for t in range(current.shape[0]):
            for i in range(v.size):
                v[i] += gain[i]*(dt*current[t, i] + input[t, i])
                fired[t, i] = v[i] >= 1.0

if __name__ == '__main__':
    print(MyOwnCell.name, trace(MyOwnCell(), np.ones(8), 0.125).spikes())
'''


@pytest.mark.parametrize('how', ['script', 'standard input'])
def test_a_model_in_a_file_of_its_own(tmp_path, how):
    script = tmp_path/'cell.py'
    script.write_text(USER_FILE)
    done = subprocess.run(
        [sys.executable, str(script) if how == 'script' else '-'],
        input=USER_FILE, text=True, capture_output=True, timeout=120,
        env={**os.environ, 'PYTHONPATH': str(ROOT)})
    assert done.returncode == 0, done.stderr
    assert done.stdout == 'my-own-cell [1.]\n'


def test_a_name_is_given_or_made():
    assert declare().name == 'my-leaky'
    assert declare(name='leaky-1907').name == 'leaky-1907'
    assert type('Another', (Izhikevich,), {}).name == 'another'


def test_steps_in_plain_python_are_compiled():
    model = declare(schemes={'one': leak, 'two': staticmethod(leak)})
    assert list(model.schemes) == ['one', 'two']
    assert model(scheme='two').advance is model.schemes['two']
    for step in [*model.schemes.values(), declare()().advance]:
        assert step.py_func is leak


def test_a_model_may_be_extended():
    class Faster(Izhikevich):
        presets = {'quick': {'a': 0.2}}

    assert Faster.quick().settings == {'a': 0.2}
    assert Faster.regular_spiking is not None
    assert Faster(scheme='euler').advance is Izhikevich.schemes['euler']
    with pytest.raises(UnknownName, match='preset'):
        Faster.regular_spiking()


def test_signature_that_is_not_that_of_the_tables():
    def advance(v, drive, fired, dt):
        pass

    with pytest.raises(TypeError) as error:
        declare(advance=advance)
    assert str(error.value) == (
        "MyLeaky.advance takes ['v', 'drive', 'fired', 'dt'], its tables "
        "promise ['v', 'current', 'input', 'tau', 'dt', 'fired']")


@pytest.mark.parametrize('words, message', [
    ({'schemes': {'one': leak}, 'advance': leak}, 'both advance and schemes'),
    ({'parameters': (TAU, TAU)}, "two meanings for 'tau'"),
    ({'starts': {'x': len}}, "starts speaks of 'x'"),
    ({'ordered': (('tau', 'x'),)}, "ordered speaks of 'x'"),
    ({'presets': {'slow': {'tua': 1.0}}}, "presets.'slow'. speaks of 'tua'"),
    ({'presets': {'check': {'tau': 1.0}}}, "no preset may be called 'check'"),
    ({'states': (State('v', None, 'mV', 'v'),)}, "state 'v' needs a default"),
])
def test_tables_that_cannot_be(words, message):
    with pytest.raises(TypeError, match=message):
        declare(**words)


def test_tables_may_be_lists_or_single_rows():
    assert declare(states=[V], receptors=INPUT).arguments() == [
        'v', 'current', 'input', 'tau', 'dt', 'fired']


@pytest.mark.parametrize('name', ['v', 'input', 'dt', 'fired', 'initial'])
def test_one_name_with_two_meanings(name):
    with pytest.raises(TypeError, match=f'two meanings for {name!r}'):
        declare(parameters=(TAU, Parameter(name, 1.0, '1', 'another')))


def test_a_model_without_a_step_has_no_instances():
    unfinished = type('Unfinished', (Neuron,), {'states': (V,)})
    with pytest.raises(TypeError, match='has no step'):
        unfinished()


@pytest.mark.parametrize('make, message', [
    (lambda: Izhikevich(e=1.0), "izhikevich-2003: no parameter 'e'"),
    (lambda: Izhikevich(v=1.0), "no parameter 'v'"),
    (lambda: Izhikevich(initial={'a': 1.0}), "no state 'a'"),
    (lambda: Izhikevich(scheme='eulr'), "did you mean 'euler'"),
    (lambda: Izhikevich.preset('regular'), "mean 'regular_spiking'"),
    (lambda: trace(Izhikevich(), [1.0], 1.0, inptu=1.0), "mean 'input'"),
])
def test_names_that_do_not_exist(make, message):
    with pytest.raises(UnknownName, match=message):
        make()


@pytest.mark.parametrize('settings, message', [
    ({'tau_m': -1.0}, r'lif.tau_m = -1.0: must be > 0 ms'),
    ({'tau_m': 0}, r'lif.tau_m = 0.0: must be > 0 ms'),
    ({'t_ref': -1}, r'lif.t_ref = -1.0: must be >= 0 ms'),
    ({'E_L': float('nan')}, r'lif.E_L = nan: must be a finite number'),
    ({'E_L': np.inf}, r'lif.E_L = inf: must be a finite number'),
    ({'E_L': None}, r'lif.E_L = None: must be a number'),
    ({'E_L': True}, r'lif.E_L = True: must be a number'),
    ({'V_reset': -50.0}, r'lif.V_reset = -50.0: must be < V_th .here -55'),
    ({'initial': {'v': np.nan}}, r'lif.v = nan: must be a finite number'),
])
def test_numbers_out_of_range(settings, message):
    with pytest.raises(BadValue, match=message):
        LIF(**settings)


def test_what_is_not_a_number_is_kept_for_later():
    draw, formula = object(), 'x + 1'
    neuron = LIF(tau_m=draw, V_reset=formula, C_m=np.float32(200.0))
    assert neuron.settings == {'tau_m': draw, 'V_reset': formula,
                               'C_m': 200.0}
    assert neuron.parameter_values()['tau_m'] is draw
    assert neuron.parameter_values()['tau_syn_ex'] == 2.0


def test_values_are_checked_once_they_are_known():
    LIF.check({'tau_m': np.array([1.0, 2.0]), 'v': np.array([-70.0])})
    LIF.check({'V_reset': np.empty(0), 'V_th': -55.0})
    with pytest.raises(BadValue, match=r'lif.tau_m = \(-1.0, 2.0\)'):
        LIF.check({'tau_m': np.array([2.0, -1.0])})
    with pytest.raises(BadValue, match=r'lif.V_reset = -54.0.*here -55'):
        LIF.check({'V_reset': np.array([-70.0, -54.0]), 'V_th': -55.0})


def test_starts_follow_from_the_parameters():
    assert Izhikevich().start({'b': 0.25}) == {'v': -65.0, 'u': -16.25}
    given = {'b': np.array([0.2, 0.25]), 'v': np.array([-70.0, -64.0])}
    u = Izhikevich().start(given)['u']
    np.testing.assert_array_equal(u, given['b']*given['v'])
    neuron = Izhikevich(initial={'u': 1.0})
    assert neuron.start({'b': 0.2, **neuron.initial})['u'] == 1.0


def test_presets_are_methods_too():
    neuron = Izhikevich.fast_spiking(d=3.0, scheme='euler')
    assert neuron.settings == {'a': 0.1, 'b': 0.2, 'c': -65.0, 'd': 3.0}
    assert neuron.scheme == 'euler'
    same = Izhikevich.preset('fast_spiking', d=3.0, scheme='euler')
    assert repr(same) == repr(neuron) == (
        "Izhikevich(a=0.1, b=0.2, c=-65.0, d=3.0, scheme='euler')")
    assert 'fast_spiking' in Izhikevich.fast_spiking.__doc__


def test_trace_follows_many_neurons():
    done = trace(declare()(), np.zeros((4, 3)), 0.5,
                 input=np.array([0.0, 0.5, 1.0]))
    np.testing.assert_array_equal(done.t, [0.5, 1.0, 1.5, 2.0])
    assert done.states['v'].shape == done.fired.shape == (4, 3)
    np.testing.assert_array_equal(done.spikes(2), done.t)
    np.testing.assert_array_equal(done.spikes(0), [])

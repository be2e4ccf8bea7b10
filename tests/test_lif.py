"""The leaky integrate-and-fire neuron against NEST and exact solutions."""

from pathlib import Path

import numpy as np
import pytest

from dsim.neurons.base import trace
from dsim.neurons.lif import LIF

REFERENCE = Path(__file__).parent/'reference'/'lif_adex.npz'

DT = 0.1
STEPS = 3990


@pytest.fixture(scope='module')
def nest():
    return np.load(REFERENCE)


def stimulated(nest, model, neuron, first=1510):
    """Give ``neuron`` what NEST's ``model`` got; return its `Trace`.

    A spike of time s leaves in step s/dt - 1, and a delay of D steps lets
    it act in step s/dt - 1 + D.  The current of 150 ms arrives in step 1509
    likewise, and NEST lets it act in the next one.
    """
    ex, in_, height = nest[f'{model}_excitatory_inhibitory_step']
    excitatory, inhibitory = np.zeros((2, STEPS, 1))
    for k in np.rint(nest['excitatory_times']/DT).astype(int):
        excitatory[k - 1 + 10] += ex
    for k in np.rint(nest['inhibitory_times']/DT).astype(int):
        inhibitory[k - 1 + 15] += in_

    step = np.arange(STEPS)
    current = np.where((step >= first) & (step < first + 1500), height, 0.0)
    return trace(neuron, current, DT, excitatory=excitatory,
                 inhibitory=inhibitory)


def parameters(nest, model):
    return dict(zip(nest[f'{model}_names'].tolist(),
                    nest[f'{model}_values'].tolist(), strict=True))


@pytest.mark.parametrize('model', ['iaf_psc_exp', 'iaf_psc_exp_t5_10'])
def test_same_as_nest(nest, model):
    done = stimulated(nest, model, LIF(**parameters(nest, model)))
    np.testing.assert_allclose(done.states['v'][:, 0], nest[f'{model}_V_m'],
                               rtol=0, atol=1e-11)
    np.testing.assert_allclose(done.spikes(), nest[f'{model}_spikes'],
                               rtol=0, atol=1e-9)


def test_that_comparison_can_fail(nest):
    # A current one step later, or 0.1 pF more, is seen
    given = parameters(nest, 'iaf_psc_exp')
    expected = nest['iaf_psc_exp_V_m']
    for first, C_m in ((1511, 250.0), (1510, 250.1)):
        done = stimulated(nest, 'iaf_psc_exp',
                          LIF(**{**given, 'C_m': C_m}), first)
        assert abs(done.states['v'][:, 0] - expected).max() > 1e-4


@pytest.mark.parametrize('tau_syn', [
    10.0, 10.0*(1 + 1e-15), 10.0*(1 + 1e-9), 10.0*(1 - 1e-5), 9.9, 12.0,
    5.0, 30.0, 0.05, 0.01])
def test_one_weight_exactly(tau_syn):
    # v = w/C (exp(-t/tau_m) - exp(-t/tau_syn))/(1/tau_syn - 1/tau_m), whose
    # limit for equal time constants is w/C t exp(-t/tau)
    weights = np.zeros((1000, 1))
    weights[0] = 250.0
    done = trace(LIF(tau_m=10.0, tau_syn_ex=tau_syn, C_m=250.0, E_L=0.0,
                     V_reset=-1.0, V_th=100.0), np.zeros(1000), DT,
                 excitatory=weights)

    t = np.longdouble(DT)*np.arange(1000)
    rates = 1/np.longdouble(10.0), 1/np.longdouble(tau_syn)
    gap = rates[1] - rates[0]
    expected = t*np.exp(-t*rates[0])
    if abs(gap) > 1e-12:
        expected = -np.exp(-t*rates[0])*np.expm1(-t*gap)/gap
    np.testing.assert_allclose(done.states['v'][:, 0],
                               expected.astype(float), rtol=1e-11)


def test_an_array_of_time_constants_is_many_neurons():
    taus = np.array([10.0, 9.0, 2.0, 10.0*(1 + 1e-9), 0.5])
    weights = np.zeros((200, taus.size))
    weights[::40] = 700.0
    drive = np.full((200, taus.size), 300.0)
    alone = [trace(LIF(tau_syn_ex=tau), drive[:, :1], DT,
                   excitatory=weights[:, :1]).states['v'] for tau in taus]

    done = trace(LIF(tau_syn_ex=taus), drive, DT, excitatory=weights)
    np.testing.assert_array_equal(done.states['v'], np.hstack(alone))
    assert done.fired.any()


def test_exact_means_independent_of_dt():
    # Below threshold v at whole ms is the same for steps of 1 and 0.1 ms
    coarse, fine = np.zeros((20, 1)), np.zeros((200, 1))
    coarse[[2, 7, 8], 0] = fine[[29, 79, 89], 0] = 100.0, -50.0, 200.0
    big = trace(LIF(), np.full(20, 50.0), 1.0, excitatory=coarse)
    small = trace(LIF(), np.full(200, 50.0), 0.1, excitatory=fine)
    np.testing.assert_allclose(small.states['v'][9::10], big.states['v'],
                               rtol=1e-13)


def test_constant_current_charges_the_membrane():
    done = trace(LIF(I_e=100.0), np.full(100, 50.0), DT)
    expected = -70.0 + 150.0*10.0/250.0*(1 - np.exp(-done.t/10.0))
    np.testing.assert_allclose(done.states['v'][:, 0], expected, rtol=1e-13)


@pytest.mark.parametrize('t_ref, held', [
    (0.0, 0), (0.1, 1), (0.14, 1), (0.16, 2), (2.0, 20)])
def test_refractory_steps(t_ref, held):
    # After its spike v stays for so many whole steps, and then moves
    done = trace(LIF(t_ref=t_ref), np.full(500, 1000.0), DT)
    k = done.fired[:, 0].argmax()
    v = done.states['v'][k:, 0]
    assert np.all(v[:held + 1] == -70.0) and v[held + 1] > -70.0
    interval = np.diff(np.flatnonzero(done.fired[:, 0]))
    assert np.all(interval == interval[0]) and interval[0] > held


def test_currents_flow_on_while_v_stays():
    weights = np.zeros((300, 1))
    weights[0] = 5000.0
    done = trace(LIF(tau_syn_ex=3.0), np.zeros(300), DT, excitatory=weights)
    np.testing.assert_allclose(done.states['current_ex'][:, 0],
                               5000.0*np.exp(-(done.t - DT)/3.0), rtol=1e-12)
    assert done.fired.any()


def test_faded_currents_are_nothing():
    for dtype in (np.float64, np.float32):
        weights = np.zeros((3000, 1))
        weights[0] = 1.0
        done = trace(LIF(), np.zeros(3000), DT, dtype, excitatory=weights)
        ex = done.states['current_ex']
        assert ex[-1, 0] == 0.0
        assert ex[ex > 0.0].min() > np.finfo(dtype).tiny


def test_float32_stays_near():
    current = np.full(500, 400.0)
    wide, narrow = (trace(LIF(), current, DT, dtype)
                    for dtype in (np.float64, np.float32))
    assert narrow.states['v'].dtype == np.float32
    np.testing.assert_array_equal(narrow.fired, wide.fired)
    np.testing.assert_allclose(narrow.states['v'], wide.states['v'],
                               rtol=1e-5)

"""The adaptive exponential neuron against NEST, itself and closed forms."""

from pathlib import Path

import numpy as np
import pytest

from dsim.errors import BadValue
from dsim.neurons.adex import AdEx
from dsim.neurons.base import trace

REFERENCE = Path(__file__).parent/'reference'/'lif_adex.npz'

DT = 0.1
STEPS = 3990


@pytest.fixture(scope='module')
def nest():
    return np.load(REFERENCE)


def stimulated(nest, model, **changes):
    """Give a neuron with the parameters of ``model`` what that one got.

    Times as in ``test_lif.py``; weights at ``inhibitory`` are positive.
    """
    names = {row.name for row in AdEx.parameters}
    given = dict(zip(nest[f'{model}_names'].tolist(),
                     nest[f'{model}_values'].tolist(), strict=True))
    neuron = AdEx(**{**{name: value for name, value in given.items()
                        if name in names}, **changes})

    ex, in_, height = nest[f'{model}_excitatory_inhibitory_step']
    excitatory, inhibitory = np.zeros((2, STEPS, 1))
    for k in np.rint(nest['excitatory_times']/DT).astype(int):
        excitatory[k - 1 + 10] += ex
    for k in np.rint(nest['inhibitory_times']/DT).astype(int):
        inhibitory[k - 1 + 15] += abs(in_)
    step = np.arange(STEPS)
    current = np.where((step >= 1510) & (step < 3010), height, 0.0)
    return trace(neuron, current, DT, excitatory=excitatory,
                 inhibitory=inhibitory)


def test_same_as_nest(nest):
    # NEST's own steps are adaptive with a tolerance of 1e-6.  On the last
    # 0.3 ms before a spike v grows e-fold in less than 0.1 ms, and the
    # difference of the two solutions with it
    done = stimulated(nest, 'aeif_cond_exp')
    spikes = nest['aeif_cond_exp_spikes']
    np.testing.assert_allclose(done.spikes(), spikes, rtol=0, atol=1e-9)

    off = abs(done.states['v'][:, 0] - nest['aeif_cond_exp_V_m'])
    ahead = spikes - done.t[:, None]
    upstroke = np.any((ahead > -0.05) & (ahead < 0.55), axis=1)
    assert off[done.t < 150.0].max() < 5e-5
    assert off[~upstroke].max() < 1e-3
    assert off.max() < 1e-2
    np.testing.assert_allclose(done.states['w'][:, 0],
                               nest['aeif_cond_exp_w'], rtol=0, atol=1e-3)


def test_without_upstroke_it_is_the_leaky_neuron_with_conductances(nest):
    done = stimulated(nest, 'iaf_cond_exp', Delta_T=0.0, a=0.0, b=0.0)
    np.testing.assert_allclose(done.spikes(), nest['iaf_cond_exp_spikes'],
                               rtol=0, atol=1e-9)
    np.testing.assert_allclose(done.states['v'][:, 0],
                               nest['iaf_cond_exp_V_m'], rtol=0, atol=1e-6)


def test_that_comparison_can_fail(nest):
    expected = nest['aeif_cond_exp_V_m']
    for changes in ({'b': 81.5}, {'Delta_T': 2.01}, {'t_ref': 0.1}):
        done = stimulated(nest, 'aeif_cond_exp', **changes)
        assert abs(done.states['v'][:, 0] - expected).max() > 0.02


def test_step_length_changes_little():
    # Spikes of a bursting neuron at dt 1, 0.1 and 0.0125 ms
    def spikes(dt):
        neuron = AdEx(V_reset=-47.2, b=80.5, tau_w=40.0)
        return trace(neuron, np.full(round(300/dt), 800.0), dt).spikes()

    fine = spikes(0.0125)
    assert fine.size > 10
    for dt in (1.0, 0.1):
        assert np.all(spikes(dt) - fine < dt + 0.02)
        assert np.all(spikes(dt) - fine > -0.02)


@pytest.mark.parametrize('delta', [0.2, 1.0, 2.0, 5.0])
def test_intervals_within_a_step(delta):
    # Without adaptation the time from V_reset to V_peak is an integral, and
    # v at the end of a spike's step tells when in the step it was
    def slope(v):
        height = np.exp((v + 50.4)/delta)
        return (30.0*(delta*height - (v + 70.6)) + 900.0)/281.0

    v = np.concatenate([np.linspace(-60.0, -50.4, 20000)[:-1],
                        -50.4 + delta*np.linspace(0.0, 25.0, 50000)])
    pace = 1/slope(v)
    interval = np.sum(np.diff(v)*(pace[1:] + pace[:-1])/2)

    neuron = AdEx(Delta_T=delta, V_peak=-50.4 + 25.0*delta, a=0.0, b=0.0)
    done = trace(neuron, np.full(2000, 900.0), DT)
    k = np.flatnonzero(done.fired[:, 0])
    since = (done.states['v'][k, 0] + 60.0)/slope(-60.0)
    times = done.t[k] - since
    assert np.all((since >= 0.0) & (since < DT))
    np.testing.assert_allclose(np.diff(times), interval, rtol=0, atol=1e-3)


@pytest.mark.parametrize('t_ref, held', [(0.1, 1), (0.5, 5), (2.0, 20)])
def test_refractory_steps(t_ref, held):
    done = trace(AdEx(t_ref=t_ref), np.full(1500, 900.0), DT)
    k = done.fired[:, 0].argmax()
    v = done.states['v'][k:, 0]
    assert np.all(v[:held + 1] == -60.0) and v[held + 1] != -60.0
    # Adaptation goes on meanwhile
    w = done.states['w'][k:k + held + 1, 0]
    pull = 4.0*(-60.0 + 70.6)
    np.testing.assert_allclose(
        w[1:] - pull, (w[:-1] - pull)*np.exp(-DT/144.0), rtol=1e-9)


def test_conductances_decay_and_jump():
    weights = np.zeros((50, 1))
    weights[4] = 3.0
    done = trace(AdEx(), np.zeros(50), DT, excitatory=weights,
                 inhibitory=weights)
    for state, tau in (('g_ex', 0.2), ('g_in', 2.0)):
        g = done.states[state][:, 0]
        assert np.all(g[:4] == 0.0)
        np.testing.assert_allclose(
            g[4:], 3.0*np.exp(-DT*np.arange(46)/tau), rtol=1e-12)


def test_unlikely_numbers_end():
    # A steep upstroke, a start far above it, a reset near the peak: each
    # step ends, and v is a number
    for settings in ({'Delta_T': 0.05}, {'V_reset': -1.0, 'V_peak': 0.0},
                     {'Delta_T': 1e-3, 'V_peak': 100.0},
                     {'initial': {'v': 1e5}}):
        done = trace(AdEx(**settings), np.full(100, 2000.0), DT)
        assert np.isfinite(done.states['v']).all()
        assert done.fired.any()


def test_what_cannot_be():
    for settings, message in (
            ({'Delta_T': -1.0}, 'Delta_T = -1.0: must be >= 0 mV'),
            ({'V_peak': -55.0}, 'V_th = -50.4: must be < V_peak'),
            ({'V_reset': 1.0}, 'V_reset = 1.0: must be < V_peak')):
        with pytest.raises(BadValue, match=message):
            AdEx(**settings)


def test_float32_stays_near():
    current = np.full(2000, 700.0)
    wide, narrow = (trace(AdEx(), current, DT, dtype)
                    for dtype in (np.float64, np.float32))
    assert narrow.states['v'].dtype == np.float32
    np.testing.assert_allclose(narrow.spikes(), wide.spikes(), atol=0.25)
    assert wide.fired.sum() > 2

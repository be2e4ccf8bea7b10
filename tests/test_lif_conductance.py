"""The leaky neuron with conductances: NEST, Brian2, scipy, closed forms."""

from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import dsim
from dsim.errors import BadValue
from dsim.neurons.base import trace
from dsim.neurons.lif_conductance import LIFConductance

FOLDER = Path(__file__).parent/'reference'

DT = 0.1

# Scheme -> who has the same, and the t_ref (ms) for which v stays as long:
# Brian2's neurons move again one step earlier
PEERS = {'magnus': ('nest', 5.0), 'euler': ('brian2', 4.9)}


@pytest.fixture(scope='module')
def frozen():
    return np.load(FOLDER/'lif_conductance.npz')


def bombarded(frozen, **settings):
    """Give four neurons the spikes that theirs got."""
    excitatory, inhibitory = frozen['counts'].astype(float)
    return trace(LIFConductance(**settings), np.zeros((4000, 4)), DT,
                 excitatory=6.0*excitatory, inhibitory=67.0*inhibitory)


@pytest.mark.parametrize('scheme, within', [
    ('magnus', 3e-5), ('euler', 1e-12)])
def test_same_as_other_simulators(frozen, scheme, within):
    # NEST's own steps are adaptive, with a tolerance of 1e-3
    peer, t_ref = PEERS[scheme]
    done = bombarded(frozen, scheme=scheme, t_ref=t_ref)
    expected = frozen[f'{peer}_v']
    found = done.states['v'][4::5][:len(expected)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=within)

    steps, ids = np.nonzero(done.fired)
    peers_steps, peers_ids = frozen[f'{peer}_spikes']
    order = np.lexsort((peers_ids, peers_steps))
    np.testing.assert_array_equal(steps + 1, peers_steps[order])
    np.testing.assert_array_equal(ids, peers_ids[order])


def test_that_comparison_can_fail(frozen):
    expected = frozen['nest_v']
    for changes in ({'C_m': 200.01}, {'t_ref': 4.9}, {'E_in': -79.99},
                    {'tau_syn_in': 10.001}, {'scheme': 'euler'}):
        done = bombarded(frozen, **changes)
        found = done.states['v'][4::5][:len(expected)]
        assert abs(found - expected).max() > 3e-4


def test_a_step_current_as_in_nest():
    # The neuron, weights and current of test_adex.py, with NEST's defaults
    nest = np.load(FOLDER/'lif_adex.npz')
    given = dict(zip(nest['iaf_cond_exp_names'].tolist(),
                     nest['iaf_cond_exp_values'].tolist(), strict=True))
    names = {row.name for row in LIFConductance.parameters}
    neuron = LIFConductance(**{name: value for name, value in given.items()
                               if name in names})
    ex, in_, height = nest['iaf_cond_exp_excitatory_inhibitory_step']
    excitatory, inhibitory = np.zeros((2, 3990, 1))
    for k in np.rint(nest['excitatory_times']/DT).astype(int):
        excitatory[k - 1 + 10] += ex
    for k in np.rint(nest['inhibitory_times']/DT).astype(int):
        inhibitory[k - 1 + 15] += abs(in_)
    step = np.arange(3990)
    current = np.where((step >= 1510) & (step < 3010), height, 0.0)
    done = trace(neuron, current, DT, excitatory=excitatory,
                 inhibitory=inhibitory)

    np.testing.assert_allclose(done.spikes(), nest['iaf_cond_exp_spikes'],
                               rtol=0, atol=1e-9)
    np.testing.assert_allclose(done.states['v'][:, 0],
                               nest['iaf_cond_exp_V_m'], rtol=0, atol=1e-4)


def network(frozen, scheme, precision='float64'):
    """Return 320 + 80 neurons, each pair connected or not as listed."""
    joined = np.unpackbits(frozen['net_joined'], axis=1).astype(bool)
    parts = {'exc': slice(0, 320), 'inh': slice(320, 400)}
    found = dsim.Network(seed=1)
    for name, part in parts.items():
        start = {state: frozen[f'net_{state}'][part]
                 for state in ('v', 'g_ex', 'g_in')}
        found.population(name, LIFConductance(
            scheme=scheme, t_ref=PEERS[scheme][1], I_e=200.0, initial=start),
            part.stop - part.start, precision=precision)
    for source, receptor, weight in (('exc', 'excitatory', 4.0),
                                     ('inh', 'inhibitory', 51.0)):
        for target in parts:
            pairs = np.nonzero(joined[parts[source], parts[target]])
            found.project(found[source], found[target], receptor=receptor,
                          rule=dsim.Edges(*pairs), weight=weight, delay=0.8)
    return found


@pytest.mark.parametrize('scheme, precision', [
    ('magnus', 'float64'), ('euler', 'float64'), ('magnus', 'float32')])
def test_a_network_is_that_of_others_spike_for_spike(frozen, scheme,
                                                     precision):
    with dsim.Simulation(network(frozen, scheme, precision), DT) as sim:
        sim.run(200.0)
        spikes = [(round(t/DT), int(i) + first)
                  for name, first in (('exc', 0), ('inh', 320))
                  for t, i in zip(*sim.spikes(name), strict=True)]
    steps, ids = frozen[f'net_{PEERS[scheme][0]}_spikes']
    assert len(spikes) > 1000
    assert sorted(spikes) == list(zip(steps.tolist(), ids.tolist(),
                                      strict=True))


# Of conductances that fall, and a current: v without a threshold
START = {'v': -55.0, 'g_ex': 90.0, 'g_in': 260.0}


def error(scheme, dt):
    """Return by how much v is off at worst in 20 ms."""
    def slope(t, v):
        return (10.0*(-60.0 - v) + 90.0*np.exp(-t/5.0)*(0.0 - v)
                + 260.0*np.exp(-t/10.0)*(-80.0 - v) + 150.0)/200.0

    exact = solve_ivp(slope, (0.0, 20.0), [-55.0], rtol=1e-13, atol=1e-13,
                      dense_output=True)
    done = trace(LIFConductance(scheme=scheme, V_th=0.0, initial=START),
                 np.full(round(20.0/dt), 150.0), dt)
    return abs(done.states['v'][:, 0] - exact.sol(done.t)[0]).max()


def test_as_exact_as_claimed():
    assert error('magnus', 0.1) < 1e-6
    assert error('magnus', 1.0) < 1e-2
    assert 0.01 < error('euler', 0.1) < 0.2


def test_orders():
    # Half the step: a sixteenth of the error, or half of it
    assert 14.0 < error('magnus', 0.5)/error('magnus', 0.25) < 18.0
    assert 1.8 < error('euler', 0.02)/error('euler', 0.01) < 2.2


@pytest.mark.parametrize('g, dt, within', [
    (0.0, 0.1, 1e-12), (0.0, 1.0, 1e-9), (20.0, 0.1, 1e-10),
    (200.0, 0.1, 1e-6), (1000.0, 0.1, 2e-3)])
def test_constant_conductances(g, dt, within):
    # v' = (v_end - v)*rate exactly, as nothing decays in 1e12 ms
    neuron = LIFConductance(
        V_th=0.0, tau_syn_ex=1e12, tau_syn_in=1e12,
        initial={'v': -70.0, 'g_ex': g, 'g_in': g})
    done = trace(neuron, np.full(50, 30.0), dt)
    rate = (10.0 + 2*g)/200.0
    end = (10.0*-60.0 + g*-80.0 + 30.0)/(10.0 + 2*g)
    expected = end + (-70.0 - end)*np.exp(-rate*done.t)
    np.testing.assert_allclose(done.states['v'][:, 0], expected, rtol=0,
                               atol=within)


@pytest.mark.parametrize('dt', [0.1, 1.0, 20.0])
def test_steps_of_any_length_are_stable(dt):
    # Conductances far beyond what is seen in life: v stays between the
    # reversal potentials
    for g_ex, g_in in ((1e3, 1e4), (1e5, 1e5), (1e8, 0.0), (0.0, 1e8)):
        neuron = LIFConductance(
            V_th=1.0, tau_syn_ex=1e9, tau_syn_in=1e9,
            initial={'g_ex': g_ex, 'g_in': g_in})
        v = trace(neuron, np.zeros(400), dt).states['v'][:, 0]
        end = -80.0*(g_in + 7.5)/(g_ex + g_in + 10.0)
        assert np.all((v >= -80.0 - 1e-9) & (v <= 1e-9))
        assert abs(v[-1] - end) < abs(-60.0 - end)


def test_conductances_decay_and_jump():
    weights = np.zeros((50, 1))
    weights[4] = 3.0
    for scheme, left in (('magnus', np.exp), ('euler', lambda x: 1.0 + x)):
        done = trace(LIFConductance(scheme=scheme), np.zeros(50), DT,
                     excitatory=weights, inhibitory=weights)
        for state, tau in (('g_ex', 5.0), ('g_in', 10.0)):
            g = done.states[state][:, 0]
            assert np.all(g[:4] == 0.0)
            np.testing.assert_allclose(
                g[4:], 3.0*left(-DT/tau)**np.arange(46), rtol=1e-13)
        # A weight moves v from the step after it on
        v = done.states['v'][:, 0]
        assert np.all(v[:5] == -60.0) and v[5] != -60.0


@pytest.mark.parametrize('scheme', LIFConductance.schemes)
@pytest.mark.parametrize('t_ref, held', [
    (0.0, 0), (0.1, 1), (0.14, 1), (0.16, 2), (5.0, 50)])
def test_refractory_steps(scheme, t_ref, held):
    # After its spike v stays for so many whole steps, and then moves
    done = trace(LIFConductance(t_ref=t_ref, scheme=scheme),
                 np.full(1000, 300.0), DT)
    k = done.fired[:, 0].argmax()
    v = done.states['v'][k:, 0]
    assert np.all(v[:held + 1] == -60.0) and v[held + 1] > -60.0
    interval = np.diff(np.flatnonzero(done.fired[:, 0]))
    assert np.all(interval == interval[0]) and interval[0] > held


@pytest.mark.parametrize('scheme', LIFConductance.schemes)
@pytest.mark.parametrize('dtype', [np.float64, np.float32])
def test_faded_conductances_are_nothing(scheme, dtype):
    weights = np.zeros((9000, 1))
    weights[0] = 1.0
    done = trace(LIFConductance(scheme=scheme), np.zeros(9000), DT, dtype,
                 excitatory=weights, inhibitory=weights)
    for name in ('g_ex', 'g_in'):
        g = done.states[name]
        assert g[-1, 0] == 0.0
        assert g[g > 0.0].min() > np.finfo(dtype).tiny


@pytest.mark.parametrize('scheme', LIFConductance.schemes)
def test_an_array_of_parameters_is_many_neurons(scheme):
    settings = {'tau_syn_ex': np.array([5.0, 0.3, 2.0, 1e9]),
                'C_m': np.array([200.0, 210.0, 150.0, 300.0]),
                'E_L': np.array([-60.0, -61.0, -65.0, -59.0])}
    weights = np.zeros((300, 4))
    weights[::40] = 9.0
    drive = np.full((300, 4), 150.0)
    alone = [trace(LIFConductance(scheme=scheme, **{
        name: value[i] for name, value in settings.items()}), drive[:, :1],
        DT, excitatory=weights[:, :1]).states['v'] for i in range(4)]

    done = trace(LIFConductance(scheme=scheme, **settings), drive, DT,
                 excitatory=weights)
    np.testing.assert_array_equal(done.states['v'], np.hstack(alone))
    assert done.fired.any()


def test_float32_stays_near(frozen):
    done = bombarded(frozen)
    excitatory, inhibitory = frozen['counts'].astype(np.float32)
    narrow = trace(LIFConductance(), np.zeros((4000, 4)), DT, np.float32,
                   excitatory=6*excitatory, inhibitory=67*inhibitory)
    assert narrow.states['v'].dtype == np.float32
    np.testing.assert_array_equal(narrow.fired, done.fired)
    np.testing.assert_allclose(narrow.states['v'], done.states['v'],
                               rtol=0, atol=2e-4)


def test_what_cannot_be():
    for settings, message in (
            ({'C_m': 0.0}, 'C_m = 0.0: must be > 0 pF'),
            ({'g_L': -1.0}, 'g_L = -1.0: must be >= 0 nS'),
            ({'tau_syn_in': 0.0}, 'tau_syn_in = 0.0: must be > 0 ms'),
            ({'V_reset': -45.0}, 'V_reset = -45.0: must be < V_th')):
        with pytest.raises(BadValue, match=message):
            LIFConductance(**settings)

"""Adaptive exponential integrate-and-fire with synaptic conductances."""

from typing import NamedTuple

import numpy as np

from dsim.compiled import compiled
from dsim.declare import Parameter, Receptor, State
from dsim.elementary import exp
from dsim.neurons.base import Neuron

# Longest stretch of one Runge-Kutta step, in ms
_LONGEST = 0.1

# On the upstroke v tends to infinity within 1/growth; go this part of it
_PART = 0.2

# Shortest stretch there, as a part of the regular one
_SHORTEST = 1/1024


class _Cell(NamedTuple):
    # The numbers of one neuron in the equation of v and w
    C_m: float
    g_L: float
    E_L: float
    V_th: float
    Delta_T: float
    peak: float
    a: float
    tau_w: float
    E_ex: float
    E_in: float
    drive: float


@compiled
def _upstroke(v, cell):
    # exp((v - V_th)/Delta_T); without an upstroke (Delta_T = 0) nobody looks
    v = v if v < cell.peak else cell.peak
    return exp((v - cell.V_th)/(cell.Delta_T if cell.Delta_T > 0.0 else 1.0))


@compiled
def _growth(v, cell):
    # How fast a small difference in v grows because of the upstroke, 1/ms
    rate = cell.g_L/cell.C_m*_upstroke(v, cell)
    return rate if cell.Delta_T > 0.0 else 0.0


@compiled
def _slopes(v, w, g_ex, g_in, free, cell):
    v = v if v < cell.peak else cell.peak
    leak = cell.g_L*(cell.Delta_T*_upstroke(v, cell) - (v - cell.E_L))
    synapses = g_ex*(cell.E_ex - v) + g_in*(cell.E_in - v)
    slope = (leak + synapses - w + cell.drive)/cell.C_m
    return (slope if free else 0.0,
            (cell.a*(v - cell.E_L) - w)/cell.tau_w)


@compiled
def _runge_kutta(v, w, g_ex, g_in, half_ex, half_in, h, free, cell):
    """Return v and w a time h later: four stages, conductances exact.

    ``half_ex`` and ``half_in`` are what is left of them after h/2.
    """
    v1, w1 = _slopes(v, w, g_ex, g_in, free, cell)
    g_ex, g_in = g_ex*half_ex, g_in*half_in
    v2, w2 = _slopes(v + h/2*v1, w + h/2*w1, g_ex, g_in, free, cell)
    v3, w3 = _slopes(v + h/2*v2, w + h/2*w2, g_ex, g_in, free, cell)
    g_ex, g_in = g_ex*half_ex, g_in*half_in
    v4, w4 = _slopes(v + h*v3, w + h*w3, g_ex, g_in, free, cell)
    return (v + h/6*(v1 + 2.0*(v2 + v3) + v4),
            w + h/6*(w1 + 2.0*(w2 + w3) + w4))


@compiled
def _carefully(v, w, g_ex, g_in, h, tau_ex, tau_in, V_reset, b, left, steps,
               cell):
    """Return v, w, refractory steps left, fired or not, a time h later.

    The stretches become short where v shoots up, so that a spike is on time
    and v starts from V_reset then and there.
    """
    fired = False
    rest = h
    while rest > 0.0:
        part = max(_PART/max(_growth(v, cell), _PART/h), h*_SHORTEST)
        part = min(part if left == 0.0 else rest, rest)
        half_ex, half_in = exp(-part/2/tau_ex), exp(-part/2/tau_in)
        v, w = _runge_kutta(v, w, g_ex, g_in, half_ex, half_in, part,
                            left == 0.0, cell)
        g_ex, g_in = g_ex*half_ex*half_ex, g_in*half_in*half_in
        rest -= part
        if v >= cell.peak:
            v, w, left, fired = V_reset, w + b, steps, True
    return v, w, left, fired


class AdEx(Neuron):
    """Adaptive exponential integrate-and-fire neuron with conductances.

    Brette and Gerstner (2005), J. Neurophysiol. 94:3637:

        C_m v' = −g_L (v − E_L) + g_L Delta_T exp((v − V_th)/Delta_T)
                 − g_ex (v − E_ex) − g_in (v − E_in) − w + I_e + I
        tau_w w' = a (v − E_L) − w
        tau_syn_ex g_ex' = −g_ex, likewise g_in
        v ≥ V_peak:  v ← V_reset (and stays there for t_ref), w ← w + b

    NEST's ``aeif_cond_exp``: weights (nS, none negative) that arrive in a
    step jump the conductances at its end; a neuron starts again from
    V_reset within the step of its spike.  With ``Delta_T`` = 0 there is no
    upstroke and V_th takes V_peak's place; with a = b = 0 as well that is
    the leaky integrate-and-fire neuron with conductances, ``iaf_cond_exp``.
    I, the current of the stimuli, acts in its own step, where NEST's acts
    in the next.  t_ref is rounded to whole steps.

    Solved by Runge and Kutta's method of order four in stretches of at most
    0.1 ms, which become as short as needed where v shoots up.
    """

    name = 'adex'
    states = (
        State('v', None, 'mV', 'membrane potential; starts at E_L'),
        State('w', 0.0, 'pA', 'adaptation current'),
        State('g_ex', 0.0, 'nS', 'excitatory synaptic conductance'),
        State('g_in', 0.0, 'nS', 'inhibitory synaptic conductance'),
        State('refractory', 0.0, '1', 'steps for which v will stay'),
    )
    starts = {'v': lambda values: values['E_L']}
    receptors = (
        Receptor('excitatory', 'nS', 'jump of g_ex'),
        Receptor('inhibitory', 'nS', 'jump of g_in, positive too'),
    )
    parameters = (
        Parameter('C_m', 281.0, 'pF', 'membrane capacitance', above=0.0),
        Parameter('g_L', 30.0, 'nS', 'leak conductance', above=0.0),
        Parameter('E_L', -70.6, 'mV', 'v at rest'),
        Parameter('V_th', -50.4, 'mV', 'v at which the upstroke starts'),
        Parameter('Delta_T', 2.0, 'mV', 'slope of the upstroke', low=0.0),
        Parameter('V_peak', 0.0, 'mV', 'v at which a spike is cut off'),
        Parameter('V_reset', -60.0, 'mV', 'v after a spike'),
        Parameter('t_ref', 0.0, 'ms', 'time v stays there', low=0.0),
        Parameter('a', 4.0, 'nS', 'pull of v on adaptation'),
        Parameter('b', 80.5, 'pA', 'jump of w at a spike'),
        Parameter('tau_w', 144.0, 'ms', 'decay of adaptation', above=0.0),
        Parameter('E_ex', 0.0, 'mV', 'reversal potential of g_ex'),
        Parameter('E_in', -85.0, 'mV', 'reversal potential of g_in'),
        Parameter('tau_syn_ex', 0.2, 'ms', 'decay of g_ex', above=0.0),
        Parameter('tau_syn_in', 2.0, 'ms', 'decay of g_in', above=0.0),
        Parameter('I_e', 0.0, 'pA', 'constant current'),
    )
    ordered = (('V_reset', 'V_peak'), ('V_th', 'V_peak'))

    @compiled
    def advance(v, w, g_ex, g_in, refractory, current, excitatory,
                inhibitory, C_m, g_L, E_L, V_th, Delta_T, V_peak, V_reset,
                t_ref, a, b, tau_w, E_ex, E_in, tau_syn_ex, tau_syn_in, I_e,
                dt, fired):
        stretches = max(1, int(np.ceil(dt/_LONGEST - 1e-9)))
        h = dt/stretches
        for t in range(current.shape[0]):
            fired[t] = 0
            for _ in range(stretches):
                for i in range(v.size):
                    ex, in_ = np.float64(g_ex[i]), np.float64(g_in[i])
                    half_ex = exp(-h/2/tau_syn_ex[i])
                    half_in = exp(-h/2/tau_syn_in[i])
                    cell = _Cell(
                        C_m[i], g_L[i], E_L[i], V_th[i], Delta_T[i],
                        V_peak[i] if Delta_T[i] > 0.0 else V_th[i],
                        a[i], tau_w[i], E_ex[i], E_in[i],
                        np.float64(I_e[i] + current[t, i]))
                    steps = np.floor(t_ref[i]/dt + 0.5)
                    steps = steps + 1.0 if steps > 0.0 else steps
                    x, y, left, fires = _carefully(
                        np.float64(v[i]), np.float64(w[i]), ex, in_, h,
                        tau_syn_ex[i], tau_syn_in[i], V_reset[i], b[i],
                        np.float64(refractory[i]), steps, cell)
                    v[i], w[i], refractory[i] = x, y, left
                    g_ex[i] = ex*half_ex*half_ex
                    g_in[i] = in_*half_in*half_in
                    fired[t, i] |= fires

            for i in range(v.size):
                g_ex[i] += excitatory[t, i]
                g_in[i] += inhibitory[t, i]
                refractory[i] -= 1.0 if refractory[i] > 0.0 else 0.0

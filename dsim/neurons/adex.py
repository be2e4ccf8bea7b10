"""Adaptive exponential integrate-and-fire with synaptic conductances."""

from typing import Any, NamedTuple

import numpy as np

from dsim.compiled import compiled
from dsim.declare import Parameter, Receptor, State
from dsim.elementary import exp
from dsim.neurons.base import Neuron

# Longest stretch of one Runge-Kutta step, in ms
_LONGEST = 0.1

# On the upstroke v tends to infinity within 1/growth: go this part of it,
# but not a shorter part of a stretch than this
_PART = 0.2
_SHORTEST = 1/1024

# So many neurons at a time that what is between two stages stays in cache
_BLOCK = 256


class _Cells(NamedTuple):
    # The parameters, each a number or an array
    C_m: Any
    g_L: Any
    E_L: Any
    V_th: Any
    Delta_T: Any
    V_peak: Any
    V_reset: Any
    a: Any
    b: Any
    tau_w: Any
    E_ex: Any
    E_in: Any
    tau_syn_ex: Any
    tau_syn_in: Any
    I_e: Any


@compiled
def _peak(cells, i):
    # Without an upstroke a spike is cut off where it would have started.
    # Both are read before the choice: a read that depends on it would keep
    # the loop from becoming vector code
    top, foot = cells.V_peak[i], cells.V_th[i]
    return top if cells.Delta_T[i] > 0.0 else foot


@compiled
def _height(v, cells, i):
    """Return the exponent of the upstroke, (v - V_th)/Delta_T."""
    peak = _peak(cells, i)
    v = v if v < peak else peak
    width = cells.Delta_T[i]
    return (v - cells.V_th[i])/(width if width > 0.0 else 1.0)


@compiled
def _growth(upstroke, cells, i):
    """Return how fast a difference in v grows by the upstroke, in 1/ms."""
    rate = cells.g_L[i]/cells.C_m[i]*upstroke
    return rate if cells.Delta_T[i] > 0.0 else 0.0


@compiled
def _slopes(v, w, g_ex, g_in, upstroke, held, drive, cells, i):
    """Return v' and w', given exp of `_height`; v stays if it is held."""
    peak = _peak(cells, i)
    v = v if v < peak else peak
    rest = v - cells.E_L[i]
    leak = cells.g_L[i]*(cells.Delta_T[i]*upstroke - rest)
    synapses = g_ex*(cells.E_ex[i] - v) + g_in*(cells.E_in[i] - v)
    slope = (leak + synapses - w + cells.I_e[i] + drive)/cells.C_m[i]
    return (0.0 if held else slope,
            (cells.a[i]*rest - w)/cells.tau_w[i])


@compiled
def _fade(g_ex, g_in, first, h, cells):
    """Let the conductances of a block decay for a time h.

    What has faded is dropped: subnormal numbers are slow on many processors.
    """
    for j in range(g_ex.size):
        left = g_ex[j]*exp(-h/cells.tau_syn_ex[first + j])
        g_ex[j] = left if abs(left) > 1e-30 else 0.0
    for j in range(g_in.size):
        left = g_in[j]*exp(-h/cells.tau_syn_in[first + j])
        g_in[j] = left if abs(left) > 1e-30 else 0.0


@compiled
def _stage(v, w, refractory, drive, g_ex, g_in, first, shift, weight, slopes,
           sums, cells):
    """One stage of Runge and Kutta's method for a block of neurons.

    ``slopes`` [2, block] are those of the stage before, and of this one
    afterwards; ``sums`` [2, block] adds them up with ``weight``.
    """
    for j in range(g_ex.size):
        i = first + j
        x, y = v[i] + shift*slopes[0, j], w[i] + shift*slopes[1, j]
        upstroke = exp(_height(x, cells, i))
        slope_v, slope_w = _slopes(
            x, y, g_ex[j], g_in[j], upstroke, refractory[i] > 0.0,
            drive[i], cells, i)
        slopes[0, j], slopes[1, j] = slope_v, slope_w
        sums[0, j] += weight*slope_v
        sums[1, j] += weight*slope_w


@compiled
def _single(v, w, g_ex, g_in, half_ex, half_in, h, held, drive, cells, i):
    """The same method for neuron i alone; returns v and w after h."""
    x, y, slope_v, slope_w, sum_v, sum_w = v, w, 0.0, 0.0, 0.0, 0.0
    for stage in range(4):
        shift = h if stage == 3 else h/2
        if stage % 2 == 1:
            g_ex, g_in = g_ex*half_ex, g_in*half_in
        x, y = v + shift*slope_v, w + shift*slope_w
        slope_v, slope_w = _slopes(
            x, y, g_ex, g_in, exp(_height(x, cells, i)), held, drive,
            cells, i)
        weight = 2.0 if stage in (1, 2) else 1.0
        sum_v += weight*slope_v
        sum_w += weight*slope_w
    return v + h/6*sum_v, w + h/6*sum_w


@compiled
def _carefully(v, w, g_ex, g_in, h, left, steps, drive, cells, i):
    """Return v, w, refractory steps left, fired or not, a time h later.

    The stretches become short where v shoots up, so that a spike is on time
    and v starts from V_reset then and there.
    """
    fires, rest = False, h
    while rest > 0.0:
        growth = _growth(exp(_height(v, cells, i)), cells, i)
        part = max(_PART/max(growth, _PART/h), h*_SHORTEST)
        part = rest if left > 0.0 else min(part, rest)
        half_ex = exp(-part/2/cells.tau_syn_ex[i])
        half_in = exp(-part/2/cells.tau_syn_in[i])
        v, w = _single(v, w, g_ex, g_in, half_ex, half_in, part, left > 0.0,
                       drive, cells, i)
        g_ex, g_in = g_ex*half_ex*half_ex, g_in*half_in*half_in
        rest -= part
        if v >= _peak(cells, i):
            v, w = float(cells.V_reset[i]), w + cells.b[i]
            left, fires = steps, True
    return v, w, left, fires


@compiled
def _ends(v, w, first, h, sums, cells, calm):
    """Turn sums into v and w at the end, and say where these will do."""
    for j in range(calm.size):
        i = first + j
        growth = _growth(exp(_height(v[i], cells, i)), cells, i)
        sums[0, j] = v[i] + h/6*sums[0, j]
        sums[1, j] = w[i] + h/6*sums[1, j]
        calm[j] = growth*h <= _PART and sums[0, j] < _peak(cells, i)


@compiled
def _accept(v, w, g_ex, g_in, refractory, drive, first, h, steps, ends, calm,
            cells, fired):
    """Go to the end of the stretch; carefully where a spike is near."""
    for j in range(calm.size):
        i = first + j
        if calm[j]:
            v[i], w[i] = ends[0, j], ends[1, j]
        else:
            x, y, left, fires = _carefully(
                float(v[i]), float(w[i]), float(g_ex[i]), float(g_in[i]),
                h, float(refractory[i]), steps[i], drive[i], cells, i)
            v[i], w[i], refractory[i] = x, y, left
            fired[i] |= fires


@compiled
def _stretch(v, w, g_ex, g_in, refractory, drive, h, steps, cells, fired):
    """Integrate all neurons over a time h, block by block."""
    for first in range(0, v.size, _BLOCK):
        last = min(first + _BLOCK, v.size)
        slopes = np.zeros((2, last - first))
        sums = np.zeros((2, last - first))
        calm = np.empty(last - first, np.bool_)
        ex = g_ex[first:last].astype(np.float64)
        in_ = g_in[first:last].astype(np.float64)
        for stage in range(4):
            if stage % 2 == 1:
                _fade(ex, in_, first, h/2, cells)
            shift = h if stage == 3 else h/2
            weight = 2.0 if stage in (1, 2) else 1.0
            _stage(v, w, refractory, drive, ex, in_, first, shift, weight,
                   slopes, sums, cells)
        _ends(v, w, first, h, sums, cells, calm)
        _accept(v, w, g_ex, g_in, refractory, drive, first, h, steps, sums,
                calm, cells, fired)
        g_ex[first:last] = ex
        g_in[first:last] = in_


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

    @staticmethod
    @compiled
    def advance(v, w, g_ex, g_in, refractory, current, excitatory,
                inhibitory, C_m, g_L, E_L, V_th, Delta_T, V_peak, V_reset,
                t_ref, a, b, tau_w, E_ex, E_in, tau_syn_ex, tau_syn_in, I_e,
                dt, fired):
        cells = _Cells(
            C_m, g_L, E_L, V_th, Delta_T, V_peak, V_reset, a, b, tau_w,
            E_ex, E_in, tau_syn_ex, tau_syn_in, I_e)
        stretches = max(1, int(np.ceil(dt/_LONGEST - 1e-9)))
        steps = np.empty(v.size)
        for i in range(v.size):
            # The step of the spike itself counts down once too
            whole = np.floor(t_ref[i]/dt + 0.5)
            steps[i] = whole + 1.0 if whole > 0.0 else 0.0

        for t in range(current.shape[0]):
            fired[t] = 0
            for _ in range(stretches):
                _stretch(v, w, g_ex, g_in, refractory, current[t],
                         dt/stretches, steps, cells, fired[t])
            for i in range(v.size):
                g_ex[i] += excitatory[t, i]
                g_in[i] += inhibitory[t, i]
                refractory[i] -= 1.0 if refractory[i] > 0.0 else 0.0

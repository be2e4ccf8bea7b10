"""Leaky integrate-and-fire neurons with exponential conductances."""

import numpy as np

from dsim.compiled import compiled
from dsim.declare import Parameter, Receptor, State
from dsim.elementary import exp, log
from dsim.neurons.base import Neuron


@compiled
def _decays(tau, dt, out):
    """Fill out[2, n]: what is left of a conductance after dt, and its mean.

    The mean over the step is (1 - keep)/x with x = dt/tau, which is 0/0 for
    a very long tau; -log(keep) in place of x is Kahan's way around that.
    """
    for i in range(out.shape[1]):
        keep = exp(-dt/tau[i])
        x = -log(keep) if keep > 0.0 else dt/tau[i]
        out[0, i] = keep
        out[1, i] = (1.0 - keep)/x if keep < 1.0 else 1.0


@compiled
def _magnus_steps(v, g_ex, g_in, refractory, current, excitatory, inhibitory,
                  C_m, g_L, E_L, V_th, V_reset, t_ref, E_ex, E_in, I_e,
                  keep_ex, mean_ex, keep_in, mean_in, dt, fired):
    # All numbers in the precision of v: float32 stays float32.  What has no
    # [i] or is a number is computed once, ahead of the loops
    real = v.dtype.type
    none, one, tiny, twelfth = real(0), real(1), real(1e-30), real(1/12)
    above_1, above_2 = real(1/10), real(1/60)
    below_1, below_2, below_3 = real(3/5), real(3/20), real(1/60)
    for t in range(current.shape[0]):
        for i in range(v.size):
            ex, in_, left = g_ex[i], g_in[i], refractory[i]
            rest, low = real(E_L[i]), real(V_reset[i])
            far_ex, far_in = real(E_ex[i]) - rest, real(E_in[i]) - rest
            keeps_ex, keeps_in = real(keep_ex[i]), real(keep_in[i])
            scale = real(dt)/real(C_m[i])

            # v' = a - b (v - E_L): the integrals of a and b over the step
            from_ex = ex*(scale*real(mean_ex[i]))
            from_in = in_*(scale*real(mean_in[i]))
            drive = real(I_e[i]) + current[t, i]
            b = from_ex + from_in + scale*real(g_L[i])
            a = from_ex*far_ex + from_in*far_in + drive*scale

            # Magnus' second term; it has a twelfth of what a and b change by
            turn_ex = ex*((keeps_ex - one)*scale*twelfth)
            turn_in = in_*((keeps_in - one)*scale*twelfth)
            a += (b*(turn_ex*far_ex + turn_in*far_in)
                  - a*(turn_ex + turn_in))

            # (1 - exp(-b))/b, from Padé's approximant (2, 3) of exp(-b)
            above = one + b*(above_1 + b*above_2)
            below = one + b*(below_1 + b*(below_2 + b*below_3))
            x = v[i] + (a - b*(v[i] - rest))*above/below
            x = x if left <= none else low

            # Weights are heard at the end of their step.  A conductance that
            # has faded is dropped: subnormal numbers are slow on many
            # processors
            ex *= keeps_ex
            in_ *= keeps_in
            ex = ex if abs(ex) > tiny else none
            in_ = in_ if abs(in_) > tiny else none
            g_ex[i] = ex + excitatory[t, i]
            g_in[i] = in_ + inhibitory[t, i]

            fires = x >= real(V_th[i])
            left = left - one if left > none else none
            v[i] = low if fires else x
            steps = real(np.floor(t_ref[i]/dt + 0.5))
            refractory[i] = steps if fires else left
            fired[t, i] = fires


@compiled
def _magnus(v, g_ex, g_in, refractory, current, excitatory, inhibitory, C_m,
            g_L, E_L, V_th, V_reset, t_ref, E_ex, E_in, tau_syn_ex,
            tau_syn_in, I_e, dt, fired):
    # One set of decays, or one a neuron: the loop is compiled for numbers
    # and for arrays, so that equal neurons read no arrays
    alike = np.asarray(tau_syn_ex + tau_syn_in).ndim == 0
    of = np.empty((4, 1 if alike else v.size))
    _decays(tau_syn_ex, dt, of[:2])
    _decays(tau_syn_in, dt, of[2:])
    if alike:
        _magnus_steps(v, g_ex, g_in, refractory, current, excitatory,
                      inhibitory, C_m, g_L, E_L, V_th, V_reset, t_ref, E_ex,
                      E_in, I_e, of[0, 0], of[1, 0], of[2, 0], of[3, 0], dt,
                      fired)
    else:
        _magnus_steps(v, g_ex, g_in, refractory, current, excitatory,
                      inhibitory, C_m, g_L, E_L, V_th, V_reset, t_ref, E_ex,
                      E_in, I_e, of[0], of[1], of[2], of[3], dt, fired)


@compiled
def _euler(v, g_ex, g_in, refractory, current, excitatory, inhibitory, C_m,
           g_L, E_L, V_th, V_reset, t_ref, E_ex, E_in, tau_syn_ex,
           tau_syn_in, I_e, dt, fired):
    real = v.dtype.type
    none, one, tiny = real(0), real(1), real(1e-30)
    for t in range(current.shape[0]):
        for i in range(v.size):
            ex, in_, left = g_ex[i], g_in[i], refractory[i]
            rest, low = real(E_L[i]), real(V_reset[i])
            far_ex, far_in = real(E_ex[i]) - rest, real(E_in[i]) - rest
            scale = real(dt)/real(C_m[i])

            # All slopes are those at the start of the step
            up = v[i] - rest
            slope = ex*(far_ex - up) + in_*(far_in - up) - real(g_L[i])*up
            x = v[i] + scale*(slope + (real(I_e[i]) + current[t, i]))
            x = x if left <= none else low

            ex *= one - real(dt)/real(tau_syn_ex[i])
            in_ *= one - real(dt)/real(tau_syn_in[i])
            ex = ex if abs(ex) > tiny else none
            in_ = in_ if abs(in_) > tiny else none
            g_ex[i] = ex + excitatory[t, i]
            g_in[i] = in_ + inhibitory[t, i]

            fires = x >= real(V_th[i])
            left = left - one if left > none else none
            v[i] = low if fires else x
            steps = real(np.floor(t_ref[i]/dt + 0.5))
            refractory[i] = steps if fires else left
            fired[t, i] = fires


class LIFConductance(Neuron):
    """Leaky integrate-and-fire with exponential synaptic conductances.

        C_m v' = −g_L (v − E_L) − g_ex (v − E_ex) − g_in (v − E_in) + I_e + I
        tau_syn_ex g_ex' = −g_ex, likewise g_in
        v ≥ V_th:  v ← V_reset, and stays there for t_ref

    NEST's ``iaf_cond_exp``, in whose order things happen.  In each step v
    moves; then conductances decay; then v is compared with V_th; last, the
    weights (nS, none negative) that arrive in the step jump the
    conductances, and so move v from the next step on.  I, the current of
    the stimuli, acts in its own step, where NEST's acts in the next.  t_ref
    is rounded to whole steps; conductances decay meanwhile.

    ``magnus``
        Conductances decay exactly, and v follows from the first two terms
        of Magnus' series (1954, Commun. Pure Appl. Math. 7:649): of order
        four, for constant conductances of order five, and stable for steps
        of any length.
    ``euler``
        Forward Euler for v and the conductances, all from the values at the
        start of the step.  Brian2's ``euler``, which holds v for one step
        less.

    The defaults are those of Vogels and Abbott's network as in Brette et
    al. (2007), J. Comput. Neurosci. 23:349, benchmark 1.
    """

    name = 'lif-conductance'
    states = (
        State('v', None, 'mV', 'membrane potential; starts at E_L'),
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
        Parameter('C_m', 200.0, 'pF', 'membrane capacitance', above=0.0),
        Parameter('g_L', 10.0, 'nS', 'leak conductance', low=0.0),
        Parameter('E_L', -60.0, 'mV', 'v at rest'),
        Parameter('V_th', -50.0, 'mV', 'v at which a spike leaves'),
        Parameter('V_reset', -60.0, 'mV', 'v after a spike'),
        Parameter('t_ref', 5.0, 'ms', 'time v stays there', low=0.0),
        Parameter('E_ex', 0.0, 'mV', 'reversal potential of g_ex'),
        Parameter('E_in', -80.0, 'mV', 'reversal potential of g_in'),
        Parameter('tau_syn_ex', 5.0, 'ms', 'decay of g_ex', above=0.0),
        Parameter('tau_syn_in', 10.0, 'ms', 'decay of g_in', above=0.0),
        Parameter('I_e', 0.0, 'pA', 'constant current'),
    )
    ordered = (('V_reset', 'V_th'),)
    schemes = {'magnus': _magnus, 'euler': _euler}

"""Leaky integrate-and-fire neurons with exponential synaptic currents."""

import numpy as np

from dsim.compiled import compiled
from dsim.declare import Parameter, Receptor, State
from dsim.elementary import exp, log
from dsim.neurons.base import Neuron


@compiled
def _decays(tau, dt, out):
    for i in range(out.size):
        out[i] = exp(-dt/tau[i])


@compiled
def _couplings(tau_syn, tau_m, C_m, keep_syn, keep, dt, out):
    """What a current that decays with tau_syn adds to v in dt, per pA.

    It is dt/C_m (keep_syn - keep)/x with x = dt/tau_m - dt/tau_syn, where
    keep = exp(-dt/tau_m), keep_syn likewise.  If the time constants are
    nearly or quite equal that is 0/0; since keep_syn = keep exp(x), there
    it is keep (exp(x) - 1)/log(exp(x)), which is Kahan's way around.
    """
    for i in range(out.size):
        x = dt/tau_m[i] - dt/tau_syn[i]
        grown = exp(x)
        near = 1.0 if grown == 1.0 else (grown - 1.0)/log(grown)
        far = (keep_syn[i] - keep[i])/x
        out[i] = dt/C_m[i]*(near*keep[i] if -1.0 < x < 1.0 else far)


@compiled
def _propagators(C_m, tau_m, tau_syn_ex, tau_syn_in, dt, out):
    """Fill out[6, n]: decays of v, ex, in; what ex, in, a constant add."""
    keep, keep_ex, keep_in = out[0], out[1], out[2]
    _decays(tau_m, dt, keep)
    _decays(tau_syn_ex, dt, keep_ex)
    _decays(tau_syn_in, dt, keep_in)
    _couplings(tau_syn_ex, tau_m, C_m, keep_ex, keep, dt, out[3])
    _couplings(tau_syn_in, tau_m, C_m, keep_in, keep, dt, out[4])
    for i in range(keep.size):
        out[5, i] = (1.0 - keep[i])*tau_m[i]/C_m[i]


@compiled
def _steps(v, current_ex, current_in, refractory, current, excitatory,
           inhibitory, E_L, V_th, V_reset, t_ref, I_e, keep, keep_ex,
           keep_in, from_ex, from_in, from_constant, dt, fired):
    # All numbers in the precision of v: float32 stays float32
    real = v.dtype.type
    none, one, tiny = real(0), real(1), real(1e-30)
    for t in range(current.shape[0]):
        for i in range(v.size):
            ex, in_, left = current_ex[i], current_in[i], refractory[i]
            rest, low = real(E_L[i]), real(V_reset[i])
            drive = real(I_e[i] + current[t, i])
            x = (v[i] - rest)*real(keep[i]) + ex*real(from_ex[i])
            x += in_*real(from_in[i]) + drive*real(from_constant[i]) + rest
            x = x if left <= none else low

            # Weights are heard at the end of their step.  A current that has
            # faded is dropped: subnormal numbers are slow on many processors
            ex *= real(keep_ex[i])
            in_ *= real(keep_in[i])
            ex = ex if abs(ex) > tiny else none
            in_ = in_ if abs(in_) > tiny else none
            current_ex[i] = ex + real(excitatory[t, i])
            current_in[i] = in_ + real(inhibitory[t, i])

            fires = x >= real(V_th[i])
            left = left - one if left > none else none
            v[i] = low if fires else x
            steps = real(np.floor(t_ref[i]/dt + 0.5))
            refractory[i] = steps if fires else left
            fired[t, i] = fires


class LIF(Neuron):
    """Leaky integrate-and-fire with exponential currents, solved exactly.

        C_m v' = −C_m (v − E_L)/tau_m + current_ex + current_in + I_e + I
        current_ex' = −current_ex/tau_syn_ex, likewise current_in
        v ≥ V_th:  v ← V_reset, and stays there for t_ref

    Within a step all of this is linear, and solved exactly (Rotter and
    Diesmann 1999, Biol. Cybern. 81:381): NEST's ``iaf_psc_exp``, in whose
    order things happen.  The weights (pA; negative ones at ``inhibitory``)
    that arrive in a step jump the synaptic currents at its end, and so move
    v from the next step on.  I, the current of the stimuli, acts in its own
    step, where NEST's acts in the next.  t_ref is rounded to whole steps.
    """

    name = 'lif'
    states = (
        State('v', None, 'mV', 'membrane potential; starts at E_L'),
        State('current_ex', 0.0, 'pA', 'excitatory synaptic current'),
        State('current_in', 0.0, 'pA', 'inhibitory synaptic current'),
        State('refractory', 0.0, '1', 'steps for which v will stay'),
    )
    starts = {'v': lambda values: values['E_L']}
    receptors = (
        Receptor('excitatory', 'pA', 'jump of current_ex'),
        Receptor('inhibitory', 'pA', 'jump of current_in, negative'),
    )
    parameters = (
        Parameter('C_m', 250.0, 'pF', 'membrane capacitance', above=0.0),
        Parameter('tau_m', 10.0, 'ms', 'membrane time constant', above=0.0),
        Parameter('tau_syn_ex', 2.0, 'ms', 'decay of current_ex', above=0.0),
        Parameter('tau_syn_in', 2.0, 'ms', 'decay of current_in', above=0.0),
        Parameter('E_L', -70.0, 'mV', 'v at rest'),
        Parameter('V_th', -55.0, 'mV', 'v at which a spike leaves'),
        Parameter('V_reset', -70.0, 'mV', 'v after a spike'),
        Parameter('t_ref', 2.0, 'ms', 'time v stays there', low=0.0),
        Parameter('I_e', 0.0, 'pA', 'constant current'),
    )
    ordered = (('V_reset', 'V_th'),)

    @staticmethod
    @compiled
    def advance(v, current_ex, current_in, refractory, current, excitatory,
                inhibitory, C_m, tau_m, tau_syn_ex, tau_syn_in, E_L, V_th,
                V_reset, t_ref, I_e, dt, fired):
        # One set of propagators, or one a neuron: the loop is compiled for
        # numbers and for arrays, so that equal neurons read no arrays
        alike = np.asarray(C_m + tau_m + tau_syn_ex + tau_syn_in).ndim == 0
        of = np.empty((6, 1 if alike else v.size))
        _propagators(C_m, tau_m, tau_syn_ex, tau_syn_in, dt, of)
        if alike:
            _steps(v, current_ex, current_in, refractory, current,
                   excitatory, inhibitory, E_L, V_th, V_reset, t_ref, I_e,
                   of[0, 0], of[1, 0], of[2, 0], of[3, 0], of[4, 0],
                   of[5, 0], dt, fired)
        else:
            _steps(v, current_ex, current_in, refractory, current,
                   excitatory, inhibitory, E_L, V_th, V_reset, t_ref, I_e,
                   of[0], of[1], of[2], of[3], of[4], of[5], dt, fired)

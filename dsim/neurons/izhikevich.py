"""The simple models of Izhikevich: 2003, and 2007 with units."""

from dsim.compiled import compiled
from dsim.declare import Parameter, Receptor, State
from dsim.neurons.base import Neuron


@compiled
def _v_slope(v, u, drive, square, linear, constant):
    return square*v*v + linear*v + constant - u + drive


@compiled
def _pull(v, u, b, shift, decay):
    return b*(v - shift) - decay*u


class Izhikevich(Neuron):
    """The simple model of Izhikevich (2003), IEEE Trans. Neural Netw. 14:1569.

        v' = 0.04 v² + 5 v + 140 − u + I
        u' = a (b v − u)
        v ≥ 30 mV:  v ← c,  u ← u + d

    I is the current of the stimuli and, in the step in which they arrive,
    the weights at ``input``.  The model's units are ms and mV; a current
    is a slope of v.  The schemes differ in more than their accuracy, as
    results published with one are rarely had with another:

    ``published``
        The program of the 2003 paper: two half steps in v, then u from the
        new v.  NEST: ``consistent_integration = False``.
    ``published-2004``
        The program of the 2004 paper (`dsim.neurons.patterns`): one step in
        v, then u from the new v.
    ``euler``
        Forward Euler, u from the old v, and weights jump v instead of
        acting for one step.  NEST: ``consistent_integration = True``.

    Beyond the two papers' a, b, c and d the polynomial's coefficients are
    parameters, since three of the 2004 paper's patterns need others:

        u' = a (b (v − v_shift) − u_decay u)

    The presets are those of the 2003 paper, figure 2.
    """

    name = 'izhikevich-2003'
    states = (
        State('v', -65.0, 'mV', 'membrane potential'),
        State('u', None, 'mV/ms', 'recovery; starts at b v'),
    )
    starts = {'u': lambda values: values['b']*values['v']}
    receptors = (
        Receptor('input', 'mV/ms', 'current for one step (euler: jump of v '
                                   'in mV)'),
    )
    parameters = (
        Parameter('a', 0.02, '1/ms', 'rate of recovery'),
        Parameter('b', 0.2, '1/ms', 'pull of v on recovery'),
        Parameter('c', -65.0, 'mV', 'v after a spike'),
        Parameter('d', 8.0, 'mV/ms', 'jump of u at a spike'),
        Parameter('v_peak', 30.0, 'mV', 'v at which a spike is cut off'),
        Parameter('v_square', 0.04, '1/(mV ms)', 'coefficient of v² in v\''),
        Parameter('v_linear', 5.0, '1/ms', 'coefficient of v in v\''),
        Parameter('v_constant', 140.0, 'mV/ms', 'constant in v\''),
        Parameter('v_shift', 0.0, 'mV', 'v that pulls recovery to 0'),
        Parameter('u_decay', 1.0, '1', 'pull of recovery on itself'),
    )
    ordered = (('c', 'v_peak'),)

    presets = {
        'regular_spiking': {'a': 0.02, 'b': 0.2, 'c': -65.0, 'd': 8.0},
        'intrinsically_bursting': {'a': 0.02, 'b': 0.2, 'c': -55.0, 'd': 4.0},
        'chattering': {'a': 0.02, 'b': 0.2, 'c': -50.0, 'd': 2.0},
        'fast_spiking': {'a': 0.1, 'b': 0.2, 'c': -65.0, 'd': 2.0},
        'low_threshold_spiking': {'a': 0.02, 'b': 0.25, 'c': -65.0, 'd': 2.0},
        'thalamo_cortical': {'a': 0.02, 'b': 0.25, 'c': -65.0, 'd': 0.05},
        'resonator': {'a': 0.1, 'b': 0.26, 'c': -65.0, 'd': 2.0},
    }

    @staticmethod
    @compiled
    def published(v, u, current, input, a, b, c, d, v_peak, v_square,
                  v_linear, v_constant, v_shift, u_decay, dt, fired):
        # All numbers in the precision of v: float32 stays float32
        real = v.dtype.type
        step, half = real(dt), real(dt/2)
        for t in range(current.shape[0]):
            for i in range(v.size):
                x, y, drive = v[i], u[i], real(current[t, i] + input[t, i])
                square, linear = real(v_square[i]), real(v_linear[i])
                constant = real(v_constant[i])
                x += half*_v_slope(x, y, drive, square, linear, constant)
                x += half*_v_slope(x, y, drive, square, linear, constant)
                y += step*real(a[i])*_pull(x, y, real(b[i]), real(v_shift[i]),
                                           real(u_decay[i]))

                low, jump = real(c[i]), real(d[i])
                fires = x >= real(v_peak[i])
                v[i] = low if fires else x
                u[i] = y + jump if fires else y
                fired[t, i] = fires

    @staticmethod
    @compiled
    def published_2004(v, u, current, input, a, b, c, d, v_peak, v_square,
                       v_linear, v_constant, v_shift, u_decay, dt, fired):
        real = v.dtype.type
        step = real(dt)
        for t in range(current.shape[0]):
            for i in range(v.size):
                x, y, drive = v[i], u[i], real(current[t, i] + input[t, i])
                x += step*_v_slope(x, y, drive, real(v_square[i]),
                                   real(v_linear[i]), real(v_constant[i]))
                y += step*real(a[i])*_pull(x, y, real(b[i]), real(v_shift[i]),
                                           real(u_decay[i]))

                low, jump = real(c[i]), real(d[i])
                fires = x >= real(v_peak[i])
                v[i] = low if fires else x
                u[i] = y + jump if fires else y
                fired[t, i] = fires

    @staticmethod
    @compiled
    def euler(v, u, current, input, a, b, c, d, v_peak, v_square,
              v_linear, v_constant, v_shift, u_decay, dt, fired):
        real = v.dtype.type
        step = real(dt)
        for t in range(current.shape[0]):
            for i in range(v.size):
                x, y, drive = v[i], u[i], real(current[t, i])
                y += step*real(a[i])*_pull(x, y, real(b[i]), real(v_shift[i]),
                                           real(u_decay[i]))
                slope = _v_slope(x, u[i], drive, real(v_square[i]),
                                 real(v_linear[i]), real(v_constant[i]))
                x += step*slope + real(input[t, i])

                low, jump = real(c[i]), real(d[i])
                fires = x >= real(v_peak[i])
                v[i] = low if fires else x
                u[i] = y + jump if fires else y
                fired[t, i] = fires

    schemes = {'published': published, 'published-2004': published_2004,
               'euler': euler}


class Izhikevich2007(Neuron):
    """The simple model with units: Izhikevich (2007), Dynamical Systems in
    Neuroscience, chapter 8.

        C v' = k (v − vr) (v − vt) − u + I
        u' = a (b (v − vr) + b_cubic max(v − vb, 0)³ − u)
        v ≥ v_peak:  v ← c,  u ← u + d

    by forward Euler, as the book's programs.  I is the current of the
    stimuli and, in the step in which they arrive, the weights at
    ``input``.  ``b_cubic`` is for the fast spiking cell of section 8.2.6,
    whose recovery starts at vb; the other presets are those of sections
    8.2.1 (figure 8.12), 8.2.2 (8.19) and 8.2.3 (8.23).
    """

    name = 'izhikevich-2007'
    states = (
        State('v', None, 'mV', 'membrane potential; starts at vr'),
        State('u', 0.0, 'pA', 'recovery current'),
    )
    starts = {'v': lambda values: values['vr']}
    receptors = (Receptor('input', 'pA', 'current for one step'),)
    parameters = (
        Parameter('C', 100.0, 'pF', 'membrane capacitance', above=0.0),
        Parameter('k', 0.7, 'nS/mV', 'curvature of the current'),
        Parameter('vr', -60.0, 'mV', 'v at rest'),
        Parameter('vt', -40.0, 'mV', 'v at the instantaneous threshold'),
        Parameter('v_peak', 35.0, 'mV', 'v at which a spike is cut off'),
        Parameter('a', 0.03, '1/ms', 'rate of recovery'),
        Parameter('b', -2.0, 'nS', 'pull of v on recovery'),
        Parameter('c', -50.0, 'mV', 'v after a spike'),
        Parameter('d', 100.0, 'pA', 'jump of u at a spike'),
        Parameter('b_cubic', 0.0, 'pA/mV³', 'pull of v above vb, cubed'),
        Parameter('vb', -55.0, 'mV', 'v above which b_cubic acts'),
    )
    ordered = (('c', 'v_peak'),)

    presets = {
        'regular_spiking': {
            'C': 100.0, 'k': 0.7, 'vr': -60.0, 'vt': -40.0, 'v_peak': 35.0,
            'a': 0.03, 'b': -2.0, 'c': -50.0, 'd': 100.0},
        'intrinsically_bursting': {
            'C': 150.0, 'k': 1.2, 'vr': -75.0, 'vt': -45.0, 'v_peak': 50.0,
            'a': 0.01, 'b': 5.0, 'c': -56.0, 'd': 130.0},
        'chattering': {
            'C': 50.0, 'k': 1.5, 'vr': -60.0, 'vt': -40.0, 'v_peak': 25.0,
            'a': 0.03, 'b': 1.0, 'c': -40.0, 'd': 150.0},
        'fast_spiking': {
            'C': 20.0, 'k': 1.0, 'vr': -55.0, 'vt': -40.0, 'v_peak': 25.0,
            'a': 0.2, 'b': 0.0, 'c': -45.0, 'd': 0.0, 'b_cubic': 0.025,
            'vb': -55.0},
    }

    @staticmethod
    @compiled
    def advance(v, u, current, input, C, k, vr, vt, v_peak, a, b, c, d,
                b_cubic, vb, dt, fired):
        real = v.dtype.type
        step, zero = real(dt), real(0)
        for t in range(current.shape[0]):
            for i in range(v.size):
                x, y, drive = v[i], u[i], real(current[t, i] + input[t, i])
                rest, over = x - real(vr[i]), x - real(vb[i])
                over = over if over > zero else zero

                slope = real(k[i])*rest*(x - real(vt[i])) - y + drive
                pull = real(b[i])*rest + real(b_cubic[i])*over*over*over
                x += step*slope/real(C[i])
                y += step*real(a[i])*(pull - y)

                low, jump = real(c[i]), real(d[i])
                fires = x >= real(v_peak[i])
                v[i] = low if fires else x
                u[i] = y + jump if fires else y
                fired[t, i] = fires

"""The program published with Izhikevich (2003), line by line in numpy.

It uses nothing of the simulator, and numpy's random numbers.
"""

import numpy as np


def program(seed: int, excitatory: int = 800, inhibitory: int = 200,
            steps: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Return (times in ms, neuron numbers) of all spikes, in order.

    A spike found at the start of step t, t = 1 ... steps, has time t - 1:
    the end of the step in which the neuron crossed 30 mV.
    """
    draw = np.random.default_rng(seed)
    re, ri = draw.random(excitatory), draw.random(inhibitory)
    ones, others = np.ones(excitatory), np.ones(inhibitory)
    a = np.concatenate([0.02*ones, 0.02 + 0.08*ri])
    b = np.concatenate([0.2*ones, 0.25 - 0.05*ri])
    c = np.concatenate([-65 + 15*re**2, -65*others])
    d = np.concatenate([8 - 6*re**2, 2*others])

    # weights[source, target], so that the rows of those that fired are near
    total = excitatory + inhibitory
    weights = np.concatenate([0.5*draw.random((excitatory, total)),
                              -draw.random((inhibitory, total))])
    v = np.full(total, -65.0)
    u = b*v
    times, numbers = [], []
    for t in range(1, steps + 1):
        drive = np.concatenate([5*draw.standard_normal(excitatory),
                                2*draw.standard_normal(inhibitory)])
        fired = np.flatnonzero(v >= 30)
        times.append(np.full(fired.size, t - 1.0))
        numbers.append(fired)
        v[fired] = c[fired]
        u[fired] += d[fired]
        drive += weights[fired].sum(axis=0)

        v += 0.5*(0.04*v**2 + 5*v + 140 - u + drive)
        v += 0.5*(0.04*v**2 + 5*v + 140 - u + drive)
        u += a*(b*v - u)
    return np.concatenate(times), np.concatenate(numbers)

"""The cortical microcircuit of Potjans and Diesmann (2014), at any scale.

Potjans, Diesmann (2014), The cell-type specific cortical microcircuit,
Cereb. Cortex 24:785.  Eight populations of 77,169 neurons under 1 mm² of
cortex, and 0.3 billion synapses; smaller networks keep the mean and the
variance of each neuron's input.
"""

from typing import Any, NamedTuple

import numpy as np

from dsim.connectivity import FixedTotal
from dsim.distributions import Normal
from dsim.errors import BadValue
from dsim.network import Network
from dsim.neurons.lif import LIF
from dsim.stimuli import PoissonInput

POPULATIONS = ('L23E', 'L23I', 'L4E', 'L4I', 'L5E', 'L5I', 'L6E', 'L6I')
SIZES = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
PROBABILITIES = np.array([
    [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000],
    [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000],
    [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000],
    [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000],
    [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000],
    [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000],
    [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
    [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
])
"""That a pair is connected at least once: targets down, sources across."""

EXTERNAL = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])
"""Connections from elsewhere into each neuron, Poisson trains of 8 Hz."""

EXTERNAL_RATE = 8.0
RATES = np.array([0.86, 2.80, 4.45, 5.93, 7.59, 8.64, 1.09, 7.88])
"""Hz of the full network's spontaneous activity: table 6 of the paper."""

WEIGHT, SPREAD, INHIBITION = 87.8, 0.1, -4.0
"""pA that make 0.15 mV; relative standard deviation; inhibitory weights."""

DELAYS = Normal(1.5, 0.75, 0.1), Normal(0.8, 0.4, 0.1)
"""ms, of excitatory and inhibitory connections; none is below the step."""

CELL: dict[str, Any] = {
    'C_m': 250.0, 'tau_m': 10.0, 'tau_syn_ex': 0.5, 'tau_syn_in': 0.5,
    't_ref': 2.0, 'E_L': -65.0, 'V_th': -50.0, 'V_reset': -65.0,
}
DT = 0.1

START = (
    (-68.28, 5.36), (-63.16, 4.57), (-63.33, 4.74), (-63.45, 4.94),
    (-63.11, 4.94), (-61.66, 4.55), (-66.72, 5.46), (-61.43, 4.48),
)
"""Mean and standard deviation of v at first in mV: NEST's ``optimized``
values, with which the network starts without a burst."""

PITCH, SPEED = 1.0, 0.3
"""Of several columns: mm from one to the next, and mm/ms between them."""


class Neighbour(NamedTuple):
    """Another column: where it lies in columns, and its share of lateral
    connections."""

    offset: tuple[int, int]
    distance: float
    share: float


def network(scale: float = 1.0, columns: tuple[int, int] = (1, 1),
            seed: int = 1, *, k_scale: float | None = None,
            lateral: float = 100.0, precision: str = 'float64') -> Network:
    """Return the network, of one column or of a grid of equal ones.

    Parameters
    ----------
    scale
        Part of the neurons that there are, in (0, 1].
    columns
        (rows, columns) of the grid, on a sheet whose ends are joined.
    seed
        That of all draws.
    k_scale
        Part of the in-degrees that there are, in (0, 1]; ``scale`` if None.
        Below 1, weights grow by 1/sqrt(k_scale), which keeps the variance of
        the input, and a constant current keeps its mean.
    lateral
        In-degree (of the full network) of an excitatory neuron from the
        excitatory neurons of its layer in the columns around its own.  As
        much of its external input is left out as they send at `RATES`.
    precision
        Of the state: 'float64' or 'float32'.

    Raises `BadValue` for what cannot be.

    Each column is a run of neurons in one row of the sheet; where a neuron
    lies in it means nothing.  Lateral connections are ours, not the
    paper's: from the up to eight columns around, each in proportion to
    exp(-distance/1 mm), their delays longer by distance/`SPEED`.
    """
    k_scale = scale if k_scale is None else k_scale
    _check(scale, k_scale, columns, lateral)
    net = Network(seed=seed, extent=(columns[0]*PITCH, columns[1]*PITCH),
                  periodic=columns != (1, 1))
    around = neighbours(columns)
    lateral = lateral if around else 0.0
    sizes = np.round(SIZES*scale).astype(int)
    weight = _rounded(WEIGHT/np.sqrt(k_scale))
    current = compensation(k_scale)
    for k, name in enumerate(POPULATIONS):
        cell = LIF(**CELL, I_e=_rounded(current[k]),
                   initial={'v': Normal(*START[k])})
        net.population(name, cell, (columns[0], columns[1]*int(sizes[k])),
                       precision=precision)

    totals = np.round(synapses()*scale*k_scale).astype(int)
    for target, source in np.argwhere(totals):
        _project(net, source, target, int(totals[target, source]), weight,
                 columns)
    for k, beside in [(k, one) for k in range(0, 8, 2) for one in around]:
        total = round(lateral*k_scale*beside.share*int(sizes[k]))
        _project(net, k, k, total, weight, columns, beside)
    for k, name in enumerate(POPULATIONS):
        rate = EXTERNAL[k]*EXTERNAL_RATE
        rate -= lateral*RATES[k] if k % 2 == 0 else 0.0
        net.stimulate(name, PoissonInput(
            rate=_rounded(rate*k_scale), weight=weight,
            receptor='excitatory'))
    return net


def synapses() -> np.ndarray:
    """Return [targets, sources]: how many connections the full network has.

    As many as, drawn with replacement, leave a pair unconnected with one
    minus its probability: equation 1 of the paper.
    """
    pairs = np.outer(SIZES, SIZES).astype(float)
    return np.round(np.log1p(-PROBABILITIES)/np.log1p(-1/pairs))


def weights() -> np.ndarray:
    """Return [targets, sources]: mean weights of the full network in pA."""
    found = np.full((8, 8), WEIGHT)
    found[:, 1::2] *= INHIBITION
    found[0, 2] *= 2
    return found


def compensation(k_scale: float) -> np.ndarray:
    """Return the current in pA that each population needs besides.

    What the mean of the input loses if in-degrees are smaller by
    ``k_scale`` and weights larger by its square root only, where all
    neurons fire at `RATES`: as the implementation for NEST.
    """
    indegrees = synapses()/SIZES[:, None]
    received = (weights()*indegrees) @ RATES
    received += WEIGHT*EXTERNAL*EXTERNAL_RATE
    tau = CELL['tau_syn_ex']/1000
    return (1 - np.sqrt(k_scale))*tau*received


def neighbours(columns: tuple[int, int]) -> list[Neighbour]:
    """Return the up to eight columns around one, each once.

    In a grid of two the next one on either side is the same.
    """
    found: dict[tuple[int, int], tuple[float, tuple[int, int]]] = {}
    for down in range(-1, 2):
        for right in range(-1, 2):
            where = down % columns[0], right % columns[1]
            far = float(np.hypot(down, right))*PITCH
            known = where in found and found[where][0] <= far
            if where != (0, 0) and not known:
                found[where] = far, (down, right)
    weight = {where: np.exp(-far/PITCH) for where, (far, _) in found.items()}
    total = sum(weight.values())
    return [Neighbour(offset, far, float(weight[where]/total))
            for where, (far, offset) in found.items()]


def _project(net: Network, source: int, target: int, total: int,
             weight: float, columns: tuple[int, int],
             beside: Neighbour | None = None) -> None:
    """Connect two populations, or one with that of a column beside."""
    mean = weight*weights()[target, source]/WEIGHT
    delay, inhibitory = DELAYS[source % 2], source % 2 == 1
    offset = None
    if beside is not None:
        offset = beside.offset
        delay = Normal(_rounded(delay.mean + beside.distance/SPEED),
                       delay.std, delay.low)
    one = columns == (1, 1)
    net.project(
        POPULATIONS[source], POPULATIONS[target],
        rule=FixedTotal(total, blocks=None if one else columns,
                        offset=offset),
        weight=Normal(_rounded(mean), _rounded(abs(mean)*SPREAD)),
        delay=delay, receptor='inhibitory' if inhibitory else 'excitatory')


def _rounded(value: float) -> float:
    # Model files are easier to read so; 0.0001 pA, Hz or ms are nothing
    return round(float(value), 4)


def _check(scale: float, k_scale: float, columns: tuple[int, int],
           lateral: float) -> None:
    for name, value in ('scale', scale), ('k_scale', k_scale):
        if not 0 < value <= 1:
            raise BadValue(name, value, 'a part of the full network: > 0 '
                           'and <= 1')
    if np.round(SIZES*scale).min() < 1:
        raise BadValue('scale', scale, 'large enough for one neuron of each '
                       'population')
    if len(columns) != 2 or min(columns) < 1:
        raise BadValue('columns', columns, 'two numbers >= 1')
    most = float((EXTERNAL*EXTERNAL_RATE/RATES)[::2].min())
    if not 0 <= lateral <= most:
        raise BadValue('lateral', lateral, f'from 0 to {most:,.0f}, what '
                       'the external input can be lessened by')

"""The networks that dsim and its peers are compared on."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from dsim.connectivity import (
    FixedIndegree,
    Gaussian,
    PairwiseBernoulli,
    Stencil,
)
from dsim.connectivity.synapse_values import Distance
from dsim.distributions import Normal
from dsim.errors import BadValue, lookup
from dsim.model import load
from dsim.network import Network
from dsim.neurons import LIF, AdEx, Izhikevich
from dsim.stimuli import GaussianCurrent


class Workload(NamedTuple):
    """A network to be measured: made from a scale and a seed.

    ``dt``, ``warm_up`` (not measured) and ``duration`` in ms.
    """

    name: str
    title: str
    network: Callable[[float, int], Network]
    dt: float
    warm_up: float
    duration: float


def sheet(scale: float, seed: int) -> Network:
    """Return W1: 16,384 Izhikevich neurons on a torus, 1,000 synapses each.

    Four fifths are excitatory; a grid unit is 0.01 mm; delays of 1 to 16
    ms.  A smaller ``scale`` leaves rows and columns out, not synapses.
    """
    side = max(round(128*math.sqrt(scale)), 8)
    wide = round(side*102/128)
    network = Network(seed, (side/100, side/100), periodic=True)
    exc = network.population('exc', Izhikevich.preset('regular_spiking'),
                             (side, wide))
    inh = network.population('inh', Izhikevich.preset('fast_spiking'),
                             (side, side - wide))
    for source, degree, weight in (exc, 797, 0.25), (inh, 203, -1.0):
        network.project(source, [exc, inh], rule=FixedIndegree(degree),
                        kernel=Gaussian(0.1, 0.3), weight=weight,
                        delay=Distance(0.02, 1.0))
    network.stimulate(exc, GaussianCurrent(std=5.0))
    network.stimulate(inh, GaussianCurrent(std=2.0))
    return network


def grid(scale: float, seed: int) -> Network:
    """Return W4: 1024 x 1024 Izhikevich neurons joined to 8 neighbours."""
    side = max(round(1024*math.sqrt(scale)), 3)
    network = Network(seed, (side/100, side/100), periodic=True)
    exc = network.population('exc', Izhikevich.preset('regular_spiking'),
                             (side, side))
    network.project(exc, exc, rule=Stencil.moore(), weight=1.0)
    network.stimulate(exc, GaussianCurrent(std=5.5))
    return network


def coba(scale: float, seed: int) -> Network:
    """Return W2 with conductances, after Vogels and Abbott (2005).

    Numbers and first states are those of Brette et al. (2007), J. Comput.
    Neurosci. 23:349, benchmark 1, and of Brian's program for it.
    """
    cell: dict[str, Any] = {
        'C_m': 200.0, 'g_L': 10.0, 'E_L': -60.0, 'V_th': -50.0,
        'Delta_T': 0.0, 'V_peak': 0.0, 'V_reset': -60.0, 't_ref': 5.0,
        'a': 0.0, 'b': 0.0, 'E_ex': 0.0, 'E_in': -80.0,
        'tau_syn_ex': 5.0, 'tau_syn_in': 10.0}
    first = {'v': Normal(-65.0, 5.0), 'g_ex': Normal(40.0, 15.0, low=0.0),
             'g_in': Normal(200.0, 120.0, low=0.0)}
    return _vogels(AdEx(initial=first, **cell), (6.0, 67.0), scale, seed)


def cuba(scale: float, seed: int) -> Network:
    """Return W2 with currents, after Vogels and Abbott (2005).

    As `coba`; jumps of 1.62 and -9 mV, here as currents of 200 pF in 20 ms.
    """
    cell: dict[str, Any] = {
        'C_m': 200.0, 'tau_m': 20.0, 'E_L': -49.0, 'V_th': -50.0,
        'V_reset': -60.0, 't_ref': 5.0, 'tau_syn_ex': 5.0,
        'tau_syn_in': 10.0}
    first = {'v': lambda r: -60.0 + 10.0*r}
    return _vogels(LIF(initial=first, **cell), (16.2, -90.0), scale, seed)


def _vogels(cell: Any, weights: tuple[float, float], scale: float, seed: int
            ) -> Network:
    network = Network(seed)
    exc = network.population('exc', cell, round(3200*scale))
    inh = network.population('inh', cell, round(800*scale))
    for source, weight, receptor in ((exc, weights[0], 'excitatory'),
                                     (inh, weights[1], 'inhibitory')):
        network.project(
            source, [exc, inh], rule=PairwiseBernoulli(min(0.02/scale, 1.0)),
            weight=weight, delay=0.8, receptor=receptor)
    return network


NETWORKS = {each.name: each for each in (
    Workload('W1', 'sheet of Izhikevich neurons, 1,000 synapses each',
             sheet, 1.0, 100.0, 1000.0),
    Workload('W2-coba', 'Vogels and Abbott with conductances', coba, 0.1,
             100.0, 1000.0),
    Workload('W2-cuba', 'Vogels and Abbott with currents', cuba, 0.1,
             100.0, 1000.0),
    Workload('W4', 'grid of Izhikevich neurons, 8 synapses each', grid, 1.0,
             20.0, 100.0),
)}


def find(name: str) -> Workload:
    """Return the workload ``name``, or that of a model file.

    Raises `UnknownName`, `InputFileError` or `ModelFileError`.
    """
    if not name.endswith('.toml'):
        return lookup('workload', name, NETWORKS)
    settings = load(Path(name)).settings

    def network(scale: float, seed: int) -> Network:
        if scale != 1:
            raise BadValue('scale', scale, '1 for a model file')
        return load(Path(name), [f'simulation.seed={seed}']).network

    return Workload(name, name, network, settings.dt, 100.0,
                    settings.duration)

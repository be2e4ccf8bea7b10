"""Loops that make connections: drawing them, and building whole tables."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from dsim import world
from dsim.benchmarks.loops import Loop
from dsim.connectivity import (
    FixedIndegree,
    FixedOutdegree,
    FixedTotal,
    Gaussian,
    Kernel,
    PairwiseBernoulli,
    Rule,
    Uniform,
)
from dsim.connectivity.base import Pairing
from dsim.connectivity.synapse_values import Distance
from dsim.distributions import Uniform as UniformValues
from dsim.network import Network
from dsim.neurons import Izhikevich
from dsim.simulation import Simulation
from dsim.space import Sheet

DEGREE, OWNERS, AT_ONCE = 800, 1024, 80
NEAR = Gaussian(sigma=0.1, cutoff=0.3)
"""Of a sheet of 1 mm x 1 mm."""

VALUES: dict[str, tuple[Any, Any]] = {
    'delay by distance': (0.1, Distance(0.1, 1.0)),
    'weight and delay drawn': (UniformValues(0.1, 0.2),
                               UniformValues(1.0, 4.0)),
}


def rules(side: int) -> dict[str, tuple[Rule, Kernel]]:
    """Return rules and kernels by name, for grids of ``side`` x ``side``.

    `DEGREE` partners each, but fewer than there are within the kernel.
    """
    degree = min(DEGREE, side*side//5)
    return {
        'in-degree, Gaussian': (FixedIndegree(degree), NEAR),
        'in-degree, uniform': (FixedIndegree(degree), Uniform()),
        'fixed total, uniform': (FixedTotal(degree*side*side), Uniform()),
        'out-degree, Gaussian': (FixedOutdegree(degree), NEAR),
        'in-degree, Gaussian, no multiple contacts': (
            FixedIndegree(degree, multiple_contacts=False), NEAR),
        'Bernoulli, p = 0.7, Gaussian': (PairwiseBernoulli(0.7), NEAR),
        'Bernoulli, p = 0.05, uniform': (PairwiseBernoulli(0.05), Uniform()),
    }


def drawing(side: int) -> Iterator[Loop]:
    """Draw the partners of some neurons, by rule."""
    owners = np.arange(min(OWNERS, side*side))
    for name, (rule, kernel) in rules(side).items():
        pairing = Pairing('draw', 1, Sheet(periodic=(True, True)),
                          (side, side), (side, side), True, kernel)
        draw = rule.maker(pairing)
        made = sum(draw(some).partners.size for some in _parts(owners))
        yield Loop(name, 'synapse', made, partial(_draw, draw, owners))


def _parts(owners: np.ndarray) -> list[np.ndarray]:
    return [owners[k:k + AT_ONCE] for k in range(0, owners.size, AT_ONCE)]


def _draw(draw: Any, owners: np.ndarray) -> None:
    for some in _parts(owners):
        draw(some)


def building(side: int) -> Iterator[Loop]:
    """Build whole tables, of half as many rows and columns."""
    side = max(side//2, 2)
    comm = world.start()
    for name, (rule, kernel) in rules(side).items():
        yield _builder(name, side, rule, kernel, 0.1, 1.0, comm)
    for name, (weight, delay) in VALUES.items():
        rule, kernel = rules(side)['in-degree, Gaussian']
        yield _builder(f'in-degree, Gaussian, {name}', side, rule, kernel,
                       weight, delay, comm)


def _builder(name: str, side: int, rule: Rule, kernel: Kernel, weight: Any,
             delay: Any, comm: Any) -> Loop:
    network = Network(seed=1, periodic=True)
    network.population('cells', Izhikevich(), (side, side))
    network.project('cells', 'cells', rule=rule, weight=weight, delay=delay,
                    kernel=kernel if rule.spatial else None)

    def build() -> Simulation:
        return Simulation(network, 1.0, comm=comm)

    return Loop(name, 'synapse', build().summary().synapses, build)

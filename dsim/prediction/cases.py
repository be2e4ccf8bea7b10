"""The small networks that are timed to find what things cost."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from dsim.connectivity import (
    FixedIndegree,
    FixedOutdegree,
    Gaussian,
    Stencil,
)
from dsim.distributions import Uniform
from dsim.network import Network, Population
from dsim.neurons import NEURONS
from dsim.stimuli import STIMULI

DRIVES: dict[str, dict[str, Any]] = {
    'constant': {'value': 4.0},
    'noise': {'mean': 4.0, 'std': 3.0},
    'poisson': {'rate': 100.0, 'weight': 0.0},
    'steps': {'times': [0.0, 1e9], 'values': [4.0, 0.0]},
}
"""The stimuli that are timed, and how they are set."""


STEPS = {'izhikevich-2003': 1.0}
"""Steps in ms for which models are timed; 0.1 for all others."""


@dataclass(frozen=True)
class Case:
    """A network of ``parts`` populations of ``side`` x ``side`` neurons.

    Each draws ``degree`` connections from each, of ``delay`` ms,
    by a Gaussian kernel of ``reach`` (fraction of the side; 0 is
    everywhere).  ``kind`` is 'stored' (equal weights), 'delayed' (and drawn
    delays), 'weighted' (and drawn weights), 'procedural' (at each spike) or
    'stencil' (of so many cells).  Weights are 0, or all but, so that
    neurons fire as ``mean`` and ``noise`` of the current make them.
    """

    side: int
    parts: int = 1
    degree: int = 0
    delay: int = 1
    kind: str = 'stored'
    reach: float = 0.0
    mean: float = 4.0
    noise: float = 3.0
    model: str = 'izhikevich-2003'
    precision: str = 'float64'
    stimulus: str = 'noise'
    dt: float = 1.0

    def __str__(self) -> str:
        return ' '.join(f'{f.name}={getattr(self, f.name)}'
                        for f in fields(self)
                        if getattr(self, f.name) != f.default)

    def network(self) -> Network:
        """Return the network."""
        network = Network(seed=3)
        populations = [network.population(
            f'p{k}', NEURONS[self.model], (self.side, self.side),
            precision=self.precision) for k in range(self.parts)]
        for population in populations:
            self._drive(network, population)
            if self.degree:
                self._connect(network, population, populations)
        return network

    def _drive(self, network: Network, population: Population) -> None:
        settings = dict(DRIVES.get(self.stimulus, {}))
        if self.stimulus == 'noise':
            settings = {'mean': self.mean, 'std': self.noise}
        if self.stimulus == 'poisson':
            receptor = population.model.receptors[0]
            settings['receptor'] = receptor.name
        if self.stimulus:
            network.stimulate(population, STIMULI[self.stimulus](**settings))

    def _connect(self, network: Network, source: Population,
                 targets: list[Population]) -> None:
        delay: Any = float(self.delay)
        weight: Any = 0.0
        if self.kind in ('delayed', 'weighted'):
            delay = Uniform(self.delay, 2.0*self.delay + 4.0)
        if self.kind == 'weighted':
            weight = Uniform(0.0, 1e-9)
        rules = {'stencil': lambda: Stencil(np.ones(
                     (round(self.degree**0.5),)*2)),
                 'procedural': lambda: FixedOutdegree(self.degree)}
        rule = rules.get(self.kind, lambda: FixedIndegree(self.degree))()
        network.project(
            source, targets, rule=rule, weight=weight, delay=delay,
            kernel=(Gaussian(self.reach/2, self.reach) if self.reach
                    else None),
            receptor=source.model.receptors[0].name,
            storage='procedural' if self.kind == 'procedural' else 'auto')


def parts() -> Iterator[Case]:
    """Yield what tells the cost of models and stimuli apart."""
    for model in NEURONS:
        for precision in ('float64', 'float32'):
            for side in (16, 64):
                yield Case(side, model=model, precision=precision,
                           stimulus='', dt=STEPS.get(model, 0.1))
    for stimulus in DRIVES:
        for side in (24, 72):
            yield Case(side, stimulus=stimulus)


def networks() -> Iterator[Case]:
    """Yield networks that differ in all that costs time."""
    yield from (
        Case(8, 1, 10, 1),
        Case(8, 4, 10, 1),
        Case(16, 1, 100, 1),
        Case(16, 4, 30, 1, reach=0.2),
        Case(16, 8, 10, 8),
        Case(32, 1, 100, 1),
        Case(32, 2, 30, 16),
        Case(32, 3, 100, 4, 'weighted'),
        Case(32, 1, 500, 1, mean=12.0),
        Case(64, 1, 100, 1),
        Case(64, 2, 100, 16, mean=12.0),
        Case(64, 1, 400, 1, reach=0.2),
        Case(64, 2, 200, 4, 'weighted', reach=0.3),
        Case(64, 1, 1000, 16),
        Case(96, 1, 300, 1, 'weighted'),
        Case(128, 1, 9, 1, 'stencil'),
        Case(128, 1, 200, 1, reach=0.1),
        Case(128, 1, 500, 8, reach=0.2),
        Case(32, 1, 121, 4, 'stencil', mean=12.0),
        Case(16, 2, 200, 1, mean=20.0),
        Case(24, 2, 60, 1, 'delayed'),
        Case(64, 1, 60, 1, 'delayed', reach=0.2),
        Case(64, 1, 500, 4, 'delayed'),
        Case(128, 1, 300, 1, 'delayed', reach=0.15),
        Case(24, 1, 50, 1, 'procedural'),
        Case(48, 1, 300, 2, 'procedural', reach=0.2),
    )


def unseen() -> Iterator[Case]:
    """Yield networks that the fit is checked on and never sees."""
    yield from (
        Case(12, 2, 20, 1),
        Case(24, 1, 200, 2),
        Case(24, 5, 40, 1, reach=0.3),
        Case(40, 2, 300, 4, mean=9.0),
        Case(48, 1, 150, 1, 'weighted', reach=0.2),
        Case(56, 3, 120, 8),
        Case(80, 1, 600, 1, reach=0.15),
        Case(100, 1, 25, 2, 'stencil'),
        Case(112, 1, 300, 12, reach=0.1),
        Case(128, 1, 600, 1, mean=3.0, reach=0.1),
        Case(72, 2, 250, 2, 'delayed', reach=0.2),
        Case(32, 1, 100, 1, 'procedural'),
    )

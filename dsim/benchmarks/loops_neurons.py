"""Loops over neurons: integrating them, and what comes from outside."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from dsim.benchmarks.loops import Loop
from dsim.neurons import NEURONS
from dsim.neurons.base import Neuron
from dsim.space import Sheet
from dsim.stimuli import GaussianCurrent, PoissonInput
from dsim.stimuli.base import Site, Stimulus
from dsim.values import Place

STEPS = 16
"""Steps of a call, where it is more than one."""

POISSON_MEANS = (0.05, 0.5, 5.0)


def neurons(side: int) -> Iterator[Loop]:
    """Integrate neurons at rest, by model, scheme and precision."""
    for name, model in NEURONS.items():
        for scheme in model.schemes:
            for precision in 'float64', 'float32':
                for steps in 1, STEPS:
                    plain = len(model.schemes) == 1
                    yield Loop(
                        f'{name}{"" if plain else ", " + scheme}, '
                        f'{precision}, {steps} a call', 'neuron-step',
                        steps*side**2,
                        _stepper(model(scheme=scheme), side**2, steps,
                                 np.dtype(precision)))


def _stepper(neuron: Neuron, count: int, steps: int, kind: np.dtype
             ) -> Any:
    values = {name: kind.type(value) for name, value
              in neuron.parameter_values().items()}
    states = [np.full(count, value, kind)
              for value in neuron.start(values).values()]
    inputs = [np.zeros((steps, count), kind)
              for _ in range(1 + len(neuron.receptors))]
    fired = np.zeros((steps, count), np.uint8)
    return partial(neuron.advance, *states, *inputs, *values.values(), 0.1,
                   fired)


def inputs(side: int) -> Iterator[Loop]:
    """Draw noise and Poisson spikes."""
    dt = 1.0
    for precision in 'float64', 'float32':
        yield Loop(f'noise, {precision}, {STEPS} steps a call',
                   'neuron-step', STEPS*side**2,
                   _drawer(GaussianCurrent(std=5.0), side, dt, precision))
    for mean in POISSON_MEANS:
        stimulus = PoissonInput(rate=1000*mean/dt, weight=1.0)
        yield Loop(f'Poisson, mean {mean:g}, {STEPS} steps a call',
                   'neuron-step', STEPS*side**2, _drawer(stimulus, side, dt))


def _drawer(stimulus: Stimulus, side: int, dt: float,
            precision: str = 'float64') -> Any:
    ids = np.arange(side*side)
    place = Place(ids, (side, side), Sheet(), 1, 'cells')
    site = Site(place, ids[::side].copy(), side, 'input', dt)
    drive, out = stimulus.bind(site), np.zeros(
        (STEPS, side**2), precision)
    return partial(drive.add, out, 0)

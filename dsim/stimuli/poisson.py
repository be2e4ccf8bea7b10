"""Independent Poisson spike trains into each neuron."""

from typing import Any

import numpy as np

from dsim import poisson as numbers
from dsim import rng
from dsim.stimuli.base import Drive, Site, confirm_range
from dsim.stimuli.current import Between, Timed
from dsim.values import Place, evaluate


class PoissonInput(Timed):
    """Spikes at ``rate`` (Hz) and of ``weight`` into each neuron.

    Each neuron has a train of its own; the trains of k sources of rate f
    are one train of rate k f.
    """

    name = 'poisson'

    def __init__(self, rate: Any, weight: Any, receptor: str = '',
                 start: float = 0.0, stop: float = np.inf):
        super().__init__(start, stop)
        self.rate, self.weight, self.receptor = rate, weight, receptor

    def check(self, receptors: Any, place: Place) -> None:
        super().check(receptors, place)
        evaluate(self.weight, place, 'poisson.weight')
        rate = evaluate(self.rate, place, 'poisson.rate')
        confirm_range(rate, 0, np.inf, place, 'poisson.rate', '>= 0 Hz')

    def bind(self, site: Site) -> Drive:
        return _Poisson(self, site)


class _Poisson(Between):
    def __init__(self, poisson: PoissonInput, site: Site):
        super().__init__(*poisson.steps(site.dt))
        self.site = site
        self.key = rng.key(site.place.seed, 'poisson', site.name)
        rate = evaluate(poisson.rate, site.place, f'{site.name}.rate')
        most = numbers.LARGEST_MEAN/(site.dt/1000)
        confirm_range(rate, 0, most, site.place, f'{site.name}.rate',
                      f'from 0 to {most:g} Hz')
        self.law = numbers.law(rate*(site.dt/1000))
        self.weight = evaluate(poisson.weight, site.place,
                               f'{site.name}.weight')

    def add_steps(self, out: np.ndarray, first_step: int) -> None:
        numbers.add(out, self.key, first_step, self.site.first_ids,
                    self.site.width, self.law, self.weight)

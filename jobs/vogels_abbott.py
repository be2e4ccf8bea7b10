"""Print rates and variation of Vogels and Abbott's networks, over seeds.

Run it alone or under mpirun, from anywhere: the table is the same.

    python jobs/vogels_abbott.py --seeds 5 --seconds 5
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np

import dsim
from dsim.reproduce.izhikevich_2003_activity import variation
from dsim.world import start

MODELS = Path(__file__).parent/'models'
SETTLED = 200.0
"""Time in ms after which spikes are counted."""

SCHEMES = {'coba': ('magnus', 'euler'), 'cuba': ('advance',)}
POPULATIONS = {'exc': 3200, 'inh': 800}


def measure(name: str, seconds: float, settings: dict[str, object]
            ) -> list[float]:
    """Return rate (Hz) and variation of each population."""
    found = dsim.load(MODELS/f'{name}.toml',
                      [f'{key}={value}' for key, value in settings.items()])
    with dsim.Simulation(found.network, found.settings.dt) as simulation:
        simulation.run(SETTLED + 1000.0*seconds)
        values = []
        for population, neurons in POPULATIONS.items():
            times, ids = simulation.spikes(population)
            late = times > SETTLED
            values += [late.sum()/neurons/seconds,
                       variation(times[late], ids[late])]
    return values


def main() -> None:
    """Print one line a network, precision and scheme."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seeds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=5.0)
    given = parser.parse_args()
    for name, precision in product(SCHEMES, ('float32', 'float64')):
        for scheme in SCHEMES[name]:
            rows = [measure(name, given.seconds, {
                'simulation.seed': seed,
                **{f'populations.{population}.{key}': value
                   for population in POPULATIONS for key, value
                   in (('precision', precision), ('scheme', scheme))},
            }) for seed in range(1, given.seeds + 1)]
            mean = ' '.join(f'{value:6.2f}' for value in np.mean(rows, 0))
            spread = np.std(np.array(rows)[:, 0])
            if start().rank == 0:
                print(f'{name} {precision} {scheme:8} (exc Hz, CV; inh Hz, '
                      f'CV) {mean}  std of exc {spread:.2f}', flush=True)


if __name__ == '__main__':
    main()

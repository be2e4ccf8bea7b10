"""dsim itself, in a process of its own, measured as its peers are."""

import argparse
import gc
import json
from pathlib import Path
from typing import Any

import numpy as np

from dsim import __version__
from dsim.benchmarks.peers import driver
from dsim.benchmarks.workloads import find
from dsim.simulation import Simulation


def main() -> None:
    """Build and simulate, and write what it took.

    The network is made from its description; the list is read only to
    count by it, as for the peers.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument('--workload', required=True)
    parser.add_argument('--scale', type=float, default=1.0)
    parser.add_argument('--seed', type=int, default=1)
    own, words = parser.parse_known_args()
    given, meter = driver.arguments(words), driver.Meter()
    workload, = find(own.workload)

    # The first time loads or compiles the machine code
    make = workload.network
    Simulation(make(own.scale, own.seed), workload.dt).run(2*workload.dt)
    gc.collect()
    with meter.phase('build'):
        simulation = Simulation(make(own.scale, own.seed), workload.dt)
    simulation.run(given.warm_up)
    before = simulation.summary()
    with meter.phase('simulate'):
        simulation.run(given.duration)
    after, peak = simulation.summary(), driver.peak_memory()

    steps, numbers = spikes(simulation)
    driver.report(given, driver.Listed(given.network), meter, 'dsim',
                  __version__, steps, numbers, peak_memory=peak)
    found = json.loads(Path(given.result).read_text())
    found['delivered_events'] = after.events - before.events
    Path(given.result).write_text(json.dumps(found, indent=1) + '\n')


def spikes(simulation: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return (steps, numbers) of all spikes so far, by population."""
    steps, numbers = [], []
    for k, name in enumerate(simulation.network.populations):
        times, ids = simulation.spikes(name)
        steps.append(np.rint(times/simulation.clock.dt).astype(np.int64) - 1)
        numbers.append(ids.astype(np.int64)
                       + int(simulation.layout.tiling.first[k]))
    return np.concatenate(steps), np.concatenate(numbers)


if __name__ == '__main__':
    main()

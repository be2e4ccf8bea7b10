"""What is measured of a run of the microcircuit: rates, regularity, rhythm."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dsim.io.sonata import read_spikes
from dsim.reproduce import measures
from dsim.reproduce.izhikevich_2003_activity import variation
from dsim.reproduce.potjans_2014_network import POPULATIONS

BIN = 3.0
"""Milliseconds of a bin in which the spikes of a population are counted."""

SAMPLE = 1000
"""At most so many neurons of a population are counted, as in the paper."""


class Activity(NamedTuple):
    """Spikes of one population: times in ms since ``start``, ids, size."""

    times: np.ndarray
    ids: np.ndarray
    size: int


class Measured(NamedTuple):
    """One number a population, in order: Hz; mean CV; variance over mean."""

    rates: list[float]
    variations: list[float]
    synchrony: list[float]


def activities(folder: Path, sizes: Mapping[str, int], start: float
               ) -> list[Activity]:
    """Read the spikes that a run wrote, from ``start`` (ms) on."""
    kept = read_spikes(folder/'spikes.h5')
    found = []
    for name in POPULATIONS:
        times, ids = kept[name]
        late = times > start
        found.append(Activity(times[late] - start, ids[late].astype(int),
                              sizes[name]))
    return found


def measured(runs: list[Activity], duration: float) -> Measured:
    """Return rates, irregularity and synchrony of ``duration`` ms.

    Irregularity is the coefficient of variation of a neuron's intervals,
    mean of those with five spikes or more: 1 for a Poisson process.
    Synchrony is the variance over the mean of the spikes of the first
    `SAMPLE` neurons in bins of `BIN` ms: 1 if they fire independently.
    """
    def told(value: float) -> float:
        return float(f'{value:.4g}')

    rates = [measures.rate(run.times, run.size, duration) for run in runs]
    variations = [variation(run.times, run.ids) for run in runs]
    return Measured([told(x) for x in rates], [told(x) for x in variations],
                    [told(synchrony(run, duration)) for run in runs])


def synchrony(run: Activity, duration: float) -> float:
    """Return variance over mean of a population's spikes in each bin."""
    sample = run.ids < SAMPLE
    counts = measures.bin_counts(run.times[sample], run.ids[sample], SAMPLE,
                                 (0.0, duration), BIN)
    return measures.fano(counts)

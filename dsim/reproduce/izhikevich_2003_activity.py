"""What is measured of a run of the network of Izhikevich (2003)."""

from typing import NamedTuple

import numpy as np

from dsim.reproduce import measures

DURATION = 1000.0
"""Milliseconds of a run."""

BANDS = {'alpha': (7.0, 13.0), 'gamma': (25.0, 60.0)}
"""In Hz: where peaks are looked for."""

FLOOR = (100.0, 400.0)
"""A band in Hz in which there is no rhythm, for comparison."""


class Activity(NamedTuple):
    """Spikes of both populations: times in ms, and numbers from 0 on.

    Inhibitory neurons are numbered after the ``excitatory`` ones.
    """

    times: np.ndarray
    numbers: np.ndarray
    excitatory: int
    inhibitory: int


def numbers_of(activity: Activity) -> dict[str, float]:
    """Return what is compared, of one run: rates in Hz, peaks, power."""
    times, numbers = activity.times, activity.numbers
    excitatory = numbers < activity.excitatory
    found = rhythm(activity)
    row = {
        'rate of excitatory neurons': measures.rate(
            times[excitatory], activity.excitatory, DURATION),
        'rate of inhibitory neurons': measures.rate(
            times[~excitatory], activity.inhibitory, DURATION),
        'variation of intervals': variation(times, numbers),
    }
    for name, band in BANDS.items():
        row[f'{name}: frequency of the peak'] = measures.peak(found, *band)
    for name, band in BANDS.items():
        row[f'{name}: power over that above 100 Hz'] = above(found, *band)
    return row


def rhythm(activity: Activity) -> measures.Spectrum:
    """Return the spectrum of the rate of all neurons, 1 Hz apart."""
    size = activity.excitatory + activity.inhibitory
    counts = np.bincount(np.ceil(activity.times).astype(int) - 1,
                         minlength=round(DURATION))
    return measures.spectrum(counts*1000.0/size, 1.0, DURATION)


def above(found: measures.Spectrum, low: float, high: float) -> float:
    """Return the mean power of a band as a multiple of that at `FLOOR`."""
    def mean(low: float, high: float) -> float:
        band = (found.frequencies >= low) & (found.frequencies <= high)
        return float(found.power[band].mean())

    return mean(low, high)/mean(*FLOOR)


def variation(times: np.ndarray, numbers: np.ndarray) -> float:
    """Return the mean coefficient of variation of a neuron's intervals.

    Of neurons with five spikes or more; 1 for a Poisson process.
    """
    order = np.lexsort((times, numbers))
    times, numbers = times[order], numbers[order]
    found = []
    for each in np.split(times, np.flatnonzero(np.diff(numbers)) + 1):
        if each.size >= 5:
            gaps = np.diff(each)
            found.append(gaps.std()/gaps.mean())
    return float(np.mean(found)) if found else 0.0

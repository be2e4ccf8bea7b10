"""How rich the activity of a network is, in numbers that can be compared.

Arrays in, numbers out.  ``counts`` is int[neurons, bins]: the spikes of each
neuron in each bin of time.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage, signal, sparse, stats
from scipy.sparse import csgraph


class Spectrum(NamedTuple):
    """Power density of a rate: frequencies in Hz, power in Hz²/Hz."""

    frequencies: np.ndarray
    power: np.ndarray


def bin_counts(times: np.ndarray, ids: np.ndarray, neurons: int,
               span: tuple[float, float], width: float) -> np.ndarray:
    """Return int64[neurons, bins] for ``span`` = (first, last) in ms.

    A spike at time t, the end of its step, belongs to the bin with
    low < t <= high; bins are ``width`` ms wide.
    """
    first, last = span
    bins = round((last - first)/width)
    inside = (times > first) & (times <= first + bins*width)
    bin_of = np.ceil((times[inside] - first)/width - 1e-9).astype(int) - 1
    counts = np.zeros((neurons, bins), np.int64)
    np.add.at(counts, (ids[inside], bin_of), 1)
    return counts


def rate(times: np.ndarray, neurons: int, duration: float) -> float:
    """Return the mean rate in Hz over ``duration`` ms."""
    return 1000.0*times.size/neurons/duration


def dimension(counts: np.ndarray) -> float:
    """Return the participation ratio of the counts' covariance.

    (tr C)²/tr C²: the number of directions, out of the number of neurons
    or of bins, in which activity spreads evenly.  1 if all neurons do the
    same; independent neurons come close to the most there can be.
    """
    deviations = counts - counts.mean(axis=1, keepdims=True)
    # The eigenvalues of the smaller one of the two products
    small = (deviations.T @ deviations if counts.shape[1] < counts.shape[0]
             else deviations @ deviations.T).astype(np.float64)
    squares = float(np.sum(small*small))
    return float(np.trace(small)**2/squares) if squares else 0.0


def phrases(symbols: bytes) -> int:
    """Return the number of phrases of Lempel and Ziv (1978)."""
    known: set[bytes] = set()
    begin, found = 0, 0
    for end in range(1, len(symbols) + 1):
        if symbols[begin:end] not in known:
            known.add(symbols[begin:end])
            begin, found = end, found + 1
    return found + (begin < len(symbols))


def complexity(counts: np.ndarray, seed: int = 0) -> float:
    """Return the Lempel-Ziv complexity of who fired in which bin.

    As Schartner et al. (2015): pattern after pattern in one sequence of
    0 and 1, relative to the same sequence shuffled; 1 is what noise of the
    same rate has, 0 is full order.
    """
    sequence = (counts.T > 0).astype(np.uint8).ravel()
    shuffled = np.random.default_rng(seed).permutation(sequence)
    return phrases(sequence.tobytes())/phrases(shuffled.tobytes())


def repertoire(counts: np.ndarray, levels: int = 32) -> float:
    """Return the entropy, in bits, of the fraction of neurons that fire.

    ``levels`` are even on a scale from nobody to everybody: 0 bits if the
    population's activity never leaves one level.
    """
    active = (counts > 0).mean(axis=0)
    seen = np.bincount(np.minimum((active*levels).astype(int), levels - 1))
    return float(stats.entropy(seen, base=2))


def interval_modes(times: np.ndarray, ids: np.ndarray) -> int:
    """Return the number of peaks in the density of log interspike interval.

    Smoothed by a Gaussian of 0.05 decades (12 %); a peak counts if it
    stands out by 5 % of the highest one.
    """
    logs = np.log10(interspike(times, ids))
    if logs.size == 0:
        return 0
    edges = np.arange(logs.min() - 0.3, logs.max() + 0.3, 0.01)
    density = ndimage.gaussian_filter1d(
        np.histogram(logs, edges)[0].astype(np.float64), 5.0)
    peaks, _ = signal.find_peaks(density, prominence=0.05*density.max())
    return int(peaks.size)


def interspike(times: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the intervals in ms between each neuron's spikes, all in one."""
    order = np.lexsort((times, ids))
    same = np.diff(ids[order]) == 0
    return np.diff(times[order])[same]


def hops(sources: np.ndarray, targets: np.ndarray, neurons: int
         ) -> np.ndarray:
    """Return int[neurons, neurons]: connections between each pair.

    The shortest way along connections, whichever way they point; -1 where
    there is none.
    """
    matrix = sparse.coo_matrix(
        (np.ones(sources.size, np.int8), (sources, targets)),
        shape=(neurons, neurons)).tocsr()
    found = csgraph.shortest_path(matrix, directed=False, unweighted=True)
    return np.where(np.isfinite(found), found, -1).astype(np.int64)


def correlation_by_hops(counts: np.ndarray, distance: np.ndarray
                        ) -> np.ndarray:
    """Return the mean correlation of pairs at each distance, from 0 up.

    ``distance`` is what `hops` returns; silent neurons are left out.
    """
    live = counts.std(axis=1) > 0
    distance = distance[np.ix_(live, live)]
    pairs = np.corrcoef(counts[live].astype(np.float32))
    near = distance >= 0
    total = np.bincount(distance[near], weights=pairs[near])
    return total/np.maximum(np.bincount(distance[near]), 1)


def correlation_length(correlation: np.ndarray) -> float:
    """Return at how many hops correlation is down to 1/e of that at one.

    Linear between whole hops; 0 if direct partners hardly correlate
    (< 0.01); all there are if it never falls so far.
    """
    if correlation.size < 2 or correlation[1] < 0.01:
        return 0.0
    falls = correlation[1:]/correlation[1]
    below = np.flatnonzero(falls < np.exp(-1))
    if below.size == 0:
        return float(falls.size)
    k = int(below[0])
    high, low = falls[k - 1], falls[k]
    return float(k + (high - np.exp(-1))/(high - low))


def spectrum(rates: np.ndarray, width: float, segment: float = 500.0
             ) -> Spectrum:
    """Return the power spectrum of a population's rate (Welch, Hann).

    ``rates`` in Hz for bins of ``width`` ms; segments of ``segment`` ms,
    half overlapping, give a resolution of 1000/segment Hz.
    """
    length = min(rates.size, round(segment/width))
    frequencies, power = signal.welch(rates, 1000/width, nperseg=length,
                                      detrend='constant')
    return Spectrum(frequencies, power)


def peak(found: Spectrum, low: float, high: float) -> float:
    """Return the frequency in Hz of the most power from ``low`` to ``high``.

    Refined by the parabola through the highest point and its neighbours.
    """
    frequencies, power = found
    band = np.flatnonzero((frequencies >= low) & (frequencies <= high))
    k = int(band[np.argmax(power[band])])
    if k in (0, power.size - 1):
        return float(frequencies[k])
    left, top, right = np.log(power[k - 1:k + 2] + 1e-300)
    bend = left - 2*top + right
    shift = 0.5*(left - right)/bend if bend < 0 else 0.0
    step = frequencies[1] - frequencies[0]
    return float(frequencies[k] + np.clip(shift, -0.5, 0.5)*step)


def fano(counts: np.ndarray) -> float:
    """Return variance over mean of the population's count per bin."""
    total = counts.sum(axis=0)
    return float(total.var()/total.mean()) if total.any() else 0.0

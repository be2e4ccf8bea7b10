"""How many spikes the busiest partition has: the cost law of the paper.

Niebur and Brettle (1993), equations 1 and 3.  The summand of equation 1 is
lost in the text that could be read; the form here follows from the paper's
definitions and limits.  M is ``size``, N is ``partitions``.
"""

import numpy as np
from scipy import special, stats


def n_max(p: float, size: int, partitions: int) -> float:
    """Return the mean of the largest of N binomial numbers (size, p).

    That is, of the spikes in the partition with most of them, if each of
    ``size`` neurons in each partition fires with probability ``p``.
    """
    return _mean_of_largest(stats.binom.sf(np.arange(size), size, p),
                            partitions)


def n_max_at_low_rates(p: float, size: int, partitions: int) -> float:
    """Return `n_max` in the limit of rare spikes: Poisson numbers.

    The sum over them is an incomplete gamma function, as in the paper.
    """
    more = special.gammainc(np.arange(1, size + 1), size*p)
    return _mean_of_largest(more, partitions)


def equation_1(p: float, size: int, partitions: int) -> float:
    """Return equation 1 as it is written, term by term.

    The sum over k of k times the chance that m partitions have k spikes and
    all others fewer, for all m.
    """
    spikes = np.arange(size + 1)[:, None]
    busiest = np.arange(1, partitions + 1)[None, :]
    exactly = stats.binom.logpmf(spikes, size, p)
    fewer = stats.binom.cdf(spikes - 1, size, p)
    chances = special.gammaln(partitions + 1) - special.gammaln(busiest + 1)
    chances = chances - special.gammaln(partitions - busiest + 1)
    chances = chances + busiest*exactly
    chances = chances + special.xlogy(partitions - busiest, fewer)
    return float((spikes*np.exp(chances)).sum())


def speed_up(p: float, size: int, partitions: int) -> float:
    """Return the ideal speed-up over the direct algorithm: equation 3.

    A spike costs the direct algorithm ``size`` passes, its neuron's
    synapses one after the other, and the transposed one a single pass.
    """
    return size/n_max(p, size, partitions)


def conditional_speed_up(p: float, size: int, partitions: int) -> float:
    """Return `speed_up` if steps without any spike cost nothing."""
    silent = (1 - p)**(size*partitions)
    return (1 - silent)*speed_up(p, size, partitions)


def speed_up_of_ranks(p: float, neurons: int, ranks: int, size: int) -> float:
    """Return the ideal speed-up where a rank holds many neurons.

    ``neurons`` are those on all ``ranks``, ``size`` the ranks of a
    partition.  The busiest rank's spikes with all of their synapses against
    the busiest partition's with a share of them.
    """
    alone = n_max(p, neurons//ranks, ranks)
    together = n_max(p, neurons//ranks*size, ranks//size)
    return size*alone/together


def _mean_of_largest(more: np.ndarray, partitions: int) -> float:
    """Return E[max] from the chances that one has more than 0, 1, 2 ..."""
    with np.errstate(divide='ignore'):
        return float(-np.expm1(partitions*np.log1p(-more)).sum())

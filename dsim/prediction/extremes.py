"""How much longer than the mean rank the slowest of many takes."""

import math

import numpy as np
from scipy.special import lambertw, ndtri, pdtrc

MANY = 1e4
"""A mean number of spikes above which they are as good as normal."""


def of_normals(count: float) -> float:
    """Return the expected largest of ``count`` standard normal numbers.

    Gumbel's law: b + 0.5772 a with b = z(1 - 1/n), a = z(1 - 1/(e n)) - b,
    where z are quantiles; at most 0.05 off from n = 2 on, 0 for n = 1.
    """
    if count < 2:
        return 0.0
    typical = float(-ndtri(1/count))
    scale = float(-ndtri(1/(math.e*count))) - typical
    return typical + np.euler_gamma*scale


def of_poissons(count: float, mean: float) -> float:
    """Return the expected largest of ``count`` Poisson numbers.

    The sum of P(largest > k) over k = 0, 1, ..., where few spikes are
    expected, Gumbel's law where many are.
    """
    if count < 2 or mean <= 0:
        return mean
    if mean > MANY:
        return mean + math.sqrt(mean)*of_normals(count)
    first = max(0, math.floor(mean - 12*math.sqrt(mean)))
    k = np.arange(first, mean + 40*math.sqrt(mean) + 60)
    with np.errstate(divide='ignore'):
        below = count*np.log1p(-pdtrc(k, mean))
    return first - float(np.expm1(below).sum())


def of_neighbours(count: float, mean: float) -> float:
    """Return a bound on the mean growth where ranks wait for some only.

    If each rank waits for ``count`` ranks, itself among them, there are
    count^n ways to be late after n windows, and the latest grows by no more
    than the x with I(x) = ln(count) in each, where I(x) = x ln(x/mean) - x
    + mean is Cramer's rate of a Poisson number of that mean: however many
    ranks there are.
    """
    if count < 2 or mean <= 0:
        return mean
    argument = (math.log(count)/mean - 1)/math.e
    return mean*math.exp(1 + float(lambertw(argument).real))


def slowest(mean: float, variance: float, ranks: int, waits: float) -> float:
    """Return how much later than its mean the slowest rank is done.

    The work of a window has ``mean`` and ``variance``; it is taken for a
    multiple of a Poisson number with the same two.  A rank waits for
    ``waits`` ranks, itself among them.
    """
    if mean <= 0 or variance <= 0 or ranks < 2:
        return 0.0
    jump, number = variance/mean, mean**2/variance
    return jump*(min(of_poissons(ranks, number),
                     of_neighbours(waits, number)) - number)

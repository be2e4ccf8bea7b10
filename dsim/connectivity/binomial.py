"""Binomial numbers at an address, the same bits on every machine.

By inverting the distribution with one number of 53 bits, walking outwards
from its middle: the time is that of sqrt(n p (1 - p)) steps, the memory
none.  The chance of the middle is Loader's saddle-point expansion (2000),
Fast and accurate computation of binomial probabilities.
"""

import numpy as np

from dsim import rng
from dsim.compiled import compiled
from dsim.elementary import exp, log

# log(n!) less Stirling's log(sqrt(2 pi n) (n/e)**n), for n = 0 (not used),
# 1 ... 15; computed with 50 digits
_STIRLING = np.array([
    0.0, 0.08106146679532726, 0.0413406959554093, 0.02767792568499834,
    0.020790672103765093, 0.016644691189821193, 0.013876128823070748,
    0.01189670994589177, 0.010411265261972096, 0.009255462182712733,
    0.00833056343336287, 0.007573675487951841, 0.00694284010720953,
    0.006408994188004207, 0.0059513701127588475, 0.005554733551962801,
])

_TWO_PI = 6.283185307179586

# Terms below this are nothing that a number of 53 bits could hit
_NEGLIGIBLE = 2.0**-70


@compiled
def binomial(key: np.uint64, identity: int, index: int, n: int,
             p: float) -> int:
    """Return how many of ``n`` trials of chance ``p`` succeed.

    For 0 <= n < 2**53 and 0 <= p <= 1, a pure function of its address.  The
    chance of each result is right to 1e-11 of itself for n up to 1e9, and
    to 2**-53 in all; results that have a smaller chance than that together
    do not occur.
    """
    if n <= 0 or p <= 0.0:
        return 0
    if p >= 1.0:
        return n
    # 1 - p is exact from a half on
    if p > 0.5:
        return n - _search(rng.uniform(key, identity, index), n, 1.0 - p)
    return _search(rng.uniform(key, identity, index), n, p)


@compiled
def _search(u, n, p):
    # Take the chances of the results from u, the likeliest first, until
    # nothing is left of it
    odds = p/(1.0 - p)
    middle = min(np.int64(np.floor((n + 1.0)*p)), n - 1)
    above, below = middle, middle
    more = less = chance(middle, n, p)
    u -= more
    while u >= 0.0:
        if more + less < _NEGLIGIBLE:
            # Rounding left a rest of u
            return middle
        more *= (n - above)*odds/(above + 1.0)
        above += 1
        u -= more
        if u < 0.0:
            return above
        less *= below/((n - below + 1.0)*odds)
        below -= 1
        u -= less
        if u < 0.0:
            return below
    return middle


@compiled
def chance(k: int, n: int, p: float) -> float:
    """Return the chance of ``k`` < ``n`` successes, for 0 < p <= 1/2.

    Near the middle right to some units in the 15th digit, however large
    ``n`` is.
    """
    q = 1.0 - p
    if k == 0:
        # n log(1 - p) without the error of 1 - p where p is small
        return exp(-_deviance(n, n*q) - n*p if p < 0.1 else n*log(q))
    rest = n - k
    power = (_stirling(n) - _stirling(k) - _stirling(rest)
             - _deviance(k, n*p) - _deviance(rest, n*q))
    return exp(power)*np.sqrt(n/(_TWO_PI*k*rest))


@compiled
def _stirling(n):
    # What Stirling's formula lacks of log(n!)
    if n < _STIRLING.size:
        return _STIRLING[n]
    inverse = 1.0/n
    square = inverse*inverse
    series = 1/1260 - square*(1/1680 - square*(1/1188))
    return inverse*(1/12 - square*(1/360 - square*series))


@compiled
def _deviance(k, mean):
    # k log(k/mean) + mean - k, by a series where that would cancel
    apart, together = k - mean, np.float64(k + mean)
    if abs(apart) >= 0.1*together:
        return k*log(k/mean) - apart
    ratio = apart/together
    term, square = 2.0*k*ratio, ratio*ratio
    total, before, j = apart*ratio, np.inf, 1.0
    while total != before:
        before = total
        term *= square
        j += 2.0
        total += term/j
    return total

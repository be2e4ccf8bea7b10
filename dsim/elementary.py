"""Exponential, logarithm, normal quantile: the same bits on every machine.

The C library picks another ``exp`` on another processor, and a vectorising
compiler finishes a loop with a scalar function that differs from the vector
one in the last bit.  A neuron's voltage would then depend on the machine and
on where its tile ends.  What stands here uses only additions, multiplications,
divisions, square roots and bit patterns, which IEEE 754 rounds in one way.
`exp` and `log` have no branches, so a loop over neurons becomes vector code.
"""

import numpy as np

from dsim.compiled import compiled

# log(2) in two parts; the first has 42 bits, so that its product with any
# exponent of a float64 is exact
_LN2_HIGH = float.fromhex('0x1.62e42fefa3800p-1')
_LN2_LOW = 5.497923018708371e-14
_LOG2_E = 1.4426950408889634

# 1/2!, 1/3! ... 1/13!: what is cut off is below 1/25 of half an ulp
_E2, _E3, _E4, _E5 = 1/2, 1/6, 1/24, 1/120
_E6, _E7, _E8, _E9 = 1/720, 1/5040, 1/40320, 1/362880
_E10, _E11 = 1/3628800, 1/39916800
_E12, _E13 = 1/479001600, 1/6227020800

# Interpolates (2 artanh(s)/s - 2)/s² in s² at the seven Chebyshev nodes of
# 0 <= s <= (sqrt(2) - 1)/(sqrt(2) + 1); off by 1/20 of half an ulp
_L0, _L1 = 0.666666666666667, 0.3999999999989938
_L2, _L3 = 0.28571428626031065, 0.2222221112572281
_L4, _L5 = 0.18182889786191042, 0.15331699633543858
_L6 = 0.14616721179861816

# Adding 1.5 * 2**52 rounds to an integer, which then stands in the low bits
_ROUND = 6755399441055744.0

# Bits of 2**52, of sqrt(1/2) without the low half, and of a mantissa
_BITS_2_52 = np.uint64(0x4330000000000000)
_BITS_SQRT_HALF = np.uint64(0x3FE6A09E00000000)
_BITS_ONE = np.uint64(0x3FF0000000000000)
_MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
_EXPONENT_BIAS = np.uint64(1023)
_MANTISSA_BITS = np.uint64(52)

_SMALLEST_NORMAL = 2.2250738585072014e-308
_2_54 = 18014398509481984.0


@compiled
def exp(x: float) -> float:
    """Return e**x, off by less than 0.9 units in the last place.

    The largest error in 1e6 trials is 0.87.  exp(0) is 1; results too
    large are infinite, small ones pass through the subnormal numbers to 0;
    not-a-number stays so.
    """
    x = np.float64(x)
    x = -746.0 if x < -746.0 else x
    x = 710.0 if x > 710.0 else x

    # x = n log(2) + r with |r| <= log(2)/2; r = high - low
    n = (x*_LOG2_E + _ROUND) - _ROUND
    high = x - n*_LN2_HIGH
    low = n*_LN2_LOW
    r = high - low

    # exp(r) = 1 + r + r² q(r)
    r2 = r*r
    q = _E12 + r*_E13
    q = (_E10 + r*_E11) + r2*q
    q = (_E8 + r*_E9) + r2*q
    q = (_E6 + r*_E7) + r2*q
    q = (_E4 + r*_E5) + r2*q
    q = (_E2 + r*_E3) + r2*q
    y = 1.0 + (high + (r2*q - low))

    # In two factors, as 2**n itself may be out of range; only the second
    # multiplication can round
    half = (n*0.5 + _ROUND) - _ROUND
    return y*_power_of_two(half)*_power_of_two(n - half)


@compiled
def log(x: float) -> float:
    """Return the natural logarithm, off by less than 0.9 units in last place.

    The largest error in 1e6 trials is 0.83.  log(1) is 0; minus
    infinity at 0, not-a-number below.  The reduction to artanh is that of
    fdlibm (Sun Microsystems, 1993), the coefficients are our own.
    """
    x = np.float64(x)
    tiny = x < _SMALLEST_NORMAL
    bits = np.float64(x*_2_54 if tiny else x).view(np.uint64)

    # x = 2**n m with sqrt(1/2) <= m < sqrt(2)
    bits += _BITS_ONE - _BITS_SQRT_HALF
    n = np.uint64((bits >> _MANTISSA_BITS) | _BITS_2_52).view(np.float64)
    n -= 4503599627370496.0 + 1023.0 + (54.0 if tiny else 0.0)
    m = np.uint64((bits & _MANTISSA) + _BITS_SQRT_HALF).view(np.float64)

    # log(m) = f - f²/2 + s (f²/2 + s² l(s²)), where s = f/(2 + f)
    f = m - 1.0
    s = f/(2.0 + f)
    z = s*s
    z2 = z*z
    even = _L0 + z2*(_L2 + z2*(_L4 + z2*_L6))
    odd = _L1 + z2*(_L3 + z2*_L5)
    half = 0.5*f*f
    small = s*(half + z*(even + z*odd)) + n*_LN2_LOW
    y = n*_LN2_HIGH - ((half - small) - f)

    if x == 0.0:
        return -np.inf
    if x < 0.0:
        return np.nan
    return y if x < np.inf else x


@compiled
def _power_of_two(n):
    # n is an integer between -1022 and 1023, in a float64
    bits = np.float64(n + _ROUND).view(np.uint64) + _EXPONENT_BIAS
    return np.uint64(bits << _MANTISSA_BITS).view(np.float64)


# Coefficients of Wichura (1988), highest power first: near the middle, where
# |p - 1/2| <= 0.425, and in the tail
_MIDDLE_ABOVE = (
    2509.0809287301226727, 33430.575583588128105, 67265.770927008700853,
    45921.953931549871457, 13731.693765509461125, 1971.5909503065514427,
    133.14166789178437745, 3.387132872796366608,
)
_MIDDLE_BELOW = (
    5226.495278852854561, 28729.085735721942674, 39307.89580009271061,
    21213.794301586595867, 5394.1960214247511077, 687.1870074920579083,
    42.313330701600911252, 1.0,
)
_TAIL_ABOVE = (
    7.7454501427834140764e-4, 0.0227238449892691845833,
    0.24178072517745061177, 1.27045825245236838258, 3.64784832476320460504,
    5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
)
_TAIL_BELOW = (
    1.05075007164441684324e-9, 5.475938084995344946e-4,
    0.0151986665636164571966, 0.14810397642748007459,
    0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187,
    1.0,
)


def upper_quantile(mantissa: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Return the z that a normal number exceeds with probability p.

    p = mantissa 2**exponent, with 1 <= mantissa < 2, lies between 2**-36 and
    1/2; off by less than 1e-14.  Algorithm AS 241 of Wichura (1988), Appl.
    Statist. 37:477.
    """
    # log(p), from its series: numpy's own logarithm differs between machines
    s = (mantissa - 1.0)/(mantissa + 1.0)
    series = np.polyval([2/k if k % 2 else 0.0 for k in range(35, -1, -1)], s)
    r = np.sqrt(-(series + exponent*0.6931471805599453)) - 1.6
    tail = np.polyval(_TAIL_ABOVE, r)/np.polyval(_TAIL_BELOW, r)

    q = 0.5 - np.ldexp(mantissa, exponent)
    r = 0.180625 - q*q
    middle = q*np.polyval(_MIDDLE_ABOVE, r)/np.polyval(_MIDDLE_BELOW, r)
    return np.where(q > 0.425, tail, middle)

"""Gaps between spikes to bits and back: a Rice code, and how long it is.

A gap g is written as g >> k zeros, a one, and the low k bits of g, in bytes
from their lowest bit on (Rice and Plaunt 1971, IEEE Trans. Commun. Technol.
19:889).  One number k, of WIDTH bits, holds for a message; the shortest is
found exactly.  With k = 0 the gaps are a bitmap: a one for each spike, a
zero for each cell that was silent.

Spikes that are random take at most 4.3 % more than the least that any code
needs on average, 1.4 % where less than a tenth of the cells fire in a step.
Where more than half of them fire, the bitmap takes more than need be.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dsim.compiled import compiled, zeros_below
from dsim.partitioning.axis import Integers

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]

WIDTH = 6
"""Bits that hold k."""

LARGEST = 48
"""The largest k: what it leaves out of a gap, and more, fit into a word."""

END = -1
BROKEN = -2


@compiled
def bits_of(gaps: Integers, k: int) -> int:
    """Return the bits that gaps take with ``k``."""
    bits = gaps.size*(1 + k)
    for gap in gaps:
        bits += gap >> k
    return bits


@compiled
def shortest(gaps: Integers) -> int:
    """Return the k with which gaps take the fewest bits, the least of such.

    There is at least one gap.  The bits are a convex function of k, since
    the gain of one more bit, the sum of (gap >> k) + 1 >> 1, only falls.
    """
    mean = (bits_of(gaps, 0) - gaps.size)//gaps.size
    k = 0
    while mean >> k > 1 and k < LARGEST:
        k += 1

    bits = bits_of(gaps, k)
    while k < LARGEST:
        more = bits_of(gaps, k + 1)
        if more >= bits:
            break
        bits = more
        k += 1
    while k > 0:
        less = bits_of(gaps, k - 1)
        if less > bits:
            break
        bits = less
        k -= 1
    return k


@compiled
def flush(out: Bytes, at: int, word: int, fill: int) -> tuple[int, int, int]:
    """Write the full bytes of a word that holds ``fill`` bits."""
    while fill >= 8:
        out[at] = word & 0xFF
        at += 1
        word >>= 8
        fill -= 8
    return at, word, fill


@compiled
def write(gaps: Integers, head: int, head_bits: int, out: Bytes, at: int
          ) -> int:
    """Write ``head``, and k and the gaps if any, from byte ``at`` on.

    Returns where the next byte goes.
    """
    word, fill = np.int64(head), np.int64(head_bits)
    k = np.int64(0)
    if gaps.size:
        k = shortest(gaps)
        word |= k << fill
        fill += WIDTH
    at, word, fill = flush(out, at, word, fill)

    for gap in gaps:
        zeros = gap >> k
        while zeros >= 32:
            at, word, fill = flush(out, at, word, fill + 32)
            zeros -= 32
        at, word, fill = flush(out, at, word | 1 << fill + zeros,
                               fill + zeros + 1)
        low = gap & (1 << k) - 1
        at, word, fill = flush(out, at, word | low << fill, fill + k)
    if fill:
        out[at] = word
        at += 1
    return at


@compiled
def bits_at(words: Words, bit: int) -> np.uint64:
    """Return the 64 bits from a bit on."""
    k, shift = bit >> 6, np.uint64(bit & 63)
    low: np.uint64 = words[k] >> shift
    # In two goes, as no shift may be by 64
    return low | words[k + 1] << np.uint64(1) << np.uint64(63) - shift


@compiled
def read(words: Words, bit: int, stop: int, k: int
         ) -> tuple[int | np.int64, int]:
    """Return the next gap, or END or BROKEN, and the bit to go on from.

    The message ends before the bit ``stop``; there are 16 bytes or more
    after it, whatever they hold.
    """
    begin = bit
    word = bits_at(words, bit)
    while word == 0:
        bit += 64
        if bit >= stop:
            break
        word = bits_at(words, bit)

    if word == 0 or bit + zeros_below(word) >= stop:
        # What fills the last byte is no code
        return (END if stop - begin < 8 else BROKEN), stop
    bit += zeros_below(word)
    high = bit - begin << k
    bit += 1
    if bit + k > stop:
        return BROKEN, stop
    low = np.int64(bits_at(words, bit)) & (1 << k) - 1
    return high | low, bit + k


@lru_cache(maxsize=4096)
def expected_bytes(cells: int, rate: float, head_bits: int) -> float:
    """Return the mean bytes of a message of random spikes.

    Each of ``cells`` fires with probability ``rate``, independently.  Exact
    for messages of no spike, of one, and of all.  For others the k that is
    best on average is taken, where each message has its own, and half a
    byte's filling: all in all within 3 %, and 0.4 bytes of short messages.
    """
    rate = min(max(rate, 0.0), 1.0)
    empty = -(-head_bits//8)
    if cells == 0 or rate == 0.0:
        return float(empty)
    if rate == 1.0:
        return float(-(-(head_bits + WIDTH + cells)//8))

    # From where one more bit of k surely gains, on to the best
    k = max(0, int(math.log2(min(1/rate, cells))) - 2)
    bits = mean_bits(cells, rate, k)
    while (more := mean_bits(cells, rate, k + 1)) < bits:
        bits, k = more, k + 1

    log_silent = math.log1p(-rate)
    none = math.exp(cells*log_silent)
    one = cells*rate*math.exp((cells - 1)*log_silent)
    # The last byte of several spikes holds any number of bits
    many = ((1 - none - one)*(head_bits + WIDTH + 3.5) + bits
            - one*mean_of_one(cells, k))
    return none*empty + one*bytes_of_one(cells, head_bits) + many/8


def mean_bits(cells: int, rate: float, k: int) -> float:
    """Return the mean bits of the gaps between random spikes.

    A gap is at least m long with probability (1 - rate)**m where there are
    m cells before the spike; a zero is written for each m = 2**k, 2*2**k...
    """
    log_silent = math.log1p(-rate)
    last = min((cells - 1) >> k, int(-40/(log_silent*2**k)) + 1)
    longer = np.arange(1, last + 1)*2.0**k
    zeros = (cells - longer) @ np.exp(longer*log_silent)
    return rate*(cells*(1 + k) + float(zeros))


def mean_of_one(cells: int, k: int) -> float:
    """Return the mean bits of the gap before a single spike."""
    zeros, rest = divmod(cells, 1 << k)
    return 1 + k + zeros*((zeros - 1)*2**(k - 1) + rest)/cells


def bytes_of_one(cells: int, head_bits: int) -> float:
    """Return the mean bytes of a message of one spike: exact.

    A gap g alone is shortest with 1 bit more than g has itself.
    """
    total, longest = 0, (cells - 1).bit_length()
    for bits in range(longest + 1):
        gaps = min(cells, 1 << bits) - (1 << bits - 1 if bits else 0)
        total += gaps*-(-(head_bits + WIDTH + 1 + bits)//8)
    return total/cells

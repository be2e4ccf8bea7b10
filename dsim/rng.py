"""Random numbers addressed by (seed, purpose, identity, index), not drawn.

Each number is a pure function of its address, so it does not matter who
computes it, when, and after which others.  A *key* stands for the seed and
one purpose ('noise', 'exc'); the *identity* says whose number it is (a
neuron's id) and the *index* which of its numbers (of which step, of which
synapse).  One key serves one kind of draw only: `uniform`, `normal`, `below`
and `dsim.poisson.draw` at the same address use the same bits.

Bits come from Philox4x32-10: Salmon, Moraes, Dror, Shaw (2011), Parallel
random numbers: as easy as 1, 2, 3, doi:10.1145/2063384.2063405.  Use of its
128-bit counter: the identity takes 64 bits (for `normal` and Poisson numbers,
which need only one of the four words, identity//4), the index 48 bits; the
top 16 bits count the further tries of `below` and the pieces of a Poisson
number.  So an index lies between 0 and 2**48 - 1.
"""

import hashlib
import operator
from typing import Any

import numpy as np

from dsim.compiled import compiled, contiguous
from dsim.elementary import upper_quantile

Values = Any
"""One number for all neurons of a tile, or one for each: float64[n]."""

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
_HALF_WORD = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_TRY = 48

BLOCKS = 256
"""Philox blocks computed at once: four words each, 4 kB in all."""


def key(seed: int, *purpose: str | int) -> np.uint64:
    """Return the key of all numbers drawn from ``seed`` for ``purpose``.

    Different seeds or purposes give keys that have nothing in common, also
    where words are split differently: ('ab', 'c') is not ('a', 'bc'), nor is
    1 the same as '1'.  Raises TypeError for other types.
    """
    text = ''
    for part in (seed, *purpose):
        if isinstance(part, str):
            text += f's{len(part)}:{part},'
        else:
            text += f'i{operator.index(part)},'
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, 'little'))


@compiled
def _round(c0, c1, c2, c3, k0, k1, r):
    # The r-th round; the key grows by a constant from one to the next
    k0 = np.uint32(k0 + np.uint32(r)*_W0)
    k1 = np.uint32(k1 + np.uint32(r)*_W1)
    a, b = _M0*np.uint64(c0), _M1*np.uint64(c2)
    return (np.uint32(np.uint32(b >> _HALF_WORD) ^ c1 ^ k0), np.uint32(b),
            np.uint32(np.uint32(a >> _HALF_WORD) ^ c3 ^ k1), np.uint32(a))


@compiled
def _halves(number):
    number = np.uint64(number)
    return np.uint32(number), np.uint32(number >> _HALF_WORD)


@compiled
def words(key: np.uint64, identity: int,
          index: int) -> tuple[np.uint32, np.uint32, np.uint32, np.uint32]:
    """Return the four random 32-bit words of an address: Philox4x32-10."""
    k0, k1 = _halves(key)
    c0, c1 = _halves(identity)
    c2, c3 = _halves(index)
    for r in range(10):
        c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1, r)
    return c0, c1, c2, c3


@compiled
def fill_words(drawn, key, identity, first, size):
    """Write ``words(key, identity, first + j)`` for all j < size.

    One after the other, four words each.  The rounds are spelled out here,
    as a call of `words` would not become vector code.
    """
    k0, k1 = _halves(key)
    c0, c1 = _halves(identity)
    for j in range(size):
        a, b = c0, c1
        c, d = _halves(first + j)
        for r in range(10):
            a, b, c, d = _round(a, b, c, d, k0, k1, r)
        drawn[4*j] = a
        drawn[4*j + 1] = b
        drawn[4*j + 2] = c
        drawn[4*j + 3] = d


@compiled
def fill_words_at(drawn, key, identity, indices, size):
    """Write ``words(key, identity, indices[j])`` for all j < size.

    One after the other, four words each.  The size is rounded up as by
    `fill_words_of`.
    """
    k0, k1 = _halves(key)
    c0, c1 = _halves(identity)
    for j in range((size + 15)//16*16):
        a, b = c0, c1
        c, d = _halves(indices[j])
        for r in range(10):
            a, b, c, d = _round(a, b, c, d, k0, k1, r)
        drawn[4*j] = a
        drawn[4*j + 1] = b
        drawn[4*j + 2] = c
        drawn[4*j + 3] = d


@compiled
def fill_words_of(drawn, key, identities, size, index):
    """Write ``words(key, identities[j], index)`` for all j < size.

    One after the other, four words each.  For the sake of vector code the
    size is rounded up to whole 16: both arrays have room for that, and what
    stands there beyond is never looked at.
    """
    k0, k1 = _halves(key)
    c2, c3 = _halves(index)
    for j in range((size + 15)//16*16):
        a, b = _halves(identities[j])
        c, d = c2, c3
        for r in range(10):
            a, b, c, d = _round(a, b, c, d, k0, k1, r)
        drawn[4*j] = a
        drawn[4*j + 1] = b
        drawn[4*j + 2] = c
        drawn[4*j + 3] = d


@compiled
def fill_words_for(drawn, key, identities, indices, size, shift):
    """Write ``words(key, identities[j] >> shift, indices[j])``, j < size.

    One after the other, four words each; a size of whole 16 is quickest.
    """
    k0, k1 = _halves(key)
    for j in range(size):
        a, b = _halves(identities[j] >> shift)
        c, d = _halves(indices[j])
        for r in range(10):
            a, b, c, d = _round(a, b, c, d, k0, k1, r)
        drawn[4*j] = a
        drawn[4*j + 1] = b
        drawn[4*j + 2] = c
        drawn[4*j + 3] = d


@compiled
def unit(a, b):
    """Return 53 bits of two words as a number in [0, 1)."""
    high = np.float64(np.int32(a >> np.uint32(5)))*67108864.0
    return (high + np.float64(np.int32(b >> np.uint32(6))))*2.0**-53


@compiled
def uniform(key: np.uint64, identity: int, index: int) -> float:
    """Return a multiple of 2**-53 in [0, 1)."""
    a, b, c, d = words(key, identity, index)
    return unit(a, b)


# |z| at the ends of the segments that `deviate` looks up.  Segment 256 e + j
# begins at p = 2**(e - 33) (1 + j/256), half the probability of a larger |z|;
# the last one ends at p = 1/2
_SEGMENTS = np.arange(32*256 + 1)
_QUANTILES = upper_quantile(1.0 + _SEGMENTS % 256/256, _SEGMENTS//256 - 33)

# No normal number exceeds this, so no weight drawn from one can either
LARGEST_NORMAL = float(_QUANTILES[0])

_ONE = np.uint32(1)
_NEXT = np.uint64(1)
_BITS_ONE = np.uint64(0x3FF0000000000000)
_SEGMENT_BITS = np.uint64(44)
_WITHIN = np.uint64((1 << 44) - 1)


@compiled
def deviate(word: np.uint32) -> float:
    """Return the normal number that a word stands for."""
    # The lowest bit is the sign, the others give p = (word | 1)/2**33, half
    # the probability of a larger |z|.  The leading bits of word | 1 as a
    # float64 number the segment, the others are the place within it
    bits = np.float64(word | _ONE).view(np.uint64) - _BITS_ONE
    i = bits >> _SEGMENT_BITS
    place = np.float64(np.int64(bits & _WITHIN))*2.0**-44
    begin = _QUANTILES[i]
    z = begin + place*(_QUANTILES[i + _NEXT] - begin)
    return z if word & _ONE else -z


@compiled
def normal(key: np.uint64, identity: int, index: int) -> float:
    """Return a normal number with mean 0 and standard deviation 1.

    By inverting the distribution of |z| with 31 bits, interpolated linearly
    between 8193 quantiles: |z| is too large by at most 9e-7, the variance by
    5e-7, the fourth moment by 2e-6.  No |z| is above `LARGEST_NORMAL` = 6.338,
    which a true normal number exceeds once in 4e9 times.  Four neighbouring
    identities share one block of words.
    """
    drawn = words(key, identity >> 2, index)
    return deviate(drawn[identity & 3])


@compiled
def _product(a, b):
    # High and low 64 bits of the product of two 64-bit numbers
    a1, a0 = a >> _HALF_WORD, a & _LOW_HALF
    b1, b0 = b >> _HALF_WORD, b & _LOW_HALF
    middle = a1*b0 + (a0*b0 >> _HALF_WORD)
    other = a0*b1 + (middle & _LOW_HALF)
    high = a1*b1 + (middle >> _HALF_WORD) + (other >> _HALF_WORD)
    return high, a*b


@compiled
def below(key: np.uint64, identity: int, index: int, n: int) -> int:
    """Return one of 0, 1 ... n - 1, each as likely, for 1 <= n < 2**63.

    Lemire (2019), ACM Trans. Model. Comput. Simul. 29:3: the high half of a
    product with n, after those low halves are refused that would make some
    numbers likelier.  Each try has 64 bits, so hardly any n needs a second.
    """
    size = np.uint64(n)
    refused = (np.uint64(0) - size) % size
    attempt = 0
    while True:
        a, b, c, d = words(key, identity, index | (attempt << _TRY))
        for low, high in ((a, b), (c, d)):
            bits = np.uint64(low) | (np.uint64(high) << _HALF_WORD)
            value, rest = _product(bits, size)
            if rest >= refused:
                return int(value)
        attempt += 1


@compiled
def fill_blocks(blocks, first_ids, width):
    """Write the blocks of four identities that hold the ids of some rows.

    Row r has the ids first_ids[r] ... first_ids[r] + width - 1.  Returns
    how many blocks there are.
    """
    size = 0
    for first in first_ids:
        for block in range(first >> 2, (first + width + 3) >> 2):
            blocks[size] = block
            size += 1
    return size


@compiled
def joined(first_ids, width):
    """Return rows as (first ids, width), as one row where they are one."""
    for row in range(1, first_ids.size):
        if first_ids[row] != first_ids[row - 1] + width:
            return first_ids, width
    return first_ids[:1], width*first_ids.size


@compiled
def extents(width):
    """Return (columns, rows) whose blocks of words are made at once.

    As many rows as fit; if not even one does, a part of its columns.
    """
    columns = max(1, min(width, 4*BLOCKS - 8))
    return columns, BLOCKS//(columns//4 + 2)


@compiled
def add_rows(line, numbers, firsts, columns, begin, width, mean, factor):
    """Add ``mean + factor*number`` to neurons of a tile, row by row.

    ``numbers`` are those of the blocks that `fill_blocks` writes for the ids
    ``firsts``; ``begin`` is the first neuron's place in ``line``, ``width``
    how far the next row is from it.
    """
    word = 0
    for first in firsts:
        lane = first & 3
        part = numbers[word + lane:word + lane + columns]
        some = line[begin:begin + columns]
        # An unsigned index is known not to count from the end: vector code
        for j in range(columns):
            i = np.uint64(begin) + np.uint64(j)
            some[j] += mean[i] + factor[i]*part[j]
        word += (lane + columns + 3)//4*4
        begin += width


@compiled
def _deviates(numbers, drawn, size):
    # In whole vectors, as their remainder would be slow
    for j in range((size + 15)//16*64):
        numbers[j] = deviate(drawn[j])


@compiled
def add_normals(out: np.ndarray, key: np.uint64, first_step: int,
                first_ids: np.ndarray, width: int, mean: Values,
                std: Values) -> None:
    """Add ``mean + std*z`` to each neuron of a tile at each of T steps.

    ``out`` is float64[T, n] or float32[T, n] with n = rows*width, each of
    its rows in one piece; row r of the tile holds the ids first_ids[r] ...
    first_ids[r] + width - 1.  ``mean`` and ``std`` are numbers or arrays[n];
    z is ``normal(key, id, first_step + t)``, whatever the tile.
    """
    drawn = np.empty(4*BLOCKS, np.uint32)
    numbers = np.empty(4*BLOCKS)
    blocks = np.zeros(BLOCKS, np.int64)
    first_ids, width = joined(first_ids, width)
    span, height = extents(width)
    for column in range(0, width, span):
        columns = min(span, width - column)
        for row in range(0, first_ids.size, height):
            firsts = first_ids[row:row + height] + column
            size = fill_blocks(blocks, firsts, columns)
            for t in range(out.shape[0]):
                fill_words_of(drawn, key, blocks, size, first_step + t)
                _deviates(numbers, drawn, size)
                add_rows(contiguous(out[t]), numbers, firsts, columns,
                         row*width + column, width, mean, std)

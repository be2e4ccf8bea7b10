"""Poisson numbers, addressed as those of `dsim.rng`, one word each.

A number is found by inverting the distribution at u, whose first 32 bits
are one of the four words that neighbouring identities share.  Where they
cannot decide, as a step of the distribution function lies within the same
2**-32, 53 further bits do; so each probability is right to about 1e-16.

For a mean that many neurons share, a table of 1024 equal parts of [0, 1)
tells the number at once: a part holds one step of the distribution function
at most, save for a few parts in the tails, which are searched.  So a number
takes one look-up, whatever the mean (a guide table: Chen and Asau (1974),
AIIE Trans. 6:163).
"""

from typing import NamedTuple

import numpy as np

from dsim import rng
from dsim.compiled import compiled, contiguous
from dsim.elementary import exp
from dsim.rng import BLOCKS, Values

LARGEST_PIECE = 40.0
"""Above this mean a number is the sum of several of smaller mean."""

LARGEST_MEAN = LARGEST_PIECE*(2**16 - 1)

MOST_KINDS = 256
"""So many different means of neurons have a table each: 1 MB in all."""

# Once its terms are smaller than this, in units of 2**-32, what is left of a
# distribution is nothing that a number of 53 bits could hit; the first term
# is larger for all means up to 41
_NEGLIGIBLE = 2.0**-28

_PIECE = 48

# An entry of a table: whether its part must be searched, the number at its
# begin in 9 bits, and how far in the part lies the step to the next one
_PARTS, _MOST = 1024, 256
_PART_BITS, _PLACE_BITS = 10, np.uint32(22)
_PLACE = np.uint32((1 << 22) - 1)
_SEARCHED = np.uint32(31)
_NUMBER = np.uint32(511)

# Words between two looks at whether any of them could not decide
_STRIDE = 64

# Neurons that are searched for together
_ABREAST = 128


class Law(NamedTuple):
    """The means of some neurons, ready to draw from.

    Neuron i draws from the table ``kind[i]`` (int64[n], or int64[1] for
    all): ``entries`` uint32[kinds, 1024] and, for what they leave open,
    ``totals`` float64[kinds, 256], the distribution functions in units of
    2**-32.  Each number is the sum of ``pieces``.  Without tables, a search
    needs float64[n]: ``cuts``, the pieces of each neuron, ``part``, the mean
    of one, and ``zero``, its chance of no event in units of 2**-32.
    """

    pieces: int
    kind: np.ndarray
    entries: np.ndarray
    totals: np.ndarray
    cuts: np.ndarray
    part: np.ndarray
    zero: np.ndarray


def law(mean: Values) -> Law:
    """Return what `add` needs for a mean, or for one of each neuron.

    ``mean`` is a number or an array[n], from 0 to `LARGEST_MEAN`.
    """
    means = np.atleast_1d(np.asarray(mean, dtype=np.float64))
    distinct, kind = means, np.zeros(1, dtype=np.int64)
    searched = False
    if np.ndim(mean) > 0:
        distinct, kind = np.unique(means, return_inverse=True)
        searched = (distinct.size > MOST_KINDS
                    or means.max(initial=0.0) > LARGEST_PIECE)
    if searched:
        distinct, kind = means[:0], kind[:0]
    elif distinct.size == 1:
        kind = kind[:1]

    entries = np.empty((distinct.size, _PARTS), dtype=np.uint32)
    totals = np.empty((distinct.size, _MOST))
    _tabulate(distinct, entries, totals)
    cuts, part, zero = np.empty((3, means.size if searched else 0))
    _prepare(means, cuts, part, zero)
    pieces = int(_pieces(means.max(initial=0.0))[0])
    return Law(pieces, kind.astype(np.int64), entries, totals, cuts, part,
               zero)


@compiled
def _pieces(mean):
    # How many Poisson numbers, and of which mean each, add up to this mean
    pieces = max(1.0, np.ceil(mean*(1.0/LARGEST_PIECE)))
    return pieces, mean/pieces


@compiled
def _next(i, probability, total, part):
    # From the distribution function at i - 1 to that at i, in units of 2**-32
    probability *= part*(1.0/i)
    return probability, total + probability


@compiled
def _prepare(means, cuts, part, zero):
    for i in range(zero.size):
        cuts[i], part[i] = _pieces(means[i])
        zero[i] = exp(-part[i])*2.0**32


@compiled
def _tabulate(distinct, entries, totals):
    for k in range(distinct.size):
        part = _pieces(distinct[k])[1]
        probability = total = exp(-part)*2.0**32
        # Beyond its end, a distribution has no more steps
        totals[k] = 2.0**33
        i = 0
        while probability > _NEGLIGIBLE:
            totals[k, i] = total
            i += 1
            probability, total = _next(i, probability, total, part)
        _guide(totals[k], entries[k])


@compiled
def _guide(totals, entries):
    # An entry for each part of the words
    number = 0
    for i in range(_PARTS):
        begin = i*2.0**(32 - _PART_BITS)
        end = begin + 2.0**(32 - _PART_BITS)
        while totals[number] <= begin:
            number += 1
        last = number
        while totals[last] < end:
            last += 1

        # Words beyond ``place`` are above the step, those before it below
        place = _PLACE
        if last > number:
            place = np.uint32(np.int64(np.floor(totals[number] - begin)))
        entries[i] = np.uint32(number) << _PLACE_BITS | place
        if last > number + 1:
            entries[i] |= np.uint32(1) << _SEARCHED


@compiled
def _further(key, identity, index):
    # The bits after the first 32; no block of four has a negative number
    return rng.uniform(key, ~identity, index)


@compiled
def _reached(word, total, key, identity, index):
    # Whether u is not below a step of the distribution function
    whole = np.floor(total)
    if np.float64(word) != whole:
        return np.float64(word) > whole
    return _further(key, identity, index) >= total - whole


@compiled
def _search(word, part, zero, key, identity, index):
    # The number of one piece from its definition
    probability = total = zero
    i = 0
    while probability > _NEGLIGIBLE and _reached(word, total, key, identity,
                                                 index):
        i += 1
        probability, total = _next(i, probability, total, part)
    return i


@compiled
def draw(key: np.uint64, identity: int, index: int, mean: float) -> int:
    """Return a Poisson number, for 0 <= mean <= `LARGEST_MEAN`.

    A mean above 40 is cut into equal pieces of at most 40, whose numbers
    are added.
    """
    pieces, part = _pieces(mean)
    zero = exp(-part)*2.0**32
    count = 0
    for piece in range(np.int64(pieces)):
        at = index | (piece << _PIECE)
        words = rng.words(key, identity >> 2, at)
        count += _search(words[identity & 3], part, zero, key, identity, at)
    return count


@compiled
def add(out: np.ndarray, key: np.uint64, first_step: int,
        first_ids: np.ndarray, width: int, law: Law,
        weight: Values) -> None:
    """Add ``weight`` times a Poisson number to each neuron at each step.

    The arguments are those of `dsim.rng.add_normals`; the number is
    ``draw(key, id, first_step + t, mean)``, whatever the tile.
    """
    drawn = np.empty(4*BLOCKS, np.uint32)
    numbers, more = _room(), _room()
    blocks = np.zeros(BLOCKS, np.int64)
    lanes = np.zeros(4*BLOCKS, np.uint32)
    parts = _room(), _room(), _room()
    first_ids, width = rng.joined(first_ids, width)
    span, height = rng.extents(width)
    for column in range(0, width, span):
        columns = min(span, width - column)
        for row in range(0, first_ids.size, height):
            firsts = first_ids[row:row + height] + column
            size = rng.fill_blocks(blocks, firsts, columns)
            begin = row*width + column
            _fill_lanes(lanes, parts, law, firsts, columns, begin, width)
            for t in range(out.shape[0]):
                for piece in range(law.pieces):
                    at = (first_step + t) | (piece << _PIECE)
                    rng.fill_words_of(drawn, key, blocks, size, at)
                    here = more if piece else numbers
                    if law.zero.size > 0:
                        _find(here, drawn, size, parts, piece, key, blocks,
                              at)
                    else:
                        _look_up(here, drawn, size, lanes, law, key, blocks,
                                 at)
                    if piece:
                        numbers += more
                rng.add_rows(contiguous(out[t]), numbers, firsts, columns,
                             begin, width, 0.0, weight)


@compiled
def _room():
    # Arrays of their own: loops over rows of one do not become vector code
    return np.zeros(4*BLOCKS)


@compiled
def _fill_lanes(lanes, parts, law, firsts, columns, begin, width):
    # What the neuron of each word has: its table, or what its search needs
    if law.kind.size == 1:
        return
    cuts, part, zero = parts
    word = 0
    for first in firsts:
        lane = word + (first & 3)
        if law.zero.size > 0:
            cuts[lane:lane + columns] = law.cuts[begin:begin + columns]
            part[lane:lane + columns] = law.part[begin:begin + columns]
            zero[lane:lane + columns] = law.zero[begin:begin + columns]
        else:
            for j in range(columns):
                k = np.uint64(begin) + np.uint64(j)
                lanes[lane + j] = law.kind[k]*_PARTS
        word += ((first & 3) + columns + 3)//4*4
        begin += width


@compiled
def _look_up(numbers, drawn, size, lanes, law, key, blocks, index):
    # Loops of their own: what they look up one by one takes less time than
    # what the processor gathers
    entries = law.entries.ravel()
    found = np.empty(4*BLOCKS, np.uint32)
    if law.kind.size > 1:
        for i in range(4*size):
            found[i] = entries[lanes[i] + (drawn[i] >> _PLACE_BITS)]
    else:
        for i in range(4*size):
            found[i] = entries[drawn[i] >> _PLACE_BITS]
    for begin in range(0, 4*size, _STRIDE):
        unsure = np.uint32(0)
        for j in range(_STRIDE):
            k = np.uint64(begin) + np.uint64(j)
            place, step = drawn[k] & _PLACE, found[k] & _PLACE
            unsure |= found[k] >> _SEARCHED | np.uint32(place == step)
            count = found[k] >> _PLACE_BITS & _NUMBER
            numbers[k] = np.float64(np.int32(count + np.uint32(place > step)))
        if unsure:
            _settle(numbers, drawn, begin, found, lanes, law, key, blocks,
                    index)


@compiled
def _settle(numbers, drawn, begin, found, lanes, law, key, blocks, index):
    # Search where the table could not tell
    for i in range(begin, min(begin + _STRIDE, drawn.size)):
        entry = found[i]
        if entry >> _SEARCHED or drawn[i] & _PLACE == entry & _PLACE:
            identity = 4*blocks[i >> 2] + (i & 3)
            totals = law.totals[lanes[i] >> np.uint32(_PART_BITS)]
            count = np.int64(entry >> _PLACE_BITS & _NUMBER)
            while _reached(drawn[i], totals[count], key, identity, index):
                count += 1
            numbers[i] = count


@compiled
def _find(numbers, drawn, size, parts, piece, key, blocks, index):
    # As `_search`, for some neurons abreast until none is left
    word, part = np.empty(_ABREAST), np.empty(_ABREAST)
    probability, total = np.empty(_ABREAST), np.empty(_ABREAST)
    counts = np.empty(_ABREAST)
    for begin in range(0, 4*size, _ABREAST):
        for j in range(_ABREAST):
            i = np.uint64(begin) + np.uint64(j)
            word[j] = np.float64(np.int64(drawn[i]))
            part[j] = parts[1][i]
            # A piece that a mean does not have: no step is reached
            here = piece < parts[0][i]
            probability[j] = parts[2][i] if here else 0.0
            total[j] = parts[2][i] if here else 2.0**33
        _count(counts, word, part, probability, total)
        for j in range(_ABREAST):
            # Stopped by a step that further bits might have reached
            if total[j] < word[j] + 1.0:
                k = begin + j
                identity = 4*blocks[k >> 2] + (k & 3)
                counts[j] = _search(drawn[k], part[j], parts[2][k], key,
                                    identity, index)
            numbers[begin + j] = counts[j]


@compiled
def _count(counts, word, part, probability, total):
    counts[:] = 0.0
    left, i = 1, 0
    while left > 0:
        i += 1
        inverse = 1.0/i
        left = 0
        for j in range(_ABREAST):
            more = (word[j] >= total[j]) & (probability[j] > _NEGLIGIBLE)
            left += 1 if more else 0
            counts[j] += np.float64(more)
            step = probability[j]*(part[j]*inverse)
            probability[j] = step if more else 0.0
            total[j] += step if more else 0.0

"""Synapses by their source, whole or dealt out to the ranks of a sub-cube.

The lower block of figure 1 of Niebur and Brettle (1993), "synapse data": a
synapse is (target address, weight, delay).  Each source's are numbered: j.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from dsim.compiled import compiled
from dsim.connectivity import synapse_values as sv
from dsim.connectivity.base import Rows
from dsim.errors import LayoutError
from dsim.network import Projection
from dsim.partitioning.exchange.coding import Bytes
from dsim.partitioning.exchange.mail import Mail
from dsim.reproduce.niebur_1993_cells import Setting
from dsim.space import distances

_CHUNK = 1 << 16
"""Synapses drawn at a time."""


class Table(NamedTuple):
    """What one rank holds of some neurons' synapses.

    ``numbers`` int64[rows], ascending, are the sources; ``pointer``
    int64[rows + 1] bounds their rows; ``entries`` uint32[n] are
    (delay << bits) + input, ``weights`` int32[n] in the input's unit.
    """

    numbers: np.ndarray
    pointer: np.ndarray
    entries: np.ndarray
    weights: np.ndarray

    @property
    def nbytes(self) -> int:
        """The memory that it takes."""
        return sum(array.nbytes for array in self)


def direct(setting: Setting, rank: int) -> Table:
    """Draw all outgoing synapses of a rank's neurons, by dsim's rules.

    Raises `LayoutError` for a rule that draws for the target.
    """
    numbers = np.flatnonzero(setting.homes == rank)
    drawn = [piece for projection in setting.network.projections
             for piece in _drawn(setting, rank, projection)]
    lengths = np.zeros(numbers.size, np.int64)
    for rows, lines, _, _ in drawn:
        lengths[rows] += np.diff(lines.pointer)
    pointer = np.append(0, np.cumsum(lengths))
    table = Table(numbers, pointer, np.empty(pointer[-1], np.uint32),
                  np.empty(pointer[-1], np.int32))

    cursor = pointer[:-1].copy()
    for rows, lines, entries, weights in drawn:
        lengths = np.diff(lines.pointer)
        places = np.repeat(cursor[rows] - lines.pointer[:-1], lengths)
        places += np.arange(entries.size)
        table.entries[places], table.weights[places] = entries, weights
        cursor[rows] += lengths
    return table


def transpose(setting: Setting, q: int, mails: Sequence[Mail],
              tables: Sequence[Table]) -> list[Table]:
    """Deal each source's synapses out to the ranks of its sub-cube.

    Synapse j goes to the rank whose corner's lowest q bits are j mod Q.
    ``mails`` are those of the ranks in this process, ``tables`` theirs.
    Collective over all ranks.
    """
    confirm(setting, q)
    every, places = 1 << q, _places(setting, q, mails)
    items = [_items(table, 0, 1) for table in tables]
    items = _exchange(setting, q, mails, items,
                      lambda found: found[:, 1] & every - 1)
    return [_table(found, _partition(setting, q, mail.rank), every, place)
            for found, mail, place in zip(items, mails, places, strict=True)]


def restore(setting: Setting, q: int, mails: Sequence[Mail],
            tables: Sequence[Table]) -> list[Table]:
    """Undo `transpose`: transposing again brings all home."""
    every, places = 1 << q, _places(setting, q, mails)
    items = [_items(table, place, every)
             for table, place in zip(tables, places, strict=True)]
    corners = setting.corners[setting.homes]
    items = _exchange(setting, q, mails, items,
                      lambda found: corners[found[:, 0]] & every - 1)
    return [_table(found, np.flatnonzero(setting.homes == mail.rank), 1, 0)
            for found, mail in zip(items, mails, strict=True)]


def share(table: Table, every: int, place: int) -> Table:
    """Return every so manieth synapse of each row, from ``place`` on."""
    items = _items(table, 0, 1)
    return _table(items[items[:, 1] % every == place], table.numbers, every,
                  place)


def confirm(setting: Setting, q: int) -> None:
    """Raise `LayoutError` unless ranks form sub-cubes of 2^q."""
    ranks = setting.ranks
    if q and ranks & ranks - 1:
        raise LayoutError(
            f'{ranks} ranks are no hypercube: transposed synapses need a '
            'power of two; direct ones (q = 0) do not')
    if not 0 <= q <= setting.dimensions:
        raise LayoutError(f'no sub-cube of 2^{q} ranks among {ranks}')


def _drawn(setting: Setting, rank: int, projection: Projection
           ) -> Iterator[tuple[np.ndarray, Rows, np.ndarray, np.ndarray]]:
    """Yield (rows of the table, their lines, entries, weights)."""
    rule, names = projection.rule, list(setting.network.populations)
    if rule.owner != 'source':
        raise LayoutError(
            f'{projection.name}: the rule {rule.name!r} draws for targets; '
            'a source that holds its synapses must draw them itself, as '
            'with fixed_outdegree')
    tiling = setting.layout.tiling
    first = tiling.first[names.index(projection.source.name)]
    ids = np.sort(tiling.ids(names.index(projection.source.name), rank))
    numbers = np.flatnonzero(setting.homes == rank)
    pairing = setting.network.pairing(projection)
    make, some = rule.maker(pairing), int(_CHUNK/rule.degree(pairing)) + 1
    inputs = setting.inputs[projection.target.name, projection.receptor]
    unit = setting.layout.units[projection.target.name, projection.receptor]
    for k in range(0, ids.size, some):
        owners = ids[k:k + some]
        lines = make(owners)
        delays = _delays(setting, projection, owners, lines)
        weights = _values(setting, projection, 'weight', owners, lines)
        entries = (delays << setting.bits) + inputs[lines.partners]
        yield (np.searchsorted(numbers, first + owners), lines,
               entries.astype(np.uint32),
               np.rint(weights/unit).astype(np.int32))


def _values(setting: Setting, projection: Projection, what: str,
            owners: np.ndarray, lines: Rows) -> np.ndarray:
    pairing, value = setting.network.pairing(projection), getattr(
        projection, what)
    sources = np.repeat(owners, np.diff(lines.pointer))
    far = np.empty(sources.size if sv.needs_distance(value) else 0)
    if far.size:
        sheet, grids = pairing.sheet, (pairing.source, pairing.target)
        distances(sources, lines.partners, grids[0][1], grids[1][1],
                  sheet.pitch(grids[0]), sheet.pitch(grids[1]), sheet.extent,
                  sheet.periodic, far)
    return sv.values(value, sv.address(pairing.seed, what, pairing.name),
                     sources, lines.draws, far)


def _delays(setting: Setting, projection: Projection, owners: np.ndarray,
            lines: Rows) -> np.ndarray:
    k = setting.network.projections.index(projection)
    found = _values(setting, projection, 'delay', owners, lines)
    steps = np.floor(found/setting.dt + 0.5).astype(np.int64)
    delays = setting.layout.delays[k]
    return np.clip(steps, delays.shortest, delays.longest)


def _places(setting: Setting, q: int, mails: Sequence[Mail]) -> list[int]:
    return [int(setting.corners[mail.rank]) & (1 << q) - 1 for mail in mails]


def _partition(setting: Setting, q: int, rank: int) -> np.ndarray:
    """Return the numbers of all neurons of a rank's sub-cube."""
    corners = setting.corners[setting.homes]
    return np.flatnonzero(corners >> q == setting.corners[rank] >> q)


def _items(table: Table, place: int, every: int) -> np.ndarray:
    """Return uint32[n, 4]: number, j, entry, weight of each synapse."""
    lengths = np.diff(table.pointer)
    items = np.empty((table.entries.size, 4), np.uint32)
    items[:, 0] = np.repeat(table.numbers, lengths)
    within = np.arange(table.entries.size)
    within -= np.repeat(table.pointer[:-1], lengths)
    items[:, 1] = place + every*within
    items[:, 2], items[:, 3] = table.entries, table.weights.view(np.uint32)
    return items


def _table(items: np.ndarray, numbers: np.ndarray, every: int, place: int
           ) -> Table:
    """Return a table in order of number and j, whatever that of items."""
    rows = np.searchsorted(numbers, items[:, 0])
    lengths = np.bincount(rows, minlength=numbers.size)
    pointer = np.append(0, np.cumsum(lengths))
    places = pointer[rows] + (items[:, 1].astype(np.int64) - place)//every
    table = Table(numbers, pointer, np.empty(rows.size, np.uint32),
                  np.empty(rows.size, np.int32))
    table.entries[places] = items[:, 2]
    table.weights[places] = items[:, 3].view(np.int32)
    return table


def _exchange(setting: Setting, q: int, mails: Sequence[Mail],
              items: list[np.ndarray], goals: Any) -> list[np.ndarray]:
    """Send items to the places in their sub-cubes, dimension by dimension."""
    for b, step in enumerate(setting.cube.steps[:q]):
        for k, mail in enumerate(mails):
            here = int(setting.corners[mail.rank])
            crosses = (goals(items[k]) ^ here) >> b & 1 != 0
            items[k], sent = _parted(items[k], crosses)
            mail.send(setting.cube.across(mail.rank, step), sent)
        for k, mail in enumerate(mails):
            words = received(mail, [setting.cube.across(mail.rank, step)],
                             np.uint32)
            items[k] = np.concatenate([items[k], words.reshape(-1, 4)])
            mail.finish()
    return items


def received(mail: Mail, sources: Sequence[int], kind: type) -> np.ndarray:
    """Return the numbers in the messages of ``sources``, end to end."""
    data, bounds = mail.fetch(sources)
    return data[:bounds[len(sources)]].copy().view(kind)


def _parted(items: np.ndarray, crosses: np.ndarray
            ) -> tuple[np.ndarray, Bytes]:
    leave = int(np.count_nonzero(crosses))
    stay = np.empty((len(items) - leave, 4), np.uint32)
    sent = np.empty((leave, 4), np.uint32)
    _part(items, crosses, stay, sent)
    return stay, sent.ravel().view(np.uint8)


@compiled
def _part(items, crosses, stay, sent):
    kept = left = 0
    for k in range(len(items)):
        if crosses[k]:
            for c in range(4):
                sent[left, c] = items[k, c]
            left += 1
        else:
            for c in range(4):
                stay[kept, c] = items[k, c]
            kept += 1

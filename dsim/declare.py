"""How a model lists its numbers: name, default, unit, meaning, range.

These tables are the single source of defaults, units, checks, memory,
recording, error messages and the pages of the documentation.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from dsim.errors import BadValue, UnknownName


@dataclass(frozen=True)
class Parameter:
    """One number of a model that stays the same during a run."""

    name: str
    default: float
    unit: str
    meaning: str
    low: float = -math.inf
    high: float = math.inf
    above: float = -math.inf

    def check(self, low: float, high: float, where: str = '') -> None:
        """Raise `BadValue` unless all values in [low, high] are allowed."""
        if (low >= self.low and high <= self.high and low > self.above
                and not math.isnan(low) and not math.isnan(high)):
            return

        value = low if low == high else (low, high)
        key = f'{where}{self.name}'
        raise BadValue(key, value, self.allowed, self.meaning)

    @property
    def allowed(self) -> str:
        """The valid range in words, with the unit."""
        bounds = []
        if self.above > -math.inf:
            bounds.append(f'> {self.above:g}')
        if self.low > -math.inf:
            bounds.append(f'>= {self.low:g}')
        if self.high < math.inf:
            bounds.append(f'<= {self.high:g}')
        unit = f' {self.unit}' if self.unit not in ('', '1') else ''
        return (' and '.join(bounds) or 'a finite number') + unit


@dataclass(frozen=True)
class State:
    """One number of a model that changes: default start, unit, meaning.

    A default of None means that it follows from the parameters.
    """

    name: str
    default: float | None
    unit: str
    meaning: str


@dataclass(frozen=True)
class Receptor:
    """One kind of synaptic input of a model, and the unit of its weights."""

    name: str
    unit: str
    meaning: str


Row = TypeVar('Row', Parameter, State, Receptor)


class Table(Generic[Row]):
    """Rows by name, in the order they were declared."""

    def __init__(self, kind: str, owner: str, rows: Sequence[Row]):
        self.kind, self.owner = kind, owner
        self._rows: dict[str, Row] = {row.name: row for row in rows}

    def __getitem__(self, name: str) -> Row:
        if name not in self._rows:
            raise UnknownName(self.kind, name, self._rows, self.owner)
        return self._rows[name]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    @property
    def names(self) -> list[str]:
        """The names, in order."""
        return list(self._rows)

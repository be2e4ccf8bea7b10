"""Trees of values that remember their file and key, for messages.

Which keys there may be, of which kind and in which unit, is told by tables
of `Key`; reading them checks the tree, converts units and writes defaults
back, so that the tree becomes the whole model.  What a network is, is not
known here.
"""

import contextlib
import copy
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from dsim.errors import (
    BadValue,
    DsimError,
    ModelFileError,
    OutputError,
    WorldError,
    nearest,
    shown,
)
from dsim.io.units import convert, expected, quantity

REQUIRED: Any = object()
"""The default of a key that must be given."""

SET = '--set'
"""Where values come from that stand in no file."""


class WrongValue(ModelFileError):
    """A value that is not allowed where it stands."""

    def __init__(self, file: object, key: str, value: object, allowed: str,
                 fix: str = ''):
        what = f'must be {allowed}' + (f'; {fix}' if fix else '')
        found = str(value).lower() if isinstance(value, bool) else (
            shown(value))
        super().__init__(file, f'{key} = {found}', what)
        self.key, self.value = key, value


class Kind(NamedTuple):
    """A kind of value: its name in messages, and how a node is read."""

    words: str
    read: Callable[['Node', str], Any]


@dataclass(frozen=True)
class Key:
    """One key of a table: its kind, unit, default and meaning.

    A default of None means that the key may be left out.
    """

    name: str
    kind: Kind
    unit: str = ''
    default: Any = REQUIRED
    meaning: str = ''


@dataclass
class Origin:
    """Where a tree comes from: its file, and what --set changed in it.

    ``made`` are the paths of tables that stand in no file.
    """

    file: Path
    comm: Any = None
    overridden: set[tuple] = field(default_factory=set)
    made: set[tuple] = field(default_factory=set)


class Node:
    """One value of a model file, and where it stands."""

    def __init__(self, origin: Origin, holder: Any, path: tuple = ()):
        self.origin, self.path, self._holder = origin, path, holder

    @property
    def value(self) -> Any:
        """What is written there, or what reading made of it."""
        return self._holder[self.path[-1]] if self.path else self._holder

    @value.setter
    def value(self, value: Any) -> None:
        self._holder[self.path[-1]] = value

    @property
    def key(self) -> str:
        """The full key, as --set takes it."""
        return '.'.join(map(str, self.path))

    @property
    def file(self) -> str:
        """The model file, or --set where the value came from there."""
        parts = {self.path[:n] for n in range(1, len(self.path) + 1)}
        given = self.origin.overridden | self.origin.made
        return SET if parts & given else str(self.origin.file)

    def __getitem__(self, name: str | int) -> 'Node':
        return Node(self.origin, self.value, (*self.path, name))

    def __contains__(self, name: object) -> bool:
        return isinstance(self.value, dict) and name in self.value

    def __iter__(self) -> Iterator['Node']:
        names = self.value if isinstance(self.value, dict) else range(
            len(self.value))
        return (self[name] for name in list(names))

    def error(self, what: object) -> ModelFileError:
        """Return an error that names this key."""
        return ModelFileError(self.file, self.key, str(what))

    def wrong(self, allowed: str, fix: str = '') -> WrongValue:
        """Return an error that shows this key, its value, what it may be."""
        return WrongValue(self.file, self.key, self.value, allowed, fix)

    @contextlib.contextmanager
    def blamed(self) -> Iterator[None]:
        """Let errors of the block name this key, or the one below meant."""
        try:
            yield
        except (ModelFileError, OutputError, WorldError):
            # The first names its key already, the others need none
            raise
        except BadValue as error:
            meant = self._meant(re.split(r'[.:\s]+', error.key)[-1])
            if meant is None:
                raise self.error(error) from error
            # An array says less than what is written there
            value = meant.value if hasattr(error.value, 'dtype') else (
                error.value)
            raise WrongValue(meant.file, meant.key, value, error.allowed,
                             error.fix) from error
        except DsimError as error:
            raise self.error(error) from error

    def _meant(self, name: str) -> 'Node | None':
        if self.path and self.path[-1] == name:
            return self
        tables = [self, *self] if isinstance(self.value, dict) else []
        return next((node[name] for node in tables if name in node), None)

    def read(self, keys: Iterable[Key]) -> dict[str, Any]:
        """Return the values of all ``keys`` of this table, by name.

        Raises `ModelFileError` for other keys than these, for missing ones
        and for values of another kind.
        """
        keys = list(keys)
        names = [key.name for key in keys]
        if not isinstance(self.value, dict):
            raise self.wrong(f'a table with {", ".join(names)}')
        for name in self.value:
            if name not in names:
                raise self._unknown(name, names)
        found = {key.name: self.take(key) for key in keys}

        # In the order of the keys, for `as_toml`
        ordered = {n: self.value[n] for n in names if n in self.value}
        self.value.clear()
        self.value.update(ordered)
        return found

    def take(self, key: Key) -> Any:
        """Return the value of one key, writing its default back."""
        if not isinstance(self.value, dict):
            raise self.wrong('a table')
        if key.name not in self.value:
            if key.default is REQUIRED:
                raise self._missing(key)
            if key.default is None:
                return None
            self.value[key.name] = copy.deepcopy(key.default)
        return key.kind.read(self[key.name], key.unit)

    def _unknown(self, name: str, names: Sequence[str]) -> ModelFileError:
        place = f'[{self.key}]' if self.path else 'a model file'
        return self[name].error(f'unknown key{hint(name, names)}\n'
                                f'{place} has: {", ".join(names)}')

    def _missing(self, key: Key) -> ModelFileError:
        # Where --set spelt the name of a table wrongly, it made a new one
        others = [str(name) for name in self._holder if name != self.path[-1]]
        if self.path in self.origin.made and len(self.path) > 1 and others:
            asked = hint(self.path[-1], others)
            return self.error(f'there is none in {self.origin.file}{asked}\n'
                              f'there are: {", ".join(others)}')
        alike = difflib.get_close_matches(key.name, self.value, 1, 0.75)
        found = f' (there is {alike[0]!r})' if alike else ''
        return ModelFileError(
            self.origin.file, self[key.name].key,
            f'missing{found}; give {expected(key.kind.words, key.unit)}: '
            f'{key.meaning}')

    def is_quantity(self) -> bool:
        """Tell whether this is text such as '2 s'."""
        return quantity(self.value) is not None

    def number(self, unit: str = '') -> float:
        """Return the value in ``unit`` if it is a number, else raise.

        Text such as '2 s' is converted, and the number written back.
        """
        found = quantity(self.value)
        if found:
            value = convert(*found, unit)
            if value is None:
                raise self.wrong(expected('a number', unit))
            self.value = value
        if type(self.value) not in (int, float) or self.value != self.value:
            fix = ('leave out the quotes, or add the unit'
                   if isinstance(self.value, str) else '')
            raise self.wrong(expected('a number', unit), fix)
        try:
            return float(self.value)
        except OverflowError:
            raise self.wrong('below 1e308') from None

    def items(self, allowed: str, count: int | None = None) -> list['Node']:
        """Return the entries if this is a list (of ``count``), else raise."""
        if not isinstance(self.value, list) or (
                count is not None and len(self.value) != count):
            raise self.wrong(allowed)
        return list(self)


def _typed(kind: type, words: str) -> Kind:
    def read(node: Node, unit: str) -> Any:
        if type(node.value) is not kind:
            raise node.wrong(words)
        return node.value

    return Kind(words, read)


TEXT = _typed(str, 'text in quotes')
FLAG = _typed(bool, 'true or false')
WHOLE = _typed(int, 'a whole number')
NUMBER = Kind('a number', Node.number)
TABLE = Kind('a table', lambda node, unit: node)


def hint(name: object, names: Iterable[str]) -> str:
    """Return a question that ends a message, if a name is like ``name``."""
    found = nearest(str(name), names)
    return f'; did you mean {found!r}?' if found else ''

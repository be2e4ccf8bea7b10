"""Model files: TOML and --set to a tree that remembers where values stand.

Nothing here knows what a network is.  Which keys there may be, of which kind
and in which unit, is told by tables of `Key`; reading them checks the tree,
converts units and writes defaults back, so that the tree becomes the whole
model (`as_toml`).  Rank 0 alone touches the disk.
"""

import contextlib
import copy
import difflib
import json
import pickle
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from dsim.errors import (
    BadValue,
    DsimError,
    InputFileError,
    ModelFileError,
    nearest,
    shown,
)

UNITS = {
    'time': {'ms': '1', 's': '1000', 'us': '0.001', 'µs': '0.001'},
    'length': {'mm': '1', 'um': '0.001', 'µm': '0.001', 'm': '1000'},
    'voltage': {'mV': '1', 'V': '1000'},
    'current': {'pA': '1', 'nA': '1000'},
    'frequency': {'Hz': '1', 'kHz': '1000'},
    'speed': {'mm/ms': '1', 'm/s': '1'},
}
"""Quantity -> unit -> its size in the first one."""

REQUIRED: Any = object()
"""The default of a key that must be given."""

_QUANTITY = re.compile(
    r'([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\W\d_][^\s+*()-]*)')
_SET = '--set'
_PIECE = 1 << 28


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
        return _SET if parts & given else str(self.origin.file)

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
        except ModelFileError:
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
        return self[name].error(f'unknown key{_hint(name, names)}\n'
                                f'{place} has: {", ".join(names)}')

    def _missing(self, key: Key) -> ModelFileError:
        # Where --set spelt the name of a table wrongly, it made a new one
        others = [str(name) for name in self._holder if name != self.path[-1]]
        if self.path in self.origin.made and len(self.path) > 1 and others:
            asked = _hint(self.path[-1], others)
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
        return _quantity(self.value) is not None

    def number(self, unit: str = '') -> float:
        """Return the value in ``unit`` if it is a number, else raise.

        Text such as '2 s' is converted, and the number written back.
        """
        quantity = _quantity(self.value)
        if quantity:
            self.value = self._converted(*quantity, unit)
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

    def _converted(self, number: str, unit: str, wanted: str) -> float:
        table = next((t for t in UNITS.values() if wanted in t),
                     {wanted: '1'})
        if unit not in table:
            raise self.wrong(expected('a number', wanted))
        # As decimals: 70 um are 0.07 mm, not 0.07000000000000001
        return float(Decimal(number)*Decimal(table[unit])
                     / Decimal(table[wanted]))


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


def expected(words: str, unit: str) -> str:
    """Return what may be given for a unit, in words."""
    if words == 'a number':
        for quantity, table in UNITS.items():
            if unit in table:
                *units, last = [name for name in table if name.isascii()]
                return f'a {quantity}, in {", ".join(units)} or {last}'
        return f'a number in {unit}' if unit else 'a number without a unit'
    return f'{words} (in {unit})' if unit else words


def load(path: str | Path, overrides: Sequence[str] = (),
         comm: Any = None) -> Node:
    """Read a model file on rank 0 and return its tree on all ranks.

    ``overrides`` are texts 'key.path=value' as given to --set.  ``comm`` is
    an mpi4py communicator, or None in a process of its own.

    Raises
    ------
    InputFileError, ModelFileError
        On all ranks alike, if the file or an override cannot be read.
    """
    path = Path(path)
    text = together(lambda: read_text(path), comm)
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(path, '', _syntax(text, str(error))) from None

    root = Node(Origin(path, comm), tree)
    for override in overrides:
        _override(root, override)
    return root


def together(read: Callable[[], Any], comm: Any) -> Any:
    """Return what ``read()`` gives on rank 0, or raise its error, on all."""
    if comm is None or comm.size == 1:
        return read()
    found: tuple[Any, Any] = (None, None)
    if comm.rank == 0:
        try:
            found = read(), None
        except DsimError as error:
            found = None, (type(error), str(error))

    # In pieces, since MPI counts bytes in 31 bits
    data = pickle.dumps(found) if comm.rank == 0 else b''
    size = comm.bcast(len(data))
    pieces = [comm.bcast(data[k:k + _PIECE]) for k in range(0, size, _PIECE)]
    result, problem = pickle.loads(b''.join(pieces))
    if problem:
        # Made without its constructor, which wants the parts of the sentence
        kind, sentence = problem
        again = kind.__new__(kind)
        again.args = (sentence,)
        raise again
    return result


def read_text(path: Path) -> str:
    """Return a text file in UTF-8; `InputFileError` says why it is none."""
    try:
        return path.read_bytes().decode('utf-8-sig')
    except FileNotFoundError:
        there = sorted(p.stem for p in path.parent.glob(f'*{path.suffix}'))
        hint = nearest(path.stem, there)
        what = 'no such file' + (f'; did you mean {hint}{path.suffix}?'
                                 if hint else '')
    except IsADirectoryError:
        what = 'a folder; name a file in it'
    except UnicodeDecodeError as error:
        what = f'not UTF-8 text (byte {error.start}); save it as UTF-8'
    except OSError as error:
        what = f'cannot be read: {error.strerror}'
    raise InputFileError(f'{path}: {what}')


def _syntax(text: str, what: str) -> str:
    lines = text.splitlines()
    found = re.search(r'at line (\d+)', what)
    number = int(found[1]) if found else len(lines)
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ''
    if 'overwrite a value' in what or 'twice' in what:
        what += '; this key or table stands in the file already'
    bare = line.partition('=')[2]
    if _quantity(bare):
        what += f'; a number with a unit needs quotes: "{bare.strip()}"'
    return f'no valid TOML: {what}\nline {number}: {line}'


def _override(root: Node, text: str) -> None:
    path, _, value = (part.strip() for part in text.partition('='))
    parts = path.split('.')
    if not value or not all(parts):
        raise ModelFileError(_SET, text, 'write key=value, such as '
                             'simulation.duration=2000')
    node = root
    for k, part in enumerate(parts):
        name = _name(node, part)
        if k == len(parts) - 1:
            node.value[name] = _literal(path, value)
            root.origin.overridden.add((*node.path, name))
        elif isinstance(node.value, dict) and name not in node.value:
            node.value[name] = {}
            root.origin.made.add((*node.path, name))
        node = node[name]


def _name(node: Node, part: str) -> str | int:
    """Return ``part`` of a key as the name or the index of an entry."""
    if isinstance(node.value, dict):
        return part
    if not isinstance(node.value, list):
        raise ModelFileError(_SET, f'{node.key}.{part}', f'{node.key} is '
                             f'{shown(node.value)}, with no keys below it')
    names = [entry.value['name'] if 'name' in entry else str(entry.path[-1])
             for entry in node]
    if part in names:
        return names.index(part)
    if part.isdecimal() and int(part) < len(names):
        return int(part)
    raise ModelFileError(
        _SET, f'{node.key}.{part}', f'there is none in {node.origin.file}'
        f'{_hint(part, names)}\nthere are: {", ".join(names) or "none"}')


def _literal(key: str, text: str) -> Any:
    try:
        found = tomllib.loads(f'x = {text}')
    except (ValueError, RecursionError) as error:
        if text[0] in '[{"\'':
            raise ModelFileError(_SET, f'{key} = {text}',
                                 f'no valid TOML: {error}') from None
        return text
    return found['x'] if list(found) == ['x'] else text


def _quantity(value: Any) -> tuple[str, str] | None:
    found = _QUANTITY.fullmatch(value.strip()) if (
        isinstance(value, str)) else None
    return (found[1], found[2]) if found else None


def _hint(name: object, names: Iterable[str]) -> str:
    found = nearest(str(name), names)
    return f'; did you mean {found!r}?' if found else ''


def as_toml(tree: dict[str, Any]) -> str:
    """Return a tree as the text of a model file."""
    return '\n'.join(_lines(tree, '', 0)).strip() + '\n'


def _lines(table: dict[str, Any], path: str, depth: int) -> Iterator[str]:
    """Yield the lines of a table; what lies deeper than two is inline."""
    below = {name: value for name, value in table.items() if depth < 2 and (
        isinstance(value, dict) or (isinstance(value, list) and value and all(
            isinstance(entry, dict) for entry in value)))}
    for name, value in table.items():
        if name not in below:
            yield f'{_bare(name)} = {inline(value)}'
    for name, value in below.items():
        full = f'{path}{_bare(name)}'
        if isinstance(value, list):
            for entry in value:
                yield from ('', f'[[{full}]]', *_lines(entry, '', 2))
        else:
            lines = list(_lines(value, f'{full}.', depth + 1))
            # Not a heading of nothing but headings
            heading = ['', f'[{full}]'] if not lines or lines[0] else []
            yield from (*heading, *lines)


def _bare(name: str) -> str:
    return name if re.fullmatch(r'[\w-]+', name, re.A) else json.dumps(name)


def inline(value: Any) -> str:
    """Return a value as TOML on one line."""
    if isinstance(value, dict):
        pairs = (f'{_bare(k)} = {inline(v)}' for k, v in value.items())
        return '{' + ', '.join(pairs) + '}'
    if isinstance(value, list):
        return '[' + ', '.join(map(inline, value)) + ']'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for this one
        return json.dumps(value, ensure_ascii=False).replace('\x7f', '\\u007f')
    return repr(value)

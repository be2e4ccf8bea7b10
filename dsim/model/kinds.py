"""The kinds of values: lists, arrays, formulas, distributions, files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dsim.distributions import DISTRIBUTIONS
from dsim.errors import BadValue, InputFileError, lookup
from dsim.expression import Expression
from dsim.io.together import together
from dsim.io.tree import (
    FLAG,
    NUMBER,
    REQUIRED,
    TABLE,
    TEXT,
    WHOLE,
    Key,
    Kind,
    Node,
)
from dsim.model.classes import arguments, made
from dsim.values import VARIABLES

# --- lists -----------------------------------------------------------------

def _list_of(kind: Kind, count: int | None, words: str) -> Kind:
    return Kind(words, lambda node, unit: [
        kind.read(one, unit) for one in node.items(words, count)])


def _either(words: str, **kinds: Kind) -> Kind:
    # By the type of what is written there
    def read(node: Node, unit: str) -> Any:
        kind = kinds.get(type(node.value).__name__)
        if kind is None:
            raise node.wrong(words)
        return kind.read(node, unit)

    return Kind(words, read)


_FLAGS = _list_of(FLAG, 2, '[rows, columns], each true or false')
_TEXTS = _list_of(TEXT, None, 'a list of names')
WHOLES = _list_of(WHOLE, 2, '[rows, columns], two whole numbers')
NAMES = _either('a name or a list of names', str=TEXT, list=_TEXTS)
TABLES = _list_of(TABLE, None, 'a list of tables, each under [[...]]')
EXTENT = _list_of(NUMBER, 2, '[height, width]')
PERIODIC = _either('true, false, or [rows, columns]', bool=FLAG, list=_FLAGS)
SHAPE = _either('[rows, columns] or a whole number', int=WHOLE, list=WHOLES)


# --- files -----------------------------------------------------------------

def _read_file(node: Node, unit: str) -> Node:
    TEXT.read(node, unit)
    return node


FILE = Kind('a file name in quotes', _read_file)
ARRAY_FILE = (
    Key('file', FILE, meaning='.npy, .csv, .txt, a picture, or HDF5'),
    Key('dataset', TEXT, '', None, 'for HDF5: which array in it'),
)


def beside(node: Node) -> Path:
    """Return the path of a file, which starts at the model file's folder."""
    return node.origin.file.parent / node.value


def _from_file(node: Node, read: Callable[[Path, str | None], Any]) -> Any:
    found = node.read(ARRAY_FILE)
    with found['file'].blamed():
        return together(lambda: read(beside(found['file']),
                                     found['dataset']), node.origin.comm)


def _load(path: Path, dataset: str | None) -> np.ndarray:
    """Read an array: .npy, HDF5 (with the dataset's name), or text."""
    try:
        if dataset is not None:
            import h5py
            with h5py.File(path, 'r') as file:
                return file[dataset][()]
        if path.suffix == '.npy':
            return np.load(path, allow_pickle=False)
        return np.loadtxt(path, delimiter=',' if path.suffix == '.csv'
                          else None)
    except FileNotFoundError:
        raise InputFileError(f'{path}: there is no such file') from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputFileError(f'{path}: cannot be read as an array: {error}'
                             ) from None


def _read_array(node: Node, unit: str) -> Any:
    if isinstance(node.value, dict):
        return _from_file(node, _load)
    if isinstance(node.value, list):
        for one in node:
            _read_array(one, unit)
        try:
            return np.array(node.value)
        except ValueError:
            raise node.wrong('rows of one length') from None
    node.number(unit)
    return node.value


def _read_pixels(node: Node, unit: str) -> Any:
    if not isinstance(node.value, dict):
        return _read_array(node, unit)
    from dsim.io.images import read_image
    return _from_file(node, lambda path, dataset: read_image(path))


_FILE_HINT = '{file = "..."}'
ARRAY = Kind(f'a list of numbers or {_FILE_HINT}', _read_array)
PIXELS = Kind(f'rows of numbers or {_FILE_HINT}', _read_pixels)


# --- values for each neuron ------------------------------------------------

def formula(node: Node, variables: tuple[str, ...]) -> Expression:
    """Return text as a formula of these variables."""
    with node.blamed():
        try:
            return Expression(node.value, variables)
        except BadValue as error:
            raise node.wrong(error.allowed) from None


def number_or_more(node: Node, unit: str, kind: Kind) -> Any:
    """Return a number, an array, or a distribution.

    ``kind`` is what messages call all that is allowed.
    """
    if isinstance(node.value, list) or 'file' in node:
        return _read_array(node, unit)
    if isinstance(node.value, dict):
        return _read_distribution(node, unit, kind)
    if isinstance(node.value, bool):
        raise node.wrong(kind.words)
    return node.number(unit)


def _read_distribution(node: Node, unit: str, kind: Kind) -> Any:
    if len(node.value) != 1:
        raise node.wrong(kind.words)
    inner, = node
    with node.blamed():
        cls = lookup('distribution', inner.path[-1], DISTRIBUTIONS)
    keys = arguments(cls, {})
    if isinstance(inner.value, list):
        names = [key.name for key in keys]
        needed = sum(key.default is REQUIRED for key in keys)
        if not needed <= len(inner.value) <= len(names):
            raise inner.wrong(f'[{", ".join(names)}]')
        inner.value = dict(zip(names, inner.value, strict=False))
    return made(inner, cls, keys, unit)


def _read_value(node: Node, unit: str) -> Any:
    if isinstance(node.value, str) and not node.is_quantity():
        return formula(node, VARIABLES)
    return number_or_more(node, unit, VALUE)


VALUE = Kind('a number, a distribution such as {uniform = [0, 1]}, a formula '
             f'in quotes, a list of numbers or {_FILE_HINT}', _read_value)

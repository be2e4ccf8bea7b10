"""One exception class per kind of mistake, each building its own sentence.

Every :class:`DsimError` is a mistake of the user (or of the machine) that
the command line shows as one message without a traceback.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar


class DsimError(Exception):
    """A mistake that a message explains; never shown with a traceback."""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the entry of ``names`` most like ``name``, if one is alike."""
    found = difflib.get_close_matches(str(name), list(names), 1, 0.5)
    return found[0] if found else None


class UnknownName(DsimError):
    """A name that stands in no table: which kind, and what there is."""

    def __init__(self, kind: str, name: object, names: Iterable[str],
                 where: str = ''):
        names = sorted(names)
        hint = nearest(str(name), names)
        asked = f'; did you mean {hint!r}?' if hint else ''
        place = f'{where}: ' if where else ''
        super().__init__(
            f'{place}no {kind} {str(name)!r}{asked}\n'
            f'there are: {", ".join(names) or "none"}'
        )


class BadValue(DsimError):
    """A value that is not allowed: the key, the value, what is allowed."""

    def __init__(self, key: str, value: object, allowed: str, fix: str = ''):
        self.key, self.value = key, value
        self.allowed, self.fix = allowed, fix
        tail = f'; {fix}' if fix else ''
        super().__init__(f'{key} = {shown(value)}: must be {allowed}{tail}')


class ModelFileError(DsimError):
    """A model file that cannot be used: names the file and the key."""

    def __init__(self, file: object, key: str, what: str):
        self.file, self.key, self.what = file, key, what
        place = f'{file}: {key}: ' if key else f'{file}: '
        super().__init__(place + what)


class LayoutError(DsimError):
    """Ranks, process grid and population grids that do not fit together."""


class OutputError(DsimError):
    """Output that cannot be written where it was asked for."""


class InputFileError(DsimError):
    """A file that is missing, unreadable or not what it should be."""


class WorldError(DsimError):
    """An MPI that is not there, or not the one that started the ranks."""


class SimulationError(DsimError):
    """A run that cannot go on: which neuron, when, and where to look."""


Item = TypeVar('Item')


def lookup(kind: str, name: object, table: Mapping[str, Item],
           where: str = '') -> Item:
    """Return the entry ``name`` of a table; `UnknownName` if none is."""
    if not isinstance(name, str) or name not in table:
        raise UnknownName(kind, name, table, where)
    return table[name]


def shown(value: object, width: int = 60) -> str:
    """Return ``repr(value)``, cut to ``width`` characters for a message."""
    text = repr(value)
    return text if len(text) <= width else text[:width - 3] + '...'

"""From keys to objects: the keys of a class are its constructor's arguments.

An argument by itself has no kind and no meaning; these stand in tables of
`Key`, by the argument's name.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from dsim.errors import lookup
from dsim.io.tree import NUMBER, Key, Node

# Units that depend on the model, as the page of keys calls them
CURRENT = 'of the current'
WEIGHT = 'of the receptor'
ITS = 'of the value'

Make = Callable[..., Any]


class Choice(NamedTuple):
    """A key that names an entry of a table; the entry's keys stand beside it.

    ``label`` is the key, ``kind`` what messages call its values, and
    ``keys_of(entry)`` gives the entry's keys and what makes an object of
    their values.
    """

    label: str
    kind: str
    table: Mapping[str, Any]
    keys_of: Callable[[Any], tuple[Sequence[Key], Make]]


def arguments(cls: Make, known: Mapping[str, Key]) -> list[Key]:
    """Return the keys of a class: the arguments of its constructor.

    An argument that is not ``known`` is a number in the unit of what the
    class describes.
    """
    keys = []
    for one in inspect.signature(cls).parameters.values():
        key = known.get(one.name) or Key(one.name, NUMBER, ITS)
        keys.append(key if one.default is one.empty
                    else replace(key, default=one.default))
    return keys


def chosen(node: Node, choice: Choice, common: Sequence[Key],
           units: Mapping[str, str]) -> tuple[Any, dict[str, Any]]:
    """Return an entry of a table made from its keys, and all values.

    ``common`` are the keys of all entries, ``units`` what the units are
    that depend on the model.
    """
    name = node.take(row(common, choice.label))
    with node[choice.label].blamed():
        entry = lookup(choice.kind, name, choice.table)
    keys, make = choice.keys_of(entry)
    found = node.read(in_units([*common, *keys], units))
    with node.blamed():
        return make(**{key.name: found[key.name] for key in keys}), found


def made(node: Node, cls: Make, keys: Sequence[Key], unit: str) -> Any:
    """Return an object of ``cls`` that describes a value in ``unit``."""
    found = node.read(in_units(keys, {WEIGHT: unit, ITS: unit}))
    with node.blamed():
        return cls(**found)


def in_units(keys: Sequence[Key], units: Mapping[str, str]) -> list[Key]:
    """Return keys whose units are those that hold here."""
    return [replace(key, unit=units.get(key.unit, key.unit)) for key in keys]


def row(keys: Iterable[Key], name: str) -> Key:
    """Return the key of that name."""
    return next(key for key in keys if key.name == name)

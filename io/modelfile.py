"""Model files: TOML and --set to a tree; rank 0 alone touches the disk."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dsim.errors import ModelFileError, shown
from dsim.io.together import read_text, together
from dsim.io.tree import SET, Node, Origin, hint
from dsim.io.units import quantity


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


def _syntax(text: str, what: str) -> str:
    lines = text.splitlines()
    found = re.search(r'at line (\d+)', what)
    number = int(found[1]) if found else len(lines)
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ''
    if 'overwrite a value' in what or 'twice' in what:
        what += '; this key or table stands in the file already'
    bare = line.partition('=')[2]
    if quantity(bare):
        what += f'; a number with a unit needs quotes: "{bare.strip()}"'
    return f'no valid TOML: {what}\nline {number}: {line}'


def _override(root: Node, text: str) -> None:
    path, _, value = (part.strip() for part in text.partition('='))
    parts = path.split('.')
    if not value or not all(parts):
        raise ModelFileError(SET, text, 'write key=value, such as '
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
        raise ModelFileError(SET, f'{node.key}.{part}', f'{node.key} is '
                             f'{shown(node.value)}, with no keys below it')
    names = [entry.value['name'] if 'name' in entry else str(entry.path[-1])
             for entry in node]
    if part in names:
        return names.index(part)
    if part.isdecimal() and int(part) < len(names):
        return int(part)
    raise ModelFileError(
        SET, f'{node.key}.{part}', f'there is none in {node.origin.file}'
        f'{hint(part, names)}\nthere are: {", ".join(names) or "none"}')


def _literal(key: str, text: str) -> Any:
    try:
        found = tomllib.loads(f'x = {text}')
    except (ValueError, RecursionError) as error:
        if text[0] in '[{"\'':
            raise ModelFileError(SET, f'{key} = {text}',
                                 f'no valid TOML: {error}') from None
        return text
    return found['x'] if list(found) == ['x'] else text

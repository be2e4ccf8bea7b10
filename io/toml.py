"""Trees written as TOML; Python's own library only reads it."""

import json
import re
from collections.abc import Iterator
from typing import Any


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

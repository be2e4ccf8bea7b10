"""Units: a number with a unit as text, and what it is in another."""

import re
from decimal import Decimal
from typing import Any

UNITS = {
    'time': {'ms': '1', 's': '1000', 'us': '0.001', 'µs': '0.001'},
    'length': {'mm': '1', 'um': '0.001', 'µm': '0.001', 'm': '1000'},
    'voltage': {'mV': '1', 'V': '1000'},
    'current': {'pA': '1', 'nA': '1000'},
    'frequency': {'Hz': '1', 'kHz': '1000'},
    'speed': {'mm/ms': '1', 'm/s': '1'},
}
"""Quantity -> unit -> its size in the first one."""

_QUANTITY = re.compile(
    r'([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\W\d_][^\s+*()-]*)')


def quantity(value: Any) -> tuple[str, str] | None:
    """Return text such as '2 s' as number and unit; None for all else."""
    found = _QUANTITY.fullmatch(value.strip()) if (
        isinstance(value, str)) else None
    return (found[1], found[2]) if found else None


def convert(number: str, unit: str, wanted: str) -> float | None:
    """Return a number of ``unit`` in the unit ``wanted``.

    None if they are not of one quantity.
    """
    table = next((t for t in UNITS.values() if wanted in t), {wanted: '1'})
    if unit not in table:
        return None
    # As decimals: 70 um are 0.07 mm, not 0.07000000000000001
    return float(Decimal(number)*Decimal(table[unit])/Decimal(table[wanted]))


def expected(words: str, unit: str) -> str:
    """Return what may be given for a unit, in words."""
    if words == 'a number':
        for name, table in UNITS.items():
            if unit in table:
                *units, last = [name for name in table if name.isascii()]
                return f'a {name}, in {", ".join(units)} or {last}'
        return f'a number in {unit}' if unit else 'a number without a unit'
    return f'{words} (in {unit})' if unit else words

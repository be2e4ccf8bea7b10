"""What each thing that a run does costs on one machine, kept as JSON."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dsim.errors import InputFileError
from dsim.io.together import read_text

FORMAT = 'dsim machine 1'

HERE = Path(__file__).with_name('machine.json')
"""The calibration that comes with dsim."""

GROUPS = {
    'window': 'overhead', 'block': 'overhead', 'call': 'overhead',
    'table': 'overhead', 'post': 'overhead', 'step': 'compute',
    'drive': 'compute', 'own': 'compute', 'posted': 'compute',
    'visit': 'compute', 'segment': 'compute', 'event': 'compute',
    'message': 'latency', 'byte': 'bandwidth',
}
"""What limits a run in which this takes most of the time."""


@dataclass(frozen=True)
class Fabric:
    """The network between nodes; typical values, assumed, not measured.

    ``latency`` in s a stage, beside what a message takes on one node;
    ``bandwidth`` of a node in bytes a second, which its ``cores`` ranks
    share.
    """

    latency: float = 1.5e-6
    bandwidth: float = 10e9
    cores: int = 128


@dataclass(frozen=True)
class Machine:
    """The cost of each thing in seconds, where from, and how good.

    ``constants`` is name -> seconds; ``facts`` name the machine and the
    versions; ``check`` is how well runs were foretold that the fit had not
    seen, by number of ranks.
    """

    facts: dict[str, str]
    constants: dict[str, float]
    fabric: Fabric = Fabric()
    check: dict[str, Any] = field(default_factory=dict)

    def cost(self, name: str) -> float:
        """Return the seconds that one of ``name`` takes.

        What was not measured costs as the nearest of its kind that was:
        another precision of the model, else the median of the kind.
        """
        if name in self.constants:
            return self.constants[name]
        kind, _, which = name.partition(' ')
        alike = sorted(cost for other, cost in self.constants.items()
                       if other.split(' ')[:2] == name.split(' ')[:2])
        if not (which and alike):
            alike = sorted(cost for other, cost in self.constants.items()
                           if other.partition(' ')[0] == kind)
        return alike[len(alike)//2] if alike else 0.0

    def unknown(self, names: Any) -> list[str]:
        """Return which of ``names`` were not measured."""
        return sorted(set(names) - set(self.constants))

    def seconds(self, counts: Mapping[str, float]) -> float:
        """Return the time that counts take."""
        return sum(count*self.cost(name) for name, count in counts.items())

    def shares(self, counts: Mapping[str, float]) -> dict[str, float]:
        """Return the time that counts take by what it goes into, in s."""
        found = dict.fromkeys(GROUPS.values(), 0.0)
        for name, count in counts.items():
            found[GROUPS[name.partition(' ')[0]]] += count*self.cost(name)
        return found

    def save(self, path: str | Path) -> None:
        """Write the machine as JSON."""
        content = {'format': FORMAT, **asdict(self)}
        Path(path).write_text(json.dumps(content, indent=1) + '\n')


def load(path: str | Path | None = None) -> Machine:
    """Read a machine's file; None is the one that comes with dsim.

    Raises
    ------
    InputFileError
        If it is missing or no such file.
    """
    path = Path(path or HERE)
    text = read_text(path)
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InputFileError(f'{path}: no JSON: {error}') from None
    if not isinstance(content, dict) or content.get('format') != FORMAT:
        raise InputFileError(
            f'{path}: not the file of a machine ("format": "{FORMAT}"); '
            'make one with: dsim predict --calibrate FILE')
    constants = _numbers(path, content, 'constants')
    strange = [name for name in constants
               if name.partition(' ')[0] not in GROUPS]
    if strange:
        raise InputFileError(
            f'{path}: constants: {strange[0]!r} is no cost; they begin with '
            f'{", ".join(GROUPS)}')
    fabric = _numbers(path, content, 'fabric')
    needed = Fabric.__dataclass_fields__
    if set(fabric) != set(needed) or not all(fabric.values()):
        raise InputFileError(
            f'{path}: fabric: must have {", ".join(needed)}, all > 0')
    return Machine(
        content.get('facts', {}), constants,
        Fabric(fabric['latency'], fabric['bandwidth'], int(fabric['cores'])),
        content.get('check', {}))


def _numbers(path: Path, content: Mapping[str, Any], key: str
             ) -> dict[str, float]:
    found = content.get(key)
    if not isinstance(found, dict) or not found:
        raise InputFileError(f'{path}: {key}: must be a table of numbers')
    for name, value in found.items():
        if (isinstance(value, bool) or not isinstance(value, int | float)
                or not 0 <= value < math.inf):
            raise InputFileError(f'{path}: {key}.{name} = {value!r}: must be '
                                 'a number >= 0')
    return {name: float(value) for name, value in found.items()}

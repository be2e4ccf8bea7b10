"""The page of keys, in Markdown, as docs/model-files.md has it."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dsim.connectivity import KERNELS, RULES
from dsim.distributions import DISTRIBUTIONS
from dsim.io.toml import inline
from dsim.io.tree import REQUIRED, Key
from dsim.model.classes import arguments
from dsim.model.distance import DELAYS, WEIGHTS
from dsim.model.keys import (
    FRAMES,
    OUTPUT,
    POPULATION,
    PROJECTION,
    SHEET,
    SIMULATION,
    STIMULUS,
    VALUES,
    keys_of,
)
from dsim.model.kinds import VALUE
from dsim.neurons import NEURONS
from dsim.neurons.base import Neuron
from dsim.stimuli import STIMULI


def describe() -> str:
    """Return all keys of a model file as a page in Markdown."""
    parts = [_section(title, keys) for title, keys in SECTIONS]
    for title, label, table in ROOMS:
        parts.append(f'## {title}\n')
        for name, cls in sorted(table.items()):
            keys = (arguments(cls, {}) if table is DISTRIBUTIONS
                    else keys_of(cls)[0])
            parts.append(f'### `{label.format(name)}`\n\n{_summary(cls)}\n'
                         + ('\n' + _rows(keys) if keys else ''))
    parts.append('## Neuron models\n')
    for name, model in NEURONS.items():
        parts.append(f'### `model = "{name}"`\n\n{_summary(model)}\n\n'
                     + _model_lines(model))
    return '\n'.join(parts)


def _section(title: str, keys: Sequence[Key]) -> str:
    return f'## `{title}`\n\n{_rows(keys)}'


def _rows(keys: Sequence[Key]) -> str:
    lines = ['| key | value | unit | default | meaning |',
             '|---|---|---|---|---|']
    for key in keys:
        default = ('required' if key.default is REQUIRED else
                   '' if key.default is None else
                   f'`{inline(key.default)}`')
        cells = (f'`{key.name}`', LINKS.get(key.kind, key.kind.words),
                 key.unit, default, key.meaning)
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


def _summary(cls: type) -> str:
    first = (inspect.getdoc(cls) or '').partition('\n\n')[0]
    return first.replace('\n', ' ')


def _model_lines(model: type[Neuron]) -> str:
    rows: dict[str, Iterable[str]] = {
        'presets': model.presets, 'schemes': model.schemes,
        'parameters': [p.name for p in model.parameters],
        'state variables': [s.name for s in model.states],
        'receptors': [r.name for r in model.receptors]}
    return ''.join(f'* {what}: ' + ', '.join(f'`{n}`' for n in names) + '\n'
                   for what, names in rows.items() if names)


LINKS = {VALUE: '[a value for each neuron](#values-for-each-neuron)',
         WEIGHTS: '[a weight](#weights-and-delays)',
         DELAYS: '[a delay](#weights-and-delays)'}
SECTIONS = (
    ('[simulation]', SIMULATION), ('[sheet]', SHEET),
    ('[populations.NAME]', POPULATION), ('[[projections]]', PROJECTION),
    ('[[stimuli]]', STIMULUS), ('[[recording.values]]', VALUES),
    ('[[recording.frames]]', FRAMES), ('[output]', OUTPUT),
)
ROOMS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ('Connection rules', 'rule = "{}"', RULES),
    ('Kernels', 'kernel = {{name = "{}", ...}}', KERNELS),
    ('Distributions', '{{{} = [...]}}', DISTRIBUTIONS),
    ('Stimuli', 'kind = "{}"', STIMULI),
)

"""Pages of the documentation that are written from the tables of models.

``python -m dsim.reference`` rewrites what stands below `MARK` in the pages of
`PAGES`; what stands above it is written by hand.
"""

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dsim.connectivity import KERNELS, RULES
from dsim.connectivity.synapse_values import Distance, Falloff
from dsim.declare import Parameter
from dsim.distributions import DISTRIBUTIONS
from dsim.model.classes import arguments
from dsim.model.keys import ARGUMENTS
from dsim.neurons import NEURONS
from dsim.neurons.base import Neuron
from dsim.stimuli import STIMULI

MARK = '<!-- What follows is written by: python -m dsim.reference -->\n'

DOCS = Path(__file__).resolve().parent.parent/'docs'

WIDTH = 110
"""Characters of a line of prose."""


def neurons() -> str:
    """Return all neuron models as Markdown."""
    return '\n'.join(_model(model) for model in NEURONS.values())


def reference() -> str:
    """Return rules, kernels, values and stimuli as Markdown."""
    by_distance = {cls.__name__: cls for cls in (Distance, Falloff)}
    parts = [
        *_table('Connection rules', 'rule = "{}"', RULES),
        *_table('Kernels', 'kernel = {{name = "{}", ...}}', KERNELS),
        *_table('Weights and delays by distance', '', by_distance),
        *_table('Distributions', '{{{} = [...]}}', DISTRIBUTIONS),
        *_table('Stimuli', 'kind = "{}"', STIMULI),
    ]
    return '\n'.join(parts)


PAGES: Mapping[str, Callable[[], str]] = {
    'neurons.md': neurons, 'reference.md': reference,
}
"""Page -> the function that writes what stands below its mark."""


def rewritten(page: str, write: Callable[[], str]) -> str:
    """Return the text of a page with what stands below its mark made anew.

    Raises ValueError for a page without the mark.
    """
    above, mark, _ = page.partition(MARK)
    if not mark:
        raise ValueError(f'the page has no line {MARK.strip()}')
    return f'{above}{mark}\n{write()}'


def main(folder: str | Path = DOCS) -> None:
    """Rewrite all pages in ``folder``, and tell which."""
    for name, write in PAGES.items():
        path = Path(folder)/name
        path.write_text(rewritten(path.read_text(encoding='utf-8'), write),
                        encoding='utf-8')
        print(f'wrote {path}')


# --- neuron models ---------------------------------------------------------

def _model(model: type[Neuron]) -> str:
    parts = [f'## {model.name}', f'`dsim.{model.__name__}`, in a model file '
             f'`model = "{model.name}"`.', _prose(model),
             _grid(('parameter', 'default', 'unit', 'allowed', 'meaning'),
                   (_parameter(row) for row in model.parameters))]
    if model.ordered:
        orders = ', '.join(f'`{a}` < `{b}`' for a, b in model.ordered)
        parts.append(f'Also {orders}.')
    parts += [_grid(('state', 'unit', 'at the start', 'meaning'), (
        (f'`{row.name}`', row.unit,
         '' if row.default is None else f'{row.default:g}', row.meaning)
        for row in model.states)),
        _grid(('receptor', 'unit of weights', 'meaning'), (
            (f'`{row.name}`', row.unit, row.meaning)
            for row in model.receptors))]
    if len(model.schemes) > 1:
        first, *others = (f'`{name}`' for name in model.schemes)
        parts.append(f'Schemes: {first} (default), {", ".join(others)}.')
    if model.presets:
        parts.append(_presets(model))
    return '\n\n'.join(parts) + '\n'


def _parameter(row: Parameter) -> tuple[str, ...]:
    unit = f' {row.unit}'
    return (f'`{row.name}`', f'{row.default:g}', row.unit,
            row.allowed.removesuffix(unit).removeprefix('a finite number'),
            row.meaning)


def _presets(model: type[Neuron]) -> str:
    names = [row.name for row in model.parameters
             if any(row.name in given for given in model.presets.values())]
    return _grid(('preset', *(f'`{name}`' for name in names)), (
        (f'`{preset}`', *(f'{given[name]:g}' if name in given else ''
                          for name in names))
        for preset, given in model.presets.items()))


# --- everything else that has a constructor --------------------------------

def _table(title: str, file: str, table: Mapping[str, type[Any]]
           ) -> Iterator[str]:
    """Yield a section with one entry for each class of a table."""
    drawn = table is DISTRIBUTIONS
    for name, cls in sorted(table.items(), key=lambda item: item[1].__name__):
        path = ('dsim.random.' if drawn else 'dsim.') + cls.__name__
        said = f', in a model file `{file.format(name)}`' if file else ''
        # The numbers of a distribution are in the unit of what is drawn
        keys = arguments(cls, {} if drawn else ARGUMENTS)
        yield '\n\n'.join([
            *([f'## {title}'] if title else []), f'### {cls.__name__}',
            f'{_call(path, cls)}{said}', _prose(cls), *_grid_of(keys),
            *_makers(path, cls)]) + '\n'
        title = ''


def _call(path: str, made: Callable[..., Any]) -> str:
    words = ', '.join(
        one.name if one.default is one.empty
        else f'{one.name}={one.default!r}'
        for one in inspect.signature(made).parameters.values())
    return f'`{path}({words})`'


def _makers(path: str, cls: type[Any]) -> Iterator[str]:
    """Yield the other ways to make one, such as `Stencil.moore`."""
    for name, member in vars(cls).items():
        if isinstance(member, classmethod) and not name.startswith('_'):
            yield f'{_call(f"{path}.{name}", getattr(cls, name))}'
            yield _prose(member)


def _grid_of(keys: Sequence[Any]) -> Iterator[str]:
    # An argument that model files know by another name has no meaning here
    if keys and all(key.meaning for key in keys):
        yield _grid(('argument', 'unit', 'meaning'), (
            (f'`{key.name}`', key.unit, key.meaning) for key in keys))


# --- Markdown --------------------------------------------------------------

def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [head, ['---']*len(head), *rows]
    return '\n'.join(
        '| ' + ' | '.join(cell.replace('|', r'\|') for cell in line) + ' |'
        for line in lines)


def _prose(described: Any) -> str:
    """Return a docstring; its indented parts become equations or a list."""
    doc = (inspect.getdoc(described) or '').replace('``', '`')
    return '\n\n'.join(map(_block, doc.split('\n\n')))


def _block(text: str) -> str:
    lines = text.split('\n')
    if lines[0].startswith(' '):
        return f'```text\n{textwrap.dedent(text)}\n```'
    if not any(line.startswith(' ') for line in lines):
        return _filled(text)

    # A term, and below it, indented, what it means
    items: list[str] = []
    for line in lines:
        if line.startswith(' '):
            items[-1] += f' {line.strip()}'
        else:
            items.append(f'* {line}:')
    return '\n'.join(_filled(item, '  ') for item in items)


def _filled(text: str, indent: str = '') -> str:
    return textwrap.fill(
        ' '.join(text.split()), WIDTH, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False)


if __name__ == '__main__':
    main(*sys.argv[1:])

"""Imports go downstairs only, and MPI is met in one place."""

import ast
import configparser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

GROUND = {'errors', 'compiled', 'elementary', 'rng', 'distributions',
          'poisson', 'declare', 'space', 'expression', 'values'}
SCIENCE = {'neurons', 'synapses', 'connectivity', 'stimuli'}
MAY_IMPORT = {
    **dict.fromkeys(GROUND | SCIENCE | {'partitioning'}, GROUND),
    'io': {'errors'},
    'world': {'errors'},
    'network': GROUND | SCIENCE,
    'recording': GROUND | {'io'},
    'report': {'errors', 'io'},
    'model': GROUND | SCIENCE | {'network', 'io'},
    'reference': GROUND | SCIENCE | {'model'},
    'progress': {'terminal'},
    'info': {'errors', 'world'},
    'console': {'engine', 'network', 'partitioning'},
    'engine': GROUND | SCIENCE | {'network', 'partitioning', 'recording',
                                  'io'},
    'simulation': GROUND | {'engine', 'network', 'world'},
    'reproduce': GROUND | SCIENCE | {'network', 'simulation', 'report', 'io',
                                     'partitioning', 'engine'},
    'benchmarks': GROUND | SCIENCE | {
        'network', 'partitioning', 'engine', 'simulation', 'io', 'world',
        'report', 'reproduce', 'model', 'terminal'},
    'prediction': GROUND | SCIENCE | {'network', 'partitioning', 'engine',
                                      'simulation', 'io', 'world', 'model',
                                      'console'},
}
ROOF = {'cli', '__main__', ''}
"""They may import everything."""


def files():
    for folder in 'dsim', 'io', 'partitioning':
        yield from sorted((ROOT / folder).rglob('*.py'))


def room(path):
    """The folder or file directly under dsim; '' for the front door."""
    parts = path.relative_to(ROOT).with_suffix('').parts
    inside = parts[1:] if parts[0] == 'dsim' else parts
    return '' if inside == ('__init__',) else inside[0]


def imported(path):
    """All modules that a file imports, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: relative import'
            for alias in node.names:
                yield f'{node.module}.{alias.name}'


@pytest.mark.parametrize('path', list(files()), ids=lambda p: str(
    p.relative_to(ROOT)))
def test_imports_go_downstairs(path):
    here = room(path)
    if here in ROOF:
        return
    for name in imported(path):
        house, _, rest = name.partition('.')
        there = rest.partition('.')[0]
        if house != 'dsim' or there in (here, '__version__'):
            continue
        assert there in MAY_IMPORT[here], (
            f'{here} may not import {there or "the front door"}')


def test_only_world_meets_mpi():
    found = {room(path) for path in files()
             for name in imported(path) if name.startswith('mpi4py.MPI')}
    assert found <= {'world', 'cli'}
    assert 'world' in found


def test_the_ground_floor_has_no_circle():
    needs = {name: {other.split('.')[1] for other in imported(
        ROOT / 'dsim' / f'{name}.py') if other.startswith('dsim.')}
        for name in GROUND}
    while needs:
        free = {name for name, other in needs.items()
                if not other & set(needs)}
        assert free, f'a circle among {sorted(needs)}'
        for name in free:
            del needs[name]


def test_the_loop_is_one_page():
    source = (ROOT / 'dsim' / 'simulation.py').read_text()
    loop = next(node for node in ast.walk(ast.parse(source))
                if isinstance(node, ast.FunctionDef) and node.name == 'run')
    assert loop.end_lineno - loop.lineno < 25


def test_tests_are_flat():
    assert not list((ROOT / 'tests').glob('*/*.py'))
    assert not (ROOT / 'tests' / '__init__.py').exists()


def test_every_package_is_listed():
    # setuptools takes those that setup.cfg names, and no others
    config = configparser.ConfigParser()
    config.read(ROOT / 'setup.cfg')
    listed = set(config['options']['packages'].split())
    found = set()
    for file in files():
        if file.name == '__init__.py':
            parts = file.parent.relative_to(ROOT).parts
            found.add('.'.join(parts if parts[0] == 'dsim'
                               else ('dsim', *parts)))
    assert listed == found

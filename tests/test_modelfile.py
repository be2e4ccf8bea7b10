"""Reading model files: TOML, --set, units, and which place a message names."""

import math

import pytest

from dsim.errors import (
    BadValue,
    DsimError,
    InputFileError,
    ModelFileError,
    OutputError,
)
from dsim.io import modelfile, together
from dsim.io.modelfile import load
from dsim.io.toml import as_toml
from dsim.io.tree import (
    FLAG,
    NUMBER,
    TABLE,
    TEXT,
    WHOLE,
    Key,
    Kind,
    Node,
    Origin,
)

FILE = """\
title = "a"

[run]
length = 1
when = "2 s"

[groups.one]
sides = [1, 2]

[[links]]
name = "first"
strength = 1.5

[[links]]
strength = 2.5
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'm.toml'
    path.write_text(FILE)
    return 'm.toml'


def message(call, *arguments):
    with pytest.raises(DsimError) as caught:
        call(*arguments)
    return str(caught.value)


def node(value, name='x'):
    return Node(Origin('m.toml'), {name: value}, (name,))


# --- files that cannot be read ---------------------------------------------

@pytest.mark.parametrize('path, expected', [
    ('mm.toml', 'mm.toml: no such file; did you mean m.toml?'),
    ('far.away', 'far.away: no such file'),
    ('.', '.: a folder; name a file in it'),
])
def test_files_that_are_not_there(file, path, expected):
    assert message(load, path) == expected


def test_files_that_are_no_text(file, tmp_path):
    (tmp_path / 'bytes.toml').write_bytes(b'a = "\xff"')
    assert message(load, 'bytes.toml') == (
        'bytes.toml: not UTF-8 text (byte 5); save it as UTF-8')


@pytest.mark.parametrize('text, expected', [
    ('a = 1\na = 2\nb = 1',
     'no valid TOML: Cannot overwrite a value (at line 2, column 6); this '
     'key or table stands in the file already\nline 2: a = 2'),
    ('[a]\n[b]\n[a]\n',
     "no valid TOML: Cannot declare ('a',) twice (at line 3, column 3); this "
     'key or table stands in the file already\nline 3: [a]'),
    ('[a]\nlength = 2 mm\n',
     'no valid TOML: Expected newline or end of document after a statement '
     '(at line 2, column 12); a number with a unit needs quotes: "2 mm"\n'
     'line 2: length = 2 mm'),
    ('a = [1,', 'no valid TOML: Invalid value (at end of document)\n'
     'line 1: a = [1,'),
])
def test_text_that_is_no_toml(tmp_path, text, expected):
    path = tmp_path / 'm.toml'
    path.write_text(text)
    assert message(load, path) == f'{path}: {expected}'


def test_a_mark_of_byte_order_is_no_fault(tmp_path):
    path = tmp_path / 'm.toml'
    path.write_bytes(b'\xef\xbb\xbfa = 1\r\n')
    assert load(path).value == {'a': 1}


# --- overrides -------------------------------------------------------------

@pytest.mark.parametrize('given, path, value', [
    ('run.length=2', ('run', 'length'), 2),
    ('run.length = 2.5', ('run', 'length'), 2.5),
    ('run.when=3 s', ('run', 'when'), '3 s'),
    ('run.when="3 s"', ('run', 'when'), '3 s'),
    ('run.dt=1', ('run', 'dt'), 1),
    ('title=a = b', ('title',), 'a = b'),
    ('title=true', ('title',), True),
    ('title=-65 + 15*r**2', ('title',), '-65 + 15*r**2'),
    ('groups.one.sides=[64, 64]', ('groups', 'one', 'sides'), [64, 64]),
    ('groups.one.sides.1=3', ('groups', 'one', 'sides'), [1, 3]),
    ('groups.one.inner.b=3', ('groups', 'one', 'inner'), {'b': 3}),
    ('links.0.strength=9', ('links', 0, 'strength'), 9),
    ('links.1.strength=9', ('links', 1, 'strength'), 9),
    ('links.first.strength=9', ('links', 0, 'strength'), 9),
    ('links.first.kind={a = 1}', ('links', 0, 'kind'), {'a': 1}),
    ('new.table.x=1', ('new', 'table'), {'x': 1}),
])
def test_overrides(file, given, path, value):
    found = load(file, [given])
    for name in path:
        found = found[name]
    assert found.value == value
    assert type(found.value) is type(value)


def test_later_overrides_win(file):
    root = load(file, ['run.length=2', 'run.length=3', 'run={length = 4}'])
    assert root['run'].value == {'length': 4}


@pytest.mark.parametrize('given, expected', [
    ('run.length', '--set: run.length: write key=value, such as '
     'simulation.duration=2000'),
    ('run.length=', '--set: run.length=: write key=value, such as '
     'simulation.duration=2000'),
    ('=2', '--set: =2: write key=value, such as simulation.duration=2000'),
    ('run..length=2', '--set: run..length=2: write key=value, such as '
     'simulation.duration=2000'),
    ('run.length.x=2', '--set: run.length.x: run.length is 1, with no keys '
     'below it'),
    ('links.2.strength=2', '--set: links.2: there is none in m.toml\n'
     'there are: first, 1'),
    ('links.frist.strength=2', '--set: links.frist: there is none in '
     "m.toml; did you mean 'first'?\nthere are: first, 1"),
    ('groups.one.sides=[1, 2', '--set: groups.one.sides = [1, 2: no valid '
     'TOML: Unclosed array (at end of document)'),
])
def test_overrides_that_cannot_be(file, given, expected):
    assert message(load, file, [given]) == expected


# --- where a value stands --------------------------------------------------

def test_a_node_knows_its_file_and_its_key(file):
    root = load(file, ['links.0.strength=9', 'groups.two.sides=[1, 1]'])
    places = {(n.file, n.key) for n in (
        root['run']['length'], root['links'][0]['strength'],
        root['links'][1]['strength'], root['groups']['two'],
        root['groups']['two']['sides'][0])}
    assert places == {
        ('m.toml', 'run.length'), ('--set', 'links.0.strength'),
        ('m.toml', 'links.1.strength'), ('--set', 'groups.two'),
        ('--set', 'groups.two.sides.0')}


RUN = (Key('length', WHOLE, meaning='how long'),
       Key('when', NUMBER, 'ms', 5.0, 'when'),
       Key('loud', FLAG, '', False), Key('note', TEXT, '', None))


def test_reading_checks_converts_and_completes(file):
    run = load(file)['run']
    assert run.read(RUN) == {
        'length': 1, 'when': 2000.0, 'loud': False, 'note': None}
    assert run.value == {'length': 1, 'when': 2000.0, 'loud': False}
    assert list(run.value) == ['length', 'when', 'loud']


def test_unknown_and_missing_keys(file):
    assert message(load(file, ['run.lenght=3'])['run'].read, RUN) == (
        "--set: run.lenght: unknown key; did you mean 'length'?\n"
        '[run] has: length, when, loud, note')
    assert message(load(file)['links'][1].read, RUN) == (
        "m.toml: links.1.strength: unknown key; did you mean 'length'?\n"
        '[links.1] has: length, when, loud, note')
    assert message(load(file)['run'].read, [*RUN, Key(
        'dt', NUMBER, 'ms', meaning='the step')]) == (
            'm.toml: run.dt: missing; give a time, in ms, s or us: the step')
    assert message(load(file, ['groups.ine.x=1'])['groups']['ine'].read, [
        Key('x', WHOLE), Key('y', WHOLE)]) == (
            '--set: groups.ine: there is none in m.toml; did you mean '
            "'one'?\nthere are: one")
    assert message(load(file)['title'].read, RUN) == (
        "m.toml: title = 'a': must be a table with length, when, loud, note")
    assert message(load(file)['title'].take, RUN[0]) == (
        "m.toml: title = 'a': must be a table")


@pytest.mark.parametrize('kind, value, expected', [
    (WHOLE, 1.0, 'x = 1.0: must be a whole number'),
    (WHOLE, True, 'x = true: must be a whole number'),
    (FLAG, 1, 'x = 1: must be true or false'),
    (FLAG, 'yes', "x = 'yes': must be true or false"),
    (TEXT, 1, 'x = 1: must be text in quotes'),
    (NUMBER, [1], 'x = [1]: must be a number without a unit'),
    (NUMBER, False, 'x = false: must be a number without a unit'),
    (NUMBER, math.nan, 'x = nan: must be a number without a unit'),
    (NUMBER, 10**400, f'x = {"1" + 56*"0"}...: must be below 1e308'),
    (NUMBER, '3', "x = '3': must be a number without a unit; leave out the "
     'quotes, or add the unit'),
])
def test_wrong_kinds(kind, value, expected):
    assert message(kind.read, node(value), '') == f'm.toml: {expected}'


def test_errors_of_others_name_the_key_they_mean(file):
    def blame(error, at):
        with at.blamed():
            raise error

    root = load(file, ['links.0.strength=9'])
    link = root['links'][0]
    assert message(blame, BadValue('a.strength', 9, '< 8', 'or so'), link
                   ) == '--set: links.0.strength = 9: must be < 8; or so'
    assert message(blame, BadValue('a: length', 1, '< 1'), root) == (
        'm.toml: run.length = 1: must be < 1')
    assert message(blame, BadValue('else', 1, '< 1'), root['run']) == (
        'm.toml: run: else = 1: must be < 1')
    assert message(blame, InputFileError('no file'), root['run']) == (
        'm.toml: run: no file')
    # Those that know better, or that no key is to blame for
    inner = ModelFileError('f', 'k', 'what')
    assert message(blame, inner, root) == 'f: k: what'
    assert message(blame, OutputError('x is there'), root) == 'x is there'


# --- units -----------------------------------------------------------------

@pytest.mark.parametrize('text, unit, value', [
    ('2 s', 'ms', 2000.0), ('2s', 'ms', 2000.0), ('70 us', 'ms', 0.07),
    ('70 µs', 'ms', 0.07), ('1e3 ms', 'ms', 1000.0), ('.5 ms', 'ms', 0.5),
    ('100 um', 'mm', 0.1), ('-65 mV', 'mV', -65.0), ('-0.065 V', 'mV', -65.0),
    ('0.5 nA', 'pA', 500.0), ('1.1 kHz', 'Hz', 1100.0),
    ('0.3 m/s', 'mm/ms', 0.3), ('3 pF', 'pF', 3.0),
    ('3 mV/ms', 'mV/ms', 3.0), ('+2 mV', 'mV', 2.0),
])
def test_units_are_converted(text, unit, value):
    place = node(text)
    assert place.number(unit) == value
    assert place.value == value


@pytest.mark.parametrize('text, unit, expected', [
    ('2 mV', 'ms', 'a time, in ms, s or us'),
    ('2 ms', 'mm', 'a length, in mm, um or m'),
    ('2 Mv', 'mV', 'a voltage, in mV or V'),
    ('2 nS', 'pA', 'a current, in pA or nA'),
    ('2 s', 'Hz', 'a frequency, in Hz or kHz'),
    ('2 mV', 'mV/ms', 'a number in mV/ms'),
    ('2 mV', '', 'a number without a unit'),
])
def test_units_of_another_kind(text, unit, expected):
    assert message(node(text).number, unit) == (
        f'm.toml: x = {text!r}: must be {expected}')


@pytest.mark.parametrize('text', ['2', 'r', '2*r', '-65 + 15*r**2', '2 (s)',
                                  '1 - r', '2 + x', 'a b', '2 r*x'])
def test_formulas_are_no_quantities(text):
    assert not node(text).is_quantity()


# --- written back ----------------------------------------------------------

TREE = {
    'plain': 'a "quoted" \\ text\n\x7f é', 'none': [],
    'run': {'x': 1, 'y': 1e-05, 'end': math.inf, 'on': True,
            'mixed': [1, 'a', {'b': [False]}]},
    'empty': {},
    'groups': {'one': {'a': {'b': {'c': 1}}}, 'a b': {'x': 2}},
    'kept': {'all': True, 'values': [{'x': 1}, {'x': 2, 'y': {'z': 3}}]},
    'links': [{'name': 'first', 'deep': {'a': [{'b': 1}]}}, {}],
}


def test_a_tree_survives_as_toml(tmp_path):
    path = tmp_path / 'm.toml'
    path.write_text(as_toml(TREE), encoding='utf-8')
    assert load(path).value == TREE
    assert as_toml(load(path).value) == as_toml(TREE)


def test_kinds_may_be_made_elsewhere():
    double = Kind('a number', lambda node, unit: 2*node.number(unit))
    table = Node(Origin('m.toml'), {'a': {'x': 3}})
    assert table.read([Key('a', TABLE)])['a'].read(
        [Key('x', double)]) == {'x': 6.0}
    assert message(node(3).items, 'two', 2) == 'm.toml: x = 3: must be two'
    assert message(node([3]).items, 'two', 2) == (
        'm.toml: x = [3]: must be two')


# --- on several ranks ------------------------------------------------------

@pytest.mark.parallel(1, 3)
def test_rank_0_reads_for_all(comm, shared_tmp_path, monkeypatch):
    path = shared_tmp_path / 'm.toml'
    if comm.rank == 0:
        path.write_text(FILE)
    else:
        # The disk of another rank may hold something else
        monkeypatch.setattr(modelfile, 'read_text', lambda path: 'a = 0')
    monkeypatch.setattr(together, 'PIECE', 5)
    assert load(path, ['run.length=2'], comm).value['run']['length'] == 2

    # All ranks fail alike, with one kind of error and one sentence
    missing = shared_tmp_path / 'none.toml'
    with pytest.raises(InputFileError) as caught:
        load(missing, (), comm)
    found = comm.allgather(str(caught.value))
    assert found == [f'{missing}: no such file']*comm.size

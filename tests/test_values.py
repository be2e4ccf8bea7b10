"""Values by neuron: numbers, draws, arrays, functions and formulas."""

import builtins
import os
import time

import numpy as np
import pytest
from scipy import stats

from dsim.distributions import Exponential, LogNormal, Normal, Uniform
from dsim.errors import BadValue, UnknownName
from dsim.expression import FUNCTIONS, LONGEST, Expression
from dsim.space import Sheet
from dsim.values import VARIABLES, Place, evaluate

SHAPE = (40, 50)
SHEET = Sheet((2.0, 5.0))
ALL = np.arange(2000)
LIKELY = 1e-4


def place(ids=ALL, seed=3, owner='exc', shape=SHAPE):
    return Place(np.asarray(ids), shape, SHEET, seed, owner)


def value(given, ids=ALL, what='a', **where):
    return evaluate(given, place(ids, **where), what)


# --- each kind of value ----------------------------------------------------

def test_a_number_stays_one_number():
    for number in 3, 3.0, np.float32(3), np.int64(3):
        assert value(number) == 3.0
        assert isinstance(value(number), float)


@pytest.mark.parametrize('given', [
    np.arange(2000.0).reshape(40, 50), np.arange(2000), range(2000),
    np.asfortranarray(np.arange(2000).reshape(40, 50)),
    np.arange(2000).reshape(40, 50).tolist()])
def test_an_array_is_taken_by_id(given):
    given = list(given) if isinstance(given, range) else given
    ids = np.array([3, 1999, 51])
    np.testing.assert_array_equal(value(given, ids), [3.0, 1999.0, 51.0])


def test_functions_see_place_and_draw():
    expected = {
        'id': ALL, 'row': ALL//50, 'column': ALL % 50,
        'y': (ALL//50 + 0.5)*0.05, 'x': (ALL % 50 + 0.5)*0.1}
    for name, numbers in expected.items():
        np.testing.assert_allclose(value(name), numbers, rtol=1e-14)
    assert set(expected) | {'r'} == set(VARIABLES)

    found = value(lambda x, row, id: x + 10*row + 1000*id)
    np.testing.assert_allclose(
        found, expected['x'] + 10*(ALL//50) + 1000*ALL)
    np.testing.assert_array_equal(value(lambda: 4), np.full(2000, 4.0))
    np.testing.assert_array_equal(value(lambda id: id > 3), ALL > 3)


def test_r_is_uniform_and_one_for_all_parameters():
    r = value('r', what='a')
    assert stats.kstest(r, 'uniform').pvalue > LIKELY
    assert r.min() >= 0 and r.max() < 1
    np.testing.assert_array_equal(value('r', what='b'), r)
    np.testing.assert_array_equal(value(lambda r: r, what='c'), r)
    np.testing.assert_array_equal(value('r', [7, 3]), r[[7, 3]])
    for other in {'seed': 4}, {'owner': 'inh'}:
        assert not np.isin(value('r', **other), r).any()


@pytest.mark.parametrize('drawn, expected', [
    (Uniform(-2, 3), stats.uniform(-2, 5)),
    (Normal(4, 2), stats.norm(4, 2)),
    (LogNormal(0.3, 0.5), stats.lognorm(0.5, scale=np.exp(0.3))),
    (Exponential(2.5), stats.expon(scale=2.5)),
], ids=lambda v: getattr(v, 'name', ''))
def test_draws_have_their_distribution_and_address(drawn, expected):
    found = value(drawn)
    assert stats.kstest(found, expected.cdf).pvalue > LIKELY
    # The test can fail
    assert stats.kstest(found*1.2, expected.cdf).pvalue < LIKELY

    np.testing.assert_array_equal(value(drawn, ALL[::-7]), found[::-7])
    for other in {'what': 'b'}, {'seed': 4}, {'owner': 'inh'}:
        assert not np.isin(value(drawn, **other), found).any()


def test_values_do_not_depend_on_who_is_asked_together():
    # Vector code finishes a loop with a remainder: ask for odd pieces
    given = [Expression(f'{name}({", ".join(["x - 3*r"]*count)})', VARIABLES)
             for name, count in {**dict.fromkeys(FUNCTIONS, 1), 'maximum': 2,
                                 'minimum': 2, 'where': 3}.items()
             if name not in ('log', 'sqrt')]
    given += ['log(x)', 'sqrt(r)', 'x**1.7', '(1 + r)**y', 'x % r', 'x // r',
              lambda x, y: np.exp(-x)*np.arctan2(y, x), Normal(1, 2),
              np.sin(ALL)]
    for one in given:
        whole = value(one)
        for size in 1, 3, 7, 61, 1000:
            for first in range(0, 2000, max(size, 97)):
                ids = ALL[first:first + size]
                np.testing.assert_array_equal(value(one, ids), whole[ids])


def test_no_neurons_have_no_values():
    for given in 'x', lambda x: x.max(), Normal(0, 1), np.arange(2000):
        assert value(given, ALL[:0]).shape == (0,)


# --- what is refused -------------------------------------------------------

@pytest.mark.parametrize('given, message', [
    (True, 'a number, a distribution'),
    (None, 'a number, a distribution'),
    ({'a': 1}, 'a number, a distribution'),
    (np.nan, 'a finite number'),
    (np.inf, 'a finite number'),
    ('log(0*x)', 'a of neuron 0 = -inf: must be a finite number'),
    ('1/(id - 7)', 'a of neuron 7 = inf'),
    (np.where(ALL == 9, np.nan, 1), 'a of neuron 9 = nan'),
    (np.arange(1999), r'shape \(1999,\).*of shape \(40, 50\) or \(2000,\)'),
    (np.zeros((50, 40)), r'shape \(50, 40\)'),
    (np.zeros((40, 50, 1)), r'shape \(40, 50, 1\)'),
    ([1, [2, 3]], 'an array of numbers'),
    (['1', '2'], 'an array of numbers'),
    (np.zeros(2000, complex), 'an array of numbers'),
    ([], r'shape \(0,\)'),
    (lambda z: z, "a function of 'z'"),
    (lambda *x: x, r"a function of '\*x'"),
    (lambda **x: x, r"a function of '\*\*x'"),
    (np.sin, 'a function'),
    (lambda x: x[:5], 'one number for each neuron'),
    (lambda x: x[:, None], 'one number for each neuron'),
    (lambda x: 'text', 'one number for each neuron'),
    (lambda x: x + 1j, 'one number for each neuron'),
    (lambda x: x.nothing, 'it raised AttributeError'),
    (lambda x: x/x.max(), 'neuron 0 gets .* among others and .* alone'),
    (lambda x: x - x.min(), 'neuron 1999 gets'),
    (lambda x: np.arange(x.size), 'neuron 1999 gets'),
    (lambda x: np.random.default_rng().random(x.size), 'neuron .* gets'),
])
@pytest.mark.filterwarnings('ignore::numpy.VisibleDeprecationWarning'
                            if hasattr(np, 'VisibleDeprecationWarning')
                            else 'ignore::DeprecationWarning')
def test_a_wrong_value_is_told(given, message):
    with pytest.raises(BadValue, match=message):
        value(given)


def test_a_function_cannot_change_who_is_asked():
    ids = ALL.copy()

    def greedy(id, x):
        id[:] = 0
        x[:] = 0
        return x

    np.testing.assert_array_equal(value(greedy, ids), np.zeros(2000))
    np.testing.assert_array_equal(ids, ALL)


# --- formulas --------------------------------------------------------------

X = np.linspace(-2, 3, 11)


@pytest.mark.parametrize('text, expected', [
    ('-65 + 15*x**2', -65 + 15*X**2),
    (' 2*pi*x ', 2*np.pi*X),
    ('x > 1', 1.0*(X > 1)),
    ('(0 < x)*(x <= 2)', 1.0*((X > 0) & (X <= 2))),
    ('(x > 0) - (x > 1)', (X > 0)*1.0 - (X > 1)),
    ('-(x == 1) + (x != 1)', np.where(X == 1, -1.0, 1.0)),
    ('where(x >= 1, x, -1)', np.where(X >= 1, X, -1)),
    ('maximum(x, 0) - minimum(x, 1)', np.maximum(X, 0) - np.minimum(X, 1)),
    ('floor(x/2) + x//2 + x % 2', 2*np.floor(X/2) + X % 2),
    ('abs(sin(x)) + cos(x)*tanh(x)', abs(np.sin(X)) + np.cos(X)*np.tanh(X)),
    ('exp(-sqrt(x*x)) + log(4 + x)', np.exp(-abs(X)) + np.log(4 + X)),
    ('2**-1 + 1_0 + 0x10', 26.5),
    ('7 // 2 + 7 % 2', 4.0),
    ('(2 + 3)*4 - +1', 19.0),
])
def test_formulas_are_arithmetic(text, expected):
    formula = Expression(text, ('x',))
    np.testing.assert_allclose(formula(x=X), expected, rtol=1e-15)
    assert repr(formula) == repr(text)
    assert formula.variables == ({'x'} if 'x' in text.replace('exp', '')
                                 .replace('max', '').replace('0x', '')
                                 else set())


def test_whole_numbers_do_not_wrap_around():
    # As int64 these would be 0, an error, and negative
    ids = np.arange(1, 4)
    for text, expected in [('id**70', ids**70.0), ('id**-1', 1/ids),
                           ('9999999999*9999999999*id', 9999999999.0**2*ids)]:
        np.testing.assert_allclose(
            np.asarray(Expression(text, ('id',))(id=ids), float),
            np.asarray(expected, float), rtol=1e-12)


ATTEMPTS = [
    '__import__("os").system("touch {}")', 'x.__class__', 'abs.__self__',
    '(lambda: 1)()', 'lambda: 1', 'open("{}", "w")', 'exec("1")', '[x][0]',
    'x[0]', '{1: x}', '[y for y in x]', 'x if x else 1', '(y := 3)', 'f"{x}"',
    'not x', 'x and x', 'x or x', '~x', 'x @ x', 'x | 1', 'x << 2', 'x is x',
    'x in x', 'True', 'None', '1j', '"text"', "b'1'", '...', 'await x',
    'yield x', 'sin', 'sin + 1', 'sin(sin)', 'abs(*x)', 'abs(x=1)', '*x',
    'pi(2)', 'x(1)', 'np.exp(x)', 'import os', 'x; x', 'x = 1', '', ' ',
    'x +', 'x x', 'x\0', '0 < x < 2', 'abs()', 'abs(x, x)',
    'maximum(x, x, x)', 'maximum(x)', 'where(x)', 'unknown + x', 'X', '1e400',
    '9'*400, '('*300 + 'x' + ')'*300, 'x' + ' + x'*LONGEST, '-'*5000 + 'x',
]


@pytest.mark.parametrize('text', ATTEMPTS, ids=lambda t: repr(t[:20]))
def test_nothing_but_arithmetic_is_let_in(text, tmp_path, monkeypatch):
    def alarm(*arguments, **names):
        raise AssertionError(f'{text!r} was executed')

    mark = tmp_path / 'touched'
    monkeypatch.setattr(os, 'system', alarm)
    with monkeypatch.context() as patch:
        patch.setattr(builtins, 'eval', alarm)
        with pytest.raises((BadValue, UnknownName)):
            Expression(text.replace('{}', str(mark)), ('x',))
    assert not mark.exists()


def test_a_function_cannot_be_made_to_write():
    # numpy takes an argument too many as the place for the result
    for text in 'abs(id, id)', 'maximum(row, column, id)', 'sqrt(x, y)':
        with pytest.raises(BadValue, match='argument'):
            Expression(text, VARIABLES)


@pytest.mark.parametrize('text', [
    '9**9**9', '9**9**9**9*x', '2.0**10000', 'x + 9**9**9', '1/0',
    '(-8)**0.5', '10**308*10', '9**99**9 % 7', '1//0', '5 % 0'])
def test_no_formula_takes_long_or_ends_in_a_traceback(text):
    begin = time.perf_counter()
    with pytest.raises(BadValue):
        value(text)
    assert time.perf_counter() - begin < 1


def test_a_wrong_name_is_told_with_what_there_is():
    with pytest.raises(UnknownName, match="did you mean 'column'"):
        Expression('colum + 1', VARIABLES)
    with pytest.raises(UnknownName, match='no function .*tanh'):
        Expression('tan(x)', VARIABLES)
    with pytest.raises(BadValue, match=r'\(a < x\)\*\(x < b\)'):
        Expression('0 < x < 1', VARIABLES)

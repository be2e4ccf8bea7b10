"""Formulas in model files: arithmetic on named arrays, and nothing else."""

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import numpy as np

from dsim.errors import BadValue, UnknownName

FUNCTIONS: dict[str, Callable[..., Any]] = {
    'abs': np.abs, 'cos': np.cos, 'exp': np.exp, 'floor': np.floor,
    'log': np.log, 'maximum': np.maximum, 'minimum': np.minimum,
    'sin': np.sin, 'sqrt': np.sqrt, 'tanh': np.tanh, 'where': np.where,
}
CONSTANTS = {'pi': np.pi}
LONGEST = 1000
"""Characters that a formula may have."""
LARGEST = sys.float_info.max
"""A number in a formula must not exceed it."""

_ARGUMENTS = {'maximum': 2, 'minimum': 2, 'where': 3}
"""How many arguments the functions take that do not take one.

An array too many would be written to: numpy takes it as the place for the
result.
"""

_OPERATORS = (
    ast.BinOp, ast.UnaryOp, ast.Add, ast.Sub, ast.Mult, ast.Div,
    ast.Mod, ast.Pow, ast.FloorDiv, ast.USub, ast.UAdd, ast.Lt, ast.LtE,
    ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.Load, ast.Expression,
)


class Expression:
    """A formula such as ``'-65 + 15*r**2'`` of the variables ``names``.

    All numbers are float64, so no formula can take long: ``9**9**9`` is out
    of range at once.

    Raises `BadValue` for anything but numbers, arithmetic, comparisons, the
    functions of `FUNCTIONS` and the constant pi; `UnknownName` for a name
    that is not one of ``names``.
    """

    def __init__(self, text: str, names: tuple[str, ...]):
        self.text, self.names = text, names
        self.variables: set[str] = set()
        if not isinstance(text, str) or len(text) > LONGEST:
            raise BadValue('expression', text, 'a formula of at most '
                           f'{LONGEST} characters')
        try:
            tree = ast.parse(text.strip(), mode='eval')
            for node in _parts(tree):
                self._check(node)
            tree = ast.fix_missing_locations(_InFloats().visit(tree))
            self._code = compile(tree, '<model>', 'eval')
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise BadValue('expression', text,
                           f'a formula of {", ".join(names)}') from None

    def __repr__(self) -> str:
        return repr(self.text)

    def __call__(self, **values: np.ndarray) -> Any:
        """Evaluate with arrays for the variables; they stay as they are.

        Raises `BadValue` where the formula has no value: a number out of
        range, or a division of numbers by zero.  What a formula does with
        arrays may be infinite or not a number.
        """
        known: Mapping[str, object] = {
            **FUNCTIONS, **CONSTANTS,
            **{name: np.asarray(value, dtype=np.float64)
               for name, value in values.items()}}
        try:
            with np.errstate(all='ignore'):
                result = eval(self._code, {'__builtins__': {}}, known)
        except ArithmeticError:
            raise BadValue('expression', self.text, 'a formula that has a '
                           'value', 'here it leaves the range of numbers or '
                           'divides by zero') from None
        if np.iscomplexobj(result):
            raise BadValue('expression', self.text, 'a formula with real '
                           'values', 'here it takes a root of a negative '
                           'number')
        return result

    def _check(self, node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            self._check_call(node)
        elif isinstance(node, ast.Name):
            self._check_name(node)
        elif isinstance(node, ast.Constant):
            if (isinstance(node.value, bool)
                    or not isinstance(node.value, int | float)):
                self._refuse()
            if not abs(node.value) <= LARGEST:
                raise BadValue('expression', self.text,
                               'made of finite numbers')
        elif isinstance(node, ast.Compare):
            if len(node.ops) > 1:
                raise BadValue('expression', self.text, 'made of comparisons '
                               'of two', 'write a < x < b as '
                               '(a < x)*(x < b)')
        elif not isinstance(node, _OPERATORS):
            self._refuse()

    def _check_call(self, node: ast.Call) -> None:
        if not isinstance(node.func, ast.Name) or node.keywords:
            self._refuse()
        name = node.func.id
        if name not in FUNCTIONS:
            raise UnknownName('function', name, FUNCTIONS,
                              f'expression {self.text!r}')
        count = _ARGUMENTS.get(name, 1)
        if len(node.args) != count:
            raise BadValue('expression', self.text, f'a formula in which '
                           f'{name} has {count} argument{"s"*(count > 1)}')

    def _check_name(self, node: ast.Name) -> None:
        if node.id in self.names:
            self.variables.add(node.id)
        elif node.id in FUNCTIONS:
            self._refuse()
        elif node.id not in CONSTANTS:
            raise UnknownName('variable', node.id,
                              [*self.names, *FUNCTIONS, *CONSTANTS],
                              f'expression {self.text!r}')

    def _refuse(self) -> NoReturn:
        raise BadValue('expression', self.text,
                       'arithmetic on numbers, variables and '
                       + ', '.join(FUNCTIONS))


class _InFloats(ast.NodeTransformer):
    """Make all numbers float64: whole ones of Python have no largest one.

    A comparison becomes 1.0 or 0.0, as truth values cannot be subtracted.
    """

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant(float(node.value))  # type: ignore[arg-type]

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        return ast.BinOp(node, ast.Mult(), ast.Constant(1.0))


def _parts(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes but the names of functions that are called."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        todo.extend(node.args if isinstance(node, ast.Call)
                    else ast.iter_child_nodes(node))

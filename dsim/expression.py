"""Formulas in model files: arithmetic on named arrays, and nothing else."""

import ast
from collections.abc import Mapping

import numpy as np

from dsim.errors import BadValue, UnknownName

FUNCTIONS = {
    'abs': np.abs, 'cos': np.cos, 'exp': np.exp, 'floor': np.floor,
    'log': np.log, 'maximum': np.maximum, 'minimum': np.minimum,
    'sin': np.sin, 'sqrt': np.sqrt, 'tanh': np.tanh, 'where': np.where,
}
CONSTANTS = {'pi': np.pi}
_OPERATORS = (
    ast.BinOp, ast.UnaryOp, ast.Compare, ast.Add, ast.Sub, ast.Mult, ast.Div,
    ast.Mod, ast.Pow, ast.FloorDiv, ast.USub, ast.UAdd, ast.Lt, ast.LtE,
    ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.Load, ast.Expression,
)


class Expression:
    """A formula such as ``'-65 + 15*r**2'`` of the variables ``names``.

    Raises `BadValue` for anything but numbers, arithmetic, comparisons, the
    functions of `FUNCTIONS` and the constant pi; `UnknownName` for a name
    that is not one of ``names``.
    """

    def __init__(self, text: str, names: tuple[str, ...]):
        self.text = text
        try:
            tree = ast.parse(text, mode='eval')
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise BadValue('expression', text,
                           f'a formula of {", ".join(names)}') from None

        self.variables = set()
        for node in ast.walk(tree):
            self._check(node, names)
        self._code = compile(tree, '<model>', 'eval')

    def __repr__(self) -> str:
        return repr(self.text)

    def __call__(self, **values: np.ndarray) -> np.ndarray:
        """Evaluate with arrays for the variables."""
        known: Mapping[str, object] = {**FUNCTIONS, **CONSTANTS, **values}
        with np.errstate(all='ignore'):
            return eval(self._code, {'__builtins__': {}}, known)

    def _check(self, node: ast.AST, names: tuple[str, ...]) -> None:
        if isinstance(node, ast.Name):
            if node.id in names:
                self.variables.add(node.id)
            elif node.id not in FUNCTIONS and node.id not in CONSTANTS:
                raise UnknownName('variable', node.id,
                                  [*names, *FUNCTIONS, *CONSTANTS],
                                  f'expression {self.text!r}')
        elif isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name) or node.keywords:
                self._refuse()
            if node.func.id not in FUNCTIONS:
                raise UnknownName('function', node.func.id, FUNCTIONS,
                                  f'expression {self.text!r}')
        elif isinstance(node, ast.Constant):
            if (isinstance(node.value, bool)
                    or not isinstance(node.value, int | float)):
                self._refuse()
        elif not isinstance(node, _OPERATORS):
            self._refuse()

    def _refuse(self) -> None:
        raise BadValue('expression', self.text,
                       'arithmetic on numbers, variables and '
                       + ', '.join(FUNCTIONS))

"""A neuron model of the user's own, from a Python file."""

import traceback
import types
from pathlib import Path

from dsim.errors import lookup
from dsim.io.together import read_text, together
from dsim.io.tree import Node
from dsim.neurons.base import Neuron


def own_model(node: Node) -> type[Neuron]:
    """Run a Python file, read on rank 0, and return a class of it.

    The node's value is 'file.py:ClassName'.  Raises `ModelFileError`, with
    the line where it goes wrong.
    """
    file, _, name = node.value.rpartition(':')
    if not file:
        raise node.wrong('"my_model.py:ClassName"')
    path = node.origin.file.parent / file
    with node.blamed():
        text = together(lambda: read_text(path), node.origin.comm)
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    try:
        exec(compile(text, str(path), 'exec'), vars(module))
    except Exception as error:
        raise node.error(_where(error, path)) from error

    models = {key: value for key, value in vars(module).items()
              if isinstance(value, type) and issubclass(value, Neuron)
              and value.schemes and value.__module__ == module.__name__}
    with node.blamed():
        return lookup('neuron model', name, models, str(path))


def _where(error: Exception, path: Path) -> str:
    lines = [frame.lineno for frame in
             traceback.extract_tb(error.__traceback__)
             if frame.filename == str(path)]
    line = getattr(error, 'lineno', None) or (lines[-1] if lines else '?')
    what = getattr(error, 'msg', error)
    return f'{path}, line {line}: {type(error).__name__}: {what}'

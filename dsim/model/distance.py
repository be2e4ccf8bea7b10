"""What depends on distance: kernels, weights and delays, and their keys."""

from typing import Any

import numpy as np

from dsim.connectivity import KERNELS, Kernel
from dsim.connectivity.synapse_values import Distance, Falloff
from dsim.expression import Expression
from dsim.io.tree import NUMBER, TEXT, Key, Kind, Node
from dsim.model.classes import WEIGHT, Choice, arguments, chosen, made
from dsim.model.kinds import formula, number_or_more


class ByDistance:
    """A function of distance d (mm), given as a formula."""

    def __init__(self, formula: Expression):
        self.formula = formula

    def __repr__(self) -> str:
        return repr(self.formula)

    def __call__(self, distance: np.ndarray) -> np.ndarray:
        values = self.formula(d=distance)
        return np.broadcast_to(values, np.shape(distance)).astype(float)


def _read_by_distance(node: Node, unit: str) -> ByDistance:
    TEXT.read(node, unit)
    return ByDistance(formula(node, ('d',)))


def _read_kernel(node: Node, unit: str) -> Kernel:
    if isinstance(node.value, str):
        node.value = {'name': node.value}
    if not isinstance(node.value, dict):
        raise node.wrong(KERNEL.words)
    return chosen(node, _CHOICE, _NAME, {})[0]


def _of_synapses(form: str, first: str, cls: type) -> Kind:
    # A class of functions of distance is known by its first key
    def read(node: Node, unit: str) -> Any:
        if isinstance(node.value, str) and not node.is_quantity():
            return _read_by_distance(node, unit)
        if first in node:
            return made(node, cls, arguments(cls, ARGUMENTS), unit)
        return number_or_more(node, unit, kind)

    kind = Kind('a number, a distribution such as {normal = [1, 0.1]}, a '
                f'formula of d in quotes, or {form}', read)
    return kind


PROFILE = Kind('a formula of d', _read_by_distance)
KERNEL = Kind('a table such as {name = "gaussian", sigma = 0.1}',
              _read_kernel)
WEIGHTS = _of_synapses('{amplitude = 1, kernel = {...}}', 'amplitude',
                       Falloff)
DELAYS = _of_synapses('{speed = 0.3, minimum = 1}', 'speed', Distance)

_KEYS = (
    # of kernels
    Key('sigma', NUMBER, 'mm', meaning='standard deviation'),
    Key('scale', NUMBER, 'mm', meaning='distance of a fall by e'),
    Key('cutoff', NUMBER, 'mm', meaning='no connection beyond it'),
    Key('inner', NUMBER, 'mm', meaning='smallest distance'),
    Key('outer', NUMBER, 'mm', meaning='largest distance'),
    Key('radius', NUMBER, 'mm', meaning='largest distance'),
    Key('height', NUMBER, 'mm', meaning='along the rows axis'),
    Key('width', NUMBER, 'mm', meaning='along the columns axis'),
    Key('function', PROFILE, '', meaning='the profile, any scale'),
    # of weights and delays
    Key('amplitude', NUMBER, WEIGHT, meaning='weight where the kernel is 1'),
    Key('kernel', KERNEL, '', meaning='how the weight falls'),
    Key('speed', NUMBER, 'mm/ms', meaning='the delay grows by distance/speed'),
    Key('minimum', NUMBER, 'ms', meaning='delay at distance 0'),
)
ARGUMENTS = {key.name: key for key in _KEYS}
"""The arguments of these classes by name."""

_NAME = (Key('name', TEXT, meaning='a kernel below'),)
_CHOICE = Choice('name', 'kernel', KERNELS,
                 lambda cls: (arguments(cls, ARGUMENTS), cls))

"""The keys of a model file: the source of checks, defaults and messages."""

from collections.abc import Callable, Sequence
from typing import Any

from dsim.connectivity import RULES
from dsim.io.tree import FLAG, NUMBER, TABLE, TEXT, WHOLE, Key
from dsim.model import distance
from dsim.model.classes import CURRENT, WEIGHT, Choice, arguments
from dsim.model.distance import DELAYS, KERNEL, WEIGHTS
from dsim.model.kinds import (
    ARRAY,
    EXTENT,
    NAMES,
    PERIODIC,
    PIXELS,
    SHAPE,
    TABLES,
    VALUE,
    WHOLES,
)
from dsim.model.special import SPECIAL
from dsim.stimuli import STIMULI

PARTS = (
    Key('simulation', TABLE, default={}),
    Key('sheet', TABLE, default={}),
    Key('populations', TABLE, meaning='what there is to simulate'),
    Key('projections', TABLES, default=None),
    Key('stimuli', TABLES, default=None),
    Key('recording', TABLE, default={}),
    Key('output', TABLE, default={}),
)
SIMULATION = (
    Key('duration', NUMBER, 'ms', meaning='how long to simulate'),
    Key('dt', NUMBER, 'ms', 1.0, 'time step'),
    Key('seed', WHOLE, '', 1, 'every random number is a function of it'),
    Key('processes', WHOLES, '', None, 'the process grid; left out, the one '
        'with the least to exchange'),
    Key('exchange', TEXT, '', 'halo', 'how spikes travel between ranks: '
        'halo, hypercube, allgather, or auto'),
    Key('threads', WHOLE, '', 1, 'with which each rank works'),
)
SHEET = (
    Key('extent', EXTENT, 'mm', [1.0, 1.0], 'the piece of tissue that all '
        'populations share'),
    Key('periodic', PERIODIC, '', False, 'whether its ends are joined'),
)
POPULATION = (
    Key('model', TEXT, meaning='a neuron model below, or '
        '"my_model.py:ClassName", a file beside this one'),
    Key('preset', TEXT, '', None, 'a set of parameters of the model'),
    Key('scheme', TEXT, '', None, 'how the model is integrated; left out, '
        'its first scheme'),
    Key('shape', SHAPE, meaning='the grid; one number is one row'),
    Key('precision', TEXT, '', 'float64', 'of the state: float64 or float32'),
    Key('record_spikes', FLAG, '', True, 'whether its spikes are kept'),
    Key('parameters', TABLE, '', {}, 'those of the model by name, each one '
        'value for all neurons or for each'),
    Key('initial', TABLE, '', {}, 'state variables at time 0, likewise'),
)
PROJECTION = (
    Key('name', TEXT, '', None, 'a name for use with --set'),
    Key('source', TEXT, meaning='the population that sends'),
    Key('target', NAMES, meaning='the populations that receive'),
    Key('rule', TEXT, meaning='which pairs are connected: a rule below, '
        'whose keys stand beside these'),
    Key('kernel', KERNEL, '', None, 'the spatial profile, for rules that '
        'draw by distance; left out, uniform'),
    Key('weight', WEIGHTS, WEIGHT, meaning='of each connection'),
    Key('delay', DELAYS, 'ms', 1.0, 'of each connection, rounded to steps'),
    Key('receptor', TEXT, '', None, 'input of the target model; needed if it '
        'has several'),
    Key('storage', TEXT, '', 'auto', 'stored: in a table; procedural: drawn '
        'anew at each spike; auto: the first as long as it fits the memory'),
)
STIMULUS = (
    Key('name', TEXT, '', None, 'a name for use with --set'),
    Key('target', NAMES, meaning='the populations that are driven'),
    Key('kind', TEXT, meaning='a stimulus below, whose keys stand beside '
        'these'),
)
RECORDING = (
    Key('values', TABLES, '', None, 'state variables of some neurons'),
    Key('frames', TABLES, '', None, 'state variables of whole grids'),
)
FRAMES = (
    Key('population', TEXT, meaning='whose'),
    Key('variable', TEXT, meaning='a state variable of its model'),
    Key('interval', NUMBER, 'ms', 1.0, 'time between two looks'),
)
VALUES = (
    *FRAMES,
    Key('ids', ARRAY, '', None, 'which neurons, from 0'),
    Key('every', WHOLE, '', None, 'or every n-th neuron; left out, all'),
)
OUTPUT = (
    Key('folder', TEXT, '', None, 'from the folder that one is in; left out, '
        'runs/ and the name of the model file'),
    Key('overwrite', FLAG, '', False, 'whether an earlier run may be lost'),
    Key('flush_every', NUMBER, 'ms', 1000.0, 'time after which what was '
        'recorded is on disk'),
)

_KEYS = (
    # of connection rules
    Key('degree', WHOLE, '', meaning='how many partners each neuron draws'),
    Key('self_connections', FLAG, meaning='whether a neuron may draw itself'),
    Key('multiple_contacts', FLAG, meaning='whether it may draw one twice'),
    Key('total', WHOLE, '', meaning='how many connections in all, or '
        'in each block'),
    Key('blocks', WHOLES, '', meaning='into how many equal blocks to cut both '
        'grids'),
    Key('offset', WHOLES, '', meaning='where the source block lies, in '
        'blocks from that of the target'),
    Key('probability', NUMBER, '', meaning='of a pair where the kernel is 1'),
    # of stimuli
    Key('start', NUMBER, 'ms', meaning='when it begins'),
    Key('stop', NUMBER, 'ms', meaning='when it ends'),
    Key('value', VALUE, CURRENT, meaning='the current'),
    Key('mean', VALUE, CURRENT, meaning='of each step'),
    Key('std', VALUE, CURRENT, meaning='of each step'),
    Key('times', ARRAY, 'ms', meaning='when'),
    Key('values', ARRAY, CURRENT, meaning='the current from each time on'),
    Key('rate', VALUE, 'Hz', meaning='of the spikes into each neuron'),
    Key('weight', VALUE, WEIGHT, meaning='of each spike'),
    Key('receptor', TEXT, '', meaning='input of the model; "" if only one'),
    Key('ids', ARRAY, '', meaning='the neuron of each spike, from 0'),
    Key('pixels', PIXELS, '', meaning='from 0 to 1, over the whole sheet'),
    Key('low', NUMBER, CURRENT, meaning='current at pixels of 0'),
    Key('high', NUMBER, CURRENT, meaning='current at pixels of 1'),
)
ARGUMENTS = {**distance.ARGUMENTS, **{key.name: key for key in _KEYS}}
"""The arguments of rules, kernels and stimuli by name."""


def keys_of(cls: type) -> tuple[Sequence[Key], Callable[..., Any]]:
    """Return a class's keys, and what makes an object of their values."""
    return SPECIAL.get(cls) or (arguments(cls, ARGUMENTS), cls)


RULE = Choice('rule', 'connection rule', RULES, keys_of)
KIND = Choice('kind', 'stimulus', STIMULI, keys_of)

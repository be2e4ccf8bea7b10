"""Model files: their keys, and the network that they describe.

The tables of keys are the single source of checks, defaults, messages and
the page of keys (`dsim.model.page`).  The keys of a rule, kernel, stimulus
or distribution are the arguments of its class.
"""

from dsim.model.classes import arguments
from dsim.model.keys import ARGUMENTS
from dsim.model.reading import Model, Settings, load

__all__ = ['ARGUMENTS', 'Model', 'Settings', 'arguments', 'load']

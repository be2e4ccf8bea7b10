"""dsim: a distributed parallel simulator of spiking networks on grids.

The public names are loaded when they are first used, so that ``import dsim``
starts no MPI, opens no HDF5 library, and takes no time.
"""

from importlib import import_module as _import_module
from pathlib import Path as _Path
from typing import Any as _Any

_root = _Path(__file__).resolve().parent.parent
if (_root / 'setup.cfg').is_file() and (_root / 'partitioning').is_dir():
    # A source checkout: <root>/io is dsim.io, and partitioning likewise
    __path__.append(str(_root))

__version__ = '0.1.0'

_PUBLIC = {
    'dsim.connectivity': (
        'AllToAll', 'Box', 'Disc', 'Edges', 'Exponential',
        'FixedIndegree', 'FixedOutdegree', 'FixedTotal', 'Gaussian',
        'OneToOne', 'PairwiseBernoulli', 'Profile', 'Ring', 'Stencil',
        'Uniform',
    ),
    'dsim.connectivity.synapse_values': ('Distance', 'Falloff'),
    'dsim.declare': ('Parameter', 'Receptor', 'State'),
    'dsim.errors': ('DsimError',),
    'dsim.model': ('load',),
    'dsim.network': ('Network', 'Population', 'Projection'),
    'dsim.neurons.adex': ('AdEx',),
    'dsim.neurons.base': ('Neuron',),
    'dsim.neurons.izhikevich': ('Izhikevich', 'Izhikevich2007'),
    'dsim.neurons.lif': ('LIF',),
    'dsim.neurons.lif_conductance': ('LIFConductance',),
    'dsim.simulation': ('Simulation',),
    'dsim.stimuli': (
        'ConstantCurrent', 'GaussianCurrent', 'ImageCurrent',
        'PoissonInput', 'SpikeTimes', 'StepCurrent',
    ),
}
_MODULE_OF = {name: module for module, names in _PUBLIC.items()
              for name in names}
__all__ = sorted([*_MODULE_OF, 'random'])  # noqa: PLE0605


def __getattr__(name: str) -> _Any:
    if name == 'random':
        return _import_module('dsim.distributions')
    if name not in _MODULE_OF:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(_import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return [*__all__, '__version__']

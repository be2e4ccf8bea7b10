"""dsim: a distributed parallel simulator of spiking networks on grids."""

from pathlib import Path as _Path

_root = _Path(__file__).resolve().parent.parent
if (_root / 'setup.cfg').is_file() and (_root / 'partitioning').is_dir():
    # A source checkout: <root>/io is dsim.io, and partitioning likewise
    __path__.append(str(_root))

__version__ = '0.1.0'

# isort: off
# world comes first: it sees to it that an import does not start MPI
from dsim import world as _world  # noqa: E402
# isort: on

from dsim.connectivity import (  # noqa: E402
    AllToAll,
    Box,
    Disc,
    Edges,
    Exponential,
    FixedIndegree,
    FixedOutdegree,
    Gaussian,
    OneToOne,
    PairwiseBernoulli,
    Profile,
    Ring,
    Stencil,
    Uniform,
)
from dsim.connectivity.synapse_values import Distance, Falloff  # noqa: E402
from dsim.declare import Parameter, Receptor, State  # noqa: E402
from dsim.errors import DsimError  # noqa: E402
from dsim.model import load  # noqa: E402
from dsim.network import Network, Population, Projection  # noqa: E402
from dsim.neurons.adex import AdEx  # noqa: E402
from dsim.neurons.base import Neuron  # noqa: E402
from dsim.neurons.izhikevich import Izhikevich, Izhikevich2007  # noqa: E402
from dsim.neurons.lif import LIF  # noqa: E402
from dsim.simulation import Simulation  # noqa: E402
from dsim.stimuli import (  # noqa: E402
    ConstantCurrent,
    GaussianCurrent,
    ImageCurrent,
    PoissonInput,
    SpikeTimes,
    StepCurrent,
)
from dsim import distributions as random  # noqa: E402

__all__ = [
    'AdEx',
    'AllToAll',
    'Box',
    'ConstantCurrent',
    'Disc',
    'Distance',
    'DsimError',
    'Edges',
    'Exponential',
    'Falloff',
    'FixedIndegree',
    'FixedOutdegree',
    'Gaussian',
    'GaussianCurrent',
    'ImageCurrent',
    'Izhikevich',
    'Izhikevich2007',
    'LIF',
    'Network',
    'Neuron',
    'OneToOne',
    'PairwiseBernoulli',
    'Parameter',
    'PoissonInput',
    'Population',
    'Profile',
    'Projection',
    'Receptor',
    'Ring',
    'Simulation',
    'SpikeTimes',
    'State',
    'Stencil',
    'StepCurrent',
    'Uniform',
    'load',
    'random',
]

"""The public names, for type checkers and editors."""

from dsim import distributions as random  # noqa: F401
from dsim.connectivity import AllToAll as AllToAll
from dsim.connectivity import Box as Box
from dsim.connectivity import Disc as Disc
from dsim.connectivity import Edges as Edges
from dsim.connectivity import Exponential as Exponential
from dsim.connectivity import FixedIndegree as FixedIndegree
from dsim.connectivity import FixedOutdegree as FixedOutdegree
from dsim.connectivity import FixedTotal as FixedTotal
from dsim.connectivity import Gaussian as Gaussian
from dsim.connectivity import OneToOne as OneToOne
from dsim.connectivity import PairwiseBernoulli as PairwiseBernoulli
from dsim.connectivity import Profile as Profile
from dsim.connectivity import Ring as Ring
from dsim.connectivity import Stencil as Stencil
from dsim.connectivity import Uniform as Uniform
from dsim.connectivity.synapse_values import Distance as Distance
from dsim.connectivity.synapse_values import Falloff as Falloff
from dsim.declare import Parameter as Parameter
from dsim.declare import Receptor as Receptor
from dsim.declare import State as State
from dsim.errors import DsimError as DsimError
from dsim.model import load as load
from dsim.network import Network as Network
from dsim.network import Population as Population
from dsim.network import Projection as Projection
from dsim.neurons.adex import AdEx as AdEx
from dsim.neurons.base import Neuron as Neuron
from dsim.neurons.izhikevich import Izhikevich as Izhikevich
from dsim.neurons.izhikevich import Izhikevich2007 as Izhikevich2007
from dsim.neurons.lif import LIF as LIF
from dsim.neurons.lif_conductance import LIFConductance as LIFConductance
from dsim.simulation import Simulation as Simulation
from dsim.stimuli import ConstantCurrent as ConstantCurrent
from dsim.stimuli import GaussianCurrent as GaussianCurrent
from dsim.stimuli import ImageCurrent as ImageCurrent
from dsim.stimuli import PoissonInput as PoissonInput
from dsim.stimuli import SpikeTimes as SpikeTimes
from dsim.stimuli import StepCurrent as StepCurrent

__version__: str
__all__: list[str]

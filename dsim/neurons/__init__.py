"""The table NEURONS: name -> model."""

from dsim.neurons.adex import AdEx
from dsim.neurons.base import Neuron
from dsim.neurons.izhikevich import Izhikevich, Izhikevich2007
from dsim.neurons.lif import LIF
from dsim.neurons.lif_conductance import LIFConductance

NEURONS: dict[str, type[Neuron]] = {model.name: model for model in (
    Izhikevich, Izhikevich2007, LIF, LIFConductance, AdEx,
)}

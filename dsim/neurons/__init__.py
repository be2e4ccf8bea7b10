"""The table NEURONS: name -> model."""

from dsim.neurons.izhikevich import Izhikevich, Izhikevich2007

NEURONS = {model.name: model for model in (
    Izhikevich, Izhikevich2007,
)}

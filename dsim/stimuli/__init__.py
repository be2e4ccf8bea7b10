"""The table STIMULI: name -> stimulus."""

from dsim.stimuli.base import Stimulus
from dsim.stimuli.current import ConstantCurrent, GaussianCurrent, StepCurrent
from dsim.stimuli.image import ImageCurrent
from dsim.stimuli.poisson import PoissonInput
from dsim.stimuli.replay import SpikeTimes

STIMULI: dict[str, type[Stimulus]] = {
    stimulus.name: stimulus for stimulus in (
        ConstantCurrent, GaussianCurrent, ImageCurrent, PoissonInput,
        SpikeTimes, StepCurrent,
    )
}

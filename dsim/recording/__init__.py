"""What is kept of a run: one recorder a file."""

from dsim.recording.base import Recorder
from dsim.recording.frames import FrameRecorder
from dsim.recording.spikes import SpikeRecorder
from dsim.recording.values import ValueRecorder

__all__ = ['FrameRecorder', 'Recorder', 'SpikeRecorder', 'ValueRecorder']

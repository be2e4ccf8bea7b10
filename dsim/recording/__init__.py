"""The table RECORDERS: name -> recorder."""

from dsim.recording.base import Recorder
from dsim.recording.frames import FrameRecorder
from dsim.recording.spikes import SpikeRecorder
from dsim.recording.values import ValueRecorder

RECORDERS: dict[str, type[Recorder]] = {
    'spikes': SpikeRecorder, 'values': ValueRecorder, 'frames': FrameRecorder,
}

"""Figures 2 and 3 of Niebur and Brettle (1993), on the machine at hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes

from dsim.report import style
from dsim.reproduce import pictures
from dsim.reproduce.niebur_1993_work import Timing

DIRECT, TRANSPOSED = style.COLOURS[1], style.COLOURS[0]
RATIOS = style.COLOURS[0], style.COLOURS[2], style.COLOURS[5]


def draw(folder: Path, timings: Sequence[Timing],
         measured: Mapping[float, float]) -> None:
    """Draw ``times.png`` and ``speed_up.png``.

    ``measured`` are the paper's speed-ups by p.
    """
    draw_times(folder/'times.png', timings)
    draw_speed_up(folder/'speed_up.png', timings, measured)


def draw_times(path: Path, timings: Sequence[Timing]) -> None:
    """Draw time and visits of a step against p: figure 2."""
    curve = [t for t in timings if t.virtual == 1]
    chances = [t.p for t in curve]
    with style.figure(path, 3.6) as figure:
        left, right = figure.subplots(1, 2)
        for axes, values in (
                (left, [(1e6*t.direct, 1e6*t.transposed) for t in curve]),
                (right, [t.visits for t in curve])):
            for k, (name, colour) in enumerate((('direct', DIRECT),
                                                ('transposed', TRANSPOSED))):
                axes.plot(chances, [pair[k] for pair in values], 'o-',
                          color=colour, markersize=3, label=name)
            _scale(axes)
        left.set(ylabel='time of a step (µs)',
                 title='time the busiest processor takes')
        right.set(ylabel='synapses visited in a step',
                  title='synapses it visits')
        left.legend(loc='lower right')
        pictures.letter([left, right])
        pictures.caption(
            figure, 'After figure 2 of Niebur and Brettle (1993). One neuron '
            'of 1024 synapses on each of 16,384 processors, partitions of '
            '1024; the busiest processor of each step is walked through its '
            'part on a core of this machine, without messages. p: chance '
            'that a neuron fires in a step of 0.1 ms; 0.001 are 10 spikes '
            'per second.')


def draw_speed_up(path: Path, timings: Sequence[Timing],
                  measured: Mapping[float, float]) -> None:
    """Draw the speed-up against p, with the ideal one: figure 3."""
    with style.figure(path, 4.2) as figure:
        axes = figure.subplots()
        for virtual, colour in zip((1, 2, 4), RATIOS, strict=True):
            curve = [t for t in timings if t.virtual == virtual]
            chances = [t.p for t in curve]
            axes.plot(chances, [t.ideal for t in curve], '--', color=colour,
                      linewidth=0.8)
            axes.plot(chances, [t.speed_up for t in curve], 'o-',
                      color=colour, markersize=3, label=f'measured here, '
                      f'{virtual} neuron{"s"*(virtual > 1)} a processor')
        axes.plot([], [], '--', color=style.INK, linewidth=0.8,
                  label='ideal, by equation 3; same colours')
        axes.plot(list(measured), list(measured.values()), 'D',
                  color=style.COLOURS[3], markersize=5,
                  label='measured on the CM-2 (454 and 106)')
        axes.axhline(1, color=style.FAINT, linewidth=0.7)
        _scale(axes)
        axes.set(ylabel='speed-up over the direct layout',
                 title='the transposed layout gains where spikes are rare')
        axes.legend(loc='upper right')
        pictures.caption(
            figure, 'After figure 3 of Niebur and Brettle (1993). Direct '
            'over transposed: time of the busiest processor, without '
            'messages, on a core of this machine; ideal: its visits, steps '
            'without a spike left out. The CM-2 works in '
            'lockstep and its figures include messages: they are shown to '
            'compare, and hold for that machine only.')


def _scale(axes: Axes) -> None:
    axes.set(xscale='log', yscale='log', xlabel='probability of a spike p')
    style.log_ticks(axes.xaxis)
    style.log_ticks(axes.yaxis)

"""Intervals between a neuron's spikes, and how much they vary (CV)."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from dsim.report import style
from dsim.report.folder import Activity, Run

LEAST = 5
"""Intervals that a neuron must have to be given a CV."""

PER_DECADE = 15
"""Bins of the interval histogram in a decade."""

BIN = 0.05
"""Width of the bins of the CV histogram."""


class Intervals(NamedTuple):
    """What the spike trains of one population are like.

    ``gaps`` float64[n] in ms are the intervals of all neurons, ``cv`` float64
    those of the neurons that have at least `LEAST` of them.
    """

    gaps: np.ndarray
    cv: np.ndarray


def measure(activity: Activity) -> Intervals:
    """Return the intervals of a population and the CVs of its neurons."""
    gaps, owners = intervals(activity.times, activity.ids)
    cv = variation(gaps, owners, activity.size)
    return Intervals(gaps, cv[np.isfinite(cv)])


def intervals(times: np.ndarray, ids: np.ndarray
              ) -> tuple[np.ndarray, np.ndarray]:
    """Return (gaps in ms, ids of their neurons), neuron by neuron.

    ``times`` float64[n] must ascend; ``ids`` is integer[n].
    """
    # A stable sort by neuron keeps each train in order of time
    order = np.argsort(ids, kind='stable')
    ids, gaps = ids[order], np.diff(times[order])
    same = ids[1:] == ids[:-1]
    return gaps[same], ids[1:][same]


def variation(gaps: np.ndarray, owners: np.ndarray, size: int,
              least: int = LEAST) -> np.ndarray:
    """Return the CV of each neuron's intervals, float64[size].

    CV = standard deviation / mean, the former without Bessel's correction
    as is usual in the field.  NaN for neurons with fewer than ``least``.
    """
    count = np.bincount(owners, minlength=size).astype(float)
    count[count < max(least, 1)] = np.nan
    mean = np.bincount(owners, gaps, size)/count
    # In two passes: the squares' mean less the mean's square would not be
    # zero for a regular train
    square = np.bincount(owners, (gaps - mean[owners])**2, size)/count
    return np.sqrt(square)/mean


def log_bins(low: float, high: float, step: float) -> np.ndarray:
    """Return edges, about equally far apart on a log scale, in ms.

    Intervals, from ``low`` to ``high``, are multiples of ``step``: edges
    lie half-way between two of them and no bin is narrower than one, or
    the bars would make a comb.
    """
    bins = max(1, int(np.ceil(PER_DECADE*np.log10(high/low))))
    wanted = np.append(np.geomspace(low, high, bins + 1), high)
    whole = np.unique(np.round(wanted/step)).clip(1)
    # The highest is the end of the last bin, not a bin of its own
    first = whole[:max(1, whole.size - 1)]
    return (np.append(first, whole[-1] + 1) - 0.5)*step


def draw(run: Run, trains: Sequence[Intervals], folder: Path
         ) -> list[style.Picture]:
    """Draw histograms of intervals and of CVs, one outline a population.

    ``trains`` is `measure` of each of the run's populations.
    """
    path = folder/'intervals.png'
    some = any(train.gaps.size for train in trains)
    with style.figure(path, 2.6 if some else style.EMPTY) as figure:
        left, right = figure.subplots(1, 2)
        _draw_gaps(left, run, trains)
        told = _draw_cv(right, run, trains)
        if some:
            lines = style.lined(run.activities)
            style.legend(figure, [activity.name for activity, _ in lines],
                         [line for _, line in lines])
    caption = (
        'Left: intervals between spikes of the same neuron, all neurons '
        'together, as a fraction per decade. Right: coefficient of '
        f'variation of a neuron’s intervals, for neurons with at least '
        f'{LEAST} intervals: {told}. Regular trains have 0, Poisson trains 1 '
        '(dotted), and short trains come out too low.')
    return [style.picture(path, 'Intervals between spikes', caption)]


def _draw_gaps(axes: Axes, run: Run, trains: Sequence[Intervals]) -> None:
    highest = max((t.gaps.max() for t in trains if t.gaps.size), default=0)
    if not highest:
        style.empty(axes, 'No neuron fired twice.')
        return

    lowest = min(t.gaps.min() for t in trains if t.gaps.size)
    edges = log_bins(max(lowest, run.step), highest, run.step)
    decades = np.diff(np.log10(edges))
    for train, line in style.lined(trains):
        if train.gaps.size:
            counts, _ = np.histogram(train.gaps, edges)
            axes.stairs(counts/train.gaps.size/decades, edges, **line)
    axes.set(xscale='log', xlabel='interval between spikes (ms)',
             ylabel='fraction per decade', ylim=(0, None),
             xlim=style.log_limits(edges[0], edges[-1]))
    style.log_ticks(axes.xaxis)


def _draw_cv(axes: Axes, run: Run, trains: Sequence[Intervals]) -> str:
    """Draw the CVs; return of how many neurons they are, in words."""
    told = ', '.join(f'{a.name} {train.cv.size:,} of {a.size:,}' for a, train
                     in zip(run.activities, trains, strict=True))
    highest = max((t.cv.max() for t in trains if t.cv.size), default=None)
    if highest is None:
        style.empty(axes, f'No neuron has {LEAST} intervals or more.')
        return told

    edges = np.arange(0, max(highest, 1.2) + 2*BIN, BIN)
    for train, line in style.lined(trains):
        if train.cv.size:
            counts, _ = np.histogram(train.cv, edges)
            axes.stairs(counts/train.cv.size, edges, **line)
    axes.axvline(1, color=style.FAINT, linestyle=':', linewidth=1, zorder=0)
    axes.set(xlabel='CV of intervals', ylim=(0, None),
             ylabel='fraction of neurons', xlim=(0, edges[-1]))
    return told

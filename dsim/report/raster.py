"""The raster of some neurons of each population, and the rates of all."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from dsim.report import rates, style
from dsim.report.folder import Activity, Run

ROWS = 400
"""Neurons that a raster has room for, all populations together."""

PANEL = 3.2
"""Height of the raster in inches, unless there are many populations."""

DOTS = 60_000
"""Spikes that a raster has room for."""

STEPS = 100
"""Bins of the rate that are drawn as steps; more are drawn as a line."""

SEED = 1
"""Which neurons are drawn: the same ones each time."""


class Band(NamedTuple):
    """The neurons of a population in the raster, and their spikes.

    ``ids`` int64[n] ascend, neuron ``ids[k]`` has row ``k``; ``times`` in ms
    and ``rows`` are those of the spikes.
    """

    ids: np.ndarray
    times: np.ndarray
    rows: np.ndarray


def shares(sizes: Sequence[int], rows: int = ROWS) -> list[int]:
    """Return how many neurons of each population get a row.

    All, if they fit; else in proportion to its size, but at least a few
    even of the smallest population.
    """
    total = sum(sizes)
    if total <= rows:
        return list(sizes)
    least = max(1, rows//(2*len(sizes)))
    return [min(size, max(round(rows*size/total), least)) for size in sizes]


def band(activity: Activity, count: int) -> Band:
    """Return ``count`` neurons with all their spikes.

    Neurons are left out, spikes never.  They are drawn by chance: every
    n-th one would be a pattern on the grid.
    """
    ids = np.arange(activity.size)
    if count < activity.size:
        ids = np.sort(np.random.default_rng(SEED).choice(
            activity.size, count, replace=False))
    row = np.full(activity.size, -1, np.int32)
    row[ids] = np.arange(ids.size)
    rows = row[activity.ids]
    kept = rows >= 0
    return Band(ids, activity.times[kept], rows[kept])


def bands(activities: Sequence[Activity], rows: int = ROWS,
          dots: int = DOTS) -> list[Band]:
    """Return the band of each population: fewer neurons if they fire much."""
    sizes = [activity.size for activity in activities]
    chosen = [band(*pair) for pair in zip(activities, shares(sizes, rows),
                                          strict=True)]
    spikes = sum(each.times.size for each in chosen)
    if spikes > dots and rows > 80:
        return bands(activities, max(80, rows*dots//spikes), dots)
    return chosen


def begin_of(shown: Sequence[Band], dots: int = DOTS) -> float:
    """Return from when on, in ms, at most ``dots`` spikes are left to draw.

    0 if all of them may be drawn.
    """
    times = np.concatenate([each.times for each in shown])
    if times.size <= dots:
        return 0.0
    first = float(np.partition(times, -dots)[-dots])
    digit = 10.0**np.floor(np.log10(max(first, 1.0)) - 1)
    return float(np.ceil(first/digit)*digit)


def draw(run: Run, folder: Path) -> list[style.Picture]:
    """Draw the raster above the population rates, over the same time."""
    path = folder/'raster.png'
    shown = bands(run.activities)
    begin = begin_of(shown) if shown else 0.0
    if begin >= run.duration:
        begin = 0.0
    width = rates.bin_width(run.duration - begin, run.step)
    panel = max(PANEL, 0.3*len(shown))
    with style.figure(path, panel + 1.8) as figure:
        upper, lower = figure.subplots(2, sharex=True,
                                       height_ratios=(panel, 1.3))
        _draw_bands(upper, run, shown, begin, panel)
        _draw_rates(lower, run, begin, width)
        style.thousands(lower.xaxis)
    return [style.picture(path, 'Activity', _caption(run, shown, begin,
                                                     width))]


def _caption(run: Run, shown: Sequence[Band], begin: float,
             width: float) -> str:
    some = [f'{each.ids.size:,} of {a.size:,} ({a.name})' for a, each
            in zip(run.activities, shown, strict=True)
            if each.ids.size < a.size]
    who = (f'neurons drawn by chance, {", ".join(some)}, with all their '
           'spikes' if some else 'all neurons and spikes')
    cut = (f' The last {run.duration - begin:,.10g} ms of '
           f'{run.duration:,.10g} ms.' if begin else '')
    return (f'Above: {who}, in order of id. Below: mean rate of all neurons '
            f'of each population in bins of {width:g} ms.{cut}')


def _draw_bands(axes: Axes, run: Run, shown: Sequence[Band],
                begin: float, panel: float) -> None:
    if not any(each.times.size for each in shown):
        style.empty(axes, 'There are no spikes.')
        return

    total = sum(each.ids.size for each in shown)
    gap = 0.02*total
    height = 72*panel/(total + gap*(len(shown) - 1))
    marks = {'marker': '|' if height > 2 else 'o',
             'markersize': min(max(0.75*height, 1.1), 9),
             'markeredgewidth': 0.9 if height > 2 else 0}
    top, ticks = 0.0, []
    for (_, colour), each in zip(style.coloured(run.activities), shown,
                                 strict=True):
        late = each.times >= begin
        axes.plot(each.times[late], top + each.rows[late] + 0.5, color=colour,
                  linestyle='none', **marks)
        ticks.append(top + each.ids.size/2)
        top += each.ids.size + gap
    axes.set(ylim=(top - gap, 0), yticks=ticks)
    axes.tick_params('both', length=0, labelbottom=False)
    axes.spines['bottom'].set_visible(False)
    _name_bands(axes, run, shown, height)


def _name_bands(axes: Axes, run: Run, shown: Sequence[Band],
                height: float) -> None:
    """Write names, and below them how many neurons, if there is room."""
    names = []
    for activity, each in zip(run.activities, shown, strict=True):
        name = style.plain(activity.name)
        if each.ids.size < activity.size and height*each.ids.size > 40:
            name += f'\n{each.ids.size:,} of\n{activity.size:,}'
        names.append(name)
    axes.set_yticklabels(names)
    for label, (_, colour) in zip(axes.get_yticklabels(),
                                  style.coloured(shown), strict=True):
        label.set_color(colour)


def _draw_rates(axes: Axes, run: Run, begin: float, width: float) -> None:
    if not run.duration:
        style.empty(axes, 'It is not known how long the run was.')
        return

    edges = begin + rates.edges_of(run.duration - begin, width)
    for activity, colour in style.coloured(run.activities):
        values = rates.rate(activity, edges)
        if values.size > STEPS:
            axes.plot((edges[1:] + edges[:-1])/2, values, color=colour,
                      linewidth=0.9)
        else:
            axes.stairs(values, edges, color=colour, baseline=None,
                        linewidth=1.1)
    axes.set(xlabel='time (ms)', ylabel='rate (Hz)', ylim=(0, None),
             xlim=(begin, run.duration))

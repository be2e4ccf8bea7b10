"""The raster of some neurons of each population, and the rates of all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from dsim.report import rates, style
from dsim.report.folder import Activity, Run

ROWS = 400
"""Neurons that a raster has room for, all populations together."""

ROOM = 0.25
"""Inches of height for a neuron, as long as there are few."""

PANEL = 3.2
"""Inches of height of the raster, unless there are many populations."""

LINES = 5
"""Populations whose rates are told apart as lines; more make an image."""

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
    panel, below = _heights(shown)
    with style.figure(path, panel + below + 0.5) as figure:
        upper, lower = figure.subplots(2, sharex=True,
                                       height_ratios=(panel, below))
        _draw_bands(upper, run, shown, begin, panel)
        if not run.duration:
            style.empty(lower, 'It is not known how long the run was.')
        elif len(shown) > LINES:
            _draw_image(lower, run, begin, width)
        else:
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
    mark = _mark(height, sum(each.times.size for each in shown))
    top, ticks, notes = 0.0, [], []
    for (activity, colour), each in zip(style.coloured(run.activities), shown,
                                        strict=True):
        late = each.times >= begin
        axes.plot(each.times[late], top + each.rows[late] + 0.5, color=colour,
                  linestyle='none', clip_on=False, **mark)
        ticks.append(top + each.ids.size/2)
        # How many neurons these are, where there is room for it
        some = each.ids.size < activity.size and height*each.ids.size > 40
        notes.append(f'\n{each.ids.size:,} of\n{activity.size:,}'
                     if some else '')
        top += each.ids.size + gap
    axes.set(ylim=(top - gap + 0.01*total, -0.01*total), yticks=ticks)
    axes.tick_params('both', length=0, labelbottom=False)
    axes.spines['bottom'].set_visible(False)
    _name_bands(axes, run, notes)


def _mark(height: float, dots: int) -> dict[str, Any]:
    """Return how a spike looks in a row that is ``height`` points high."""
    if height > 4:
        return {'marker': '|', 'markersize': min(0.7*height, 12),
                'markeredgewidth': 0.9}
    few = min(1.0, 1000/max(dots, 1))
    return {'marker': 'o', 'markersize': max(0.75*height, 1.1 + few),
            'markeredgewidth': 0}


def _name_bands(axes: Axes, run: Run, notes: Sequence[str]) -> None:
    """Name the populations at the ticks of y, each in its colour."""
    pairs = style.coloured(run.activities)
    axes.set_yticklabels([style.plain(activity.name) + note for (activity, _),
                          note in zip(pairs, notes, strict=True)])
    for label, (_, colour) in zip(axes.get_yticklabels(), pairs,
                                  strict=True):
        label.set_color(colour)


def _draw_rates(axes: Axes, run: Run, begin: float, width: float) -> None:
    edges = begin + rates.edges_of(run.duration - begin, width)
    for activity, line in style.lined(run.activities):
        values = rates.rate(activity, edges)
        if values.size > STEPS:
            axes.plot((edges[1:] + edges[:-1])/2, values, linewidth=0.9,
                      **line)
        else:
            axes.stairs(values, edges, baseline=None, linewidth=1.1, **line)
    some = any(activity.times.size for activity in run.activities)
    axes.set(xlabel='time (ms)', ylabel='rate (Hz)', xlim=edges[[0, -1]],
             ylim=(0, None if some else 1))


def _draw_image(axes: Axes, run: Run, begin: float, width: float) -> None:
    edges = begin + rates.edges_of(run.duration - begin, width)
    values = np.stack([rates.rate(activity, edges)
                       for activity in run.activities])
    places = np.arange(len(values) + 1)
    image = axes.pcolormesh(edges, places, values, cmap=style.MAP, vmin=0,
                            vmax=values.max() or 1, rasterized=True)
    axes.figure.colorbar(image, cax=axes.inset_axes((1.015, 0, 0.015, 1)),
                         label='rate (Hz)')
    axes.set(xlabel='time (ms)', xlim=edges[[0, -1]],
             ylim=(len(values), 0), yticks=places[:-1] + 0.5)
    axes.tick_params('y', length=0)
    _name_bands(axes, run, ['']*len(values))


def _heights(shown: Sequence[Band]) -> tuple[float, float]:
    """Return inches of raster and rates, for how much there is to see."""
    some = any(each.times.size for each in shown)
    rows = sum(each.ids.size for each in shown)
    panel = max(min(PANEL, 0.35 + ROOM*rows), 0.3*len(shown))
    below = 0.17*len(shown) if len(shown) > LINES else 1.3
    return (panel if some else style.EMPTY - 0.3), below

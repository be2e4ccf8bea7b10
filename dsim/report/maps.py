"""Rates laid out on the sheet, in mm."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from dsim.report import style
from dsim.report.folder import Activity, Grid, Run

ACROSS = 3
"""Maps that lie side by side."""

MARGIN = 1.1
"""Inches that labels and colour bar take beside a map."""


def rate_map(activity: Activity, duration: float) -> np.ndarray | None:
    """Return the rate in Hz of each neuron on the grid, [rows, columns].

    None if the grid or the duration (ms) is not known.
    """
    if activity.grid is None or not duration:
        return None
    return activity.counts.reshape(activity.grid.shape)/(duration/1000)


def top_of(values: np.ndarray) -> float:
    """Return where a colour scale from 0 should end.

    Some neurons much above all others would leave no colour for the rest.
    """
    top = np.percentile(values, 99.8, method='higher')
    return float(max(top, 0.5*values.max()))


def proportion(grid: Grid) -> float:
    """Return height/width of the sheet as it is drawn.

    That is the true one, unless nothing could be seen of a sheet so long.
    """
    x, y = grid.extent
    return y/x if 1/4 <= y/x <= 4 else 1.0


def show(axes: Axes, values: np.ndarray, grid: Grid, label: str, low: float,
         high: float, extend: str, **settings: Any) -> AxesImage:
    """Lay ``values`` [rows, columns] on the sheet, row 0 at the top.

    The colours go from ``low`` to ``high``; ``extend`` says at which ends
    of the colour bar there are values beyond, ``label`` what they are.
    """
    x, y = grid.extent
    settings = {'cmap': style.MAP, **settings}
    image = axes.imshow(values, extent=(0, x, y, 0), vmin=low, vmax=high,
                        **settings)
    axes.set_aspect(proportion(grid)*x/y)
    axes.set(xlabel='x (mm)', ylabel='y (mm)')
    axes.locator_params(nbins=4, steps=(1, 2, 5, 10))
    for spine in axes.spines.values():
        spine.set_visible(True)

    # Inside the panel's own frame, so that bar and map are of equal height
    axes.figure.colorbar(image, cax=axes.inset_axes((1.04, 0, 0.05, 1)),
                         label=label, extend=extend)
    return image


def draw(run: Run, folder: Path) -> list[style.Picture]:
    """Draw a map of the rates of each population."""
    if not run.activities:
        return []
    path = folder/'maps.png'
    across = min(ACROSS, len(run.activities))
    down = -(-len(run.activities)//across)
    width = style.WIDTH if across > 1 else 4.0
    tallest = max((proportion(a.grid) for a in run.activities if a.grid),
                  default=1.0)
    height = down*(tallest*(width/across - MARGIN) + 0.75)
    if all(_reason(activity, run.duration) for activity in run.activities):
        height = down*style.EMPTY
    with style.figure(path, height, width) as figure:
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for axes in panels[len(run.activities):]:
            axes.remove()
        for axes, (activity, colour) in zip(
                panels, style.coloured(run.activities), strict=False):
            axes.set_title(style.plain(activity.name), color=colour)
            _draw_map(axes, activity, run.duration)
        # Once ahead, for only then it is known how wide the scales are
        figure.draw_without_rendering()
    caption = ('Mean rate of each neuron over the whole run where it lies on '
               'the sheet; row 0 is at the top, each population has its own '
               'scale.')
    return [style.picture(path, 'Rates on the sheet', caption, width)]


def _reason(activity: Activity, duration: float) -> str:
    """Return why there is no map; '' if there is one."""
    if activity.grid is None:
        return 'Its grid is not known.'
    if not duration:
        return 'The duration of the run is not known.'
    if not activity.times.size:
        return 'There are no spikes.'
    if activity.size == 1:
        return f'One neuron: {activity.rate(duration):.3g} Hz'
    return ''


def _draw_map(axes: Axes, activity: Activity, duration: float) -> None:
    values, reason = rate_map(activity, duration), _reason(activity, duration)
    if reason or values is None or activity.grid is None:
        style.empty(axes, reason, 24)
        return

    top = top_of(values)
    show(axes, values, activity.grid, 'rate (Hz)', 0, top,
         'max' if values.max() > top else 'neither')

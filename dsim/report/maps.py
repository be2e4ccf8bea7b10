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
    return float(max(np.percentile(values, 99.8), 0.5*values.max()))


def show(axes: Axes, values: np.ndarray, grid: Grid, label: str,
         **settings: Any) -> AxesImage:
    """Lay ``values`` [rows, columns] on the sheet, row 0 at the top.

    ``label`` names the values at the colour bar.  Neurons keep the shape of
    their cells, unless the sheet is so long that nothing could be seen.
    """
    x, y = grid.extent
    settings = {'cmap': style.MAP, **settings}
    image = axes.imshow(values, extent=(0, x, y, 0), **settings)
    axes.set_aspect('equal' if 1/4 <= y/x <= 4 else 'auto')
    axes.set(xlabel='x (mm)', ylabel='y (mm)')
    axes.locator_params(nbins=4, steps=(1, 2, 5, 10))
    for spine in axes.spines.values():
        spine.set_visible(True)

    # Inside the panel's own frame, so that bar and map are of equal height
    above = values.max(initial=-np.inf) > (image.norm.vmax or np.inf)
    axes.figure.colorbar(image, cax=axes.inset_axes((1.04, 0, 0.05, 1)),
                         label=label, extend='max' if above else 'neither')
    return image


def draw(run: Run, folder: Path) -> list[style.Picture]:
    """Draw a map of the rates of each population."""
    if not run.activities:
        return []
    path = folder/'maps.png'
    across = min(ACROSS, len(run.activities))
    down = -(-len(run.activities)//ACROSS)
    width = max(style.WIDTH*across/ACROSS, 3.4)
    tallest = max((a.grid.extent[1]/a.grid.extent[0] for a in run.activities
                   if a.grid), default=1)
    panel = 1.7*min(max(tallest, 0.5), 2) if tallest <= 4 else 2.4
    with style.figure(path, down*(panel + 0.75), width) as figure:
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for axes in panels[len(run.activities):]:
            axes.remove()
        for axes, (activity, colour) in zip(
                panels, style.coloured(run.activities), strict=False):
            axes.set_title(style.plain(activity.name), color=colour)
            _draw_map(axes, activity, run.duration)
    caption = ('Mean rate of each neuron over the whole run where it lies on '
               'the sheet; row 0 is at the top, each population has its own '
               'scale.')
    return [style.picture(path, 'Rates on the sheet', caption, width)]


def _draw_map(axes: Axes, activity: Activity, duration: float) -> None:
    values = rate_map(activity, duration)
    if values is None:
        style.empty(axes, 'The duration of the run is not known.'
                    if activity.grid else 'No node file tells of a grid.', 24)
    elif not activity.times.size:
        style.empty(axes, 'There are no spikes.', 24)
    else:
        show(axes, values, activity.grid, 'rate (Hz)', vmin=0,
             vmax=top_of(values))

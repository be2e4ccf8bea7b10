"""How a model would scale: time against ranks, and what it goes into."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from dsim.report import style

PARTS = ('compute', 'imbalance', 'latency', 'bandwidth', 'overhead')
"""What the time of a run goes into, in the order of the stack."""


def draw(forecasts: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw what `dsim predict` found, one row of panels for each scheme.

    ``forecasts`` are those of its JSON, each of one exchange scheme.
    """
    shown = [forecast for forecast in forecasts if forecast['points']]
    with style.figure(path, 2.5*max(len(shown), 1)) as figure:
        panels = figure.subplots(max(len(shown), 1), 2, squeeze=False,
                                 sharex=True)
        if not shown:
            for axes in panels.flat:
                style.empty(axes, 'no number of ranks fits the model')
            return
        for (left, right), forecast in zip(panels, shown, strict=True):
            _draw_times(left, forecast)
            _draw_shares(right, forecast)
        for axes in panels[-1]:
            axes.set_xlabel('ranks')
        style.legend(figure, ['total', 'ideal', *PARTS], [
            {'color': style.INK}, {'color': style.FAINT, 'linestyle': '--'},
            *({'color': colour} for _, colour in parts())])


def parts() -> list[tuple[str, str]]:
    """Return each part of the time with its colour."""
    return style.coloured(PARTS, style.PHASE_COLOURS)


def columns(forecast: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return arrays over the numbers of ranks: ranks, seconds, parts."""
    points = forecast['points']
    found = {name: np.array([point[name] for point in points], float)
             for name in ('ranks', 'seconds')}
    return {**found, **{part: np.array([point['parts'][part]
                                        for point in points], float)
                        for part in PARTS}}


def ideal(forecast: Mapping[str, Any]) -> np.ndarray:
    """Return the seconds that perfect scaling would take."""
    found = columns(forecast)
    ratio = 1 if forecast['weak'] else found['ranks'][0]/found['ranks']
    return found['seconds'][0]*np.ones(found['ranks'].size)*ratio


def _draw_times(axes: Axes, forecast: Mapping[str, Any]) -> None:
    found = columns(forecast)
    ranks = found['ranks']
    for part, colour in parts():
        axes.plot(ranks, np.where(found[part] > 0, found[part], np.nan),
                  color=colour, linewidth=0.8, marker='.', markersize=3)
    axes.plot(ranks, ideal(forecast), color=style.FAINT, linestyle='--')
    axes.plot(ranks, found['seconds'], color=style.INK, linewidth=1.6)
    low, high = found['seconds'].min(), found['seconds'].max()
    axes.set(xscale='log', yscale='log', ylabel='s for 1 s of the model',
             title=f'{_growth(forecast)} scaling, '
             f'{forecast["points"][0]["exchange"]}',
             ylim=style.log_limits(low/300, high*1.2))
    style.log_ticks(axes.xaxis)
    style.log_ticks(axes.yaxis)


def _draw_shares(axes: Axes, forecast: Mapping[str, Any]) -> None:
    found = columns(forecast)
    axes.stackplot(found['ranks'],
                   [100*found[part]/found['seconds'] for part in PARTS],
                   colors=[colour for _, colour in parts()], linewidth=0)
    axes.set(xscale='log', ylim=(0, 100), ylabel='share of the time (%)')
    style.log_ticks(axes.xaxis)


def _growth(forecast: Mapping[str, Any]) -> str:
    return 'Weak' if forecast['weak'] else 'Strong'

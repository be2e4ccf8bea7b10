"""Where the time of a run went: wall time per phase over the ranks."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from dsim.report import style
from dsim.report.folder import Run

ORDER = ('update', 'deliver', 'exchange', 'wait', 'record')
"""Phases in the order of the loop; any others come after them."""

ROWS = ('smallest', 'mean', 'largest')


def in_order(phases: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return phase -> (smallest, mean, largest) s in the loop's order."""
    names = [name for name in ORDER if name in phases]
    names += sorted(name for name in phases if name not in ORDER)
    return {name: phases[name] for name in names}


def shares(phases: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return each phase's share of the time of all phases, mean rank."""
    total = sum(float(mean) for _, mean, _ in phases.values())
    return {name: (float(seconds[1])/total if total else 0.0)
            for name, seconds in phases.items()}


def rest(phases: Mapping[str, np.ndarray], wall: float) -> float:
    """Return the seconds of the mean rank that no phase accounts for."""
    return max(0.0, wall - sum(float(mean) for _, mean, _
                               in phases.values()))


def parts(phases: Mapping[str, np.ndarray]) -> list[tuple[str, str]]:
    """Return each phase with its colour, and at last the rest in grey."""
    return [*style.coloured(phases, style.PHASE_COLOURS), ('', '#d0d0d0')]


def draw(run: Run, folder: Path) -> list[style.Picture]:
    """Draw the phases stacked: for the mean rank, the least and the most."""
    phases = in_order(run.phases)
    if not phases:
        return []
    path = folder/'phases.png'
    wall = float(run.timings.get('wall', 0.0))
    ranks = int(run.timings.get('ranks', 1))
    rows = range(3) if ranks > 1 else (1,)
    with style.figure(path, 0.7 + 0.28*len(rows)) as figure:
        axes = figure.subplots()
        for place, row in enumerate(rows):
            _draw_row(axes, phases, place, row,
                      rest(phases, wall) if row == 1 else 0.0)
        axes.set(yticks=range(len(rows)), ylim=(len(rows) - 0.5, -0.5),
                 yticklabels=[ROWS[row] if ranks > 1 else '1 rank'
                              for row in rows], xlabel='wall time (s)')
        axes.spines['left'].set_visible(False)
        axes.tick_params('y', length=0)
        style.legend(figure, [*phases, 'rest of the loop'], [
            {'color': colour, 'linewidth': 3} for _, colour in parts(phases)])
    caption = ('Wall time of the time loop by phase; percentages are of all '
               'phases together.')
    if ranks > 1:
        caption = (
            f'{caption} The mean over {ranks} ranks, and the smallest '
            'and the largest, which are taken phase by phase and so belong '
            'to no one rank.')
    return [style.picture(path, 'Time by phase', caption)]


def _draw_row(axes: Axes, phases: Mapping[str, np.ndarray], place: int,
              row: int, other: float) -> None:
    """Stack the phases of one row, and their shares where there is room."""
    widths = [float(seconds[row]) for seconds in phases.values()] + [other]
    longest = sum(float(seconds[2]) for seconds in phases.values())
    portions = [*shares(phases).values(), 0.0]
    begin = 0.0
    for width, portion, (_, colour) in zip(widths, portions, parts(phases),
                                           strict=True):
        axes.barh(place, width, 0.75 if row == 1 else 0.45, begin,
                  color=colour, edgecolor='white', linewidth=0.6)
        if row == 1 and portion and width > 0.06*max(longest, sum(widths)):
            bright = np.dot(to_rgb(colour), (0.3, 0.59, 0.11)) > 0.6
            axes.text(begin + width/2, place, f'{100*portion:.0f} %',
                      ha='center', va='center', fontsize=7.5,
                      color=style.INK if bright else 'white')
        begin += width

"""Recorded values of a few neurons over time."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from dsim.errors import InputFileError
from dsim.io.sonata.reports import Report, read_reports
from dsim.report import style
from dsim.report.folder import Run

NEURONS = 5
"""Neurons shown of each recording."""

POINTS = 2000
"""Stretches of time in which a trace is drawn."""


def envelope(times: np.ndarray, values: np.ndarray, points: int = POINTS
             ) -> tuple[np.ndarray, np.ndarray]:
    """Return (times, values) thinned so that no peak is lost.

    Of each of ``points`` stretches of equal length the smallest and the
    largest value are kept.  Both arrays are [n]; short ones stay as they
    are.
    """
    each = -(-values.size//points)
    if each <= 2:
        return times, values
    whole = values.size//each*each
    block = values[:whole].reshape(-1, each)
    ends = np.sort(np.stack([block.argmin(1), block.argmax(1)], 1))
    kept = (ends + each*np.arange(len(block))[:, None]).ravel()
    return (np.append(times[kept], times[whole:]),
            np.append(values[kept], values[whole:]))


def draw(run: Run, folder: Path) -> list[style.Picture]:
    """Draw the traces of each recording, one picture a recording."""
    pictures = []
    for source in run.values:
        try:
            reports = read_reports(source)
        except InputFileError:
            if run.finished:
                raise
            # The run was stopped before, or while, it wrote its first rows
            continue
        for population, report in reports.items():
            if report.data.size:
                pictures.append(_draw_report(run, folder, source, population,
                                             report))
    return pictures


def _draw_report(run: Run, folder: Path, source: Path, population: str,
                 report: Report) -> style.Picture:
    variable = variable_of(source, population)
    path = folder/f'values_{population}_{variable}.png'
    count = min(NEURONS, report.node_ids.size)
    columns = np.linspace(0, report.node_ids.size - 1, count).round()
    with style.figure(path, 0.9 + 0.75*count) as figure:
        panels = figure.subplots(count, sharex=True, sharey=True,
                                 squeeze=False)[:, 0]
        for axes, column in zip(panels, columns.astype(int), strict=True):
            _draw_trace(axes, run, population, report, column)
        panels[-1].set_xlabel('time (ms)')
        style.thousands(panels[-1].xaxis)
        panels[-1].set_xlim(report.times[0], max(report.times[-1],
                                                 run.duration))
        figure.supylabel(style.plain(f'{variable} ({report.unit})'),
                         fontsize=8.5)
    caption = (f'{variable} of {count} of the {report.node_ids.size:,} '
               f'neurons recorded in {population}. Ticks above a trace are '
               'the neuron’s spikes.')
    return style.picture(path, f'Recorded values: {population} {variable}',
                         caption)


def variable_of(source: Path, population: str) -> str:
    """Return what was recorded, from the name of the file."""
    name = source.name.removesuffix('.part').removesuffix('.h5')
    return name.removeprefix('values_').removeprefix(f'{population}_')


def _draw_trace(axes: Axes, run: Run, population: str, report: Report,
                column: int) -> None:
    neuron = int(report.node_ids[column])
    activity, colour = next(
        (pair for pair in style.coloured(run.activities)
         if pair[0].name == population), (None, style.COLOURS[0]))
    times = report.times[:len(report.data)]
    axes.plot(*envelope(times, report.data[:, column]), color=colour,
              linewidth=0.9)
    if activity is not None:
        fired = activity.times[activity.ids == neuron]
        fired = fired[(fired >= times[0]) & (fired <= times[-1])]
        axes.plot(fired, np.full(fired.size, 1.06), '|', color=style.INK,
                  transform=axes.get_xaxis_transform(), clip_on=False,
                  markersize=4, markeredgewidth=0.8)
    axes.locator_params('y', nbins=3)
    axes.text(1.01, 0.5, f'neuron\n{neuron:,}', color=style.FAINT,
              transform=axes.transAxes, va='center')

"""Rates of whole populations over time, and their spectra."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from scipy import signal

from dsim.report import style
from dsim.report.folder import Activity, Run

BINS = 400
"""About so many bins are drawn over a run."""

FINE = 1.0
"""Width in ms of the bins that a spectrum is made from, if the steps allow."""

PER_DECADE = 30
"""Points of a spectrum in a decade, at most."""

MOST, FEWEST = 1 << 20, 64
"""Bins that a spectrum is made from."""


def nice(width: float) -> float:
    """Return the smallest of 1, 2, 5, 10 ... (any decade) >= ``width``."""
    decade = 10.0**np.floor(np.log10(width))
    for factor in (1, 2, 5):
        if factor*decade >= width*(1 - 1e-9):
            return float(factor*decade)
    return float(10*decade)


def bin_width(duration: float, step: float, bins: int = BINS,
              least: float = FINE) -> float:
    """Return a round width in ms for about ``bins`` bins, >= ``least``.

    It is a whole number of time steps of ``step`` ms (0 if not known): else
    some bins would hold a step more than others and make a comb.
    """
    width = nice(duration/bins) if duration > least*bins else least
    return float(np.ceil(width/step - 1e-9)*step) if step else width


def edges_of(duration: float, width: float) -> np.ndarray:
    """Return the edges of bins over [0, duration]; the last may be short."""
    count = max(1, int(np.ceil(duration/width - 1e-9)))
    return np.minimum(width*np.arange(count + 1), duration)


def binned(times: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the spikes in each bin (edge, next edge], int64[bins].

    ``times`` float64[n] in ms must ascend.  A step is stamped at its end,
    so the spike of the last step of a bin bears the time of its upper edge.
    """
    slack = 1e-6*(edges[1] - edges[0])
    return np.diff(np.searchsorted(times, edges + slack, side='right'))


def rate(activity: Activity, edges: np.ndarray) -> np.ndarray:
    """Return the mean rate of a population in each bin, float64[bins] Hz."""
    seconds = np.diff(edges)/1000
    return binned(activity.times, edges)/(max(activity.size, 1)*seconds)


def spectrum(activity: Activity, duration: float, width: float
             ) -> tuple[np.ndarray, np.ndarray]:
    """Return (frequencies Hz, power Hz^2/Hz) of a population's rate.

    Welch's method on the rate in bins of ``width`` ms, from windows that
    are half of the run or 2048 bins long; without the mean.
    """
    whole = int(duration/width + 1e-9)
    values = rate(activity, width*np.arange(whole + 1))
    length = min(2048, max(FEWEST, 1 << int(np.log2(whole/2))))
    frequencies, power = signal.welch(values, fs=1000/width,
                                      nperseg=min(length, whole))
    # The first is the mean, and the last one is defined otherwise
    return frequencies[1:-1], power[1:-1]


def smoothed(frequencies: np.ndarray, power: np.ndarray,
             per_decade: int = PER_DECADE) -> tuple[np.ndarray, np.ndarray]:
    """Return means over bins equally wide on a log scale.

    Without it, the many high frequencies are a blot on a log axis.  The
    arrays are [n], frequencies ascend; a low one has a bin of its own.
    """
    bins = (per_decade*np.log10(frequencies/frequencies[0])).astype(int)
    starts = np.flatnonzero(np.diff(bins, prepend=-1))
    count = np.diff(starts, append=bins.size)
    return (np.add.reduceat(frequencies, starts)/count,
            np.add.reduceat(power, starts)/count)


def draw_spectrum(run: Run, folder: Path) -> list[style.Picture]:
    """Draw the spectrum of each population's rate, on log axes."""
    path = folder/'spectrum.png'
    width = bin_width(run.duration, run.step, MOST)
    reason = _too_little(run, width)
    with style.figure(path, style.EMPTY if reason else 2.8, 5.0) as figure:
        axes = figure.subplots()
        if reason:
            style.empty(axes, reason)
        else:
            _draw_lines(axes, run, width)
    caption = (
        f'Power spectral density of the population rates in bins of '
        f'{width:g} ms (Welch’s method, mean removed). Dotted: as many '
        'independent Poisson neurons of the same mean rate.')
    return [style.picture(path, 'Spectrum of the population rate', caption,
                          5.0)]


def _too_little(run: Run, width: float) -> str:
    if not any(activity.times.size > 1 for activity in run.activities):
        return 'There are too few spikes for a spectrum.'
    if run.duration < FEWEST*width:
        return (f'Too short for a spectrum: {run.duration:g} ms are fewer '
                f'than {FEWEST} bins of {width:g} ms.')
    return ''


def _draw_lines(axes: Axes, run: Run, width: float) -> None:
    shown = [(activity, line) for activity, line
             in style.lined(run.activities) if activity.times.size > 1]
    ends = []
    for activity, line in shown:
        frequencies, power = smoothed(*spectrum(activity, run.duration,
                                                width))
        flat = 2*activity.rate(run.duration)/activity.size
        # A rate that never changes has none, but for rounding
        power = np.where(power > 1e-9*flat, power, np.nan)
        axes.plot(frequencies, power, **line)
        axes.axhline(flat, color=line['color'], linestyle=':', linewidth=1,
                     zorder=1)
        ends += [flat, *power[np.isfinite(power)]]
    axes.set(xscale='log', yscale='log', xlabel='frequency (Hz)',
             ylabel='power (Hz²/Hz)',
             xlim=style.log_limits(frequencies[0], frequencies[-1]),
             ylim=style.log_limits(min(ends), max(ends)))
    style.log_ticks(axes.xaxis)
    style.log_ticks(axes.yaxis)
    style.legend(axes.figure, [activity.name for activity, _ in shown],
                 [line for _, line in shown])

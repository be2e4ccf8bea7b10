"""The figures of the network of Izhikevich (2003), and of its rhythms."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator
from scipy import signal

from dsim.network import Network
from dsim.report import style
from dsim.reproduce import pictures
from dsim.reproduce.izhikevich_2003_activity import (
    BANDS,
    DURATION,
    Activity,
    rhythm,
)
from dsim.simulation import Simulation

PEAK = 30.0
OURS, THEIRS = style.COLOURS[0], style.COLOURS[1]


class Typical(NamedTuple):
    """One excitatory neuron: its number, v in mV at each ms, its spikes."""

    number: int
    v: np.ndarray
    spikes: np.ndarray


def typical(net: Network, activity: Activity, comm: Any) -> Typical:
    """Run ``net`` again, keeping v of a neuron that fires as most do."""
    counts = np.bincount(activity.numbers, minlength=activity.excitatory)
    counts = counts[:activity.excitatory]
    number = int(np.argmin(abs(counts - np.median(counts))))
    net.record('exc', 'v', ids=[number])
    with Simulation(net, dt=1.0, comm=comm) as simulation:
        simulation.run(DURATION)
        v = simulation.values('exc', 'v')[:, 0]
    spikes = activity.times[activity.numbers == number]
    v[spikes.astype(int) - 1] = PEAK
    return Typical(number, v, spikes)


def draw(folder: Path, ours: Sequence[Activity],
         theirs: Sequence[Activity], rows: list[dict[str, Any]],
         trace: Typical) -> None:
    """Draw ``network.png`` and ``rhythms.png``."""
    draw_network(folder/'network.png', ours[0], trace)
    draw_rhythms(folder/'rhythms.png', ours, theirs, rows)


def draw_network(path: Path, activity: Activity, trace: Typical) -> None:
    """Draw the raster over one neuron's v, as figure 3 of the paper."""
    total = activity.excitatory + activity.inhibitory
    with style.figure(path, 5.4) as figure:
        upper, lower = figure.subplots(2, sharex=True, height_ratios=(4, 1))
        upper.plot(activity.times, activity.numbers + 1, '.', markersize=1.6,
                   markeredgewidth=0, color=style.INK, rasterized=True)
        upper.axhline(activity.excitatory + 0.5, color=style.COLOURS[1],
                      linewidth=0.8)
        upper.set(ylabel='neuron number', ylim=(0, total),
                  title='1000 randomly coupled neurons: excitatory below '
                  'the line, inhibitory above')
        lower.plot(np.arange(trace.v.size), trace.v, color=style.COLOURS[0],
                   linewidth=0.8)
        lower.set(xlabel='time (ms)', ylabel='v (mV)', xlim=(0, 1000),
                  ylim=(-90, 35), yticks=(-80, -40, 0),
                  title=f'excitatory neuron {trace.number + 1}, which fires '
                  f'{trace.spikes.size} times')
        pictures.caption(
            figure, 'After figure 3 of Izhikevich (2003), with the random '
            'numbers of seed 1; spikes below drawn up to 30 mV.')


def draw_rhythms(path: Path, ours: Sequence[Activity],
                 theirs: Sequence[Activity], rows: list[dict[str, Any]]
                 ) -> None:
    """Draw spectra, a time course of the rhythms, and rates and peaks."""
    with style.figure(path, 5.6) as figure:
        panels = figure.subplots(2, 2)
        _draw_spectra(panels[0, 0], ours, theirs)
        _draw_course(panels[0, 1], ours[0])
        _draw_rates(panels[1, 0], rows)
        _draw_peaks(panels[1, 1], rows)
        pictures.letter(panels.ravel())
        pictures.caption(
            figure, f'{len(ours)} seeds of 1000 ms each. Program: the '
            'published one, transcribed to numpy, with other random '
            'numbers. a: mean and its 95 % interval. c: each step is a '
            'seed. d: frequency of the highest peak in each band, a dot a '
            'seed, the line its median.')


def _power(runs: Sequence[Activity]) -> tuple[np.ndarray, np.ndarray]:
    found = [rhythm(each) for each in runs]
    return found[0].frequencies, np.array([f.power for f in found])


def _draw_spectra(axes: Axes, ours: Sequence[Activity],
                  theirs: Sequence[Activity]) -> None:
    for runs, colour, name in ((theirs, THEIRS, 'program'),
                               (ours, OURS, 'dsim')):
        frequencies, power = _power(runs)
        mean = power.mean(axis=0)
        error = 1.96*power.std(axis=0, ddof=1)/np.sqrt(len(runs))
        shown = (frequencies >= 2) & (frequencies <= 100)
        axes.fill_between(frequencies[shown],
                          np.maximum(mean - error, 1e-3)[shown],
                          (mean + error)[shown], color=colour, alpha=0.2,
                          linewidth=0)
        axes.plot(frequencies[shown], mean[shown], color=colour, label=name)
    for name, band in BANDS.items():
        axes.axvspan(*band, color=style.FAINT, alpha=0.12, linewidth=0)
        axes.text(np.sqrt(band[0]*band[1]), 0.97, name, ha='center',
                  va='top', fontsize=7, color=style.FAINT,
                  transform=axes.get_xaxis_transform())
    axes.set(xscale='log', yscale='log', xlabel='frequency (Hz)',
             ylabel='power of the rate (Hz²/Hz)',
             title='spectrum of the mean rate', xticks=(2, 5, 10, 20, 40, 100),
             xlim=(2, 100))
    axes.set_xticklabels(['2', '5', '10', '20', '40', '100'])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(loc='lower left')


def _draw_course(axes: Axes, activity: Activity) -> None:
    size = activity.excitatory + activity.inhibitory
    counts = np.bincount(np.ceil(activity.times).astype(int) - 1,
                         minlength=round(DURATION))
    for k, (name, band) in enumerate(BANDS.items()):
        filtered = signal.sosfiltfilt(signal.butter(
            2, band, 'bandpass', fs=1000, output='sos'), 1000*counts/size)
        axes.plot(np.arange(filtered.size), filtered - 40*k,
                  color=style.COLOURS[2 + k])
        axes.text(990, 16 - 40*k, f'{name}, {band[0]:g} to {band[1]:g} Hz',
                  ha='right', fontsize=8, color=style.COLOURS[2 + k])
    axes.plot([20, 20], [-78, -58], color=style.INK, linewidth=2,
              solid_capstyle='butt')
    axes.text(35, -68, '20 Hz', va='center', fontsize=7)
    axes.set(xlabel='time (ms)', ylabel='filtered rate', yticks=[],
             title='rhythms come in episodes (seed 1)', xlim=(0, DURATION),
             ylim=(-84, 28))


def _draw_rates(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for name, line in (('excitatory', '-'), ('inhibitory', '--')):
        for program, colour in (('transcription', THEIRS), ('dsim', OURS)):
            rates = np.sort([row[f'rate of {name} neurons'] for row in rows
                             if row['program'] == program])
            steps = np.arange(1, rates.size + 1)/rates.size
            axes.plot(np.append(rates[0], rates), np.append(0, steps),
                      color=colour, linestyle=line, drawstyle='steps-post',
                      label=f'{name}, '
                      + ('dsim' if program == 'dsim' else 'program'))
    axes.set(xlabel='mean rate (Hz)', ylabel='fraction of seeds', ylim=(0, 1),
             title='rates')
    axes.legend(loc='upper left', fontsize=7)


def _draw_peaks(axes: Axes, rows: list[dict[str, Any]]) -> None:
    draw = np.random.default_rng(1)
    for k, (band, program) in enumerate(
            (band, program) for band in ('alpha', 'gamma')
            for program in ('transcription', 'dsim')):
        peaks = np.array([row[f'{band}: frequency of the peak']
                          for row in rows if row['program'] == program])
        colour = OURS if program == 'dsim' else THEIRS
        axes.plot(k + 0.12*draw.uniform(-1, 1, peaks.size), peaks, 'o',
                  color=colour, markersize=3, alpha=0.7, markeredgewidth=0)
        axes.hlines(np.median(peaks), k - 0.25, k + 0.25, color=colour)
    axes.set(ylabel='frequency (Hz)', title='peaks', xticks=range(4),
             xticklabels=['alpha\nprogram', 'alpha\ndsim', 'gamma\nprogram',
                          'gamma\ndsim'], ylim=(0, 62))

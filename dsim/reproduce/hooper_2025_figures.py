"""The figures and movies of the grid that is reconstructed after GAIN."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from dsim.report import style
from dsim.reproduce import hooper_2025_layers as layers
from dsim.reproduce import pictures
from dsim.reproduce.hooper_2025_sheet import Seen
from dsim.reproduce.hooper_2025_waves import CASES, CRITICAL

MARK = 'GAIN-like, reconstructed from the abstract of Hooper (2025). '
LOW, HIGH = -85.0, -35.0
"""The colours' ends for v, in mV."""

FRAMES = 160
"""Frames of a movie, at most."""

COLOURS = dict(zip(layers.NETWORKS, (style.COLOURS[0], style.COLOURS[1],
                                     style.COLOURS[6]), strict=True))
NAMES = {
    'dimension': 'dimension', 'complexity': 'Lempel-Ziv complexity (× noise)',
    'repertoire': 'entropy of activity (bits)',
    'modes': 'modes of the intervals', 'length': 'correlation length (hops)',
    'sustained': 'activity after the burst (ms)',
}


class Cells(NamedTuple):
    """What single cells did.

    ``traces`` is preset -> (v in mV [T], spike times) at I = 10; ``pulses``
    and ``latencies`` are sizes and steps, ``thresholds`` number of driven
    steps -> least weight of a wave.
    """

    traces: dict[str, tuple[np.ndarray, np.ndarray]]
    pulses: np.ndarray
    latencies: np.ndarray
    thresholds: dict[int, float]


def draw_cells(path: Path, cells: Cells) -> None:
    """Draw v of three kinds of cells, latencies and thresholds."""
    with style.figure(path, 4.6) as figure:
        upper, lower = figure.subfigures(2, 1, height_ratios=(3, 2.4))
        traces = upper.subplots(3, 1, sharex=True)
        for axes, (preset, (v, spikes)), colour in zip(
                traces, cells.traces.items(), style.COLOURS, strict=False):
            shown = v.copy()
            shown[spikes[spikes < shown.size].astype(int) - 1] = 30.0
            axes.plot(np.arange(shown.size), shown, color=colour,
                      linewidth=0.8)
            axes.set(xlim=(0, 500), ylim=(-90, 35), yticks=(-80, 0),
                     title=preset.replace('_', ' ') + ', I = 10')
        traces[1].set_ylabel('v (mV)')
        traces[2].set_xlabel('time (ms)')

        left, right = lower.subplots(1, 2)
        _draw_latency(left, cells)
        _draw_thresholds(right, cells.thresholds)
        pictures.letter([traces[0], left, right])
        pictures.caption(
            lower, MARK + 'a: published scheme, 1 ms. b: a resting cell '
            'fires so late after a pulse of one step. c: von Neumann grid '
            'at rest, centre driven by I = 20; at five steps the centre '
            'fires twice.')


def _draw_latency(axes: Axes, cells: Cells) -> None:
    axes.plot(cells.pulses, cells.latencies, color=style.COLOURS[0],
              drawstyle='steps-post')
    axes.axvline(CRITICAL, color=style.FAINT, linestyle=':', linewidth=0.9)
    axes.text(CRITICAL + 0.5, 0.92*cells.latencies.max(), f'{CRITICAL:.6f}',
              fontsize=7, color=style.FAINT)
    axes.set(xlabel='size of the pulse', ylabel='latency (steps)',
             xlim=(14, 46), ylim=(0, None), title='a pulse and its spike')


def _draw_thresholds(axes: Axes, thresholds: Mapping[int, float]) -> None:
    axes.axhline(CRITICAL, color=style.FAINT, linestyle=':', linewidth=0.9)
    axes.text(5.45, CRITICAL + 0.15, 'critical pulse', ha='right',
              fontsize=7, color=style.FAINT)
    axes.plot(list(thresholds), list(thresholds.values()), 'o',
              color=style.COLOURS[1])
    axes.set(xlabel='steps for which the centre is driven',
             ylabel='least weight', ylim=(13, 18), xlim=(0.5, 5.5),
             title='weight from which a wave starts')


def draw_waves(path: Path, maps: Mapping[str, np.ndarray],
               told: Mapping[int, int]) -> None:
    """Draw first-spike maps, arrivals along the axis, and the halo."""
    with style.figure(path, 6.6) as figure:
        upper, lower = figure.subfigures(2, 1, height_ratios=(2, 1))
        panels = upper.subplots(2, 3, sharex=True, sharey=True)
        # Diagonal cells of a slow wave are the last: one scale for all
        top = max(first.max() for first in maps.values())
        for axes, (name, first) in zip(panels.ravel(), maps.items(),
                                       strict=True):
            image = axes.imshow(np.where(first < 0, np.nan, first), vmin=0,
                                vmax=top, cmap=style.MAP)
            axes.contour(first, levels=np.arange(0, top, 10), colors='white',
                         linewidths=0.4)
            axes.set(title=name, xticks=(0, 10, 20), yticks=(0, 10, 20))
        upper.colorbar(image, ax=panels, label='first spike (ms)',
                       shrink=0.8)
        left, right = lower.subplots(1, 2)
        _draw_arrivals(left, maps)
        _draw_halo(right, told)
        pictures.letter([panels[0, 0], left, right])
        pictures.caption(
            lower, MARK + '21 × 21 regular spiking cells at rest, the '
            'centre driven by I = 20 for 5 ms. White lines: every 10 ms. '
            'b: grey, one cell a step, the limit of causality. c: an inner '
            'block of 16.')


def _draw_arrivals(axes: Axes, maps: Mapping[str, np.ndarray]) -> None:
    cells = np.arange(11)
    axes.plot(cells, 3 + cells, color=style.FAINT, linewidth=5, alpha=0.3)
    for case in CASES:
        moore = case.neighbourhood == 'Moore'
        colour = style.COLOURS[CASES.index(case) % 3]
        axes.plot(cells, maps[case.name][10, 10:], '--s' if moore else '-o',
                  color=colour, markersize=2.5, label=case.name)
    axes.set(xlabel='cells from the centre', ylabel='first spike (ms)',
             title='along the axis', ylim=(0, None))
    axes.legend(fontsize=6.5)


def _draw_halo(axes: Axes, told: Mapping[int, int]) -> None:
    sides = np.array(list(told))
    axes.plot(sides, 4*sides + 4, color=style.FAINT, linewidth=0.9,
              label='4 n + 4')
    axes.plot(sides, list(told.values()), 'o', color=style.COLOURS[1],
              label='by the plan')
    axes.plot(sides, sides**2, ':', color=style.FAINT, label='all n² cells')
    axes.set(xscale='log', yscale='log', xlabel='side n of a block',
             ylabel='cells to tell of', title='what leaves a block',
             xticks=sides)
    axes.set_xticklabels([f'{n}' for n in sides])
    axes.xaxis.set_minor_locator(NullLocator())
    style.log_ticks(axes.yaxis)
    axes.legend()


def draw_sheets(path: Path, seen: Mapping[str, Seen]) -> None:
    """Draw some frames of each sheet side by side."""
    with style.figure(path, 4.75) as figure:
        panels = figure.subplots(3, 5)
        for row, (name, sheet) in zip(panels, seen.items(), strict=True):
            last = (sheet.frames.shape[0] - 1)*(0.5 if name == 'plane' else 1)
            shown = np.linspace(last/5, last, 5).astype(int)
            for axes, k in zip(row, shown, strict=True):
                image = axes.imshow(sheet.frames[k], vmin=LOW, vmax=HIGH,
                                    cmap=pictures.MAP, interpolation='nearest')
                axes.spines[:].set_visible(True)
                axes.set(xticks=[], yticks=[],
                         title=f'{sheet.frame_times[k]:g} ms')
            row[0].set_ylabel({'collision': 'three waves collide',
                               'spiral': 'broken front',
                               'plane': 'unbroken front'}[name])
        figure.colorbar(image, ax=panels, label='v (mV)', shrink=0.6,
                        extend='both')
        side = seen['spiral'].frames.shape[1]
        pictures.caption(
            figure, MARK + f'{side} × {side} regular spiking cells. Above: '
            'Moore, w = 20, three places driven 12 ms apart. Below: von '
            'Neumann, w = 20, the left half recovering at first, a line in '
            'the middle driven for one step; the open end curls up.')


def film(folder: Path, seen: Mapping[str, Seen]) -> None:
    """Write ``collision.gif`` and ``spiral.gif``."""
    for name, title in (('collision', 'GAIN-like: waves that collide'),
                        ('spiral', 'GAIN-like: a broken front')):
        sheet = seen[name]
        every = -(-sheet.frame_times.size//FRAMES)
        pictures.film(folder/f'{name}.gif', sheet.frame_times[::every],
                      sheet.frames[::every], title, (LOW, HIGH))


def draw_richness(path: Path, rows: list[dict[str, Any]],
                  tests: list[layers.Test],
                  rasters: Mapping[str, tuple[np.ndarray, np.ndarray]]
                  ) -> None:
    """Draw rasters, measures at one setting, and all comparisons."""
    weight, noise = layers.WEIGHTS[1], layers.NOISES[0]
    with style.figure(path, 8.6) as figure:
        upper, middle, lower = figure.subfigures(
            3, 1, height_ratios=(2.9, 2.4, 2.2))
        first = upper.subplots(1, 3, sharex=True, sharey=True)
        for axes, (name, raster) in zip(first, rasters.items(), strict=True):
            _draw_raster(axes, name, *raster)
        first[0].set_ylabel('neuron')

        panels = middle.subplots(2, 3)
        for axes, name in zip(panels.ravel(), NAMES, strict=True):
            _draw_measure(axes, rows, name, *layers.shown(name))
        left, right = lower.subplots(1, 2)
        for axes, other in zip((left, right), layers.NETWORKS[1:],
                               strict=True):
            _draw_tests(axes, tests, other)
        right.set_yticklabels([])
        pictures.letter([first[0], panels[0, 0], left, right])
        seeds = len({row['seed'] for row in rows})
        pictures.caption(
            lower, MARK + 'Three networks of 1024 neurons and '
            f'{layers.pairs("grid", 1)[0].size:,} connections, equal '
            f'weights and equal noise. a: seed {layers.FIRST}, w = '
            f'{weight:g}, noise {noise:g}. b: the same for {seeds} seeds, a '
            'dot each, bars are medians; activity after the burst at w = '
            f'{layers.WEIGHTS[2]:g}. c, d: 1 (blue) if the grid has more '
            'with every seed, -1 (red) if less; bold if it survives '
            'Bonferroni\'s correction for all tests.')


def _draw_raster(axes: Axes, name: str, times: np.ndarray, ids: np.ndarray
                 ) -> None:
    begin, end = layers.SHOWN
    rate = 1000*times.size/layers.SIDE**2/(end - begin)
    axes.plot(times, ids, '.', color=COLOURS[name], markersize=1.5,
              markeredgewidth=0, rasterized=True)
    axes.set(title=f'{name}, {rate:.1f} Hz', xlabel='time (ms)',
             ylim=(0, layers.SIDE**2), xlim=layers.SHOWN)


def _draw_measure(axes: Axes, rows: list[dict[str, Any]], name: str,
                  weight: float, noise: float) -> None:
    draw = np.random.default_rng(1)
    for k, network in enumerate(layers.NETWORKS):
        values = np.array([row[name] for row in rows if (
            row['network'], row['weight'], row['noise'])
            == (network, weight, noise)])
        axes.bar(k, np.median(values), 0.7, color=COLOURS[network], alpha=0.3)
        axes.plot(k + 0.15*draw.uniform(-1, 1, values.size), values, 'o',
                  color=COLOURS[network], markersize=2.5, markeredgewidth=0)
    axes.set(xticks=range(3), xticklabels=layers.NETWORKS, title=NAMES[name],
             ylim=(0, None))
    if name == 'sustained':
        # A wave that comes back may last a hundred times as long
        axes.set(yscale='log', ylim=(8, 4000))
        style.log_ticks(axes.yaxis)
    axes.tick_params('x', length=0)


def _draw_tests(axes: Axes, tests: list[layers.Test], other: str) -> None:
    columns = [(w, n) for w in layers.WEIGHTS for n in layers.NOISES]
    names = list(NAMES)
    table = np.full((len(names), len(columns)), np.nan)
    for test in tests:
        if test.other != other:
            continue
        row = names.index(test.measure)
        where = ([columns.index((test.weight, test.noise))] if test.noise
                 else [k for k, (w, _) in enumerate(columns)
                       if w == test.weight])
        table[row, where] = test.effect
        weight = 'normal' if test.verdict == 'alike' else 'bold'
        axes.text(np.mean(where), row, f'{test.effect:+.2f}', ha='center',
                  va='center', fontsize=6.5, fontweight=weight)
    axes.imshow(table, vmin=-1.6, vmax=1.6, cmap='RdBu', aspect='auto')
    axes.set(title=f'grid against {other}: Cliff\'s delta',
             yticks=range(len(names)),
             yticklabels=[NAMES[name].partition(' (')[0] for name in names],
             xticks=range(len(columns)),
             xticklabels=[f'{w:g}\n{n:g}' for w, n in columns],
             xlabel='weight (above), noise (below)')
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)

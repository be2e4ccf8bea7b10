"""The figure of the microcircuit: a raster, and what was measured of it."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from dsim.report import style
from dsim.reproduce import pictures
from dsim.reproduce.potjans_2014_activity import Activity, Measured
from dsim.reproduce.potjans_2014_network import POPULATIONS, RATES

SHOWN = 400.0
"""Milliseconds of the raster."""

DOTS = 2000
"""Neurons in the raster, of each population in proportion."""

COLOURS = style.COLOURS[0], style.COLOURS[1]
"""Of excitatory and of inhibitory populations."""


def draw(path: Path, runs: list[Activity], found: Measured, scale: float,
         nest: list[float] | None) -> None:
    """Draw raster, rates, irregularity and synchrony as one PNG.

    ``nest`` are rates of the same network in NEST, if there are any.
    """
    with style.figure(path, 4.4) as figure:
        panels = figure.subplot_mosaic(
            [['raster', 'rates'], ['raster', 'variation'],
             ['raster', 'synchrony']], width_ratios=(1.6, 1))
        _raster(panels['raster'], runs)
        _rates(panels['rates'], found.rates, nest)
        _bars(panels['variation'], found.variations, 'CV of intervals',
              'irregularity')
        _bars(panels['synchrony'], found.synchrony, 'variance / mean',
              'synchrony')
        for name in 'rates', 'variation':
            panels[name].set_xticklabels([])
        pictures.letter(list(panels.values()))
        nests = ' triangles: NEST at this scale;' if nest else ''
        pictures.caption(
            figure, f'{sum(run.size for run in runs):,} neurons, '
            f'{scale:g} of the full network. Blue: excitatory, orange: '
            'inhibitory. a: some neurons of each population. b: lines: the '
            f'full network (Potjans and Diesmann 2014, table 6);{nests} '
            'bars: here. c: mean of neurons with five spikes or more. '
            'd: spikes of up to 1000 neurons in 3 ms; 1 if independent.')


def _colour(k: int) -> str:
    return COLOURS[k % 2]


def _raster(axes: Axes, runs: list[Activity]) -> None:
    total = sum(run.size for run in runs)
    part = min(DOTS/total, 1.0)
    first, ticks = 0, []
    for k, run in enumerate(runs):
        count = max(int(run.size*part), 1)
        dots = (run.ids < count) & (run.times <= SHOWN)
        axes.plot(run.times[dots], first + run.ids[dots], '.', markersize=1.5,
                  markeredgewidth=0, color=_colour(k), rasterized=True)
        ticks.append(first + 0.5*count)
        first += count
    axes.set(xlabel='time (ms)', xlim=(0, SHOWN), ylim=(first, 0),
             title='spikes', yticks=ticks, yticklabels=_labels())
    axes.tick_params('y', length=0)


def _rates(axes: Axes, rates: list[float], nest: list[float] | None) -> None:
    _bars(axes, rates, 'rate (Hz)', 'rates')
    places = np.arange(len(rates))
    axes.hlines(RATES, places - 0.45, places + 0.45, color=style.INK,
                linewidth=1.4)
    if nest is not None:
        axes.plot(places, nest, '^', markersize=4, color=style.FAINT)


def _bars(axes: Axes, values: list[float], label: str, title: str) -> None:
    places = np.arange(len(values))
    axes.bar(places, values, 0.8,
             color=[_colour(k) for k in range(len(values))])
    axes.set(ylabel=label, title=title, xticks=places,
             xticklabels=_labels())
    axes.tick_params('x', length=0)


def _labels() -> list[str]:
    return [name.removeprefix('L').replace('23', '2/3')
            for name in POPULATIONS]

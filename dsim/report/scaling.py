"""Pictures of benchmarks: time, efficiency and phases by ranks or workload."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from dsim.errors import BadValue, OutputError
from dsim.report import style

Entry = Mapping[str, Any]

PARTS = ('update', 'deliver', 'exchange', 'waiting', 'transfer', 'record')
"""The phases; completing an exchange is parted in waiting and transfer."""


def draw(found: Mapping[str, Any], folder: Path) -> list[style.Picture]:
    """Draw what a benchmark's JSON holds; return the pictures.

    Raises `OutputError` if they cannot be written, `BadValue` for a kind
    of benchmark that has no pictures.
    """
    drawers = {'run': _draw_run, 'strong': _draw_sweep, 'weak': _draw_sweep}
    if found['kind'] not in drawers:
        raise BadValue('kind', found['kind'], 'run, strong or weak')
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return drawers[found['kind']](found, folder)
    except OSError as error:
        raise OutputError(f'{folder}: cannot be written: '
                          f'{error.strerror}') from None


def seconds(entry: Entry) -> dict[str, float]:
    """Return the mean rank's seconds of each of `PARTS`."""
    phases = entry['phases_s']
    return {part: float(entry[f'{part}_s'] if part in ('waiting', 'transfer')
                        else phases[part]['mean']) for part in PARTS}


def _draw_run(found: Mapping[str, Any], folder: Path
              ) -> list[style.Picture]:
    entries = found['entries']
    return [_phases(folder, [each['workload'] for each in entries], entries)]


def _draw_sweep(found: Mapping[str, Any], folder: Path
                ) -> list[style.Picture]:
    entries = found['entries']
    names = [_label(each) for each in entries]
    return [_times(found, folder), _efficiency(found, folder),
            _phases(folder, [f'{name} rank' + 's'*(name != '1')
                             for name in names], entries)]


def _label(entry: Entry) -> str:
    return f'{entry["ranks"]}{"*" if entry["oversubscribed"] else ""}'


def _times(found: Mapping[str, Any], folder: Path) -> style.Picture:
    """Draw the time of each repeat, the medians, and what would be ideal."""
    path, entries = folder/'time.png', found['entries']
    with style.figure(path, 2.6) as figure:
        for axes, key, what in zip(
                figure.subplots(1, 2), ('wall_s', 'build_s'),
                ('time loop', 'building'), strict=True):
            _by_ranks(axes, entries, [each[key] for each in entries])
            for each in entries:
                values = [one[key] for one in each['repeats']]
                axes.plot([each['ranks']]*len(values), values, '.',
                          color=style.COLOURS[0], alpha=0.4)
            first = entries[0]
            ideal = [first[key]*(first['ranks']/each['ranks']
                                 if found['kind'] == 'strong' else 1)
                     for each in entries]
            axes.plot([each['ranks'] for each in entries], ideal, '--',
                      color=style.FAINT)
            axes.set(yscale='log', ylabel='wall time (s)', title=what)
            style.log_ticks(axes.yaxis)
            axes.set_ylim(*style.log_limits(
                min(*ideal, *_all(entries, key)),
                max(*ideal, *_all(entries, key))))
    return style.picture(path, 'Time by ranks', 'Medians, each repeat, and '
                         'dashed the ideal.' + _crowded(entries))


def _all(entries: Sequence[Entry], key: str) -> list[float]:
    return [one[key] for each in entries for one in each['repeats']]


def _efficiency(found: Mapping[str, Any], folder: Path) -> style.Picture:
    path, entries = folder/'efficiency.png', found['entries']
    with style.figure(path, 2.6, style.WIDTH/2) as figure:
        axes = figure.subplots()
        for prefix, colour in ('', style.COLOURS[0]), (
                'build_', style.COLOURS[1]):
            _by_ranks(axes, entries, [
                100*each[f'{prefix}efficiency'] for each in entries], colour)
        axes.axhline(100, color=style.FAINT, linestyle='--', zorder=0)
        axes.set(ylim=(0, None), ylabel='efficiency (%)')
        style.legend(figure, ['time loop', 'building'], [
            {'color': colour} for colour in style.COLOURS[:2]])
    return style.picture(path, 'Efficiency', 'Speed-up per rank against the '
                         'smallest number of ranks.' + _crowded(entries),
                         style.WIDTH/2)


def _by_ranks(axes: Axes, entries: Sequence[Entry],
              values: Sequence[float], colour: str = style.COLOURS[0]
              ) -> None:
    ranks = [each['ranks'] for each in entries]
    axes.plot(ranks, values, 'o-', color=colour)
    axes.set_xscale('log', base=2)
    axes.set_xticks(ranks, [_label(each) for each in entries])
    axes.minorticks_off()
    axes.set_xlabel('ranks')


def _phases(folder: Path, names: Sequence[str], entries: Sequence[Entry]
            ) -> style.Picture:
    """Draw each entry's phases as shares of its mean rank's time."""
    path = folder/'phases.png'
    with style.figure(path, 0.7 + 0.28*len(entries)) as figure:
        axes = figure.subplots()
        for place, entry in enumerate(entries):
            parts, begin = seconds(entry), 0.0
            total = max(sum(parts.values()), 1e-300)
            for part, colour in style.coloured(PARTS, style.PHASE_COLOURS):
                width = 100*parts[part]/total
                axes.barh(place, width, 0.75, begin, color=colour,
                          edgecolor='white', linewidth=0.6)
                begin += width
        axes.set(yticks=range(len(entries)), ylim=(len(entries) - 0.5, -0.5),
                 yticklabels=[style.plain(name) for name in names],
                 xlim=(0, 100), xlabel='share of all phases (%)')
        axes.spines['left'].set_visible(False)
        axes.tick_params('y', length=0)
        style.legend(figure, PARTS, [
            {'color': colour, 'linewidth': 3} for _, colour
            in style.coloured(PARTS, style.PHASE_COLOURS)])
    return style.picture(path, 'Phases', 'Shares of the mean rank; waiting '
                         'is for late ranks, transfer what is left of '
                         'completing an exchange.' + _crowded(entries))


def _crowded(entries: Sequence[Entry]) -> str:
    if any(each['oversubscribed'] for each in entries):
        return (' * more ranks than cores: times mean nothing, counts do.')
    return ''

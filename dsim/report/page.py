"""report.html: one page of a run, with all that its folder holds."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dsim.errors import OutputError
from dsim.report import (
    intervals,
    maps,
    markup,
    movie,
    phases,
    raster,
    rates,
    style,
    traces,
)
from dsim.report.folder import Run, read
from dsim.report.intervals import Intervals

NAME, PICTURES = 'report.html', 'pictures'

FACTS = (
    ('command', 'command'), ('started', 'started'), ('seed', 'seed'),
    ('ranks', 'ranks'), ('hosts', 'host'), ('platform', 'platform'),
    ('mpi', 'MPI'),
)
"""What the header tells: (name in the provenance, name on the page)."""

VERSIONS = ('dsim', 'commit', 'python', 'numpy', 'numba', 'mpi4py', 'h5py',
            'hdf5')

COST = (
    ('wall', 'wall time of the time loop', '{:,.3f} s'),
    ('build', 'building the network', '{:,.3f} s'),
    ('neurons', 'neurons', '{:,.0f}'),
    ('synapses', 'synapses', '{:,.0f}'),
    ('table_bytes', 'connection tables', 'bytes'),
    ('events', 'synaptic events', '{:,.0f}'),
)
"""What the run cost: (name in the timings, name on the page, format)."""

HEADLINES = (
    ('rtf', 'RTF: wall time / biological time', '{:.3g}'),
    ('core_ns_per_event', 'core time per synaptic event', '{:.3g} ns'),
    ('messages', 'messages of all ranks', '{:,.0f}'),
    ('bytes', 'bytes in these messages', 'bytes'),
)
"""The same for what stands above in large type."""


def write(folder: str | os.PathLike) -> Path:
    """Draw the run in ``folder``; return the path of ``report.html``.

    The pictures are embedded in the page, so that it can be sent alone,
    and lie in ``pictures/`` beside it.  An unfinished run is drawn as far
    as it was flushed.

    Raises InputFileError if the folder holds no run, and OutputError if
    the page cannot be written there.
    """
    run = read(folder)
    path = run.folder/NAME
    try:
        pictures = run.folder/PICTURES
        pictures.mkdir(exist_ok=True)
        # Whole or not there: a browser may be looking at the last one
        part = path.with_name(f'{NAME}.part')
        part.write_text(_html(run, pictures), encoding='utf-8')
        os.replace(part, path)
    except OSError as error:
        raise OutputError(f'{error.filename or path}: cannot be written: '
                          f'{error.strerror or error}') from error
    return path


def _html(run: Run, folder: Path) -> str:
    trains = [intervals.measure(activity) for activity in run.activities]
    cost = phases.draw(run, folder)
    values, movies = traces.draw(run, folder), movie.draw(run, folder)
    drawn = [*raster.draw(run, folder), *maps.draw(run, folder),
             *intervals.draw(run, trains, folder),
             *rates.draw_spectrum(run, folder), *values, *movies]
    parts = [*_header(run), *_populations(run, trains), *_cost(run, cost),
             markup.heading('Figures')]
    parts += [markup.picture(each, number) for number, each
              in enumerate(drawn, 1 + len(cost))]
    notes = [*run.notes, *_missing(run, values, movies)]
    return markup.page(f'{run.name} \N{MIDDLE DOT} dsim',
                       [*parts, *_model(run), *_notes(notes)])


def _header(run: Run) -> list[str]:
    parts = [f'<h1>{markup.escape(run.name)}</h1>',
             markup.paragraph(_summary(run))]
    if not run.finished:
        parts.append(markup.warning(
            'This run is unfinished: it is still going on, or it was '
            'stopped. The page shows what had been flushed to its files, up '
            f'to the last spike at {run.duration:,.10g} ms.'))
    known = [(label, str(run.facts[name])) for name, label in FACTS
             if str(run.facts.get(name, ''))]
    versions = ', '.join(
        f'{name} {run.facts[name]}' for name in VERSIONS
        if str(run.facts.get(name, '')))
    if versions:
        known.append(('versions', versions))
    return [*parts, markup.facts(known)] if known else parts


def _summary(run: Run) -> str:
    neurons = sum(activity.size for activity in run.activities)
    spikes = sum(activity.times.size for activity in run.activities)
    return (f'{neurons:,} neuron{"s"*(neurons != 1)}, '
            f'{spikes:,} spike{"s"*(spikes != 1)} in '
            f'{run.duration:,.10g} ms of biological time')


def _populations(run: Run, trains: Sequence[Intervals]) -> list[str]:
    rows = []
    for (activity, colour), train in zip(style.coloured(run.activities),
                                         trains, strict=True):
        shape = activity.grid.shape if activity.grid else ()
        rows.append((
            markup.swatch(colour, activity.name), activity.model or '–',
            ' × '.join(f'{n:,}' for n in shape) or '–',
            f'{activity.size:,}', f'{activity.times.size:,}',
            _number(activity.rate(run.duration), '{:.2f}'),
            _number(train.cv.mean() if train.cv.size else np.nan, '{:.2f}'),
            _number(100*activity.active, '{:.3g} %')))
    head = ('population', 'model', 'grid', 'neurons', 'spikes',
            'mean rate (Hz)', 'mean CV', 'active')
    return [markup.heading('Populations'), markup.table(head, rows, 2),
            markup.paragraph(
                f'CV: of the intervals of neurons with at least '
                f'{intervals.LEAST} of them. Active: the neurons that fired '
                'at all.')]


def _cost(run: Run, drawn: Sequence[style.Picture]) -> list[str]:
    title = markup.heading('Cost')
    if not run.timings:
        return [title, markup.paragraph(
            'Timings are written when a run ends.' if not run.finished else
            'The files tell nothing of timings.')]

    timings = {name: float(value) for name, value in run.timings.items()
               if np.size(value) == 1}
    if not timings.get('events'):
        timings.pop('core_ns_per_event', None)
    numbers = [(_amount(timings[name], form), label)
               for name, label, form in HEADLINES if name in timings]
    rows = [(label, _amount(timings[name], form)
             + _each(name, timings)) for name, label, form in COST
            if name in timings]
    return [title, markup.figures(numbers), markup.facts(rows),
            *_phases(run), *(markup.picture(each, number) for number, each
                             in enumerate(drawn, 1))]


def _phases(run: Run) -> list[str]:
    found = phases.in_order(run.phases)
    if not found:
        return []
    shares = phases.shares(found)
    rows = [(name, *(f'{s:,.3f}' for s in seconds),
             f'{100*shares[name]:.1f} %') for name, seconds in found.items()]
    head = ('phase', 'smallest (s)', 'mean (s)', 'largest (s)', 'share')
    return [markup.heading('Time by phase, over ranks'),
            markup.table(head, rows)]


def _model(run: Run) -> list[str]:
    parts = [markup.heading('Model')]
    if run.model:
        return [*parts, markup.folded(
            'The resolved model: the file, --set and all defaults',
            run.model)]
    return [*parts, markup.paragraph(
        'No model text was recorded: the network was described in Python, '
        'or the run has not ended.')]


def _missing(run: Run, values: Sequence[style.Picture],
             movies: Sequence[style.Picture]) -> list[str]:
    """Say why there are no traces or no movies, if there are none."""
    told = []
    if not values:
        told.append('No values of single neurons were recorded.'
                    if not run.values else 'There are no recorded values in '
                    + ', '.join(path.name for path in run.values) + ' yet.')
    if not movies:
        told.append('No frames were recorded, so there is no movie.'
                    if run.frames is None else
                    f'There are no frames in {run.frames.name} yet.')
    return told


def _notes(notes: Sequence[str]) -> list[str]:
    if not notes:
        return []
    return [markup.heading('Notes'), markup.folded(
        f'{len(notes)} {"note" if len(notes) == 1 else "notes"}',
        '\n'.join(notes))]


def _each(name: str, timings: dict[str, float]) -> str:
    if name == 'table_bytes' and timings.get('synapses'):
        return f' ({timings[name]/timings["synapses"]:.2g} B per synapse)'
    return ''


def _amount(value: float, form: str) -> str:
    if form != 'bytes':
        return form.format(value)
    units = ['TB', 'GB', 'MB', 'kB', 'B']
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop()
    return f'{value:,.3g} {units[-1]}'


def _number(value: Any, form: str) -> str:
    return form.format(value) if np.isfinite(value) else '–'

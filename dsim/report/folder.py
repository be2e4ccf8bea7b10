"""What the folder of a run holds, read back to be drawn."""

import csv
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dsim.errors import InputFileError
from dsim.io import provenance
from dsim.io.sonata.nodes import read_positions
from dsim.io.sonata.spikes import read_spikes
from dsim.io.whole import part_of

GROUPED = 'seconds_'
"""What the names of timings by phase begin with."""


class Grid(NamedTuple):
    """The grid of a population: its (rows, columns), its (x, y) in mm."""

    shape: tuple[int, int]
    extent: tuple[float, float]


@dataclass(frozen=True)
class Activity:
    """One population and its spikes, in order of time.

    ``times`` float64[n] in ms, ``ids`` unsigned[n] below ``size``.  Without
    a node file ``grid`` is None and ``size`` the highest id plus one.
    """

    name: str
    size: int
    times: np.ndarray
    ids: np.ndarray
    model: str = ''
    grid: Grid | None = None

    @cached_property
    def counts(self) -> np.ndarray:
        """The spikes of each neuron, int64[size]."""
        return np.bincount(self.ids, minlength=self.size)

    def rate(self, duration: float) -> float:
        """Return the mean rate in Hz over ``duration`` ms; NaN if unknown."""
        seconds = self.size*duration/1000
        return self.times.size/seconds if seconds else float('nan')

    @property
    def active(self) -> float:
        """The fraction of neurons that fired at all; NaN if none is known."""
        if not self.size:
            return float('nan')
        return np.count_nonzero(self.counts)/self.size


@dataclass(frozen=True)
class Run:
    """A run as its folder tells it.

    ``duration`` in ms is that of the simulation, or reaches to the last
    spike if the run is not ``finished``.  ``facts`` and ``timings`` are
    those of the provenance, empty if none was written.  ``values`` are the
    files of recorded values, ``frames`` that of frames.
    """

    folder: Path
    finished: bool
    duration: float
    activities: tuple[Activity, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    timings: Mapping[str, Any] = field(default_factory=dict)
    values: tuple[Path, ...] = ()
    frames: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """The resolved model as text; '' if the run had no model file."""
        return str(self.facts.get('model', ''))

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The table ``simulation`` of the model; empty if there is none."""
        try:
            found = tomllib.loads(self.model).get('simulation')
        except tomllib.TOMLDecodeError:
            found = None
        return found if isinstance(found, dict) else {}

    @property
    def name(self) -> str:
        """The name that the model gives itself, or that of the folder."""
        name = self.settings.get('name')
        return str(name) if name else self.folder.resolve().name

    @cached_property
    def step(self) -> float:
        """The time step in ms; 0 if nothing tells it.

        Without a model it is taken from the spikes: the smallest distance
        between two times is the step or, in a quiet run, a multiple of it.
        """
        given = self.settings.get('dt')
        if isinstance(given, int | float) and given > 0:
            return float(given)
        found = [_smallest_gap(a.times) for a in self.activities]
        return round(min([gap for gap in found if gap], default=0.0), 9)

    @property
    def phases(self) -> dict[str, np.ndarray]:
        """Phase -> (smallest, mean, largest) seconds over ranks."""
        return {name.removeprefix(GROUPED): np.asarray(seconds, float)
                for name, seconds in self.timings.items()
                if name.startswith(GROUPED) and np.size(seconds) == 3}


def read(folder: str | os.PathLike) -> Run:
    """Return the run in ``folder``; that of an unfinished one if need be.

    Raises InputFileError if there is neither ``spikes.h5`` nor the
    ``spikes.h5.part`` of a run that has not ended, or if it is unreadable.
    """
    folder = Path(folder)
    path, finished = _spike_file(folder)
    try:
        spikes = read_spikes(path)
    except InputFileError as error:
        if finished:
            raise
        raise InputFileError(f'{folder}: the run has not ended, and what it '
                             f'wrote cannot be read yet ({error})') from error
    notes: list[str] = []
    try:
        facts = provenance.read(path)
    except InputFileError:
        facts = {}
        if finished:
            notes.append(f'{path.name} does not tell what made it, so '
                         'command, versions and timings are not known.')

    activities = _activities(folder, spikes, notes)
    timings = facts.pop('timings', {})
    ends = [float(a.times[-1]) for a in activities if a.times.size]
    duration = max([1000*float(timings.get('biological', 0)), *ends])
    return Run(folder, finished, duration, activities, facts, timings,
               tuple(_written(folder, 'values_*.h5')),
               next(iter(_written(folder, 'frames.h5')), None),
               (*notes, *_told(facts)))


def _smallest_gap(times: np.ndarray) -> float:
    gaps = np.diff(times)
    # What rounding leaves of a time step is no distance
    return float(gaps.min(where=gaps > 1e-6, initial=np.inf)
                 ) if np.any(gaps > 1e-6) else 0.0


def _spike_file(folder: Path) -> tuple[Path, bool]:
    path = folder/'spikes.h5'
    if path.is_file():
        return path, True
    if part_of(path).is_file():
        return part_of(path), False
    what = ('there is no such folder' if not folder.is_dir() else
            'no spikes.h5 in it, nor the spikes.h5.part of a run that has '
            'not ended; give the folder that a run wrote (its --output)')
    raise InputFileError(f'{folder}: {what}')


def _written(folder: Path, pattern: str) -> list[Path]:
    """Return the files of that name, and those still being written."""
    parts = [path for path in folder.glob(f'{pattern}.part')
             if not path.with_suffix('').exists()]
    return sorted([*folder.glob(pattern), *parts])


def _told(facts: Mapping[str, Any]) -> list[str]:
    """Return what the run itself noted: text, or an array of texts."""
    told = np.atleast_1d(facts.get('notes', [])).tolist()
    return [text.decode() if isinstance(text, bytes) else str(text)
            for text in told]


def _activities(folder: Path, spikes: dict[str, tuple],
                notes: list[str]) -> tuple[Activity, ...]:
    """Pair the spikes of each population, in order, with its grid."""
    positions, models = _nodes(folder, notes)
    names = [name for name in models if name in spikes]
    names += [name for name in spikes if name not in names]

    activities = []
    for name in names:
        times, ids = spikes.pop(name)
        # A run that was killed may have flushed one more of the other
        known = min(times.size, ids.size)
        times, ids = times[:known], ids[:known]
        size = int(ids.max()) + 1 if known else 0
        grid = None
        if name in positions:
            size = positions[name][0].size
            grid = find_grid(*positions[name])
        # The smallest integers take an eighth of the memory, and sort faster
        ids = ids.astype(np.min_scalar_type(max(size - 1, 0)))
        activities.append(Activity(name, size, times, ids,
                                   models.get(name, ''), grid))
    return tuple(activities)


def _nodes(folder: Path, notes: list[str]
           ) -> tuple[dict[str, tuple], dict[str, str]]:
    """Return positions, and the model of each population as declared."""
    try:
        positions = read_positions(folder/'nodes.h5')
    except InputFileError as error:
        notes.append(f'{error}. So the number of neurons is taken from the '
                     'highest id that fired, and there are no maps.')
        return {}, {}
    try:
        with open(folder/'node_types.csv', newline='') as table:
            rows = list(csv.DictReader(table, delimiter=' '))
        return positions, {
            row['pop_name']: row['model_template'].removeprefix('dsim:')
            for row in rows}
    except (OSError, KeyError, AttributeError, csv.Error):
        return positions, {}


def find_grid(x: np.ndarray, y: np.ndarray) -> Grid | None:
    """Return the grid on which neurons lie, or None if they lie on none.

    ``x`` and ``y`` are float64[n] in mm, in order of id (row by row), each
    in the middle of its cell: so first and last add up to the extent.
    """
    if not x.size:
        return None
    ends = np.flatnonzero(y != y[0])
    columns = int(ends[0]) if ends.size else x.size
    if x.size % columns:
        return None
    rows = x.size//columns
    x, y = x.reshape(rows, columns), y.reshape(rows, columns)
    if np.any(x != x[0]) or np.any(y != y[:, :1]):
        return None
    return Grid((rows, columns), (float(x[0, 0] + x[0, -1]),
                                  float(y[0, 0] + y[-1, 0])))

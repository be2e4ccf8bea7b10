"""What a run keeps: its recorders, and the files in its folder."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dsim.engine.clock import Clock
from dsim.engine.layout import Layout
from dsim.engine.tile import Piece, Tile
from dsim.engine.timers import Summary
from dsim.errors import BadValue, OutputError
from dsim.io import provenance
from dsim.io.frames import FrameFile
from dsim.io.sonata.nodes import Nodes, write_nodes
from dsim.io.sonata.reports import ReportFile
from dsim.io.sonata.spikes import SpikeFile
from dsim.network import Network, Population, Recording
from dsim.recording import (
    FrameRecorder,
    Recorder,
    SpikeRecorder,
    ValueRecorder,
)

OURS = ('spikes.h5', 'nodes.h5', 'node_types.csv', 'frames.h5',
        'values_*.h5', '*.h5.part', 'report.html', 'run.log', 'pictures/*')
"""The files of a run, in its folder."""


class Output:
    """The recorders of a run, and its folder (None: all stays in memory).

    Nothing is written before `open`.  Raises OutputError, on all ranks
    alike, if the folder holds a run and ``overwrite`` is false, or if it
    cannot be written to.
    """

    def __init__(self, network: Network, layout: Layout, comm: Any,
                 clock: Clock, folder: str | os.PathLike | None,
                 overwrite: bool, flush_every: float, model: str,
                 mpi: str, driver: str):
        self.network, self.layout, self.comm = network, layout, comm
        self.clock, self.overwrite = clock, overwrite
        self.folder = None if folder is None else Path(folder)
        self.model = model or network.describe()
        self.mpi, self.driver = mpi, driver
        self.interval = max(1, round(flush_every/clock.dt))
        self.recorders: list[Recorder] = []
        self.is_open = False
        self._files: list[Any] = []
        self._first = dict(zip(network.populations, layout.tiling.first,
                               strict=False))
        for recording in network.recordings:
            self._steps(recording)
        self._at_root(self._refuse)

    def open(self, tile: Tile) -> list[Recorder]:
        """Make the folder, the files and the recorders; collective."""
        self._at_root(self._clear)
        spikes = self._file(lambda folder: SpikeFile(
            folder / 'spikes.h5', self.comm,
            {p.name: p.size for p in self._recorded()},
            self.clock.times, self.overwrite, self.driver))
        self.spike_recorder = SpikeRecorder(
            self._first, [p.name for p in self._recorded()], spikes)
        self.recorders.append(self.spike_recorder)

        pieces = {piece.name: piece for piece in tile.pieces}
        frames = self._frame_file()
        for recording in self.network.recordings:
            piece = pieces[recording.population.name]
            make = (self._values if recording.kind == 'values'
                    else self._frames)
            self.recorders.append(make(recording, piece, frames))
        self._write_nodes(pieces)
        self._write_facts()
        self.is_open = True
        return self.recorders

    def flush_at(self, step: int, window: int) -> None:
        """Flush if a flush is due in the window that ends at ``step``."""
        if step//self.interval > (step - window)//self.interval:
            self.flush()

    def flush(self) -> None:
        """Write what was recorded; collective."""
        for recorder in self.recorders:
            recorder.flush()
        for file in self._files:
            file.flush()

    def close(self, summary: Callable[[], Summary]) -> None:
        """Write the rest, the facts and the cost; finish all files."""
        if not self.is_open:
            return
        cost = summary()
        for file in self._files:
            provenance.record_timings(file.file, cost.facts())
            file.close()
        self.is_open = False

    def abandon(self) -> None:
        """Stop writing; what was flushed stays readable in ``.part``."""
        for file in self._files:
            file.abandon()
        self.is_open = False

    def spikes(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return (steps, ids) of a population kept so far; collective.

        Raises OutputError if they go to a file, BadValue if none are kept.
        """
        if self.folder is not None:
            raise OutputError(f'the spikes are in {self.folder}/spikes.h5: '
                              'dsim.io.sonata.read_spikes reads it')
        if not self.network[name].record_spikes:
            raise BadValue(f'{name}.record_spikes', False, 'True')
        parts = self.comm.allgather(self.spike_recorder.kept(name))
        steps, ids = (np.concatenate(part)
                      for part in zip(*parts, strict=True))
        order = np.lexsort((ids, steps))
        return steps[order], ids[order]

    def values(self, name: str, variable: str) -> np.ndarray:
        """Return what a recording of values kept, [T, n]; collective.

        Raises OutputError if it goes to a file, BadValue if there is none.
        """
        if self.folder is not None:
            raise OutputError(
                f'the values are in {self.folder}/values_{name}_{variable}.h5:'
                ' dsim.io.sonata.read_reports reads it')
        for recording, recorder in zip(self.network.recordings,
                                       self.recorders[1:], strict=True):
            if (recording.kind, recording.name) == (
                    'values', f'{name}_{variable}'):
                return self._gathered(recording, recorder)
        raise BadValue('values', f'{name}.{variable}', 'recorded: call '
                       'network.record before the simulation is made')

    def spike_counts(self) -> dict[str, int]:
        """Return the spikes of each population so far; collective."""
        counts = np.array([self.spike_recorder.counts[name]
                           for name in self._first], dtype=np.int64)
        total = np.sum(self.comm.allgather(counts), axis=0)
        return dict(zip(self._first, (int(n) for n in total), strict=True))

    def _recorded(self) -> list[Population]:
        return [p for p in self.network.populations.values()
                if p.record_spikes]

    def _gathered(self, recording: Recording, recorder: Any) -> np.ndarray:
        parts = self.comm.allgather((recorder.places, recorder.block()))
        whole = np.zeros((len(parts[0][1]), recording.ids.size))
        for places, block in parts:
            whole[:, places] = block
        return whole

    def _values(self, recording: Recording, piece: Piece, _: Any
                ) -> Recorder:
        mine = np.flatnonzero(np.isin(recording.ids, piece.ids))
        chosen = np.searchsorted(piece.ids, recording.ids[mine])
        steps = self._steps(recording)
        unit = _unit(recording)
        file = self._file(lambda folder: ReportFile(
            folder / f'values_{recording.name}.h5', self.comm, piece.name,
            recording.ids, mine, unit, 0.0, 0.0, steps*self.clock.dt,
            self.overwrite, self.driver))
        return ValueRecorder(piece.states[recording.variable], chosen, mine,
                             steps, file)

    def _frames(self, recording: Recording, piece: Piece,
                file: FrameFile | None) -> Recorder:
        row0, row1, column0, column1 = piece.bounds
        if file is not None:
            file.add(piece.name, recording.variable, _unit(recording),
                     recording.population.shape, piece.bounds)
        return FrameRecorder(
            piece.name, recording.variable, piece.states[recording.variable],
            (row1 - row0, column1 - column0), self._steps(recording),
            self.clock.times, file)

    def _frame_file(self) -> FrameFile | None:
        if not any(r.kind == 'frames' for r in self.network.recordings):
            return None
        return self._file(lambda folder: FrameFile(
            folder / 'frames.h5', self.comm, self.overwrite, self.driver))

    def _file(self, make: Callable[[Path], Any]) -> Any:
        if self.folder is None:
            return None
        self._files.append(make(self.folder))
        return self._files[-1]

    def _steps(self, recording: Recording) -> int:
        steps = round(recording.interval/self.clock.dt)
        if steps < 1 or abs(steps*self.clock.dt - recording.interval) > 1e-9:
            raise BadValue(f'recording {recording.name}: interval',
                           recording.interval, 'a whole number of steps of '
                           f'{self.clock.dt:g} ms')
        return steps

    def _write_facts(self) -> None:
        # At once, so that a run that does not end tells of itself too
        facts = provenance.gather(self.comm, self.network.seed, self.mpi)
        if self.layout.notes:
            facts['notes'] = '\n'.join(self.layout.notes)
        for file in self._files:
            provenance.record(file.file, facts, self.model)
            file.flush()

    def _write_nodes(self, pieces: dict[str, Piece]) -> None:
        if self.folder is None:
            return
        nodes = {}
        for population in self.network.populations.values():
            piece = pieces[population.name]
            y, x = self.network.sheet.positions(population.shape, piece.ids)
            nodes[population.name] = Nodes(
                population.size, piece.ids, x, y, population.model.name,
                piece.parameters)
        write_nodes(self.folder / 'nodes.h5', self.comm, nodes,
                    self.overwrite, self.driver)

    def _refuse(self) -> None:
        if self.folder is None:
            return
        if self.folder.exists() and not self.folder.is_dir():
            raise OutputError(f'{self.folder} is a file; --output must name '
                              'a folder')
        found = [path for name in OURS for path in self.folder.glob(name)]
        if found and not self.overwrite:
            unfinished = [p.name for p in found if p.suffix == '.part']
            what = (f'{self.folder} holds a run that did not end '
                    f'({unfinished[0]})' if unfinished
                    else f'{found[0]} exists')
            raise OutputError(f'{what}; pass --overwrite (overwrite=True) '
                              'or choose another --output')
        above = self.folder
        while not above.exists():
            above = above.parent
        if not os.access(above, os.W_OK):
            raise OutputError(f'{self.folder} cannot be written: no '
                              f'permission in {above}')

    def _clear(self) -> None:
        if self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in OURS:
                for path in self.folder.glob(name):
                    path.unlink()
        except OSError as error:
            raise OutputError(f'{self.folder} cannot be written: '
                              f'{error.strerror}') from None

    def _at_root(self, action: Callable[[], None]) -> None:
        """Do ``action`` on rank 0; all ranks raise what it raised."""
        failure = None
        if self.comm.rank == 0:
            try:
                action()
            except OutputError as error:
                failure = str(error)
        failure = self.comm.bcast(failure)
        if failure is not None:
            raise OutputError(failure)


def _unit(recording: Recording) -> str:
    states = recording.population.model.states
    return next(s.unit for s in states if s.name == recording.variable)

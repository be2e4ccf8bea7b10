"""Simulation: the time loop, one page; a newcomer starts here."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from dsim import world
from dsim.engine import snapshot
from dsim.engine.build import build, connect
from dsim.engine.clock import Clock, Stretch
from dsim.engine.layout import arrange
from dsim.engine.output import Output
from dsim.engine.timers import Summary, Timers
from dsim.errors import BadValue
from dsim.network import Network, Population


class Simulation:
    """A network that runs, on all ranks of an MPI communicator.

    Parameters
    ----------
    network
        What is simulated; the same on all ranks.
    dt
        Time step in ms.
    output
        Folder for spikes, recordings and the report; None keeps spikes and
        recordings in memory.
    overwrite
        Whether output of an earlier run in that folder may be replaced.
    processes
        The process grid (rows, columns); the best one if None.
    threads
        How many threads each rank works with.
    exchange
        How spikes travel: one of `EXCHANGES`, or 'auto'.
    flush_every
        Biological time in ms after which what was recorded is written.
    hdf5
        'mpi': all ranks write; 'serial': rank 0 writes what the others
        send; 'auto': the first where h5py can.  The files are the same.
    model
        The resolved model as text, to be kept in the output.
    progress
        Called on each rank as progress(time, events) after each window.
    comm
        An mpi4py communicator; all ranks of the job if None.

    Raises
    ------
    DsimError
        For what cannot be run, on all ranks alike, before any file exists.
    """

    def __init__(self, network: Network, dt: float = 1.0,
                 output: str | Path | None = None, *,
                 overwrite: bool = False,
                 processes: Sequence[int] | None = None, threads: int = 1,
                 exchange: str = 'halo', flush_every: float = 1000.0,
                 hdf5: str = 'auto', model: str = '', comm: Any = None,
                 progress: Callable[[float, int], None] | None = None):
        if (isinstance(threads, bool) or not isinstance(threads, int)
                or threads < 1):
            raise BadValue('simulation.threads', threads,
                           'a whole number >= 1')
        self.comm = world.start() if comm is None else comm
        self.network, self.progress = network, progress
        self.timers = Timers()
        self.layout = arrange(network, dt, self.comm.size, processes)
        self.clock = Clock(dt, self.layout.window)
        self.output = Output(network, self.layout, self.comm, self.clock,
                             output, overwrite, flush_every, model,
                             world.mpi_version(), hdf5)

        self.exchange = connect(exchange, self.comm, self.layout, dt)
        self.tile = self.timers.timed('build', build)(
            network, self.layout, self.comm.rank, dt, threads)
        self.recorders = self.output.open(self.tile)
        self.clock.longest = self.tile.longest
        self.clock.intervals = tuple(
            r.interval for r in self.recorders if r.interval)
        self._time_the_verbs()

    def run(self, duration: float) -> None:
        """Advance the network by ``duration`` ms."""
        tile, exchange = self.tile, self.exchange

        for window in self.clock.windows(duration):
            for stretch in window.stretches:
                self.observe(stretch)
                tile.advance(stretch)

            # Own spikes are delivered while the others' are on their way
            fired = tile.fired
            exchange.post(window.first, len(window), fired)
            tile.deliver(fired)
            tile.deliver(exchange.complete())
            self.keep(fired, len(window))

    def observe(self, stretch: Stretch) -> None:
        """Let recorders look at the state before a stretch of steps."""
        for recorder in self.recorders:
            recorder.look(stretch.first)

    def keep(self, fired: Any, steps: int) -> None:
        """Let recorders have a window's spikes, and forget them."""
        for recorder in self.recorders:
            recorder.hear(*fired)
        self.tile.clear()
        self.output.flush_at(self.clock.step, steps)
        if self.progress is not None:
            self.progress(self.clock.time, self.tile.events)

    def spikes(self, population: Population | str
               ) -> tuple[np.ndarray, np.ndarray]:
        """Return (times in ms, ids) of all spikes so far, on every rank.

        Sorted by time, then id.  Collective; for runs without output.
        """
        steps, ids = self.output.spikes(self.network[population].name)
        return self.clock.times(steps), ids

    def state(self, population: Population | str, variable: str
              ) -> np.ndarray:
        """Return a state variable by neuron id, on every rank; collective."""
        found = self.network[population]
        return snapshot.gather(self.tile, found.name, variable, found.size,
                               self.comm)

    def values(self, population: Population | str, variable: str
               ) -> np.ndarray:
        """Return what `Network.record` kept, [times, neurons]; collective.

        For runs without output; columns are in order of id.
        """
        return self.output.values(self.network[population].name, variable)

    def summary(self) -> Summary:
        """Return time per phase, spikes and messages so far; collective."""
        return self.timers.summary(
            self.comm, self.clock.time/1000, self.tile, self.exchange,
            self.output.spike_counts())

    def close(self) -> None:
        """Write what was recorded and finish all files; collective."""
        if self.output.is_open:
            self.flush()
        self.output.close(self.summary)

    def flush(self) -> None:
        """Write what was recorded so far; collective."""
        self.output.flush()

    def __enter__(self) -> 'Simulation':
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            # Other ranks may be anywhere: nothing collective from here on
            self.output.abandon()

    def _time_the_verbs(self) -> None:
        timed, tile, exchange = self.timers.timed, self.tile, self.exchange
        tile.advance = timed('update', tile.advance)  # type: ignore
        tile.deliver = timed('deliver', tile.deliver)  # type: ignore
        exchange.post = timed('exchange', exchange.post)  # type: ignore
        exchange.complete = timed('wait', exchange.complete)  # type: ignore
        self.run = timed('run', self.run)  # type: ignore
        self.flush = timed('run', timed('record', self.flush))  # type: ignore
        self.observe = timed('record', self.observe)  # type: ignore
        self.keep = timed('record', self.keep)  # type: ignore

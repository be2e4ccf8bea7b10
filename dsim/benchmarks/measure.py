"""Build and run a workload once, and tell what that cost."""

import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from dsim.benchmarks import machine, memory
from dsim.benchmarks.workloads import Workload
from dsim.engine.timers import PHASES, Summary
from dsim.errors import LayoutError
from dsim.network import confirm_storage
from dsim.simulation import Simulation


@dataclass(frozen=True)
class Options:
    """How workloads are run; None where they decide themselves.

    ``duration`` and ``warm_up`` in ms; ``output`` a folder for files, None
    for none, and whether those of earlier runs may be replaced.
    """

    scale: float = 1.0
    duration: float | None = None
    warm_up: float | None = None
    threads: int = 1
    storage: str | None = None
    precision: str | None = None
    exchange: str = 'halo'
    output: Path | None = None
    overwrite: bool = False

    def folder(self, workload: Workload, seed: int) -> Path | None:
        """Return where the files of a run go."""
        if self.output is None:
            return None
        return self.output/f'{Path(workload.name).stem}-{seed}'


class Stopwatch:
    """Wall and CPU time of a block, over all ranks; collective.

    ``wall`` is that of the slowest rank, ``cpu`` that of all together, in
    s.
    """

    def __init__(self, comm: Any):
        self.comm = comm
        self.wall = self.cpu = 0.0

    def __enter__(self) -> 'Stopwatch':
        self.comm.Barrier()
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if kind is not None:
            return
        mine = (time.perf_counter() - self._wall,
                time.process_time() - self._cpu)
        ranks = self.comm.allgather(mine)
        self.wall = max(wall for wall, _ in ranks)
        self.cpu = sum(cpu for _, cpu in ranks)


def compile_all(workload: Workload, options: Options, comm: Any) -> None:
    """Run a small copy of the workload, so that all is compiled."""
    small = min(options.scale, workload.tiny*comm.size)
    for scale in (small, options.scale):
        try:
            simulation = _simulation(workload, scale, 1, options, comm, None)
        except LayoutError:
            # Too small for so many ranks, alike on all of them
            if scale == options.scale:
                raise
            continue
        simulation.run(4*simulation.layout.window*workload.dt)
        return


def measure(workload: Workload, seed: int, options: Options, comm: Any
            ) -> dict[str, Any]:
    """Return what one run cost, by name (docs/benchmarks.md); collective.

    Raises the `DsimError` of what cannot be run.
    """
    memory.settle()
    before = memory.resident()
    told = memory.forget_peak()
    with Stopwatch(comm) as building:
        simulation = _simulation(workload, options.scale, seed, options,
                                 comm, options.folder(workload, seed))
    peak, after = memory.peak() if told else None, memory.resident()

    with simulation:
        simulation.run(workload.warm_up if options.warm_up is None
                       else options.warm_up)
        first, begin = simulation.summary(), dict(simulation.timers.seconds)
        with Stopwatch(comm) as running:
            simulation.run(options.duration or workload.duration)
            if options.output is not None:
                simulation.flush()
        last, end = simulation.summary(), dict(simulation.timers.seconds)
        late = _waiting_share(simulation, last.biological
                              - first.biological)

    own = {phase: end[phase] - begin[phase] for phase in PHASES}
    found = {**_sizes(simulation, options),
             **_building(building, last, before, after, peak, comm),
             **_running(running, first, last, simulation, options)}
    phases = _phases(own, comm)
    steps = round(1000*found['biological_s']/workload.dt)
    return {'seed': seed, **found, 'phases_s': phases,
            'waiting_s': late*phases['wait']['mean'],
            'transfer_s': (1 - late)*phases['wait']['mean'],
            **_parts(phases, found, steps)}


def _waiting_share(simulation: Simulation, biological: float) -> float:
    """Return which part of the phase 'wait' is waiting for late ranks.

    Measured in a stretch of its own (a fifth of what was measured, in s),
    in which all ranks meet before they complete a window: the meeting is
    waiting, completing after it is transfer.
    """
    comm, exchange = simulation.comm, simulation.exchange
    if comm.size == 1:
        return 0.0
    complete, waited = exchange.complete, [0.0]

    def patient() -> Any:
        begin = time.perf_counter()
        comm.Barrier()
        waited[0] += time.perf_counter() - begin
        return complete()

    seconds = simulation.timers.seconds
    before, dt = seconds['wait'], simulation.clock.dt
    exchange.complete = patient  # type: ignore
    simulation.run(dt*max(1, round(200*biological/dt)))
    exchange.complete = complete  # type: ignore
    late = comm.allreduce(waited[0])
    return late/max(late + comm.allreduce(seconds['wait'] - before), 1e-300)


def _simulation(workload: Workload, scale: float, seed: int,
                options: Options, comm: Any, output: Path | None
                ) -> Simulation:
    network = workload.network(scale, seed)
    if options.precision is not None:
        for population in network.populations.values():
            population.precision = options.precision
    if options.storage is not None:
        for projection in network.projections:
            confirm_storage(options.storage, projection.rule,
                            projection.name)
            projection.storage = options.storage
    return Simulation(network, workload.dt, output,
                      overwrite=options.overwrite, threads=options.threads,
                      exchange=options.exchange, comm=comm)


def _sizes(simulation: Simulation, options: Options) -> dict[str, Any]:
    return {'ranks': simulation.comm.size,
            'cores': simulation.comm.size*options.threads,
            'oversubscribed': machine.crowded(simulation.comm,
                                              options.threads),
            'processes': str(simulation.layout.tiling.processes),
            'exchange': simulation.exchange.name,
            'window_steps': simulation.layout.window}


def _building(watch: Stopwatch, cost: Summary, before: int | None,
              after: int | None, peak: int | None, comm: Any
              ) -> dict[str, Any]:
    synapses = max(cost.synapses, 1)
    held = _total(comm, before, after)
    most = _total(comm, before, peak)
    return {
        'neurons': cost.neurons, 'synapses': cost.synapses,
        'build_s': watch.wall, 'build_cpu_s': watch.cpu,
        'synapses_per_s': cost.synapses/watch.wall,
        'bytes_per_synapse_table': cost.table_bytes/synapses,
        'bytes_per_synapse_resident': held and held/synapses,
        'bytes_per_synapse_peak': most and most/synapses,
        'resident_bytes': held, 'peak_bytes': most,
    }


def _total(comm: Any, before: int | None, after: int | None) -> int | None:
    grown = None if before is None or after is None else after - before
    ranks = comm.allgather(grown)
    return None if None in ranks else sum(ranks)


def _running(watch: Stopwatch, first: Summary, last: Summary,
             simulation: Simulation, options: Options) -> dict[str, Any]:
    network, dt = simulation.network, simulation.clock.dt
    biological = last.biological - first.biological
    events = last.events - first.events
    spikes = {name: last.spikes[name] - first.spikes[name]
              for name in last.spikes}
    cores = last.ranks*options.threads
    return {
        'biological_s': biological, 'wall_s': watch.wall,
        'cpu_s': watch.cpu, 'rtf': watch.wall/biological,
        'events': events, 'spikes': sum(spikes.values()),
        'rate_hz': sum(spikes.values())/(last.neurons*biological),
        'rates_hz': {name: count/(network[name].size*biological)
                     for name, count in spikes.items()},
        'core_ns_per_event': (1e9*watch.wall*cores/events if events
                              else None),
        'cpu_ns_per_event': 1e9*watch.cpu/events if events else None,
        'core_s_per_bio_s': watch.wall*cores/biological,
        'core_ns_per_neuron_step': 1e9*watch.wall*cores/(
            last.neurons*round(1000*biological/dt)),
        'messages': last.messages - first.messages,
        'bytes': last.bytes - first.bytes,
    }


def _phases(own: dict[str, float], comm: Any) -> dict[str, Any]:
    ranks = comm.allgather(own)
    columns = {phase: [each[phase] for each in ranks] for phase in own}
    return {phase: {'min': min(seconds), 'mean': sum(seconds)/len(seconds),
                    'max': max(seconds)}
            for phase, seconds in columns.items()}


def _parts(phases: dict[str, Any], found: dict[str, Any], steps: int
           ) -> dict[str, Any]:
    """Return what the two large phases cost for each of what they do."""
    work = found['neurons']*steps
    return {
        'ns_per_neuron_step':
            1e9*phases['update']['mean']*found['cores']/work,
        'deliver_ns_per_event': (
            1e9*phases['deliver']['mean']*found['cores']/found['events']
            if found['events'] else None)}

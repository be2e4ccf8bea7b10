"""The exchange schemes on equal traffic: what they send, how long it takes.

The spikes are drawn once and given to each scheme, so that whatever differs
is the scheme's.  Counting plays all ranks in this one process; timing needs
a job of several.
"""

import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from dsim.benchmarks import machine
from dsim.benchmarks.results import number
from dsim.engine.layout import Layout, arrange
from dsim.errors import SimulationError
from dsim.network import Network
from dsim.partitioning.exchange import EXCHANGES, find_scheme
from dsim.partitioning.exchange.atlas import Atlas
from dsim.partitioning.exchange.loopback import complete, loopback
from dsim.partitioning.exchange.packets import Spikes

Window = tuple[int, list[Spikes]]
"""The first step, and the spikes of each rank."""


def windows(layout: Layout, dt: float, count: int, rate: float, seed: int
            ) -> list[Window]:
    """Return windows of spikes of neurons that fire at ``rate`` Hz.

    Each neuron in each step (of ``dt`` ms) with equal probability; each
    rank's spikes are in order of step.
    """
    generator = np.random.default_rng(seed)
    tiling, steps = layout.tiling, layout.window
    atlas, found = Atlas(tiling), []
    for first in range(0, count*steps, steps):
        fired = generator.random((steps, tiling.total)) < rate*dt/1000
        late, numbers = np.nonzero(fired)
        spikes = Spikes(late + first, numbers)
        ranks = atlas.ranks(atlas.locate(spikes))
        found.append((first, [
            Spikes(*(each[ranks == rank] for each in spikes))
            for rank in range(tiling.processes.size)]))
    return found


def census(network: Network, dt: float, ranks: int, count: int,
           rate: float, seed: int = 1) -> list[dict[str, Any]]:
    """Return what each scheme sends on so many ranks, exactly counted.

    Messages, bytes and stages are those of a rank in a window: the mean
    and the most over ranks, and what the scheme predicts for the mean.
    Raises `SimulationError` if two schemes deliver other spikes.
    """
    layout = arrange(network, dt, ranks)
    traffic = windows(layout, dt, count, rate, seed)
    chosen = find_scheme('auto', layout.plan, layout.window,
                         layout.window*dt).name
    found, heard = [], set()
    for name in EXCHANGES:
        row, arrived = _counted(name, layout, traffic)
        row['predicted'] = _predicted(name, network, layout, dt, rate)
        heard.add(arrived)
        found.append({**row, 'auto': name == chosen})
    if len(heard) > 1:
        raise SimulationError(f'the schemes delivered {sorted(heard)} '
                              'spikes: one of them is wrong')
    return found


def _counted(name: str, layout: Layout, traffic: Sequence[Window]
             ) -> tuple[dict[str, Any], tuple[int, int]]:
    exchanges = loopback(layout.plan, EXCHANGES[name])
    arrived, sum_of_numbers = 0, 0
    for first, ranks in traffic:
        for exchange, spikes in zip(exchanges, ranks, strict=True):
            exchange.post(first, layout.window, spikes)
        for spikes in complete(exchanges):
            arrived += spikes.numbers.size
            sum_of_numbers += int(spikes.numbers.sum())
    each = {what: [getattr(exchange, what)/len(traffic)
                   for exchange in exchanges]
            for what in ('messages', 'bytes', 'stages')}
    row = {'scheme': name, 'ranks': len(exchanges),
           'processes': str(layout.tiling.processes),
           'window_steps': layout.window, 'windows': len(traffic),
           'spikes': sum(spikes.numbers.size for _, ranks in traffic
                         for spikes in ranks),
           'heard': arrived,
           **{what: {'mean': statistics.fmean(values), 'max': max(values)}
              for what, values in each.items()}}
    return row, (arrived, sum_of_numbers)


def _predicted(name: str, network: Network, layout: Layout, dt: float,
               rate: float) -> dict[str, float]:
    spikes = [p.size*rate*layout.window*dt/1000
              for p in network.populations.values()]
    ranks = [EXCHANGES[name].predict(layout.plan, rank, layout.window, spikes)
             for rank in range(layout.tiling.processes.size)]
    return {what: statistics.fmean(getattr(each, what) for each in ranks)
            for what in ('messages', 'bytes', 'stages')}


def timed(network: Network, dt: float, comm: Any, count: int, repeats: int,
          rate: float, seed: int = 1) -> list[dict[str, Any]]:
    """Return how long a window takes each scheme; collective.

    Posting and completing, nothing between; the slowest rank, the median
    of ``repeats`` that alternate between the schemes.
    """
    layout = arrange(network, dt, comm.size)
    traffic = windows(layout, dt, count, rate, seed)
    exchanges = {name: scheme(comm, layout.plan)
                 for name, scheme in EXCHANGES.items()}
    times: dict[str, list[float]] = {name: [] for name in exchanges}
    for _ in range(repeats + 1):
        for name, exchange in exchanges.items():
            comm.Barrier()
            begin = time.perf_counter()
            for first, ranks in traffic:
                exchange.post(first, layout.window, ranks[comm.rank])
                exchange.complete()
            mine = time.perf_counter() - begin
            times[name].append(1e6*max(comm.allgather(mine))/len(traffic))

    # The first round has compiled
    crowded = machine.crowded(comm)
    return [{'scheme': name, 'ranks': comm.size, 'windows': len(traffic),
             'us_per_window': statistics.median(values[1:]),
             'us_per_window_min': min(values[1:]),
             'us_per_window_max': max(values[1:]),
             'oversubscribed': crowded} for name, values in times.items()]


def show(entries: Sequence[dict[str, Any]], console: Console) -> None:
    """Print a line for each number of ranks and scheme."""
    table = Table(box=None, pad_edge=False, header_style='bold')
    timings = 'us_per_window' in entries[0]
    names = (('us per window', 'smallest', 'largest') if timings else
             ('messages', 'most', 'bytes', 'most', 'stages', 'predicted'))
    table.add_column('ranks', justify='right')
    table.add_column('scheme')
    for name in names:
        table.add_column(name, justify='right', no_wrap=True)
    for each in entries:
        cells = ([number(each[f'us_per_window{what}'])
                  for what in ('', '_min', '_max')] if timings else
                 [text for what in ('messages', 'bytes') for text in
                  (number(each[what]['mean']), number(each[what]['max']))]
                 + [number(each['stages']['max']),
                    f'{number(each["predicted"]["messages"])}, '
                    f'{number(each["predicted"]["bytes"])} B'])
        name = each['scheme'] + ('  (auto)' if each.get('auto') else '')
        table.add_row(str(each['ranks']), name, *cells)
    console.print(table)
    console.print(
        'posting and completing a window, the slowest rank, median of '
        'alternating repeats' if timings else 'a rank in a window, mean and '
        'most over ranks; predicted are the means', style='dim',
        markup=False, soft_wrap=True)
    if timings and entries[0]['oversubscribed']:
        console.print('more ranks than cores: times mean nothing',
                      style='yellow', markup=False)

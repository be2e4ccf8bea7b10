"""The exchange schemes on equal traffic: what they send, how long it takes.

Counting plays all ranks in this one process, by the census of the
partitioning; timing needs a job of several.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from rich.console import Console
from rich.table import Table

from dsim.benchmarks import machine
from dsim.benchmarks.results import number
from dsim.engine.layout import arrange
from dsim.errors import OutputError
from dsim.network import Network
from dsim.partitioning.exchange import EXCHANGES, find_scheme
from dsim.partitioning.exchange.census import (
    Census,
    counted,
    foretold,
    random_spikes,
    weak,
)
from dsim.partitioning.plan import HaloPlan
from dsim.report import style

COUNTS = ('messages', 'bytes', 'stages')


@dataclass(frozen=True)
class Traffic:
    """Spikes of a network whose neurons fire at ``rate`` Hz, at random.

    ``grows``: the network as it is lies on each rank, so that it grows
    with their number; else the ranks share it.  ``dt`` in ms.
    """

    network: Network
    dt: float
    rate: float
    grows: bool = False

    def plan(self, ranks: int) -> tuple[HaloPlan, int]:
        """Return the plan of so many ranks, and the steps of a window.

        Raises `LayoutError` if they cannot share the grids.
        """
        layout = arrange(self.network, self.dt, 1 if self.grows else ranks)
        if not self.grows:
            return layout.plan, layout.window
        return weak(ranks, layout.tiling.shapes, layout.plan.reaches,
                    self.network.sheet.periodic), layout.window

    @property
    def rates(self) -> list[float]:
        """The rate of each population, in Hz."""
        return [self.rate]*len(self.network.populations)


def count(traffic: Traffic, ranks: int, windows: int
          ) -> list[dict[str, Any]]:
    """Return what each scheme sends on so many ranks, exactly counted.

    Messages, bytes and stages are those of a rank in a window, as is what
    the plan alone foretells: least, mean and most over ranks.
    """
    plan, steps = traffic.plan(ranks)
    chosen = find_scheme('auto', plan, steps, steps*traffic.dt).name
    # On tiles that are alike the same spikes: ranks then differ by nothing
    # but where they are
    seed = None if traffic.grows else 1
    found = []
    for name, scheme in EXCHANGES.items():
        real = counted(scheme, plan, steps, traffic.rates, traffic.dt,
                       windows, seed)
        told = foretold(scheme, plan, steps, traffic.rates, traffic.dt)
        found.append({
            'scheme': name, 'auto': name == chosen, 'ranks': ranks,
            'processes': str(plan.tiling.processes),
            'neurons': real.neurons, 'window_steps': steps,
            'windows': windows, **_spreads(real),
            'predicted': _spreads(told)})
    return found


def _spreads(census: Census) -> dict[str, dict[str, float]]:
    spreads = {name: getattr(census, name) for name in COUNTS}
    return {name: {'min': each.least, 'mean': each.mean, 'max': each.most}
            for name, each in spreads.items()}


def timed(traffic: Traffic, comm: Any, windows: int, repeats: int
          ) -> list[dict[str, Any]]:
    """Return how long a window takes each scheme; collective.

    Posting and completing, nothing between; the slowest rank, the median
    of ``repeats`` that alternate between the schemes.
    """
    plan, steps = traffic.plan(comm.size)
    chances = [rate*traffic.dt/1000 for rate in traffic.rates]
    spikes = [random_spikes(plan.tiling, comm.rank, k*steps, steps, chances,
                            (1 + comm.rank, k)) for k in range(windows)]
    exchanges = {name: scheme(comm, plan)
                 for name, scheme in EXCHANGES.items()}
    times: dict[str, list[float]] = {name: [] for name in exchanges}
    for _ in range(repeats + 1):
        for name, exchange in exchanges.items():
            comm.Barrier()
            begin = time.perf_counter()
            for k, mine in enumerate(spikes):
                exchange.post(k*steps, steps, mine)
                exchange.complete()
            took = time.perf_counter() - begin
            times[name].append(1e6*max(comm.allgather(took))/windows)

    # The first round has compiled
    crowded = machine.crowded(comm)
    return [{'scheme': name, 'ranks': comm.size, 'windows': windows,
             'us_per_window': statistics.median(values[1:]),
             'us_per_window_min': min(values[1:]),
             'us_per_window_max': max(values[1:]),
             'oversubscribed': crowded} for name, values in times.items()]


def show(entries: Sequence[dict[str, Any]], console: Console) -> None:
    """Print a line for each number of ranks and scheme."""
    timings = 'us_per_window' in entries[0]
    table = Table(box=None, pad_edge=False, header_style='bold')
    names = (('us per window', 'smallest', 'largest') if timings else
             ('messages', 'most', 'bytes', 'most', 'stages', 'most',
              'predicted: messages', 'bytes', 'stages'))
    table.add_column('ranks', justify='right')
    table.add_column('scheme')
    for name in names:
        table.add_column(name, justify='right', no_wrap=True)
    for each in entries:
        cells = ([number(each[f'us_per_window{what}'])
                  for what in ('', '_min', '_max')] if timings else
                 [_short(each[what][kind]) for what in COUNTS
                  for kind in ('mean', 'max')]
                 + [_short(each['predicted'][what]['mean'])
                    for what in COUNTS])
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


def _short(value: float) -> str:
    return f'{value:,.0f}' if value >= 100 else f'{value:.3g}'


def draw(entries: Sequence[dict[str, Any]], folder: Path
         ) -> list[style.Picture]:
    """Draw counts by ranks, a line for each scheme.

    Raises `OutputError` if the picture cannot be written.
    """
    path = folder/'exchange.png'
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with style.figure(path, 2.6) as figure:
            for axes, what in zip(figure.subplots(1, 3), COUNTS,
                                  strict=True):
                _draw_one(axes, what, entries)
            style.legend(figure, list(EXCHANGES), [
                {'color': colour} for _, colour
                in style.coloured(EXCHANGES)])
    except OSError as error:
        raise OutputError(f'{folder}: cannot be written: '
                          f'{error.strerror}') from None
    return [style.picture(path, 'Exchange by ranks', 'Of a rank in a '
                          'window: counted, means over ranks.')]


def _draw_one(axes: Axes, what: str, entries: Sequence[dict[str, Any]]
              ) -> None:
    ranks = sorted({each['ranks'] for each in entries})
    for name, colour in style.coloured(EXCHANGES):
        mine = [each for each in entries if each['scheme'] == name]
        axes.plot([each['ranks'] for each in mine],
                  [each[what]['mean'] for each in mine], 'o-', color=colour,
                  markersize=4)
    axes.set(title=what, xlabel='ranks')
    axes.set_xscale('log', base=2)
    axes.set_xticks(ranks, [str(n) for n in ranks])
    axes.minorticks_off()
    if what == 'bytes':
        axes.set_yscale('log')
        style.log_ticks(axes.yaxis)
    else:
        axes.set_ylim(0, None)

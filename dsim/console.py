"""What commands say: lines about a run, tables of what one will need."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.table import Table

from dsim import __version__
from dsim.engine.estimate import Estimate, Share
from dsim.engine.layout import Layout
from dsim.engine.timers import Summary
from dsim.network import Network
from dsim.partitioning.drawing import draw as drawing

MOST_ROWS = 16
"""Ranks that a table lists one by one."""


def layout_lines(network: Network, layout: Layout, exchange: str,
                 threads: int = 1) -> str:
    """Say how many ranks there are, what a window is, what was rounded."""
    grid = layout.tiling.processes
    sizes = [p.size for p in network.populations.values()]
    rows, columns = layout.tiling.shape(sizes.index(max(sizes)), 0)
    each = f' of {threads} threads' if threads > 1 else ''
    first = (f'dsim {__version__}  {plural(grid.size, "rank")}{each} ({grid} '
             f'tiles of {rows} x {columns})  exchange {exchange}, every '
             f'{plural(layout.window, "step")}')
    return '\n'.join([first, *(f'note: {note}' for note in layout.notes)])


def built_line(summary: Summary) -> str:
    """Say how large the network is."""
    each = summary.table_bytes/max(summary.synapses, 1)
    return (f'built {summary.neurons:,} neurons, {summary.synapses:,} '
            f'synapses ({each:.1f} B each) in {summary.build:.1f} s')


def cost_lines(network: Network, summary: Summary, folder: Path) -> str:
    """Say what the run gave, what it cost, and where its spikes are."""
    duration = max(summary.biological, 1e-300)
    rates = '  '.join(
        f'{name} {count/network[name].size/duration:.1f} Hz'
        for name, count in summary.spikes.items())
    kept = sum(count for name, count in summary.spikes.items()
               if network[name].record_spikes)
    return '\n'.join([
        f'ran {1000*summary.biological:g} ms in {summary.wall:.1f} s   '
        f'{rates}', summary.line(),
        f'wrote {folder / "spikes.h5"}  ({kept:,} spikes, sorted, SONATA)'])


def report_line(path: Path) -> str:
    """Say where a report and its pictures are."""
    pictures = path.parent / 'pictures'
    count = sum(1 for _ in pictures.glob('*'))
    return (f'wrote {path}' + (f', {plural(count, "picture")} in {pictures}'
                               if count else ''))


def print_estimate(found: Estimate, console: Console) -> None:
    """Print the map of tiles and what each rank will need."""
    console.print(drawing(found.layout.tiling, found.names), markup=False,
                  soft_wrap=True)
    console.print(
        f'{found.neurons:,} neurons, about {found.synapses:,.0f} synapses; '
        f'a rank hears of up to {found.halo[0]} rows and {found.halo[1]} '
        'columns beyond its tile', soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style='bold')
    for name in ('rank', 'neurons', 'synapses', 'memory', 'messages',
                 'bytes', 'time'):
        table.add_column(name, justify='right', no_wrap=True)
    for cells in _rows(found.shares):
        table.add_row(*cells)
    console.print(table)
    console.print(
        f'messages and bytes sent in a window of {found.window:g} ms, time '
        f'for 1 s of the model without waiting for others, both at '
        f'{found.rate:g} Hz', soft_wrap=True)
    console.print(
        f'largest: {size(found.largest.memory)} on rank '
        f'{found.largest.rank}, beside Python and its libraries; estimated '
        f'RTF {found.rtf:.2g}', soft_wrap=True)


def _rows(shares: Sequence[Share]) -> list[list[str]]:
    fields = 'neurons', 'synapses', 'memory', 'messages', 'bytes', 'seconds'
    columns = [[getattr(share, field) for share in shares]
               for field in fields]
    if len(shares) <= MOST_ROWS:
        return [_cells(str(share.rank), *values) for share, values
                in zip(shares, zip(*columns, strict=True), strict=True)]
    return [_cells(name, *map(summarise, columns)) for name, summarise
            in (('min', min), ('mean', fmean), ('max', max))]


def _cells(name: str, neurons: float, synapses: float, memory: float,
           messages: float, sent: float, seconds: float) -> list[str]:
    return [name, f'{neurons:,.0f}', f'{synapses:,.0f}', size(memory),
            f'{messages:.3g}', f'{sent:,.0f}', f'{seconds:.3g} s']


def print_facts(facts: Mapping[str, str], console: Console) -> None:
    """Print names and what they stand for."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style='bold', no_wrap=True)
    table.add_column(overflow='fold')
    for name, value in facts.items():
        table.add_row(name, value)
    console.print(table)


def plural(count: int, noun: str) -> str:
    """Return a number of things in words."""
    return f'{count} {noun}{"s"*(count != 1)}'


def size(count: float) -> str:
    """Return a number of bytes in a unit that suits it."""
    for unit in ('B', 'KiB', 'MiB', 'GiB'):
        if count < 999.5:
            return f'{count:.3g} {unit}'
        count /= 1024
    return f'{count:.3g} TiB'

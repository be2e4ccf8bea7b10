"""How all figures look: colours, sizes, and what an empty one says."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import NamedTuple, TypeVar

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

WIDTH = 7.2
"""Inches of a figure that fills the page."""

DPI = 160
SCREEN = 110
"""Pixels of the page for an inch of a figure."""

COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9',
           '#6b6b6b')
"""One a population: Okabe and Ito's, told apart by the colour-blind too."""

PHASE_COLOURS = ('#332288', '#44aa99', '#ddcc77', '#cc6677', '#88ccee',
                 '#aa4499', '#117733')
"""One a phase: from the muted scheme of Paul Tol."""

EMPTY = 1.2
"""Inches of height of a figure in which nothing can be drawn."""

INK, FAINT = '#262626', '#8c8c8c'
MAP = 'viridis'

RC = {
    'font.family': 'DejaVu Sans', 'font.size': 8.5,
    'text.color': INK, 'axes.labelcolor': INK,
    'axes.titlesize': 8.5, 'axes.titlelocation': 'left',
    'axes.edgecolor': INK, 'axes.linewidth': 0.7,
    'axes.spines.top': False, 'axes.spines.right': False,
    'axes.formatter.useoffset': False, 'axes.formatter.limits': (-4, 6),
    'xtick.color': INK, 'ytick.color': INK,
    'xtick.labelsize': 8, 'ytick.labelsize': 8,
    'xtick.major.width': 0.7, 'ytick.major.width': 0.7,
    'xtick.minor.width': 0.5, 'ytick.minor.width': 0.5,
    'xtick.major.size': 3, 'ytick.major.size': 3,
    'legend.frameon': False, 'legend.fontsize': 8,
    'legend.handlelength': 1.9, 'legend.borderaxespad': 0.2,
    'lines.linewidth': 1.1, 'lines.solid_capstyle': 'round',
    'figure.facecolor': 'white', 'savefig.facecolor': 'white',
    'figure.constrained_layout.w_pad': 0.07,
    'path.simplify': True, 'agg.path.chunksize': 20_000,
}


class Picture(NamedTuple):
    """A picture of the page; ``width`` in pixels of the page."""

    path: Path
    title: str
    caption: str
    width: int


@contextmanager
def figure(path: Path, height: float, width: float = WIDTH
           ) -> Iterator[Figure]:
    """Hand over a figure of that many inches; save it as PNG afterwards."""
    with matplotlib.rc_context(RC):
        drawn = Figure((width, height), dpi=DPI, layout='constrained')
        canvas = FigureCanvasAgg(drawn)
        yield drawn
        canvas.print_png(path)


def picture(path: Path, title: str, caption: str,
            width: float = WIDTH) -> Picture:
    """Return the picture just saved, for the page."""
    return Picture(path, title, caption, round(width*SCREEN))


Item = TypeVar('Item')


def coloured(items: Iterable[Item], colours: Sequence[str] = COLOURS
             ) -> list[tuple[Item, str]]:
    """Pair each item with its colour; few enough have their own."""
    return list(zip(items, cycle(colours)))


def lined(items: Iterable[Item]) -> list[tuple[Item, dict[str, str]]]:
    """Pair each item with its line: where colours come again, dashes do."""
    lines = [{'color': colour, 'linestyle': dashes}
             for dashes in ('-', '--', '-.') for colour in COLOURS]
    return list(zip(items, cycle(lines)))


def plain(text: str) -> str:
    """Return a name as matplotlib must be given it, to draw it as it is.

    Dollars would begin a formula, and a leading underscore hides a name
    from the legend.
    """
    text = text.replace('$', r'\$')
    return f'\N{WORD JOINER}{text}' if text.startswith('_') else text


def empty(axes: Axes, reason: str, width: int = 46) -> None:
    """Make an empty panel that says why it is empty."""
    axes.tick_params('both', which='both', length=0, labelleft=False,
                     labelbottom=False)
    axes.set(xlabel='', ylabel='')
    for spine in axes.spines.values():
        spine.set(visible=True, color='#dddddd')
    axes.text(0.5, 0.5, textwrap.fill(plain(reason), width), color=FAINT,
              transform=axes.transAxes, ha='center', va='center')


def legend(drawn: Figure, names: Sequence[str], lines: Sequence[dict]
           ) -> None:
    """Name lines above all panels; the figure grows by what that takes."""
    # Inches, about: a line and its gap, and the letters
    needs = [0.56 + 0.075*len(name) for name in names]
    room = drawn.get_figwidth() - 0.3
    columns = (len(names) if sum(needs) <= room
               else max(1, int(room/max(needs))))
    band = 0.19*-(-len(names)//columns) + 0.06
    height = drawn.get_figheight() + band
    drawn.set_size_inches(drawn.get_figwidth(), height)
    drawn.get_layout_engine().set(rect=(0, 0, 1, 1 - band/height))
    handles = [Line2D([], [], **{'linewidth': 2, **line}) for line in lines]
    drawn.legend(handles, [plain(name) for name in names], ncols=columns,
                 loc='upper left', bbox_to_anchor=(0.01, 1),
                 columnspacing=1.4, borderpad=0.3)


def log_limits(low: float, high: float) -> tuple[float, float]:
    """Return the limits of a log axis for values from ``low`` to ``high``.

    Two powers of ten, which are what is labelled, lie within them.
    """
    first, last = np.ceil(np.log10(low)), np.floor(np.log10(high))
    if last > first:
        return low/1.1, high*1.1
    first = np.floor(np.log10(low))
    return 10.0**first, 10.0**max(np.ceil(np.log10(high)), first + 1)


def log_ticks(axis: Axis, labels: int = 6) -> None:
    """Give a logarithmic axis plain decades: 0.1, 1, 10."""
    axis.set_major_locator(LogLocator(numticks=labels))
    axis.set_major_formatter(FuncFormatter(_decade))
    axis.set_minor_formatter(NullFormatter())


def thousands(axis: Axis) -> None:
    """Write the numbers of an axis as 12,000."""
    axis.set_major_formatter(FuncFormatter(lambda x, _: f'{x:,.10g}'))


def _decade(value: float, _: int) -> str:
    if 1e-3 <= value < 1e5:
        return f'{value:,.10g}'
    digits = str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹')
    factor, power = f'{value:.0e}'.split('e')
    head = '' if factor == '1' else f'{factor}×'
    return f'{head}10{str(int(power)).translate(digits)}'

"""Frames of a recorded variable as a GIF: the sheet while it runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import h5py
import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from dsim.errors import InputFileError
from dsim.io.frames import Frames, list_frames, read_frames
from dsim.report import maps, style
from dsim.report.folder import Grid, Run

MOST = 200
"""Frames of a movie."""

CELLS = 2_000_000
"""Cells of all frames of all movies of a page, which bounds its size."""

SIDE = 160
"""Cells of a frame along an axis; larger grids are averaged down."""

PIECE = 1 << 26
"""Bytes of frames that are read at once."""

SHADES = 48
DPI = 100
SIZE = 3.2
"""Inches of the longer side of the sheet."""

INTERVAL = 60
"""Milliseconds that a frame is shown."""


class Series(NamedTuple):
    """A series of frames: its names, how many there are, their shape."""

    population: str
    variable: str
    frames: int
    shape: tuple[int, int]


def draw(run: Run, folder: Path) -> list[style.Picture]:
    """Make a movie of each series of frames of the run."""
    if run.frames is None:
        return []
    try:
        series = [look(run.frames, *each) for each in list_frames(run.frames)]
        series = [each for each in series if each.frames]
        return [_film(run, run.frames, folder, each, CELLS//len(series))
                for each in series]
    except InputFileError:
        if run.finished:
            raise
        # The run was stopped before, or while, it wrote its first frames
        return []


def look(path: Path, population: str, variable: str) -> Series:
    """Return what there is of a series, without reading its frames."""
    with h5py.File(path, 'r') as file:
        group = file[f'frames/{population}/{variable}']
        frames, *shape = group['data'].shape
        return Series(population, variable, min(frames, group['time'].size),
                      tuple(shape))


def stride_of(frames: int, shape: tuple[int, int], cells: int = CELLS,
              most: int = MOST) -> int:
    """Return every how many frames one is shown, for a movie of ``cells``."""
    small = -(-shape[0]//factor_of(shape))*-(-shape[1]//factor_of(shape))
    wanted = min(most, max(20, cells//small))
    return -(-frames//wanted)


def factor_of(shape: tuple[int, int], side: int = SIDE) -> int:
    """Return how many cells along an axis are averaged to one."""
    return -(-max(shape)//side)


def averaged(data: np.ndarray, factor: int) -> np.ndarray:
    """Return the means of ``factor`` x ``factor`` cells: [T, rows, columns].

    Blocks at the far sides may be smaller.
    """
    if factor == 1:
        return data
    for axis in (1, 2):
        starts = np.arange(0, data.shape[axis], factor)
        width = np.diff(starts, append=data.shape[axis])
        width = width[:, None] if axis == 1 else width
        data = np.add.reduceat(data, starts, axis)/width
    return data


def chosen(path: Path, series: Series, stride: int) -> Frames:
    """Return every ``stride``-th frame, averaged down, in bounded memory."""
    times, data, unit = [], [], ''
    for piece in _pieces(series, stride):
        try:
            read = read_frames(path, series.population, series.variable,
                               piece)
        except OSError as error:
            raise InputFileError(f'{path}: cannot be read: {error}'
                                 ) from error
        times.append(read.times)
        data.append(averaged(read.data, factor_of(series.shape)))
        unit = read.unit
    return Frames(np.concatenate(times), np.concatenate(data), unit)


def _pieces(series: Series, stride: int) -> Iterator[slice]:
    each = max(1, PIECE//(8*series.shape[0]*series.shape[1]))*stride
    for first in range(0, series.frames, each):
        yield slice(first, min(first + each, series.frames), stride)


def scale_of(data: np.ndarray) -> tuple[float, float]:
    """Return the ends of the colour scale: all but a half per cent each."""
    known = data[np.isfinite(data)]
    if not known.size:
        return 0.0, 1.0
    low, high = np.percentile(known, (0.5, 99.5))
    if high - low <= 1e-6*max(abs(low), abs(high)):
        # A spike in a silent sheet must not be lost
        low, high = known.min(), known.max()
    return (float(low), float(high)) if high > low else (
        float(low) - 0.5, float(high) + 0.5)


def extend_of(data: np.ndarray, low: float, high: float) -> str:
    """Return at which ends of the colour scale there are values beyond."""
    beyond = bool(np.any(data < low)), bool(np.any(data > high))
    return {(True, True): 'both', (True, False): 'min',
            (False, True): 'max', (False, False): 'neither'}[beyond]


def _film(run: Run, source: Path, folder: Path, series: Series,
          cells: int) -> style.Picture:
    name = f'{series.population} {series.variable}'
    path = folder/f'movie_{name.replace(" ", "_")}.gif'
    stride = stride_of(series.frames, series.shape, cells)
    frames = chosen(source, series, stride)
    grid = next((a.grid for a in run.activities
                 if a.name == series.population and a.grid), None)
    images = list(_images(frames, grid or Grid(
        series.shape, (series.shape[1], series.shape[0])), name))
    images[0].save(path, save_all=True, append_images=images[1:],
                   duration=INTERVAL, loop=0, optimize=False)

    span = frames.times[-1] - frames.times[0]
    pace = span/(len(images)*INTERVAL/1000)
    caption = (
        f'{series.variable} ({frames.unit}) of {series.population}: '
        f'{len(images)} of {series.frames:,} frames from '
        f'{frames.times[0]:,.10g} to {frames.times[-1]:,.10g} ms'
        + (f', {pace:.3g} ms in a second of the movie' if pace else '')
        + _averaging(series.shape) + '.')
    return style.Picture(path, f'Movie: {name}', caption, images[0].width)


def _averaging(shape: tuple[int, int]) -> str:
    factor = factor_of(shape)
    return (f'; {factor} × {factor} neurons are averaged to a cell'
            if factor > 1 else '')


def _images(frames: Frames, grid: Grid, name: str) -> Iterator[Image.Image]:
    """Draw the frames: what does not change is drawn only once."""
    low, high = scale_of(frames.data)
    shades = matplotlib.colormaps[style.MAP].resampled(SHADES)
    palette = _palette(shades)
    with matplotlib.rc_context(style.RC):
        figure = Figure(_size(grid), dpi=DPI, layout='constrained')
        canvas = FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.set_title(style.plain(name))
        clock = axes.set_title(f't = {frames.times[-1]:,.1f} ms', loc='right')
        image = maps.show(axes, frames.data[0], grid, frames.unit, low, high,
                          extend_of(frames.data, low, high), cmap=shades)
        # The second time it knows how wide the labels have become
        canvas.draw()
        canvas.draw()
        # The layout is settled: from here on only these two change
        figure.set_layout_engine('none')
        clock.set_animated(True)
        image.set_animated(True)
        canvas.draw()
        still = canvas.copy_from_bbox(figure.bbox)
        for time, values in zip(frames.times, frames.data, strict=True):
            canvas.restore_region(still)
            image.set_data(values)
            clock.set_text(f't = {time:,.1f} ms')
            axes.draw_artist(image)
            axes.draw_artist(clock)
            drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
            yield drawn.quantize(palette=palette, dither=Image.Dither.NONE)


def _size(grid: Grid) -> tuple[float, float]:
    """Return (width, height) of the movie in inches."""
    ratio = maps.proportion(grid)
    width = SIZE/max(ratio, 1.0)
    return max(width + 1.3, 2.8), max(width*ratio, 1.0) + 0.8


def _palette(shades: matplotlib.colors.Colormap) -> Image.Image:
    """Return the colours of the movie: of the map, and greys for text."""
    greys = np.linspace(0, 255, 32)[:, None].repeat(3, 1)
    colours = 255*shades(np.arange(SHADES))[:, :3]
    table = np.round(np.concatenate([colours, greys])).astype(np.uint8)
    image = Image.new('P', (1, 1))
    image.putpalette(table.tobytes())
    return image

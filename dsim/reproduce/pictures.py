"""Captions and movies, in the look of `dsim.report.style`."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from dsim.report import style

CHARACTERS = 128
"""Characters in a line of a caption as wide as the page."""

MAP = 'magma'
"""Colours of the sheets: a front is bright, cells that recover are dark."""

PAUSE = 40
"""Milliseconds for which a frame of a movie is shown."""

SHADES = 240
"""Colours of a movie for values; the rest of 256 is for text."""


def caption(figure: FigureBase, text: str) -> None:
    """Write what a figure shows, small, below it."""
    across = round(CHARACTERS*figure.bbox.width/figure.dpi/style.WIDTH)
    text = textwrap.fill(text, across)
    figure.supxlabel(text, x=0.01, ha='left', fontsize=7, color=style.FAINT)


def letter(axes: Sequence[Axes]) -> None:
    """Name panels a, b, c ..., before their titles."""
    for axis, name in zip(axes, 'abcdefghijklmnopqrst', strict=False):
        title = axis.get_title(loc='left')
        axis.set_title(rf'$\bf{{{name}}}$  {title}', loc='left')


def film(path: Path, times: np.ndarray, frames: np.ndarray, title: str,
         ends: tuple[float, float], zoom: int = 3) -> None:
    """Write a GIF of ``frames`` [T, rows, columns] at ``times`` in ms.

    ``ends`` are those of the scale of colours; each cell is ``zoom`` x
    ``zoom`` pixels.
    """
    colours = matplotlib.colormaps[MAP](np.linspace(0, 1, SHADES))
    greys = np.repeat(np.linspace(0, 1, 256 - SHADES)[:, None], 3, axis=1)
    table = np.concatenate([colours[:, :3], greys])
    palette = np.round(255*table).astype(np.uint8).tobytes()

    low, high = ends
    shades = np.clip((frames - low)/(high - low), 0, 1)*(SHADES - 1)
    images = [_page(shade.astype(np.uint8).repeat(zoom, 0).repeat(zoom, 1),
                    title, f'{time:,.0f} ms', palette)
              for time, shade in zip(times, shades, strict=True)]
    images[0].save(path, save_all=True, append_images=images[1:],
                   duration=PAUSE, loop=0, optimize=False)


def _page(picture: np.ndarray, title: str, time: str, palette: bytes
          ) -> Image.Image:
    height, width = picture.shape
    page = np.full((height + 22, width), 255, np.uint8)
    page[22:] = picture
    # Grey values become numbers of colours
    image = Image.fromarray(page)
    image.putpalette(palette)

    font = ImageFont.truetype(_font(), 12)
    pen = ImageDraw.Draw(image)
    pen.fontmode = '1'
    pen.text((5, 4), title, fill=SHADES, font=font)
    pen.text((width - 5 - pen.textlength(time, font), 4), time, fill=SHADES,
             font=font)
    return image


def _font() -> str:
    return findfont('DejaVu Sans')

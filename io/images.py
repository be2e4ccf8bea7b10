"""Pictures to arrays: grey values from 0 to 1 on the grid of a population."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dsim.errors import InputFileError

# What the eye sees of red, green and blue (ITU-R BT.601)
LUMINANCE = (0.299, 0.587, 0.114)


def read_image(path: str | os.PathLike,
               shape: Sequence[int] | None = None) -> np.ndarray:
    """Return a picture as float64[rows, columns], black 0 and white 1.

    PNG, JPEG and what else Pillow reads, or ``.npy`` (whole numbers as in a
    picture, or real ones already from 0 to 1).  Colours become luminance;
    with ``shape`` the picture is brought to that grid, see `resize`.
    Raises InputFileError for what is missing, unreadable or out of range.
    """
    path = Path(path)
    if not path.is_file():
        raise InputFileError(f'{path}: there is no such file')
    pixels = _load_array(path) if path.suffix == '.npy' else _load(path)
    grey = _grey(pixels, path)
    return grey if shape is None else resize(grey, shape)


def resize(image: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Return the image on a grid of ``shape`` = (rows, columns).

    Each cell is the mean of the area that it covers, pixels cut by its
    border counting by their share; so the mean of the image stays.  The
    sums have one order, so all machines find the same bits.
    """
    rows, columns = shape
    return _average(_average(image, rows).T, columns).T.copy()


def _average(image: np.ndarray, cells: int) -> np.ndarray:
    """Bring the first axis to ``cells`` cells, each a mean of its pixels."""
    means = np.zeros((cells, *image.shape[1:]))
    # In units of 1/wide of a pixel all borders are whole numbers: a pixel is
    # `wide` long, a cell `long`
    common = math.gcd(cells, len(image))
    wide, long = cells//common, len(image)//common
    for cell in range(cells):
        low, high = cell*long, (cell + 1)*long
        for pixel in range(low//wide, -(-high//wide)):
            covered = min(high, (pixel + 1)*wide) - max(low, pixel*wide)
            means[cell] += covered*image[pixel]
        means[cell] /= long
    return means


def _load(path: Path) -> np.ndarray:
    try:
        from PIL import Image
    except ImportError as error:
        raise InputFileError(f'{path}: reading pictures needs Pillow (pip '
                             'install pillow); .npy needs nothing') from error
    try:
        with Image.open(path) as picture:
            if picture.mode in ('1', 'P', 'PA', 'LA', 'CMYK', 'YCbCr'):
                picture = picture.convert('L' if picture.mode in ('1', 'LA')
                                          else 'RGB')
            return np.asarray(picture)
    except (OSError, ValueError, SyntaxError) as error:
        raise InputFileError(f'{path}: cannot be read as a picture: '
                             f'{error}') from error


def _load_array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputFileError(f'{path}: cannot be read as an array: '
                             f'{error}') from error


def _grey(pixels: np.ndarray, path: Path) -> np.ndarray:
    if pixels.ndim not in (2, 3) or pixels.size == 0 or (
            pixels.ndim == 3 and pixels.shape[2] not in (3, 4)):
        raise InputFileError(f'{path}: no picture of rows, columns and '
                             f'perhaps colours, but {pixels.shape}')
    white = 1.0
    if pixels.dtype.kind in 'iu':
        # 16-bit PNGs come as int32
        white = 255.0 if pixels.dtype.itemsize == 1 else 65535.0
    elif pixels.dtype.kind not in 'fb':
        raise InputFileError(f'{path}: {pixels.dtype} is no grey value')
    values = pixels.astype(np.float64)/white
    # Also false for not-a-number
    if not (values.min() >= 0.0 and values.max() <= 1.0):
        raise InputFileError(f'{path}: values from {pixels.min()} to '
                             f'{pixels.max()}, not from 0 to {white:g}')
    if values.ndim == 3:
        red, green, blue = np.moveaxis(values[..., :3], -1, 0)
        r, g, b = LUMINANCE
        values = r*red + g*green + b*blue
    return values

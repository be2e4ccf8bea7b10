"""Files that are whole or not there: claimed, forced to disk, renamed."""

import os
from pathlib import Path

from dsim.errors import OutputError

_PROBE = 1 << 16


def part_of(path: str | os.PathLike) -> Path:
    """Return the name that ``path`` has while it is being written."""
    path = Path(path)
    return path.with_name(path.name + '.part')


def refuse(path: Path, overwrite: bool) -> None:
    """Raise OutputError if there is a file that must not be replaced."""
    if path.exists() and not overwrite:
        raise OutputError(f'{path} exists; pass --overwrite (in Python: '
                          'overwrite=True) or choose another --output')


def claim(path: Path, overwrite: bool) -> None:
    """Raise OutputError or OSError unless a file can be made at ``path``.

    What an earlier run left unfinished is replaced by an empty file.
    """
    if path.is_dir():
        raise OutputError(f'{path} is a folder; choose another --output')
    refuse(path, overwrite)
    if not path.parent.is_dir():
        raise OutputError(f'{path}: there is no folder {path.parent}; make '
                          'it, or choose another --output')

    # Only writing shows a disk that is full or read-only, even to root
    with open(part_of(path), 'wb') as probe:
        probe.write(bytes(_PROBE))
        probe.flush()
        os.fsync(probe.fileno())


def finish(part: Path, path: Path) -> None:
    """Give a complete file its name, so that a power cut cannot undo it."""
    sync(part)
    os.replace(part, path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Force to the disk what was written to a file or folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

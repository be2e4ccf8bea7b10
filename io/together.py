"""What rank 0 reads for all: each rank gets the same, or the same error."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dsim.errors import DsimError, InputFileError, nearest

PIECE = 1 << 28
"""Bytes that are sent at once."""


def together(read: Callable[[], Any], comm: Any) -> Any:
    """Return what ``read()`` gives on rank 0, or raise its error, on all."""
    if comm is None or comm.size == 1:
        return read()
    found: tuple[Any, Any] = (None, None)
    if comm.rank == 0:
        try:
            found = read(), None
        except DsimError as error:
            found = None, (type(error), str(error))

    # In pieces, since MPI counts bytes in 31 bits
    data = pickle.dumps(found) if comm.rank == 0 else b''
    size = comm.bcast(len(data))
    pieces = [comm.bcast(data[k:k + PIECE]) for k in range(0, size, PIECE)]
    result, problem = pickle.loads(b''.join(pieces))
    if problem:
        # Made without its constructor, which wants the parts of the sentence
        kind, sentence = problem
        again = kind.__new__(kind)
        again.args = (sentence,)
        raise again
    return result


def read_text(path: Path) -> str:
    """Return a text file in UTF-8; `InputFileError` says why it is none."""
    try:
        return path.read_bytes().decode('utf-8-sig')
    except FileNotFoundError:
        there = sorted(p.stem for p in path.parent.glob(f'*{path.suffix}'))
        hint = nearest(path.stem, there)
        what = 'no such file' + (f'; did you mean {hint}{path.suffix}?'
                                 if hint else '')
    except IsADirectoryError:
        what = 'a folder; name a file in it'
    except UnicodeDecodeError as error:
        what = f'not UTF-8 text (byte {error.start}); save it as UTF-8'
    except OSError as error:
        what = f'cannot be read: {error.strerror}'
    raise InputFileError(f'{path}: {what}')

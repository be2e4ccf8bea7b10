"""The single numba decorator: flags, cache and fall-back decided once.

Nothing here may change a result from one tile shape to the next.  So there
is no ``fastmath`` (it reassociates and contracts), and Intel's vector
library is switched off: its vector ``exp`` differs in the last bit from the
scalar one that finishes a loop's remainder.
"""

import hashlib
import operator
import os
from pathlib import Path
from typing import Any

os.environ.setdefault('NUMBA_DISABLE_INTEL_SVML', '1')

import numba  # noqa: E402
from llvmlite import ir  # noqa: E402
from numba import types  # noqa: E402
from numba.extending import intrinsic, overload  # noqa: E402


def _sources() -> str:
    """Return a hash of all files with compiled code."""
    here = Path(__file__).parent
    text = hashlib.blake2b(digest_size=6)
    for folder in here, here / 'partitioning', here.parent / 'partitioning':
        for file in sorted(folder.rglob('*.py')):
            text.update(file.read_bytes())
    return text.hexdigest()


def _cache_folder() -> str:
    base = (os.environ.get('NUMBA_CACHE_DIR')
            or os.path.join(os.environ.get('XDG_CACHE_HOME')
                            or os.path.expanduser('~/.cache'), 'numba'))
    return os.path.join(base, f'dsim-{_sources()}')


CACHE = _cache_folder()
"""Where machine code is kept.

numba looks at a function's own file only, not at those of the functions that
it calls; so each state of the sources has a folder of its own.
"""


def compiled(function: Any, **options: Any) -> Any:
    """Compile ``function`` to machine code at its first call.

    The code is kept on disk (in `CACHE`), so only the first run on a
    machine pays for it.  Where nothing can be written, each process
    compiles for itself.
    """
    flags: dict[str, Any] = {'error_model': 'numpy', 'nogil': True, **options}
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = CACHE
    try:
        return numba.njit(cache=True, **flags)(function)
    except (RuntimeError, OSError):
        # numba found no folder that it may write its cache to
        return numba.njit(**flags)(function)
    finally:
        numba.config.CACHE_DIR = before


def inlined(function: Any) -> Any:
    """As `compiled`, and made part of each function that calls it.

    For what is called in a loop with arrays or tuples, each of which is
    handed over as seven numbers or more.
    """
    return compiled(function, forceinline=True)


@intrinsic  # type: ignore[untyped-decorator]
def contiguous(context, row):  # type: ignore[no-untyped-def]
    """Return a row whose elements lie side by side, known to do so.

    Rows of a slice of columns do, but the compiler cannot know, and makes
    no vector code of loops over them.  For one-dimensional arrays in
    compiled code; the caller answers for it.
    """
    same = row.copy(layout='C')

    def code(context, builder, signature, arguments):  # type: ignore
        value, = arguments
        if context.enable_nrt:
            context.nrt.incref(builder, same, value)
        return value

    return same(row), code


@overload(operator.getitem)
def _number_as_array(number, index):  # type: ignore[no-untyped-def]
    # A parameter that is equal for a whole population is passed as a plain
    # number; ``a[i]`` then reads it, so one source serves both cases and
    # the number takes no memory
    if isinstance(number, types.Float | types.Integer):
        return lambda number, index: number
    return None


@intrinsic
def zeros_below(context, word):  # type: ignore[no-untyped-def]
    """Return how many zeros are below the lowest one of a uint64, not 0.

    For compiled code: one instruction of the processor.
    """
    def generate(context, builder, signature, arguments):  # type: ignore
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate

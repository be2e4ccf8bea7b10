"""The single numba decorator: flags, cache and fall-back decided once.

Nothing here may change a result from one tile shape to the next.  So there
is no ``fastmath`` (it reassociates and contracts), and Intel's vector
library is switched off: its vector ``exp`` differs in the last bit from the
scalar one that finishes a loop's remainder.
"""

import operator
import os
from typing import Any

os.environ.setdefault('NUMBA_DISABLE_INTEL_SVML', '1')

import numba  # noqa: E402
from numba import types  # noqa: E402
from numba.extending import overload  # noqa: E402


def compiled(function: Any) -> Any:
    """Compile ``function`` to machine code at its first call.

    The code is kept on disk beside the module (or in ``NUMBA_CACHE_DIR``),
    so only the first run on a machine pays for it.  Where neither place can
    be written, each process compiles for itself.
    """
    flags = {'error_model': 'numpy', 'nogil': True}
    try:
        return numba.njit(cache=True, **flags)(function)
    except RuntimeError:
        # numba found no folder that it may write its cache to
        return numba.njit(**flags)(function)


@overload(operator.getitem)
def _number_as_array(number, index):  # type: ignore[no-untyped-def]
    # A parameter that is equal for a whole population is passed as a plain
    # number; ``a[i]`` then reads it, so one source serves both cases and
    # the number takes no memory
    if isinstance(number, types.Float | types.Integer):
        return lambda number, index: number
    return None

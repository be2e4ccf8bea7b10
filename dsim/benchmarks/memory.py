"""How much memory this process has, and had at most, on Linux.

The largest resident size since a moment is what the kernel keeps as VmHWM
of /proc/self/status; writing 5 to /proc/self/clear_refs sets it to the size
of now (man 5 proc).
"""

import contextlib
import ctypes
import gc
from pathlib import Path

HOW = ('peak: VmHWM of /proc/self/status after building, reset through '
       '/proc/self/clear_refs before it, less VmRSS before it; resident: '
       'VmRSS after less before; both over all ranks')


def settle() -> None:
    """Give back what Python and the C library hold without need."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def resident() -> int | None:
    """Return the bytes that are resident, None if that is not told."""
    return _status('VmRSS')


def peak() -> int | None:
    """Return the most bytes since `forget_peak`, None if not told."""
    return _status('VmHWM')


def forget_peak() -> bool:
    """Let the peak begin anew; return whether the system lets us."""
    try:
        Path('/proc/self/clear_refs').write_text('5')
    except OSError:
        return False
    return True


def _status(name: str) -> int | None:
    try:
        lines = Path('/proc/self/status').read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(f'{name}:'):
            return 1024*int(line.split()[1])
    return None

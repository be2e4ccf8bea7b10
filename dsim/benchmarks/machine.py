"""What a measurement was taken on: processor, memory, load, versions."""

import os
import platform
from pathlib import Path
from typing import Any

from dsim import world
from dsim.io import provenance

CPU = Path('/sys/devices/system/cpu/cpu0/cache')


def facts() -> dict[str, Any]:
    """Return what is known of this machine; None where it does not tell."""
    flags = _cpuinfo('flags')
    return {
        'cpu': _cpuinfo('model name') or platform.processor() or None,
        'cores': cores(),
        'caches': _caches(),
        'memory_bytes': _memory(),
        'virtualised': 'hypervisor' in flags.split() if flags else None,
        'platform': platform.platform(),
    }


def cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def crowded(comm: Any, threads: int = 1) -> bool:
    """Tell whether some host has more threads than cores; collective.

    Times then mean nothing, counts do.
    """
    mine = (os.sched_getaffinity(0) if hasattr(os, 'sched_getaffinity')
            else set(range(cores())))
    ranks = comm.allgather((platform.node(), mine))
    for host in {host for host, _ in ranks}:
        there = [each for name, each in ranks if name == host]
        if threads*len(there) > len(set().union(*there)):
            return True
    return False


def load() -> list[float] | None:
    """Return the load of the last 1, 5 and 15 minutes."""
    try:
        return [round(each, 2) for each in os.getloadavg()]
    except OSError:
        return None


def versions(comm: Any) -> dict[str, Any]:
    """Return who made a measurement: versions, hosts, command; collective."""
    found = provenance.gather(comm, 0, world.mpi_version())
    del found['seed'], found['platform']
    return {**found, 'llvmlite': provenance.version('llvmlite')}


def _cpuinfo(name: str) -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return ''
    return next((line.partition(':')[2].strip() for line in lines
                 if line.startswith(name)), '')


def _caches() -> list[str]:
    found = []
    for folder in sorted(CPU.glob('index*')):
        try:
            level, kind, size, shared = (
                (folder/name).read_text().strip() for name
                in ('level', 'type', 'size', 'shared_cpu_list'))
        except OSError:
            continue
        found.append(f'L{level} {kind} {size}, cores {shared}')
    return found


def _memory() -> int | None:
    try:
        return os.sysconf('SC_PAGE_SIZE')*os.sysconf('SC_PHYS_PAGES')
    except (ValueError, OSError):
        return None

"""The exchange schemes by name."""

from dsim.errors import lookup
from dsim.partitioning.exchange.allgather import Allgather
from dsim.partitioning.exchange.auto import best
from dsim.partitioning.exchange.base import Exchange
from dsim.partitioning.exchange.halo import Halo
from dsim.partitioning.exchange.hypercube import Hypercube
from dsim.partitioning.plan import HaloPlan

EXCHANGES: dict[str, type[Exchange]] = {
    'halo': Halo,
    'hypercube': Hypercube,
    'allgather': Allgather,
}


def find_scheme(name: str, plan: HaloPlan, steps: int, window: float,
                where: str = '') -> type[Exchange]:
    """Return the scheme ``name``, or for 'auto' the `best` one.

    A window has ``steps`` steps and lasts ``window`` ms.  Raises
    UnknownName, which tells ``where`` the name stood.
    """
    if name == 'auto':
        return best(EXCHANGES.values(), plan, steps, window)
    names = {**EXCHANGES, 'auto': Exchange}
    return lookup('exchange scheme', name, names, where)

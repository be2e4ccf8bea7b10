"""The exchange schemes by name."""

from dsim.partitioning.exchange.base import Exchange
from dsim.partitioning.exchange.halo import Halo

EXCHANGES: dict[str, type[Exchange]] = {
    'halo': Halo,
}

"""Where everything is and how news travels: tiles, halos and exchanges."""

from dsim.partitioning.axis import Reach
from dsim.partitioning.graycode import embed
from dsim.partitioning.plan import HaloPlan
from dsim.partitioning.processes import ProcessGrid, choose, confirm
from dsim.partitioning.tiling import Tiling

__all__ = ['HaloPlan', 'ProcessGrid', 'Reach', 'Tiling', 'choose', 'confirm',
           'embed']

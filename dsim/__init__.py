"""dsim: a distributed parallel simulator of spiking networks on grids."""

from pathlib import Path as _Path

_root = _Path(__file__).resolve().parent.parent
if (_root / 'setup.cfg').is_file() and (_root / 'partitioning').is_dir():
    # A source checkout: <root>/io is dsim.io, and partitioning likewise
    __path__.append(str(_root))

__version__ = '0.1.0'


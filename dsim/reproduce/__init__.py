"""The table PAPERS: name -> module that reproduces it.

A module is imported when it is asked for: it brings matplotlib and scipy.
"""

import importlib
from collections.abc import Iterator, Mapping
from types import ModuleType

from dsim.errors import UnknownName


class Papers(Mapping[str, ModuleType]):
    """Name -> module with ``TITLE`` and ``run(output, comm)``, on demand.

    Raises `UnknownName` for a paper that is not in the table.
    """

    def __init__(self, modules: Mapping[str, str]):
        self._modules = dict(modules)

    def __getitem__(self, name: str) -> ModuleType:
        if name not in self._modules:
            raise UnknownName('paper', name, self._modules)
        return importlib.import_module(f'{__name__}.{self._modules[name]}')

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


PAPERS = Papers({
    'gain': 'hooper_2025',
    'izhikevich-2003': 'izhikevich_2003',
    'niebur-1993': 'niebur_1993',
    'potjans-2014': 'potjans_2014',
})

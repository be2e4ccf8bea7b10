"""Connection rules with other keys than their constructor's arguments."""

from collections.abc import Callable, Sequence
from typing import Any

from dsim.connectivity import Edges, Stencil
from dsim.errors import BadValue, lookup
from dsim.io.together import together
from dsim.io.tree import TEXT, WHOLE, Key, Node
from dsim.model.kinds import ARRAY, FILE, beside

STENCIL = (
    Key('neighbourhood', TEXT, '', None, '"von_neumann" or "moore"'),
    Key('radius', WHOLE, '', None, 'its size in cells; left out, 1'),
    Key('mask', ARRAY, '', None, 'or rows of factors of the weight, an odd '
        'number each way, the source in the middle'),
)
EDGES = (
    Key('file', FILE, '', None, 'SONATA edges, or .npz; weights and delays '
        'come from it too, unless they are given here'),
    Key('population', TEXT, '', None, 'which edges, if the file has several'),
    Key('sources', ARRAY, '', None, 'or the ids themselves, from 0'),
    Key('targets', ARRAY, '', None, 'as many'),
)
NEIGHBOURHOODS = {'von_neumann': Stencil.von_neumann,
                  'moore': Stencil.moore}


class FileEdges(Edges):
    """Edges with the weights and delays that their file has, or None."""

    def __init__(self, sources: Any, targets: Any, weights: Any,
                 delays: Any):
        super().__init__(sources, targets)
        self.weights, self.delays = weights, delays


def _edges(file: Node | None, population: str | None, sources: Any,
           targets: Any) -> Edges:
    given = [ids is not None for ids in (sources, targets)]
    if not all(given) if file is None else any(given):
        raise BadValue('rule', 'edges', 'given with a file, or with both '
                       'sources and targets')
    if file is None:
        return Edges(sources, targets)

    from dsim.io.sonata.edges import read_edges
    with file.blamed():
        found = together(lambda: read_edges(beside(file), population),
                         file.origin.comm)
    return FileEdges(found.sources, found.targets, found.weights,
                     found.delays)


def _stencil(neighbourhood: str | None, radius: int | None,
             mask: Any) -> Stencil:
    if (mask is None) == (neighbourhood is None):
        raise BadValue('rule', 'stencil', 'given with a mask or a '
                       'neighbourhood')
    if mask is not None and radius is not None:
        raise BadValue('radius', radius, 'left out with a mask')
    if mask is not None:
        return Stencil(mask)
    return lookup('neighbourhood', neighbourhood, NEIGHBOURHOODS)(
        1 if radius is None else radius)


SPECIAL: dict[type, tuple[Sequence[Key], Callable[..., Any]]] = {
    Edges: (EDGES, _edges), Stencil: (STENCIL, _stencil)}
"""Rule -> its keys, and what makes it of their values."""

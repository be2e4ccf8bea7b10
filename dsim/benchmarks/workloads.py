"""The networks that are measured, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsim.benchmarks import scaled
from dsim.errors import BadValue, lookup
from dsim.network import Network

MODELS = Path(__file__).parent/'models'


@dataclass(frozen=True)
class Workload:
    """A network to be measured, and what its rates should be.

    ``network`` makes it from a scale and a seed; ``dt``, ``warm_up`` (not
    measured) and ``duration`` in ms; ``rates`` (lowest, highest) mean rate
    in Hz that a population plausibly has at a scale of 1 or more, None if
    that is not known; ``tiny`` is the scale that serves to compile.
    """

    name: str
    title: str
    network: Callable[[float, int], Network]
    dt: float
    warm_up: float
    duration: float
    rates: tuple[float, float] | None
    source: str
    tiny: float = 0.01


def from_file(path: Path, comm: Any = None) -> Workload:
    """Return the workload of any model file; its rates are not known.

    Raises `InputFileError` or `ModelFileError` if it cannot be read.
    """
    settings = scaled.load(path, 1.0, None, comm).settings

    def network(scale: float, seed: int) -> Network:
        return scaled.load(path, scale, seed, comm).network

    return Workload(path.name, str(path), network, settings.dt, 100.0,
                    settings.duration, None, str(path), 1.0)


def find(name: str, comm: Any = None) -> list[Workload]:
    """Return the workloads called ``name``, or of the model file ``name``.

    'W2' are all those of this number.  Raises `UnknownName` or
    `InputFileError` if there is none.
    """
    if name.endswith('.toml'):
        return [from_file(Path(name), comm)]
    found = [each for each in _ALL if each.name == name
             or (each.name.startswith(f'{name}-')
                 and name not in WORKLOADS)]
    return found or [lookup('workload', name, WORKLOADS)]


def _ours(file: str, *changes: str) -> Callable[[float, int], Network]:
    def network(scale: float, seed: int) -> Network:
        return scaled.load(MODELS/file, scale, seed, None, changes).network

    return network


def _column(scale: float, seed: int) -> Network:
    # A column is made smaller; more than one are laid side by side
    from dsim.reproduce import potjans_2014

    if scale > 1 and scale != int(scale):
        raise BadValue('scale', scale, 'at most 1, or a whole number of '
                       'columns')
    rows, columns = scaled.factors(max(int(scale), 1))
    return potjans_2014.network(scale=min(scale, 1.0),
                                columns=(int(rows), int(columns)), seed=seed)


_ALL = (
    Workload(
        'W1', 'sheet of 16,384 Izhikevich neurons, 1,000 synapses each',
        _ours('w1-sheet.toml'), 1.0, 200.0, 1000.0, (3.0, 15.0),
        'dsim/benchmarks/models/w1-sheet.toml'),
    Workload(
        'W1-drawn', 'W1 with a weight drawn for each synapse',
        _ours('w1-sheet.toml',
              'projections.excitation.weight={uniform=[0.1, 0.2]}',
              'projections.inhibition.weight={uniform=[-0.8, -0.4]}'),
        1.0, 200.0, 1000.0, (3.0, 15.0),
        'dsim/benchmarks/models/w1-sheet.toml'),
    Workload(
        'W1-sources', 'W1 where each neuron draws 1,000 targets: with '
        '--storage procedural, anew at each spike',
        _ours('w1-sources.toml'), 1.0, 200.0, 1000.0, (3.0, 15.0),
        'dsim/benchmarks/models/w1-sources.toml'),
    Workload(
        'W2-coba', 'Vogels and Abbott with conductances, 4,000 neurons',
        _ours('coba.toml'), 0.1, 100.0, 1000.0, (5.0, 40.0),
        'Vogels and Abbott (2005), doi:10.1523/JNEUROSCI.3508-05.2005; '
        'Brette et al. (2007), doi:10.1007/s10827-007-0038-6', 0.1),
    Workload(
        'W2-cuba', 'Vogels and Abbott with currents, 4,000 neurons',
        _ours('cuba.toml'), 0.1, 100.0, 1000.0, (2.0, 40.0),
        'Vogels and Abbott (2005), doi:10.1523/JNEUROSCI.3508-05.2005; '
        'Brette et al. (2007), doi:10.1007/s10827-007-0038-6', 0.1),
    Workload(
        'W3', 'column of Potjans and Diesmann, 77,169 neurons', _column,
        0.1, 100.0, 1000.0, (0.1, 15.0),
        'Potjans and Diesmann (2014), doi:10.1093/cercor/bhs358'),
    Workload(
        'W4', '1,048,576 Izhikevich neurons, 8 synapses each',
        _ours('w4-moore.toml'), 1.0, 100.0, 200.0, (3.0, 15.0),
        'dsim/benchmarks/models/w4-moore.toml', 0.001),
)
WORKLOADS: dict[str, Workload] = {each.name: each for each in _ALL}

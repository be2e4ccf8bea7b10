"""Time, memory and messages of a model on any number of ranks."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from dsim.connectivity import Edges
from dsim.engine.estimate import Pace
from dsim.engine.layout import Layout, arrange
from dsim.errors import BadValue, LayoutError
from dsim.network import Network
from dsim.partitioning.exchange import EXCHANGES, find_scheme
from dsim.prediction import engine
from dsim.prediction.counts import Census, Work
from dsim.prediction.extremes import slowest
from dsim.prediction.machine import Machine

FEW = 16
"""Ranks that are all looked at; of more, only those that differ."""

PARTS = ('compute', 'imbalance', 'latency', 'bandwidth', 'overhead')
"""What the time of a window goes into."""


@dataclass(frozen=True)
class Point:
    """A model on a number of ranks.

    ``neurons``, ``synapses`` and ``memory`` (bytes) are the largest of any
    rank that was looked at, ``messages`` and ``bytes`` of a window, too;
    ``seconds`` of wall time for one second of the model, ``parts`` what of
    them goes into what.  ``efficiency`` is against the fewest ranks.
    """

    ranks: int
    grid: tuple[int, int]
    tile: tuple[int, int]
    exchange: str
    window: float
    neurons: int
    synapses: float
    memory: float
    messages: float
    bytes: float
    stages: int
    parts: dict[str, float]
    efficiency: float = 1.0

    @property
    def seconds(self) -> float:
        """Wall time for one second of the model: the real-time factor."""
        return sum(self.parts.values())

    @property
    def limit(self) -> str:
        """What most of the time goes into."""
        return max(self.parts, key=lambda part: self.parts[part])

    def facts(self) -> dict[str, Any]:
        """Return all figures by name, for JSON."""
        return {**asdict(self), 'seconds': self.seconds,
                'limit': self.limit}


@dataclass(frozen=True)
class Forecast:
    """A model on some numbers of ranks, with what is to be said of it."""

    weak: bool
    rate: float
    points: tuple[Point, ...]
    notes: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """Return all figures by name, for JSON."""
        return {'weak': self.weak, 'rate': self.rate,
                'points': [point.facts() for point in self.points],
                'notes': list(self.notes)}


def schemes(exchange: str) -> list[str]:
    """Return the schemes of a name: 'all' are all of them."""
    return list(EXCHANGES) if exchange == 'all' else [exchange]


def forecast(network: Network, dt: float, ranks: Sequence[int],
             machine: Machine, exchange: str = 'halo', rate: float = 10.0,
             weak: bool = False) -> Forecast:
    """Tell how ``network`` would run on each of some numbers of ranks.

    With ``weak`` the network is what one rank has, and the sheet grows with
    the ranks.  ``rate`` (Hz) is that of all populations.

    Raises the `DsimError` that a run would raise, and BadValue for a network
    that cannot grow.
    """
    points: list[Point] = []
    notes: list[str] = []
    for count in sorted(set(ranks)):
        try:
            grown, grid = (larger(network, count) if weak
                           else (network, None))
            layout = arrange(grown, dt, count, grid)
        except LayoutError as error:
            note = _ending(network, count, error)
            if note not in notes:
                notes.append(note)
            continue
        points.append(point(grown, layout, dt, rate, machine, exchange))
    if points:
        first = points[0]
        points = [replace(p, efficiency=_efficiency(first, p, weak))
                  for p in points]
    return Forecast(weak, rate, tuple(points),
                    (*notes, *_unmeasured(network, machine)))


def _efficiency(first: Point, later: Point, weak: bool) -> float:
    each = 1.0 if weak else later.ranks/first.ranks
    return first.seconds/(each*later.seconds)


def point(network: Network, layout: Layout, dt: float, rate: float,
          machine: Machine, exchange: str = 'halo') -> Point:
    """Return a network on the ranks of ``layout``."""
    grid = layout.tiling.processes
    census = take_census(network, layout, dt, rate, exchange)
    works = [census.work(rank) for rank in chosen(census, machine)]
    parts = window_parts(census, works, machine)
    traffic = [census.traffic(rank) for rank in talkers(census, works)]
    sizes = [p.size for p in network.populations.values()]
    return Point(
        grid.size, (grid.rows, grid.columns),
        layout.tiling.shape(int(np.argmax(sizes)), works[0].rank),
        census.scheme.name, census.window,
        max(work.neurons for work in works),
        max(work.synapses for work in works),
        max(engine.memory(network, layout, work.rank) for work in works),
        max(sent.messages for sent in traffic),
        max(sent.bytes for sent in traffic),
        int(max(sent.stages for sent in traffic)),
        {part: time*1000/census.window for part, time in parts.items()})


def take_census(network: Network, layout: Layout, dt: float, rate: float,
                exchange: str) -> Census:
    """Return a network on ranks, all of it firing at ``rate`` Hz."""
    scheme = find_scheme(exchange, layout.plan, layout.window,
                         layout.window*dt, 'simulation.exchange')
    return Census(network, layout, dt, [rate]*len(network.populations),
                  scheme)


def pace(machine: Machine, dt: float, exchange: str) -> Pace:
    """Return what tells the time of a rank that never waits, for `check`."""
    def seconds(network: Network, layout: Layout, rank: int, rate: float
                ) -> float:
        census = take_census(network, layout, dt, rate, exchange)
        window = machine.seconds(census.work(rank).counts)
        if layout.tiling.processes.size > 1:
            window += sum(travel(census, rank, machine))
        return window*1000/census.window

    return seconds


def window_parts(census: Census, works: Sequence[Work], machine: Machine
                 ) -> dict[str, float]:
    """Return the seconds of one window by what they go into.

    ``works`` are those of the ranks that were looked at.
    """
    mean = census.mean(works)
    parts = {**dict.fromkeys(PARTS, 0.0), **machine.shares(mean)}
    busiest = max(works, key=lambda w: machine.seconds(w.counts))
    ahead = machine.seconds(busiest.counts) - machine.seconds(mean)
    parts['imbalance'] = max(ahead, 0.0) + late(busiest, census, machine)
    if census.layout.tiling.processes.size > 1:
        ways = [travel(census, rank, machine)
                for rank in talkers(census, works)]
        parts['latency'] += max(latency for latency, _ in ways)
        parts['bandwidth'] += max(bandwidth for _, bandwidth in ways)
    return parts


def talkers(census: Census, works: Sequence[Work]) -> list[int]:
    """Return the ranks whose messages are looked at.

    With schemes in stages all ranks of many send nearly the same, and to
    find out what takes longer.
    """
    ranks = [work.rank for work in works]
    few = census.layout.tiling.processes.size <= FEW
    return ranks if few or census.scheme.name == 'halo' else ranks[:2]


def late(work: Work, census: Census, machine: Machine) -> float:
    """Return how much longer than a rank's mean its window takes.

    Since spikes are drawn, some rank has more than its share.
    """
    ranks = census.layout.tiling.processes.size
    if ranks == 1:
        return 0.0
    times = [(machine.seconds(chance.counts), chance)
             for chance in work.chances if chance.spikes > 0]
    variance = sum(chance.spread*time**2/chance.spikes
                   for time, chance in times)
    waits = (census.traffic(work.rank).messages + 1
             if census.scheme.name == 'halo' else ranks)
    return slowest(sum(time for time, _ in times), variance, ranks, waits)


def travel(census: Census, rank: int, machine: Machine
           ) -> tuple[float, float]:
    """Return the seconds of a rank's messages: latency and bandwidth."""
    sent, fabric = census.traffic(rank), machine.fabric
    latency = sent.messages*machine.cost(f'message {census.scheme.name}')
    bandwidth = sent.bytes*machine.cost(f'byte {census.scheme.name}')
    if census.layout.tiling.processes.size > fabric.cores:
        latency += sent.stages*fabric.latency
        bandwidth += sent.bytes*fabric.cores/fabric.bandwidth
    return latency, bandwidth


def chosen(census: Census, machine: Machine) -> list[int]:
    """Return the ranks to look at: all of few, of many those that differ.

    The first has most to do by its neurons and connections, exactly; the
    others are corners, sides and the middle of the process grid.
    """
    grid, network = census.layout.tiling.processes, census.network
    own = census.sizes()
    names = list(network.populations)
    each = np.array([
        machine.cost(f'step {p.model.name} {p.precision}')
        * census.layout.window for p in network.populations.values()])
    for k, projection in enumerate(network.projections):
        source = names.index(projection.source.name)
        each[names.index(projection.target.name)] += (
            machine.cost(engine.kind(network, census.layout, k))
            * census.degree(projection)*census.rates[source]
            * census.window/1000)
    most = int(np.argmax(own @ each))
    if grid.size <= FEW:
        return [most, *(r for r in range(grid.size) if r != most)]
    middle, centre = grid.rows//2, grid.columns//2
    places = [(middle, centre), (0, 0), (0, centre), (middle, 0),
              (grid.rows - 1, grid.columns - 1)]
    return list(dict.fromkeys(
        [most, *(row*grid.columns + column for row, column in places)]))


def larger(network: Network, ranks: int) -> tuple[Network, tuple[int, int]]:
    """Return a network of so many times the sheet, and its process grid.

    Each rank then has what ``network`` has: as many neurons and connections
    of the same reach.  Nothing is drawn or evaluated.  BadValue if it holds
    lists of connections, which cannot grow.
    """
    for projection in network.projections:
        if isinstance(projection.rule, Edges):
            raise BadValue(projection.name, projection.rule.name,
                           'a rule that can grow for weak scaling',
                           'a list of connections stays as it is')
    rows = next(n for n in range(int(ranks**0.5), 0, -1) if ranks % n == 0)
    grid = ranks//rows, rows
    sheet = network.sheet
    grown = Network(network.seed,
                    (sheet.extent[0]*grid[0], sheet.extent[1]*grid[1]),
                    sheet.periodic)
    for name, p in network.populations.items():
        grown.populations[name] = replace(
            p, shape=(p.shape[0]*grid[0], p.shape[1]*grid[1]))
    grown.projections = [
        replace(p, source=grown[p.source.name], target=grown[p.target.name])
        for p in network.projections]
    grown.stimulations = [replace(s, population=grown[s.population.name])
                          for s in network.stimulations]
    return grown, grid


def numbers(text: str | None) -> list[int]:
    """Return the numbers of ranks that the user asked for.

    '1,2,4,...,1000' goes on as it begins: doubling, or in equal steps;
    None is 1, 2, 4, ... 65536, 100000.  BadValue for anything else.
    """
    if text is None:
        return list(doubling())
    words = [word.strip() for word in text.split(',')]
    try:
        if '...' in words:
            return _going_on(words)
        found = [int(word) for word in words]
    except ValueError:
        found = [0]
    if min(found) < 1:
        raise BadValue('--ranks', text, 'whole numbers >= 1 such as 1,2,4 or '
                       '1,2,4,...,1024')
    return found


def _going_on(words: list[str]) -> list[int]:
    *begin, dots, end = words
    found, last = [int(word) for word in begin], int(end)
    if dots != '...' or len(found) < 2 or min(found) < 1:
        raise ValueError(words)
    step, ratio = found[1] - found[0], found[1]//found[0]
    doubles = all(b == a*ratio for a, b in pairwise(found))
    if step <= 0:
        raise ValueError(words)
    while found[-1] < last:
        following = found[-1]*ratio if doubles else found[-1] + step
        found.append(min(following, last))
    return found


def doubling(last: int = 100_000) -> Iterator[int]:
    """Yield 1, 2, 4, ... and at the end ``last``."""
    count = 1
    while count < last:
        yield count
        count *= 2
    yield last


def _ending(network: Network, ranks: int, error: LayoutError) -> str:
    largest = max(p.size for p in network.populations.values())
    if ranks > largest:
        return (f'strong scaling ends at {largest:,} ranks, of one neuron '
                'each of the largest population; more would have none')
    return f'left out: {error}'


def _unmeasured(network: Network, machine: Machine) -> Iterator[str]:
    names = [*(f'step {p.model.name} {p.precision}'
               for p in network.populations.values()),
             *(f'drive {s.stimulus.name}' for s in network.stimulations)]
    for name in machine.unknown(names):
        yield (f'not measured on the machine: {name}; taken as '
               f'{1e9*machine.cost(name):.2g} ns')

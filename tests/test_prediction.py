"""What is foretold of runs on ranks that are not here."""

import json
import math
import time
from types import SimpleNamespace

import numpy as np
import pytest

from dsim import cli
from dsim.connectivity import Edges, FixedIndegree, Gaussian
from dsim.engine.estimate import estimate
from dsim.engine.layout import arrange
from dsim.errors import BadValue, InputFileError
from dsim.network import Network
from dsim.neurons import NEURONS
from dsim.partitioning.exchange import EXCHANGES, Halo, find_scheme
from dsim.prediction import extremes, machine, scaling
from dsim.prediction.counts import Census, uneven
from dsim.prediction.fit import PHASES, Timing, errors, fit, least
from dsim.prediction.machine import Fabric, Machine
from dsim.report import prediction as drawing
from dsim.stimuli import STIMULI

COSTS = {
    'window': 2e-5, 'block': 5e-6, 'table': 1e-6, 'table procedural': 1e-5,
    'post halo': 1e-5,
    'post hypercube': 1e-5, 'post allgather': 1e-5, 'own': 2e-8,
    'posted halo': 1e-8, 'visit': 3e-8, 'visit far': 5e-8,
    'event stored': 1e-9, 'event stencil': 2e-9,
    'event weighted': 2e-9, 'event procedural': 1e-8, 'segment': 4e-9,
    'call': 2e-6, 'step izhikevich-2003 float64': 1e-9,
    'drive noise': 2e-9,
    **{f'message {name}': 3e-6 for name in EXCHANGES},
    **{f'byte {name}': 1e-9 for name in EXCHANGES},
}
HERE = Machine({'CPU': 'made up'}, COSTS)


def sheet(side=32, periodic=False, degree=50):
    """A sheet of two populations, the second one coarser."""
    network = Network(seed=2, periodic=periodic)
    network.population('exc', NEURONS['izhikevich-2003'], (side, side))
    network.population('inh', NEURONS['izhikevich-2003'],
                       (side//2, side//2))
    for source, sigma in ('exc', 0.05), ('inh', 0.02):
        network.project(source, ['exc', 'inh'], rule=FixedIndegree(degree),
                        kernel=Gaussian(sigma, 3*sigma), weight=0.1,
                        delay=2.0)
    network.stimulate('exc', STIMULI['noise'](std=4.0))
    return network


def census(network, ranks, scheme=Halo, rate=10.0):
    layout = arrange(network, 1.0, ranks)
    return Census(network, layout, 1.0, [rate]*len(network.populations),
                  scheme)


# --- counts ----------------------------------------------------------------

@pytest.mark.parametrize('ranks', [1, 2, 6, 9, 16])
@pytest.mark.parametrize('periodic', [False, True])
def test_counts_are_those_of_the_plan(ranks, periodic):
    network = sheet(20, periodic)
    found = census(network, ranks)
    plan, tiling = found.layout.plan, found.layout.tiling
    expected = estimate(network, 1.0, ranks)

    heard = np.zeros((ranks, 2), int)
    for rank in range(ranks):
        for peer, cells in zip(plan.peers(rank), plan.cells(rank),
                               strict=True):
            heard[peer] += cells
    for rank in range(ranks):
        work, share = found.work(rank), expected.shares[rank]
        assert plan.heard(rank).tolist() == heard[rank].tolist()
        assert found.traffic(rank).messages == plan.messages(rank)
        assert found.traffic(rank).bytes == pytest.approx(share.bytes)
        assert work.neurons == share.neurons
        assert work.synapses == pytest.approx(share.synapses)
        own = np.array([tiling.count(p, rank) for p in (0, 1)])
        # Rates are in Hz, the window has 2 ms
        assert [chance.spikes for chance in work.chances] == pytest.approx(
            0.02*(own + heard[rank]))
        assert work.counts['own'] == pytest.approx(0.02*own.sum())
        assert work.counts['event stored'] == pytest.approx(
            0.02*share.synapses)
        assert work.counts['drive noise'] == 2*own[0]
    assert found.sizes().sum(0).tolist() == [400, 100]


def test_the_mean_rank_of_many_is_about_that_of_all():
    found = census(sheet(48, True), 16)
    works = [found.work(rank) for rank in range(16)]
    exact, about = found.mean(works), found.mean(works[:1])
    assert set(exact) == set(about)
    for name, count in exact.items():
        assert about[name] == pytest.approx(count, rel=0.02), name


def test_events_are_those_of_a_run():
    from dsim.simulation import Simulation

    network = sheet(16, True, degree=20)
    with Simulation(network, 1.0) as simulation:
        simulation.run(400.0)
        summary = simulation.summary()
    rates = [summary.spikes[name]/p.size/summary.biological
             for name, p in network.populations.items()]
    assert min(rates) >= 0 and max(rates) > 1
    found = Census(network, simulation.layout, 1.0, rates, Halo)
    events = found.work(0).counts['event stored']*400/found.window
    assert events == pytest.approx(summary.events, rel=0.05)


def test_unevenness():
    network = sheet(64)
    projection = network.projections[0]
    # Of a large tile nearly all sources in reach have all their targets
    # there; of one cell they have what the profile says
    extent = 1.0, 1.0
    assert uneven(projection, (20.0, 20.0), (10.0, 10.0)) < 1.2
    small = uneven(projection, extent, (1/64, 1/64))
    radius = np.hypot(*np.meshgrid(*[np.arange(-9, 10)/64]*2))
    profile = projection.kernel(radius.ravel())
    assert small == pytest.approx(
        (profile**2).mean()/profile.mean()**2, rel=1e-9)
    everywhere = SimpleNamespace(kernel=SimpleNamespace(
        reach=lambda: (math.inf, math.inf)))
    assert uneven(everywhere, extent, extent) == 1.0


# --- the slowest of many ---------------------------------------------------

@pytest.mark.parametrize('count', [2, 10, 1000])
def test_largest_of_normals(count):
    draws = np.random.default_rng(1).standard_normal((4000, count))
    assert extremes.of_normals(count) == pytest.approx(
        draws.max(1).mean(), abs=0.06)
    assert extremes.of_normals(1) == 0


@pytest.mark.parametrize('count, mean', [(2, 0.1), (100, 0.01), (100, 30.0),
                                         (3000, 2.0)])
def test_largest_of_poissons(count, mean):
    draws = np.random.default_rng(2).poisson(mean, (3000, count)).max(1)
    assert extremes.of_poissons(count, mean) == pytest.approx(
        draws.mean(), abs=4*draws.std()/3000**0.5 + 1e-3)


def test_poissons_go_over_into_normals():
    mean = extremes.MANY
    few, many = (extremes.of_poissons(1000, mean*factor) - mean*factor
                 for factor in (0.99, 1.01))
    assert many == pytest.approx(few, rel=0.06)


def test_ranks_that_wait_for_neighbours_stay_below_the_bound():
    # Rows of ranks, each begins a window when it and both its neighbours
    # have ended the last one
    draws = np.random.default_rng(3)
    now, mean, windows = np.zeros(2000), 20.0, 400
    for _ in range(windows):
        before = np.maximum(np.maximum(np.roll(now, 1), np.roll(now, -1)),
                            now)
        now = before + draws.poisson(mean, now.size)
    growth = now.max()/windows
    assert extremes.of_poissons(3, mean) < growth
    assert growth < extremes.of_neighbours(3, mean)
    # ... which does not depend on how many ranks there are
    assert extremes.of_neighbours(3, mean) < extremes.of_poissons(
        2000, mean)
    assert extremes.of_neighbours(1, mean) == mean


def test_lateness_grows_with_ranks_and_not_without_chance():
    late = [extremes.slowest(1.0, 0.01, n, n) for n in (1, 2, 100, 10**5)]
    assert late == sorted(late) and late[0] == 0
    assert late[3] == pytest.approx(0.1*4.4, rel=0.1)
    assert extremes.slowest(1.0, 0.0, 100, 100) == 0
    assert extremes.slowest(1.0, 0.01, 10**5, 9) < late[3]


# --- fitting ---------------------------------------------------------------

def made_up_timings():
    """Timings that follow from COSTS without any error."""
    from dsim.prediction import cases

    kinds = {kind: phase for phase, names in PHASES.items()
             for kind in names}
    for case in [*cases.networks(), *cases.unseen()]:
        network = case.network()
        work = census(network, 1, rate=3.0 + case.side % 7).work(0)
        seconds = dict.fromkeys(PHASES, 0.0)
        for name, count in work.counts.items():
            seconds[kinds[name.partition(' ')[0]]] += count*COSTS[name]
        yield Timing(str(case), work.counts, seconds)


def test_the_fit_finds_the_costs():
    timings = list(made_up_timings())
    found = fit(timings)
    model = Machine({}, found)
    for timing in timings:
        assert model.seconds(timing.counts) == pytest.approx(timing.total,
                                                             rel=1e-6)
    for name in ('event stored', 'event weighted', 'event procedural',
                 'visit', 'visit far', 'segment', 'call', 'table',
                 'table procedural', 'block', 'post halo', 'posted halo'):
        assert found[name] == pytest.approx(COSTS[name], rel=1e-6), name
    # Of what is always there together only the sum can be known
    for both in ('step izhikevich-2003 float64', 'drive noise'), ('own',):
        assert sum(map(found.get, both)) == pytest.approx(
            sum(map(COSTS.get, both)), rel=1e-6)


def test_costs_are_never_negative_and_bad_runs_count_less():
    names = ['one', 'two']
    draws = np.random.default_rng(4)
    counts = [{'one': float(a), 'two': float(b)}
              for a, b in draws.uniform(1, 100, (60, 2))]
    seconds = [3*c['one']*draws.normal(1, 0.01) for c in counts]
    seconds[7] *= 10
    found = least(names, counts, seconds)
    assert found['one'] == pytest.approx(3, rel=0.01)
    assert 0 <= found['two'] < 0.03
    assert least([], counts, seconds) == {}


def test_errors_of_foretold_times():
    found = errors({'a': 1.0, 'b': 2.0, 'c': 4.0},
                   {'a': 1.1, 'b': 1.0, 'c': 4.0})
    assert found['runs'] == 3
    assert found['median'] == pytest.approx(0.1)
    assert found['worst'] == pytest.approx(0.5)
    assert found['errors']['b'] == pytest.approx(-0.5)


# --- scaling ---------------------------------------------------------------

def test_strong_scaling():
    found = scaling.forecast(sheet(64), 1.0, [1, 2, 4, 16, 64], HERE)
    points = found.points
    assert [point.ranks for point in points] == [1, 2, 4, 16, 64]
    for few, many in zip(points[:-1], points[1:], strict=True):
        assert many.neurons < few.neurons
        assert many.synapses < few.synapses
        assert many.memory < few.memory
        assert many.messages > few.messages
        assert many.parts['compute'] < few.parts['compute']
        assert many.parts['latency'] > few.parts['latency']
        assert many.parts['overhead'] == pytest.approx(
            few.parts['overhead'])
        assert many.efficiency < few.efficiency <= 1
    first = points[0]
    assert first.seconds == pytest.approx(sum(first.parts.values()))
    assert first.parts['imbalance'] == first.parts['latency'] == 0
    assert points[-1].limit == 'latency'
    assert points[0].seconds == pytest.approx(
        HERE.seconds(census(sheet(64), 1).work(0).counts)*1000/2)


def test_strong_scaling_ends_where_ranks_would_be_empty():
    found = scaling.forecast(sheet(16), 1.0, [256, 257, 100_000], HERE)
    assert [point.ranks for point in found.points] == [256]
    assert found.points[0].tile == (1, 1)
    assert found.notes[0].startswith('strong scaling ends at 256 ranks')
    assert len([note for note in found.notes if 'ends' in note]) == 1
    # 17 x 1 does not fit, though there are more than 17 neurons
    found = scaling.forecast(sheet(16), 1.0, [17], HERE)
    assert not found.points and '17 ranks do not fit' in found.notes[0]


@pytest.mark.parametrize('exchange', list(EXCHANGES))
def test_weak_scaling_keeps_what_a_rank_has(exchange):
    points = scaling.forecast(sheet(16, True), 1.0, [9, 36, 144, 1024],
                              HERE, exchange, weak=True).points
    for point in points:
        assert point.tile == (16, 16)
        assert point.neurons == 16*16 + 8*8
        assert point.synapses == points[0].synapses
        assert point.parts['compute'] == pytest.approx(
            points[0].parts['compute'])
    if exchange == 'halo':
        assert {point.messages for point in points} == {8}
        assert len({round(point.bytes, 6) for point in points}) == 1
    if exchange == 'allgather':
        assert points[-1].bytes > 50*points[0].bytes
        assert points[-1].messages == 10


def test_a_network_grows_without_being_evaluated():
    network = sheet(16)
    grown, grid = scaling.larger(network, 12)
    assert grid == (4, 3)
    assert grown['exc'].shape == (64, 48)
    assert grown.sheet.extent == (4.0, 3.0)
    assert [p.name for p in grown.projections] == [
        p.name for p in network.projections]
    assert grown.projections[0].source is grown['exc']

    network.project('exc', 'inh', rule=Edges([0, 1], [2, 3]), weight=1.0)
    with pytest.raises(BadValue, match='weak scaling'):
        scaling.larger(network, 4)


def test_all_ranks_or_some_foretell_the_same(monkeypatch):
    network = sheet(60)
    some = scaling.forecast(network, 1.0, [36], HERE).points[0]
    monkeypatch.setattr(scaling, 'FEW', 100)
    every = scaling.forecast(network, 1.0, [36], HERE).points[0]
    assert some.neurons == every.neurons
    assert some.synapses == every.synapses
    assert some.messages == every.messages
    assert some.seconds == pytest.approx(every.seconds, rel=0.05)


@pytest.mark.parametrize('exchange', list(EXCHANGES))
def test_a_hundred_thousand_ranks(exchange):
    begin = time.process_time()
    found = scaling.forecast(sheet(128), 1.0, [100_000], HERE, exchange,
                             weak=True)
    point, = found.points
    assert (point.ranks, point.grid) == (100_000, (400, 250))
    assert point.tile == (128, 128)
    assert all(time >= 0 for time in point.parts.values())
    assert time.process_time() - begin < 30


def test_between_nodes_messages_take_longer():
    slow = Machine({}, COSTS, Fabric(1e-3, 1e6, 8))
    network = sheet(64)
    few, many = (scaling.forecast(network, 1.0, [8, 16], each).points
                 for each in (HERE, slow))
    assert few[0].parts == many[0].parts
    assert many[1].parts['latency'] - few[1].parts['latency'] == (
        pytest.approx(500*1e-3))
    assert many[1].parts['bandwidth'] > few[1].parts['bandwidth']


def test_time_that_check_tells_is_from_the_same_costs():
    network = sheet(32)
    told = estimate(network, 1.0, 1, pace=scaling.pace(HERE, 1.0, 'halo'))
    assert told.rtf == pytest.approx(
        scaling.forecast(network, 1.0, [1], HERE).points[0].seconds)
    assert math.isnan(estimate(network, 1.0, 2).rtf)


@pytest.mark.parametrize('text, expected', [
    ('1', [1]), ('4,2', [4, 2]), ('1,2,4,...,16', [1, 2, 4, 8, 16]),
    ('1,2,...,7', [1, 2, 4, 7]), ('10,20,30,...,50', [10, 20, 30, 40, 50]),
    ('3, 9, ..., 100', [3, 9, 27, 81, 100])])
def test_numbers_of_ranks(text, expected):
    assert scaling.numbers(text) == expected


@pytest.mark.parametrize('text', ['', '0', '1,two', '1,...,8', '...,8',
                                  '1,2,...', '2,2,...,8', '8,4,...,1',
                                  '1,2,...,8,9'])
def test_wrong_numbers_of_ranks(text):
    with pytest.raises(BadValue, match='--ranks'):
        scaling.numbers(text)


def test_default_numbers_of_ranks():
    found = scaling.numbers(None)
    assert (found[0], found[-2], found[-1]) == (1, 65536, 100_000)


# --- files -----------------------------------------------------------------

def test_what_comes_with_dsim_can_be_read():
    found = machine.load()
    assert found.facts['CPU'] and found.check['1']['runs'] > 0
    for kind in machine.GROUPS:
        assert found.cost(f'{kind} halo' if kind in (
            'post', 'message', 'byte') else kind) >= 0
    assert {find_scheme(name, None, 1, 1.0).name for name in EXCHANGES} <= {
        name.partition(' ')[2] for name in found.constants}


def test_a_file_and_back(tmp_path):
    HERE.save(tmp_path/'m.json')
    assert machine.load(tmp_path/'m.json') == HERE


def test_what_was_not_measured_costs_as_the_like():
    found = Machine({}, {'step a float64': 1.0, 'step b float64': 3.0,
                         'step c float64': 9.0})
    assert found.cost('step a float32') == 1.0
    assert found.cost('step d float64') == 3.0
    assert found.cost('message halo') == 0.0
    assert found.unknown(['step a float64', 'step d float64']) == [
        'step d float64']
    noted = scaling.forecast(sheet(16), 1.0, [1], found)
    assert any('not measured' in note and 'izhikevich' in note
               for note in noted.notes)


GOOD = {'format': machine.FORMAT, 'constants': {'window': 1e-5},
        'fabric': {'latency': 1e-6, 'bandwidth': 1e9, 'cores': 4}}


@pytest.mark.parametrize('text, message', [
    (None, 'no such file'),
    ('{', 'no JSON'),
    ('[]', 'not the file of a machine'),
    ('{"format": "dsim machine 0"}', 'not the file of a machine'),
    ({'constants': {}}, 'constants: must be a table'),
    ({'constants': {'window': -1}}, 'constants.window = -1: must be'),
    ({'constants': {'window': 'x'}}, "constants.window = 'x': must be"),
    ({'constants': {'windy': 1}}, "'windy' is no cost"),
    ({'fabric': {'latency': 1.0}}, 'fabric: must have latency, bandwidth'),
    ({'fabric': {'latency': 1, 'bandwidth': 0, 'cores': 1}}, 'all > 0'),
])
def test_wrong_files_end_with_one_message(text, message, tmp_path, capsys):
    path = tmp_path/'m.json'
    if isinstance(text, dict):
        text = json.dumps({**GOOD, **text})
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputFileError, match=str(path)) as caught:
        machine.load(path)
    assert message in str(caught.value)
    (tmp_path/'m.toml').write_text(MODEL)
    assert cli.main(['predict', str(tmp_path/'m.toml'), '--machine',
                     str(path)]) == 2
    out, said = capsys.readouterr()
    assert out == '' and said.startswith(f'dsim: {path}')
    assert said.count('dsim: /') == 1


# --- the command -----------------------------------------------------------

MODEL = """\
[simulation]
duration = 20
[populations.cells]
model = "izhikevich-2003"
shape = [20, 20]
[[projections]]
source = "cells"
target = "cells"
rule = "fixed_indegree"
degree = 5
weight = 3
kernel = {name = "gaussian", sigma = 0.05, cutoff = 0.1}
"""


def test_the_command(tmp_path, capsys):
    model, plot = tmp_path/'m.toml', tmp_path/'p.png'
    model.write_text(MODEL)
    code = cli.main(['predict', str(model), '--ranks', '1,2,4,...,1024',
                     '--exchange', 'all', '--plot', str(plot)])
    out, said = capsys.readouterr()
    assert (code, said) == (0, '')
    assert out.count('efficiency') == 3
    assert 'strong scaling ends at 400 ranks' in out
    assert 'between nodes, assumed' in out and 'costs measured on' in out
    assert plot.read_bytes()[:4] == b'\x89PNG'

    code = cli.main(['predict', str(model), '--weak', '--ranks', '1,100',
                     '--json'])
    out, said = capsys.readouterr()
    assert (code, said) == (0, '')
    found = json.loads(out)
    points = found['forecasts'][0]['points']
    assert [point['ranks'] for point in points] == [1, 100]
    assert points[1]['seconds'] == pytest.approx(
        sum(points[1]['parts'].values()))
    assert found['machine']['fabric']['cores'] == 128

    assert cli.main(['predict', str(model), '--ranks', 'x']) == 2
    assert '--ranks' in capsys.readouterr().err


def test_drawing_of_nothing_says_so(tmp_path):
    drawing.draw([{'weak': False, 'points': []}], tmp_path/'none.png')
    assert (tmp_path/'none.png').is_file()


def test_ideal_scaling():
    def made(weak):
        return {'weak': weak, 'points': [
            {'ranks': n, 'seconds': 6.0,
             'parts': dict.fromkeys(drawing.PARTS, 1.0)} for n in (2, 8)]}

    assert drawing.ideal(made(False)).tolist() == [6.0, 1.5]
    assert drawing.ideal(made(True)).tolist() == [6.0, 6.0]
    assert drawing.PARTS == scaling.PARTS


@pytest.mark.slow
@pytest.mark.parallel(1, 2)
def test_calibration(comm, monkeypatch):
    from dsim.prediction import calibrate, cases

    few = [cases.Case(8), cases.Case(24), cases.Case(16, 1, 20),
           cases.Case(24, 2, 40, 2)]
    monkeypatch.setattr(cases, 'parts', lambda: few)
    monkeypatch.setattr(cases, 'networks', lambda: few[2:])
    monkeypatch.setattr(cases, 'unseen', lambda: few[3:])
    monkeypatch.setattr(calibrate, 'ALONE', (0.002, 3))
    monkeypatch.setattr(calibrate, 'TOGETHER', (0.002, 3))
    monkeypatch.setattr(calibrate, 'BLOCKS', 2)
    told = []
    found = calibrate.calibrate(comm, {'CPU': 'this one'}, told.append)
    assert all(comm.allgather(found.constants == comm.bcast(
        found.constants)))
    assert set(found.check) == {'1', str(comm.size)}
    assert found.check['1']['runs'] == 1
    assert found.facts['ranks'] == str(comm.size)
    assert {'window', 'message halo', 'byte allgather'} <= set(
        found.constants)
    assert min(found.constants.values()) >= 0
    assert len(told) >= 9

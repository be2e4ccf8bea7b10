"""dsim.report: the numbers behind the figures, and the page they make."""

import base64
import re
import tracemalloc
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from dsim.errors import InputFileError, OutputError
from dsim.io import provenance
from dsim.io.files import Alone
from dsim.io.frames import FrameFile
from dsim.io.sonata.nodes import Nodes, write_nodes
from dsim.io.sonata.reports import ReportFile
from dsim.io.sonata.spikes import SpikeFile
from dsim.report import (
    intervals,
    maps,
    movie,
    page,
    phases,
    raster,
    rates,
    style,
    traces,
)
from dsim.report.folder import Activity, Grid, Run, find_grid, read

MODEL = '''[simulation]
name = "<sheet> & more"
dt = 0.5
comment = "<script>alert(1)</script>"
'''

FACTS = {
    'dsim': '0.1', 'command': 'dsim run <sheet>.toml', 'ranks': 2, 'seed': 7,
    'started': '2026-01-02T03:04:05+00:00', 'hosts': 'node1 node2',
}

TIMINGS = {
    'ranks': 2, 'wall': 2.0, 'build': 0.5, 'rtf': 20.0, 'events': 12345,
    'core_ns_per_event': 3.5, 'messages': 400, 'bytes': 123456,
    'seconds_deliver': [1.0, 1.5, 1.75], 'seconds_update': [0.25, 0.25, 0.5],
}


def train(times, ids, size=None, **more):
    """One population, its spikes given in any order."""
    times, ids = np.asarray(times, float), np.asarray(ids)
    order = np.lexsort((ids, times))
    return Activity('p', size or int(ids.max()) + 1, times[order], ids[order],
                    **more)


def poisson(rate, size, duration, seed=1):
    """Poisson trains of that rate in Hz, on no time steps."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(rate*size*duration/1000)
    return train(np.sort(rng.uniform(0, duration, count)),
                 rng.integers(0, size, count), size)


def a_run(activities, duration, **more):
    return Run('.', True, duration, tuple(activities), **more)


def write_run(folder, populations, spikes, duration=100, dt=0.5, frames=0,
              values=(), end=True, extent=(2.0, 1.0)):
    """Write the files of a run.

    ``populations`` is name -> (rows, columns), ``spikes`` name -> (steps,
    ids); of the first one ``frames`` frames and the ``values`` of these
    neurons are recorded.
    """
    folder.mkdir(exist_ok=True)
    comm, nodes = Alone(), {}
    for name, (rows, columns) in populations.items():
        ids = np.arange(rows*columns)
        nodes[name] = Nodes(
            ids.size, ids, (ids % columns + 0.5)/columns*extent[0],
            (ids//columns + 0.5)/rows*extent[1], 'lif', {'tau': 20.0})
    write_nodes(folder/'nodes.h5', comm, nodes)
    files = [SpikeFile(folder/'spikes.h5', comm,
                       {name: n.size for name, n in nodes.items()},
                       lambda steps: steps*dt)]
    for name, (steps, ids) in spikes.items():
        files[0].append(name, np.asarray(steps, int), np.asarray(ids, int))

    files += recordings(folder, populations, duration, dt, frames, values)
    for file in files:
        if not end:
            file.flush()
            file.abandon()
            continue
        provenance.record(file.file, FACTS, MODEL)
        provenance.record_timings(file.file, {
            **TIMINGS, 'biological': duration/1000})
        file.close()
    return folder


def recordings(folder, populations, duration, dt, frames, values):
    """Write frames, and values of these neurons, of the first population."""
    name, shape = next(iter(populations.items()))
    rng = np.random.default_rng(2)
    files = []
    if frames:
        files.append(FrameFile(folder/'frames.h5', Alone()))
        files[-1].add(name, 'v', 'mV', shape, (0, shape[0], 0, shape[1]))
        files[-1].append(name, 'v', dt*np.arange(frames),
                         rng.normal(-60, 5, (frames, *shape)))
    if len(values):
        files.append(ReportFile(folder/f'values_{name}_v.h5', Alone(), name,
                                values, np.arange(len(values)), 'mV', 0.0,
                                duration, dt))
        files[-1].append(rng.normal(-60, 5, (int(duration/dt), len(values))))
    return files


class Structure(HTMLParser):
    """Checks that tags are closed in turn, and collects what they hold."""

    def __init__(self, text):
        super().__init__()
        self.open, self.images, self.links, self.text = [], [], [], []
        self.tags = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        if tag == 'img':
            self.images.append(attributes)
        elif tag == 'a':
            self.links.append(attributes['href'])
        if tag not in ('img', 'meta'):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != 'style':
            self.text.append(data)

    @property
    def all_text(self):
        return re.sub(r'\s+', ' ', ' '.join(self.text))


def test_intervals_are_those_of_each_neuron():
    rng = np.random.default_rng(3)
    activity = train(rng.integers(1, 400, 500), rng.integers(0, 40, 500), 45)
    gaps, owners = intervals.intervals(activity.times, activity.ids)
    expected = [(gap, i) for i in range(45) for gap
                in np.diff(activity.times[activity.ids == i])]
    assert [*zip(gaps, owners, strict=True)] == expected

    cv = intervals.variation(gaps, owners, 45, least=5)
    for i in range(45):
        mine = np.diff(activity.times[activity.ids == i])
        if mine.size < 5:
            assert np.isnan(cv[i])
        else:
            assert cv[i] == pytest.approx(mine.std()/mine.mean())


def test_cv_of_regular_and_poisson_trains():
    dt, period = 0.1, 37
    steps = np.arange(1, 200)[:, None]*period + np.arange(3)
    regular = train((steps*dt).ravel(), np.tile(np.arange(3), 199))
    found = intervals.measure(regular)
    assert found.cv.size == 3
    assert np.all(found.cv < 1e-10)
    assert np.allclose(found.gaps, 3.7)

    found = intervals.measure(poisson(20.0, 200, 20_000))
    assert found.cv.size == 200
    assert found.cv.mean() == pytest.approx(1.0, abs=0.02)
    assert found.gaps.mean() == pytest.approx(50.0, rel=0.02)


def test_only_long_trains_have_a_cv():
    times = [*range(10, 70, 10), *range(11, 61, 10)]
    activity = train(times, [0]*6 + [1]*5, 4)
    assert intervals.LEAST == 5
    assert intervals.measure(activity).cv.size == 1


def test_interval_bins_hold_whole_steps():
    for low, high, step in ((0.1, 2000.0, 0.1), (3.0, 3.0, 1.0),
                            (1.0, 2.0, 1.0), (0.3, 70.2, 0.3)):
        edges = intervals.log_bins(low, high, step)
        assert edges[0] < low
        assert high < edges[-1]
        # Half-way between steps: no rounding can move an interval
        assert np.allclose((edges/step) % 1, 0.5)
        assert np.all(np.diff(edges) > 0.99*step)
    assert len(intervals.log_bins(0.1, 1e7, 0.1)) < 150


def test_a_bin_ends_with_the_step_stamped_at_its_end():
    activity = train([0.5, 1.0, 1.5, 2.0, 2.5], [0, 1, 0, 1, 1], 2)
    edges = rates.edges_of(2.5, 1.0)
    assert edges.tolist() == [0, 1, 2, 2.5]
    assert rates.binned(activity.times, edges).tolist() == [2, 2, 1]
    # The last bin is half as long
    assert rates.rate(activity, edges).tolist() == [1000, 1000, 1000]

    # All steps of 0.1 ms fall where they belong, whatever rounding did
    times = 0.1*np.arange(1, 100_001)
    counts = rates.binned(times, rates.edges_of(10_000, 2.0))
    assert np.all(counts == 20)


def test_bins_are_whole_steps():
    assert rates.bin_width(2000, 1.0) == 5
    assert rates.bin_width(100, 0.1) == 1
    assert rates.bin_width(0, 0.0) == 1
    assert rates.bin_width(1e6, 0.0) == 5000
    assert rates.bin_width(2000, 0.3) == pytest.approx(5.1)
    assert [rates.nice(x) for x in (1, 1.1, 2.5, 7, 0.03)] == pytest.approx(
        [1, 2, 5, 10, 0.05])


def test_the_step_is_seen_in_the_spikes_or_told_by_the_model():
    spikes = train([0.3, 0.6, 1.2], [0, 1, 0])
    assert a_run([spikes], 2.0).step == pytest.approx(0.3)
    assert a_run([spikes], 2.0, facts={'model': MODEL}).step == 0.5
    assert a_run([train([5.0], [0])], 10.0).step == 0


def test_known_rates():
    activity = train(np.arange(1, 1001), np.arange(1000) % 10, 20)
    assert activity.rate(1000.0) == 50
    assert activity.active == 0.5
    assert activity.counts.tolist() == [100]*10 + [0]*10
    assert np.isnan(activity.rate(0.0))


def test_spectrum_of_poisson_is_flat_and_shows_a_rhythm():
    duration, size, rate = 60_000, 100, 10.0
    activity = poisson(rate, size, duration)
    frequencies, power = rates.spectrum(activity, duration, 1.0)
    assert frequencies[0] == pytest.approx(1000/2048)
    assert power.mean() == pytest.approx(2*rate/size, rel=0.05)

    rng = np.random.default_rng(4)
    kept = rng.random(activity.times.size) < 0.5 + 0.5*np.sin(
        2*np.pi*0.04*activity.times)
    rhythm = train(activity.times[kept], activity.ids[kept], size)
    frequencies, power = rates.smoothed(
        *rates.spectrum(rhythm, duration, 1.0))
    assert frequencies[power.argmax()] == pytest.approx(40, rel=0.05)
    assert len(frequencies) < 120


def test_smoothing_keeps_the_mean():
    frequencies = np.arange(1.0, 500)
    means, power = rates.smoothed(frequencies, 3*frequencies)
    assert np.allclose(power, 3*means)
    assert means[:10].tolist() == [*range(1, 11)]


def test_raster_leaves_out_neurons_never_spikes():
    big = poisson(5.0, 5000, 1000)
    small = train([1, 2, 3], [0, 0, 1], 30)
    shown = raster.bands([big, small])
    assert 300 < shown[0].ids.size < 450
    assert shown[1].ids.size == 30
    for activity, each in zip((big, small), shown, strict=True):
        assert np.all(np.diff(each.ids) > 0)
        for k, neuron in enumerate(each.ids):
            assert np.array_equal(each.times[each.rows == k],
                                  activity.times[activity.ids == neuron])
    again = raster.bands([big, small])
    assert np.array_equal(again[0].ids, shown[0].ids)


def test_raster_is_bounded():
    assert raster.shares([100, 200]) == [100, 200]
    assert sum(raster.shares([10**6]*20)) <= 1.1*raster.ROWS
    busy = poisson(100.0, 2000, 10_000)
    shown = raster.bands([busy])
    assert shown[0].ids.size == 80
    begin = raster.begin_of(shown)
    left = np.count_nonzero(shown[0].times >= begin)
    assert 0.8*raster.DOTS < left <= raster.DOTS
    assert raster.begin_of(raster.bands([train([1, 2], [0, 1])])) == 0


def test_the_grid_is_found_from_positions():
    def positions(rows, columns, x, y):
        ids = np.arange(rows*columns)
        return ((ids % columns + 0.5)/columns*x, (ids//columns + 0.5)/rows*y)

    for rows, columns in ((3, 5), (1, 7), (7, 1), (1, 1)):
        grid = find_grid(*positions(rows, columns, 2.0, 0.5))
        assert grid.shape == (rows, columns)
        assert grid.extent == pytest.approx((2.0, 0.5))
    x, y = positions(3, 5, 2.0, 0.5)
    x[7] += 0.01
    assert find_grid(x, y) is None
    assert find_grid(x[:0], y[:0]) is None


def test_rate_map_is_in_place():
    activity = train([10, 20, 30, 40], [0, 7, 7, 11], 12,
                     grid=Grid((3, 4), (1.0, 1.0)))
    found = maps.rate_map(activity, 500.0)
    assert found.tolist() == [[2, 0, 0, 0], [0, 0, 0, 4], [0, 0, 0, 2]]
    assert maps.rate_map(activity, 0.0) is None
    assert maps.rate_map(train([1], [0]), 500.0) is None


def test_traces_keep_every_peak():
    rng = np.random.default_rng(5)
    times, values = np.arange(100_003.0), rng.normal(size=100_003)
    values[[17, 50_000, 100_001]] = 40, -50, 60
    thin, kept = traces.envelope(times, values)
    assert len(thin) < 4*traces.POINTS
    assert np.all(np.diff(thin) > 0)
    assert {40, -50, 60} <= set(kept)
    assert np.array_equal(kept, values[thin.astype(int)])
    assert traces.envelope(times[:9], values[:9])[1] is not None
    assert len(traces.envelope(times[:9], values[:9])[0]) == 9


def test_a_movie_is_bounded():
    for frames, shape in ((10, (5, 5)), (100_000, (128, 128)),
                          (5000, (1000, 3)), (199, (2000, 2000))):
        stride = movie.stride_of(frames, shape)
        shown = -(-frames//stride)
        factor = movie.factor_of(shape)
        assert shown <= movie.MOST
        assert max(shape)/factor <= movie.SIDE
        assert shown*-(-shape[0]//factor)*-(-shape[1]//factor) <= (
            movie.CELLS)
    assert movie.stride_of(150, (5, 5)) == 1


def test_cells_are_averaged_at_the_sides_too():
    data = np.arange(2*5*7.0).reshape(2, 5, 7)
    small = movie.averaged(data, 3)
    assert small.shape == (2, 2, 3)
    assert small[0, 0, 0] == data[0, :3, :3].mean()
    assert small[1, 1, 2] == data[1, 3:, 6:].mean()
    assert movie.averaged(data, 1) is data


def test_the_scale_of_a_movie():
    low, high = movie.scale_of(np.append(np.linspace(0, 1, 1000), np.nan))
    assert 0 < low < 0.01
    assert 0.99 < high < 1
    assert movie.scale_of(np.full(5, -65.0)) == (-65.5, -64.5)
    assert movie.scale_of(np.full(5, np.nan)) == (0, 1)
    lone = np.zeros(10_000)
    lone[7] = 1
    assert movie.scale_of(lone) == (0, 1)


def test_frames_are_read_in_pieces(tmp_path, monkeypatch):
    folder = write_run(tmp_path/'run', {'p': (4, 6)}, {}, frames=50)
    series = movie.look(folder/'frames.h5', 'p', 'v')
    assert series == ('p', 'v', 50, (4, 6))
    whole = movie.chosen(folder/'frames.h5', series, 7)
    assert whole.times.tolist() == [3.5*k for k in range(8)]
    assert whole.data.shape == (8, 4, 6)
    monkeypatch.setattr(movie, 'PIECE', 8*4*6*3)
    pieces = movie.chosen(folder/'frames.h5', series, 7)
    assert np.array_equal(pieces.data, whole.data)
    assert np.array_equal(pieces.times, whole.times)


def test_phases_are_in_the_order_of_the_loop():
    given = {name: np.array([1.0, 2.0, 4.0]) for name in
             ('wait', 'learn', 'deliver', 'update')}
    found = phases.in_order(given)
    assert [*found] == ['update', 'deliver', 'wait', 'learn']
    assert phases.rest(found, 9.5) == 1.5
    assert phases.rest(found, 1.0) == 0
    assert phases.shares(found)['wait'] == 0.25


def test_names_are_drawn_as_they_are():
    assert style.plain('a$b$') == r'a\$b\$'
    assert style.plain('_a')[1:] == '_a'
    assert style._decade(1000, 0) == '1,000'
    assert style._decade(0.01, 0) == '0.01'
    assert style._decade(1e-6, 0) == '10⁻⁶'
    for low, high in ((3.0, 4.0), (0.5, 20), (9.0, 11.0), (1.0, 1.0)):
        first, last = style.log_limits(low, high)
        assert first <= low <= high <= last
        assert np.floor(np.log10(last)) > np.ceil(np.log10(first)) or (
            last/first >= 10)


@pytest.fixture(scope='module')
def sheet(tmp_path_factory):
    """The folder of a run in which everything was recorded, and its page."""
    rng = np.random.default_rng(6)
    steps = np.sort(rng.integers(1, 2001, (2, 3000)))
    folder = write_run(
        tmp_path_factory.mktemp('runs')/'sheet',
        {'zexc': (12, 20), 'inh': (6, 10)},
        {'zexc': (steps[0], rng.integers(0, 240, 3000)),
         'inh': (steps[1], rng.integers(0, 60, 3000))},
        duration=1000, frames=300, values=[3, 50, 100, 150, 200, 239])
    path = page.write(folder)
    return folder, path, path.read_text(encoding='utf-8')


@pytest.mark.wheels
def test_the_page_is_whole(sheet):
    folder, path, text = sheet
    assert path == folder/'report.html'
    found = Structure(text)
    drawn = {'phases.png', 'raster.png', 'maps.png', 'intervals.png',
             'spectrum.png', 'values_zexc_v.png', 'movie_zexc_v.gif'}
    assert {p.name for p in (folder/'pictures').iterdir()} == drawn
    assert set(found.links) == {f'pictures/{name}' for name in drawn}

    # What is embedded is what is linked, and nothing is fetched
    for link, image in zip(found.links, found.images, strict=True):
        kind, data = image['src'].split(';base64,')
        assert kind == f'data:image/{link[-3:]}'
        assert base64.b64decode(data) == (folder/link).read_bytes()
        assert image['alt']
    rest = re.sub('base64,[^"]*', '', text)
    assert 'http' not in rest
    assert not set(found.tags) & {'script', 'link', 'iframe'}


def test_the_page_tells_the_run(sheet):
    found = Structure(sheet[2])
    text = found.all_text
    assert 'h1' in found.tags
    for expected in (
            '<sheet> & more', '300 neurons, 6,000 spikes in 1,000 ms',
            'dsim run <sheet>.toml', '2026-01-02', 'node1 node2',
            'dsim 0.1', 'mean rate (Hz)', '12 × 20', 'lif', '12.50',
            '50.00', '3.5 ns', '400', '123 kB', 'RTF', 'deliver', '85.7 %',
            '1.750', 'of 240, inh 60 of 60', 'bins of 5 ms',
            '5 of the 6 neurons', '150 of 300 frames',
            '<script>alert(1)</script>'):
        assert expected in text, expected
    # As declared, though a file lists its groups by name
    assert text.index('zexc') < text.index('inh')
    assert found.tags.count('details') == 1


def test_the_movie_moves(sheet):
    movie_file = sheet[0]/'pictures'/'movie_zexc_v.gif'
    with Image.open(movie_file) as image:
        assert image.n_frames == 150
        assert image.info['duration'] == movie.INTERVAL
        first = np.asarray(image.convert('RGB'), int)
        image.seek(100)
        later = np.asarray(image.convert('RGB'), int)
    assert np.any(first != later)
    # The labels stand still
    assert np.array_equal(first[-20:], later[-20:])
    assert movie_file.stat().st_size < 2_000_000


def test_the_same_folder_makes_the_same_page(sheet):
    assert page.write(sheet[0]).read_text(encoding='utf-8') == sheet[2]


@pytest.mark.filterwarnings('error::UserWarning', 'error::RuntimeWarning')
@pytest.mark.parametrize('populations, spikes, told', [
    ({'p': (4, 4), 'q': (2, 2)}, {}, '0 spikes'),
    ({'p': (4, 4)}, {'p': ([5], [3])}, '1 spike in 100 ms'),
    ({'p': (1, 1)}, {'p': (range(20, 200, 20), [0]*9)}, '1 neuron, 9 spikes'),
    ({'p': (1, 2)}, {'p': ([1, 200], [0, 1])}, '2 spikes'),
    ({'p': (1, 30)}, {'p': (range(1, 201), [7]*200)}, '200 spikes'),
    ({f'_p{k}$$': (2, 3) for k in range(16)},
     {'_p3$$': (range(1, 201), [5]*200)}, '_p15$$'),
])
def test_small_runs_are_drawn(tmp_path, populations, spikes, told):
    folder = write_run(tmp_path/'run', populations, spikes)
    text = Structure(page.write(folder).read_text()).all_text
    assert told in text
    assert 'No frames were recorded' in text
    assert 'No values of single neurons' in text


def test_an_unfinished_run_is_drawn_as_such(tmp_path):
    rng = np.random.default_rng(7)
    steps = np.sort(rng.integers(1, 181, 400))
    folder = write_run(
        tmp_path/'run', {'p': (5, 8)}, {'p': (steps, rng.integers(0, 40, 400)
                                              )}, frames=20,
        values=[1, 2], end=False)
    assert not (folder/'spikes.h5').exists()
    run = read(folder)
    assert not run.finished
    assert run.duration == steps.max()/2
    found = Structure(page.write(folder).read_text())
    assert 'This run is unfinished' in found.all_text
    assert '400 spikes' in found.all_text
    assert 'Timings are written when a run ends' in found.all_text
    assert len(found.images) == 6

    # What cannot be read yet is left out
    (folder/'frames.h5.part').write_bytes(bytes(100))
    (folder/'values_p_v.h5.part').write_bytes(bytes(100))
    found = Structure(page.write(folder).read_text())
    assert 'no frames in frames.h5.part' in found.all_text
    assert len(found.images) == 4
    (folder/'spikes.h5.part').write_bytes(bytes(100))
    with pytest.raises(InputFileError, match='has not ended'):
        page.write(folder)


def test_a_folder_without_spikes_is_refused(tmp_path):
    with pytest.raises(InputFileError, match=r'no spikes\.h5'):
        page.write(tmp_path)
    with pytest.raises(InputFileError, match='no such folder'):
        page.write(tmp_path/'nowhere')
    (tmp_path/'spikes.h5').write_text('nonsense')
    with pytest.raises(InputFileError, match=r'spikes\.h5'):
        page.write(tmp_path)
    assert not (tmp_path/'report.html').exists()


def test_what_cannot_be_written_is_told(tmp_path):
    folder = write_run(tmp_path/'run', {'p': (2, 2)}, {})
    (folder/'pictures').write_text('a file where a folder should be')
    with pytest.raises(OutputError, match='pictures'):
        page.write(folder)


def test_without_nodes_there_are_no_maps(tmp_path):
    folder = write_run(tmp_path/'run', {'p': (5, 8)}, {'p': ([3, 4], [7, 2])})
    (folder/'nodes.h5').unlink()
    run = read(folder)
    assert run.activities[0].size == 8
    assert run.activities[0].grid is None
    text = Structure(page.write(folder).read_text()).all_text
    assert 'there are no maps' in text
    (folder/'node_types.csv').unlink()
    page.write(folder)


def test_a_spike_file_of_others_is_drawn(tmp_path):
    file = SpikeFile(tmp_path/'spikes.h5', Alone(), {'p': 10},
                     lambda steps: steps*0.1)
    file.append('p', np.arange(1, 101), np.arange(100) % 10)
    file.close()
    text = Structure(page.write(tmp_path).read_text()).all_text
    assert tmp_path.name in text
    assert '100 spikes in 10 ms' in text
    assert 'does not tell what made it' in text


@pytest.mark.slow
def test_five_million_spikes_take_bounded_memory(tmp_path):
    count, size = 5_000_000, 128*128
    rng = np.random.default_rng(8)
    folder = write_run(
        tmp_path/'run', {'p': (128, 128)},
        {'p': (rng.integers(1, 40_001, count), rng.integers(0, size, count))},
        duration=20_000)
    tracemalloc.start()
    page.write(folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Times and ids take 80 MB as they are read
    assert peak < 400e6
    assert (folder/'report.html').stat().st_size < 4e6

"""Stimuli: right numbers in the right steps, whatever the tile."""

import itertools

import numpy as np
import pytest
from scipy import stats

from dsim.connectivity.pairs import OneToOne
from dsim.distributions import Normal, Uniform
from dsim.errors import BadValue, UnknownName
from dsim.network import Network
from dsim.neurons.izhikevich import Izhikevich
from dsim.neurons.lif import LIF
from dsim.space import Sheet
from dsim.stimuli import STIMULI
from dsim.stimuli.base import Drive, Site, Stimulus
from dsim.stimuli.current import ConstantCurrent, GaussianCurrent, StepCurrent
from dsim.stimuli.image import ImageCurrent, shares
from dsim.stimuli.poisson import PoissonInput
from dsim.stimuli.replay import SpikeTimes
from dsim.values import Place

SHAPE = (9, 14)
LIKELY = 1e-4


def site(bounds=None, dt=1.0, shape=SHAPE, name='s', seed=1):
    row0, row1, column0, column1 = bounds or (0, shape[0], 0, shape[1])
    first = np.arange(row0, row1)*shape[1] + column0
    ids = (first[:, None] + np.arange(column1 - column0)).ravel()
    place = Place(ids, shape, Sheet((1.0, 2.0)), seed, 'exc')
    return Site(place, first, column1 - column0, name, dt)


def added(stimulus, steps, where=None, first=0, stretches=None, kind=float):
    """What a stimulus adds to steps [first, first + steps): [steps, n]."""
    where = where or site()
    drive = stimulus.bind(where)
    out = np.zeros((steps, where.place.ids.size), kind)
    begin = 0
    for size in stretches or [steps]:
        drive.add(out[begin:begin + size], first + begin)
        begin += size
    assert begin == steps
    return out


def network(stimulus, model=Izhikevich, shape=SHAPE):
    net = Network(1, (1.0, 2.0))
    net.stimulate(net.population('exc', model, shape), stimulus)
    return net


EVERY = {
    'constant': ConstantCurrent(Uniform(1, 2), start=3, stop=31),
    'steps': StepCurrent([2.0, 9.5, 30.0], [1.0, -2.0, 0.5]),
    'noise': GaussianCurrent(Normal(0, 3), 'exp(-x)', start=3, stop=31),
    'poisson': PoissonInput(np.linspace(0, 900, 126), Uniform(1, 2),
                            start=3, stop=31),
    'spike_times': SpikeTimes(np.arange(400) % 37, np.arange(400) % 126,
                              np.random.default_rng(1).normal(size=400)),
    'image': ImageCurrent(np.random.default_rng(2).random((5, 31)), -1, 3,
                          start=3, stop=31),
}


# --- what holds for all ----------------------------------------------------

def test_every_stimulus_is_tested():
    assert set(EVERY) == set(STIMULI)


@pytest.mark.parametrize('name', EVERY)
def test_a_tile_gets_what_the_whole_would(name):
    whole = added(EVERY[name], 40)
    assert whole.any() and (whole != whole[:, :1]).any() or name == 'steps'
    rows, columns = [0, 1, 4, 9], [0, 1, 6, 9, 14]
    for row, column in itertools.product(range(3), range(4)):
        where = site((*rows[row:row + 2], *columns[column:column + 2]))
        np.testing.assert_array_equal(
            added(EVERY[name], 40, where), whole[:, where.place.ids])


@pytest.mark.parametrize('name', EVERY)
def test_stretches_do_not_matter(name):
    whole = added(EVERY[name], 40)
    for stretches in [1]*40, [3, 1, 27, 9], [31, 9], [2, 38]:
        np.testing.assert_array_equal(
            added(EVERY[name], 40, stretches=stretches), whole)
    np.testing.assert_array_equal(added(EVERY[name], 11, first=17),
                                  whole[17:28])


@pytest.mark.parametrize('name', EVERY)
def test_stimuli_add_to_what_is_there_in_either_precision(name):
    drive = EVERY[name].bind(site())
    for kind in np.float64, np.float32:
        out = np.full((40, 126), 7, kind)
        drive.add(out, 0)
        assert out.dtype == kind
        np.testing.assert_allclose(out - 7, added(EVERY[name], 40),
                                   atol=1e-14 if kind == np.float64 else 3e-6)


@pytest.mark.parametrize('name', EVERY)
def test_stimuli_add_to_columns_of_a_larger_array(name):
    drive = EVERY[name].bind(site())
    for kind in np.float64, np.float32:
        whole, large = np.full((40, 126), 7, kind), np.full((40, 200), 7, kind)
        drive.add(whole, 0)
        drive.add(large[:, 50:176], 0)
        np.testing.assert_array_equal(large[:, 50:176], whole)
        large[:, 50:176] = 7
        assert (large == 7).all()


@pytest.mark.parametrize('name', ['constant', 'noise', 'poisson', 'image'])
def test_start_and_stop_are_the_nearest_steps(name):
    for start, stop, dt in [(3.0, 31.0, 1.0), (2.6, 31.4, 1.0),
                            (0.3, 3.1, 0.1), (0.26, 3.14, 0.1),
                            (6.0, 62.1, 2.0)]:
        stimulus = {
            'constant': lambda **t: ConstantCurrent(2.0, **t),
            'noise': lambda **t: GaussianCurrent(0.0, 1.0, **t),
            'poisson': lambda **t: PoissonInput(1e5, 1.0, **t),
            'image': lambda **t: ImageCurrent([[1.0]], **t),
        }[name](start=start, stop=stop)
        on = added(stimulus, 40, site(dt=dt)).any(axis=1)
        np.testing.assert_array_equal(np.flatnonzero(on), np.arange(3, 31))


def test_a_stimulus_that_ends_as_it_begins_does_nothing():
    for start in 5.0, np.inf:
        assert not added(ConstantCurrent(1, start, start), 20).any()
    assert added(ConstantCurrent(1), 3, first=2**45).all()
    assert not added(ConstantCurrent(1, 1e300), 3, first=2**45).any()


@pytest.mark.parametrize('make', [
    lambda **t: ConstantCurrent(2.0, **t), lambda **t: GaussianCurrent(**t),
    lambda **t: PoissonInput(1.0, 1.0, **t),
    lambda **t: ImageCurrent([[1.0]], **t)])
@pytest.mark.parametrize('times, message', [
    ({'start': -1}, 'start = -1: must be a time >= 0'),
    ({'stop': np.nan}, 'stop = nan'), ({'start': '1'}, 'a time >= 0'),
    ({'start': None}, 'a time >= 0'), ({'stop': True}, 'a time >= 0'),
    ({'start': 3, 'stop': 2}, '>= start = 3'),
])
def test_times_are_checked(make, times, message):
    with pytest.raises(BadValue, match=message):
        make(**times)


# --- currents --------------------------------------------------------------

def test_constant_values_of_all_kinds():
    ids = np.arange(126)
    for value, expected in [(2.5, np.full(126, 2.5)), ('id', ids),
                            (ids.reshape(SHAPE), ids),
                            (lambda x, y: x + y, None)]:
        found = added(ConstantCurrent(value), 3)
        if expected is None:
            y, x = site().place.sheet.positions(SHAPE, ids)
            expected = x + y
        np.testing.assert_allclose(found, np.tile(expected, (3, 1)))


def test_step_currents_jump_at_their_steps():
    stimulus = StepCurrent([0.3, 0.62, 1.2], [1, -2, 0.5])
    found = added(stimulus, 20, site(dt=0.1))
    expected = np.repeat([0, 1, -2, 0.5], [3, 3, 6, 8])
    np.testing.assert_array_equal(found, np.tile(expected[:, None], 126))
    # Two times that round to one step: the last one counts
    both = added(StepCurrent([0.9, 1.1, 5], [1, 2, 3]), 6)
    np.testing.assert_array_equal(both[:, 0], [0, 2, 2, 2, 2, 3])
    assert (added(StepCurrent([0], [4]), 5) == 4).all()


@pytest.mark.parametrize('times, values', [
    ([], []), ([1, 2], [1]), ([2, 1], [1, 1]), ([1, 1], [1, 1]),
    ([-1, 1], [1, 1]), ([np.nan], [1]), ([1], [np.inf]), (1, 2),
    (['a'], [1]), ([[1]], [[1]]), (None, None)])
def test_step_currents_need_rising_times(times, values):
    with pytest.raises(BadValue, match='steps.'):
        StepCurrent(times, values)


# --- noise -----------------------------------------------------------------

def test_noise_is_normal_and_independent():
    noise = added(GaussianCurrent(1.5, 2.0), 1000)
    z = (noise - 1.5)/2
    assert stats.kstest(z[::7, ::5].ravel(), 'norm').pvalue > LIKELY
    count = z.size
    assert abs(z.mean())*np.sqrt(count) < 4
    assert abs((z**2).mean() - 1)*np.sqrt(count/2) < 4
    assert abs((z**4).mean() - 3)*np.sqrt(count/96) < 4
    # From step to step, between neighbours, and between both
    for a, b in [(z[1:], z[:-1]), (z[:, 1:], z[:, :-1]), (z[4:], z[:-4]),
                 (z[:, 4:], z[:, :-4]), (z[1:, 1:], z[:-1, :-1])]:
        assert abs((a*b).mean())*np.sqrt(a.size) < 4
        assert abs(((a**2 - 1)*(b**2 - 1)).mean())*np.sqrt(a.size)/2 < 4.5


def test_noise_follows_mean_and_std_of_each_neuron():
    mean, std = np.linspace(-5, 5, 126), np.linspace(0, 3, 126)
    noise = added(GaussianCurrent(mean, std), 2000)
    error = (noise.mean(axis=0) - mean)[1:]/std[1:]*np.sqrt(2000)
    assert stats.chi2.sf((error**2).sum(), 125) > LIKELY
    ratio = (noise.std(axis=0)[1:]/std[1:] - 1)*np.sqrt(4000)
    assert stats.chi2.sf((ratio**2).sum(), 125) > LIKELY
    np.testing.assert_array_equal(noise[:, 0], -5.0)


def test_another_seed_or_stimulus_is_other_noise():
    base = added(GaussianCurrent(), 50)
    for change in {'seed': 2}, {'name': 's#2'}:
        other = added(GaussianCurrent(), 50, site(**change))
        assert abs((base*other).mean())*np.sqrt(base.size) < 4
    twice = Network(1)
    exc = twice.population('exc', Izhikevich, SHAPE)
    for _ in range(2):
        twice.stimulate(exc, GaussianCurrent())
    assert len({s.name for s in twice.stimulations}) == 2


def test_a_negative_deviation_is_told_wherever_it_is():
    with pytest.raises(BadValue, match='noise.std'):
        GaussianCurrent(std=-1.0)
    with pytest.raises(BadValue, match='noise.std of neuron 0 = -1'):
        network(GaussianCurrent(std='-1 + 0*x'))
    # Only the rank that has the neuron can know
    late = GaussianCurrent(std='100 - id')
    network(late)
    with pytest.raises(BadValue, match='s.std of neuron 101 = -1.0: must be'):
        late.bind(site())


# --- Poisson ---------------------------------------------------------------

@pytest.mark.parametrize('rate, dt', [(8.0, 1.0), (2500.0, 1.0),
                                      (20_000.0, 0.5), (60_000.0, 1.0)])
def test_counts_are_poisson(rate, dt):
    counts = added(PoissonInput(rate, 1.0), 800, site(dt=dt))
    mean = rate*dt/1000
    np.testing.assert_array_equal(counts, np.rint(counts))
    low, high = stats.poisson.ppf([1e-3, 1 - 1e-3], mean).astype(int)
    seen = np.bincount(np.clip(counts, low, high).astype(int).ravel(),
                       minlength=high + 1)[low:]
    expected = stats.poisson.pmf(np.arange(low, high + 1), mean)
    expected[0] = stats.poisson.cdf(low, mean)
    expected[-1] = stats.poisson.sf(high - 1, mean)
    assert stats.chisquare(seen, expected*counts.size).pvalue > LIKELY

    error = (counts.mean() - mean)*np.sqrt(counts.size/mean)
    assert abs(error) < 4
    for a, b in [(counts[1:], counts[:-1]), (counts[:, 1:], counts[:, :-1])]:
        common = ((a - mean)*(b - mean)).mean()/mean
        assert abs(common)*np.sqrt(a.size) < 4


def test_rates_and_weights_belong_to_neurons():
    rate, weight = np.linspace(0, 40_000, 126), np.linspace(-1, 4, 126)
    found = added(PoissonInput(rate, weight), 2000)
    assert not found[:, 0].any()
    some = weight != 0
    counts = (found.sum(axis=0)[some]/weight[some])[1:]
    expected = 2*rate[some][1:]
    error = (counts - expected)**2/expected
    assert stats.chi2.sf(error.sum(), error.size) > LIKELY
    assert stats.chi2.cdf(error.sum(), error.size) > LIKELY


@pytest.mark.parametrize('rate', [-1.0, np.nan, np.inf, '-x', True, None])
def test_rates_are_not_negative(rate):
    with pytest.raises(BadValue, match='poisson.rate'):
        network(PoissonInput(rate, 1.0))


def test_a_rate_that_is_wrong_elsewhere_is_told():
    for rate, neuron in [('100 - id', 101), ('1e11*(id > 3)', 4),
                         ('1/(id - 5)', '0 = -0.2|s.rate of neuron 5')]:
        with pytest.raises(BadValue, match=f's.rate of neuron {neuron}'):
            PoissonInput(rate, 1.0).bind(site())


# --- spikes of the user ----------------------------------------------------

def test_spikes_arrive_in_the_step_that_begins_then():
    # Unordered, twice the same, half steps, and the last step of all
    times = [3.0, 0.0, 3.0, 2.5, 1.4, 9.0, 3.0, 10.0]
    ids = [5, 0, 5, 1, 125, 125, 6, 5]
    weights = [1.0, 2.0, 0.5, 4.0, 8.0, 16.0, 32.0, 64.0]
    expected = np.zeros((10, 126))
    for step, neuron, weight in [(3, 5, 1.5), (0, 0, 2), (3, 1, 4),
                                 (1, 125, 8), (9, 125, 16), (3, 6, 32)]:
        expected[step, neuron] = weight
    found = added(SpikeTimes(times, ids, weights), 10)
    np.testing.assert_array_equal(found, expected)
    shuffled = np.random.default_rng(3).permutation(8)
    again = SpikeTimes(*(np.array(x)[shuffled]
                         for x in (times, ids, weights)))
    np.testing.assert_array_equal(added(again, 10), expected)


def test_spikes_of_other_tiles_stay_there():
    where = site((2, 4, 3, 8))
    mine = set(where.place.ids.tolist())
    times, ids = np.arange(126) % 10, np.arange(126)
    found = added(SpikeTimes(times, ids, ids + 1.0), 10, where)
    for step, column in itertools.product(range(10), range(10)):
        neuron = where.place.ids[column]
        assert found[step, column] == (neuron + 1)*(neuron % 10 == step)
    assert np.count_nonzero(found) == len(mine)
    assert not added(SpikeTimes([1.0], 125, 1.0), 10, where).any()


def test_spikes_at_other_time_steps_and_one_for_all():
    found = added(SpikeTimes([0.3, 0.34, 0.36], 7, 2.0), 6, site(dt=0.1))
    np.testing.assert_array_equal(found[:, 7], [0, 0, 0, 4, 2, 0])
    assert np.count_nonzero(found) == 2
    assert not added(SpikeTimes([], [], 1.0), 5).any()
    assert not added(SpikeTimes([1e300], 7, 2.0), 5, first=2**50).any()


@pytest.mark.parametrize('times, ids, weight, message', [
    ([1, 2], [1, 2, 3], 1.0, 'as many ids and weights'),
    ([1, 2], 1, [1, 2, 3], 'as many ids and weights'),
    ([-1.0], 1, 1.0, 'times >= 0 in ms'),
    ([np.nan], 1, 1.0, 'times >= 0'), ([np.inf], 1, 1.0, 'times >= 0'),
    ([1.0], 1, np.nan, 'finite'), (['a'], 1, 1.0, 'a list of times'),
    ([1.0], [1.5], 1.0, 'whole numbers'), ([1.0], [True], 1.0, 'whole'),
    ([1.0], ['1'], 1.0, 'whole numbers'),
    ([1.0], 1, 'a', 'as many ids and weights'),
])
def test_wrong_spikes_are_told(times, ids, weight, message):
    with pytest.raises(BadValue, match=message):
        SpikeTimes(times, ids, weight)


def test_ids_out_of_range_are_told():
    for ids, message in [([0, 126], r'ids\[1\] = 126: must be a neuron id '
                          'from 0 to 125'), ([-1, 5], r'ids\[0\] = -1')]:
        with pytest.raises(BadValue, match=message):
            network(SpikeTimes([1.0, 2.0], ids, 1.0))


# --- pictures --------------------------------------------------------------

def averaged(pixels, shape):
    """The mean over each cell: both cut into so fine pieces that they fit."""
    rows, columns = (np.lcm(*pair) for pair in zip(shape, pixels.shape,
                                                   strict=True))
    pieces = np.kron(pixels, np.ones((rows//pixels.shape[0],
                                      columns//pixels.shape[1])))
    return pieces.reshape(shape[0], rows//shape[0], shape[1],
                          columns//shape[1]).mean(axis=(1, 3))


@pytest.mark.parametrize('size', [(9, 14), (3, 7), (1, 1), (27, 28), (5, 3),
                                  (4, 31), (20, 10)])
def test_a_picture_is_averaged_over_cells(size):
    pixels = np.random.default_rng(5).random(size)
    found = added(ImageCurrent(pixels), 1).reshape(SHAPE)
    np.testing.assert_allclose(found, averaged(pixels, SHAPE), rtol=1e-12)
    over, across = shares(9, size[0]), shares(14, size[1])
    for share in over, across:
        np.testing.assert_allclose(share.sum(axis=1), 1, rtol=1e-12)
        assert (share >= 0).all()
    np.testing.assert_allclose(found, over @ pixels @ across.T, rtol=1e-12)


def test_a_picture_is_exact_where_pixels_fill_cells():
    for factor in (1, 1), (2, 3), (5, 1):
        pixels = np.random.default_rng(6).random((9*factor[0], 14*factor[1]))
        expected = pixels.reshape(9, factor[0], 14, factor[1]).mean((1, 3))
        found = added(ImageCurrent(pixels, -2, 3), 2)
        np.testing.assert_allclose(found[1].reshape(SHAPE), 5*expected - 2,
                                   rtol=1e-12, atol=1e-12)


def test_the_first_row_is_at_the_top_and_the_first_column_at_the_left():
    pixels = np.zeros((3, 2))
    pixels[0, 1] = 1
    found = added(ImageCurrent(pixels), 1).reshape(SHAPE)
    expected = np.zeros(SHAPE)
    expected[:3, 7:] = 1
    np.testing.assert_allclose(found, expected, atol=1e-15)
    # The neurons of row 0 are those of the smallest y
    y, _ = Sheet().positions(SHAPE, np.arange(126))
    assert y[0] == y.min()


@pytest.mark.parametrize('pixels, message', [
    ([[0.5, 1.2]], r'image.pixels\[0\]\[1\] = 1.2: must be from 0 to 1'),
    ([[0.5], [-0.1]], r'image.pixels\[1\]\[0\] = -0.1'),
    ([1.0, 2.0], 'rows x columns'), ([[]], 'rows x columns'),
    ([[np.nan]], 'finite numbers'), ([['a']], 'rows x columns of numbers'),
    (None, 'rows x columns'), (np.zeros((2, 2, 3)), 'rows x columns'),
])
def test_wrong_pictures_are_told(pixels, message):
    with pytest.raises(BadValue, match=message):
        network(ImageCurrent(pixels))


def test_a_picture_cannot_change_afterwards():
    pixels = np.ones((2, 2))
    stimulus = ImageCurrent(pixels)
    pixels[:] = 0
    np.testing.assert_allclose(added(stimulus, 1), 1, rtol=1e-14)
    for name in 'low', 'high':
        for value in np.nan, None, '1', True:
            with pytest.raises(BadValue, match=f'image.{name}'):
                ImageCurrent(pixels, **{name: value})


# --- where it goes ---------------------------------------------------------

@pytest.mark.parametrize('make', [lambda **r: PoissonInput(1.0, 1.0, **r),
                                  lambda **r: SpikeTimes([1.0], 0, 1.0, **r)])
def test_receptors_are_found_by_name(make):
    one, two = Izhikevich.receptors, LIF.receptors
    assert make().input_name(one) == one[0].name
    for receptor in two:
        assert make(receptor=receptor.name).input_name(two) == receptor.name
    with pytest.raises(BadValue, match=f'one of {two[0].name}, '):
        network(make(), LIF)
    with pytest.raises(UnknownName, match='no receptor .nothing'):
        network(make(receptor='nothing'))
    with pytest.raises(BadValue, match='of a model that takes spikes'):
        make().input_name([])
    assert ConstantCurrent(1).input_name(one) is None


@pytest.mark.parametrize('value', [np.nan, 'log(0*x)', np.zeros(5), None,
                                   'unknown', [[1.0]]])
def test_values_are_checked_when_the_network_is_made(value):
    for make in ConstantCurrent, GaussianCurrent:
        with pytest.raises((BadValue, UnknownName)):
            network(make(value))
    with pytest.raises((BadValue, UnknownName)):
        network(PoissonInput(1.0, value))


def test_only_stimuli_stimulate():
    for other in 5.0, OneToOne(), ConstantCurrent:
        with pytest.raises(BadValue, match='a stimulus such as'):
            network(other)
    for bare, call in [(Drive(), lambda d: d.add(np.zeros((1, 1)), 0)),
                       (Stimulus(), lambda s: s.bind(site()))]:
        with pytest.raises(TypeError, match='Drive|Stimulus'):
            call(bare)
    assert repr(ConstantCurrent(2.0, 1)) == (
        'ConstantCurrent(start=1.0, stop=inf, value=2.0)')

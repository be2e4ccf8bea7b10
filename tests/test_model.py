"""From a model file to a network: what it may say, and what it may not."""

import math
from pathlib import Path

import numpy as np
import pytest

from dsim.connectivity import KERNELS, RULES, Edges, Gaussian, Stencil
from dsim.connectivity.synapse_values import Distance, Falloff
from dsim.distributions import DISTRIBUTIONS, Uniform
from dsim.errors import DsimError
from dsim.model import load
from dsim.model.keys import ARGUMENTS, keys_of
from dsim.model.page import describe
from dsim.model.special import SPECIAL
from dsim.neurons import NEURONS
from dsim.stimuli import STIMULI
from dsim.values import evaluate

ROOT = Path(__file__).resolve().parent.parent

FILE = """\
[simulation]
duration = "2 s"
seed = 7

[sheet]
extent = [2.0, "500 um"]
periodic = [false, true]

[populations.exc]
model = "izhikevich-2003"
preset = "regular_spiking"
shape = [6, 8]
parameters = {b = {uniform = [0.2, 0.25]}, c = "-65 + 15*r**2"}

[populations.inh]
model = "lif"
shape = 9
precision = "float32"
initial = {v = "-0.06 V"}

[[projections]]
name = "near"
source = "exc"
target = "exc"
rule = "fixed_indegree"
degree = 8
kernel = {name = "gaussian", sigma = "100 um"}
weight = {amplitude = 0.5, kernel = {name = "exponential", scale = 0.2}}
delay = {speed = 0.3, minimum = 1.0}

[[projections]]
source = "inh"
target = ["exc"]
rule = "pairwise_bernoulli"
probability = 0.5
weight = "-2*exp(-d)"

[[projections]]
source = "exc"
target = "exc"
rule = "stencil"
neighbourhood = "moore"
radius = 2
weight = 0.5

[[projections]]
source = "exc"
target = "inh"
rule = "edges"
sources = [0, 1, 2]
targets = [1, 2, 3]
weight = ["0.1 nA", 200, 300]
receptor = "excitatory"

[[stimuli]]
name = "background"
target = ["exc", "inh"]
kind = "noise"
std = 5

[[stimuli]]
target = "inh"
kind = "poisson"
rate = "1 kHz"
weight = "0.01 nA"
receptor = "excitatory"
stop = "1 s"

[[recording.values]]
population = "exc"
variable = "v"
every = 16

[[recording.frames]]
population = "exc"
variable = "u"
interval = 10
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(folder, text=FILE, *overrides):
    (folder / 'm.toml').write_text(text)
    return load('m.toml', overrides)


def changed(old, new):
    assert old in FILE
    return FILE.replace(old, new, 1)


def test_what_a_file_says_is_what_there_is(folder):
    network, settings, *_ = made(folder)
    assert (settings.duration, settings.dt) == (2000.0, 1.0)
    assert settings.processes is None
    assert (settings.exchange, settings.folder) == ('halo', 'runs/m')
    assert network.seed == 7
    assert network.sheet.extent == (2.0, 0.5)
    assert network.sheet.periodic == (False, True)

    exc, inh = network.populations.values()
    assert (exc.shape, exc.precision) == ((6, 8), 'float64')
    assert (inh.shape, inh.precision) == ((1, 9), 'float32')
    assert exc.model.settings['a'] == 0.02
    assert exc.model.settings['b'] == Uniform(0.2, 0.25)
    assert inh.model.initial['v'] == -60.0

    near, back, stencil, listed = network.projections
    assert near.kernel == Gaussian(0.1)
    assert isinstance(near.delay, Distance) and near.delay.speed == 0.3
    assert isinstance(near.weight, Falloff)
    assert back.weight(np.array([0.0, 1.0])) == pytest.approx(
        [-2, -2*math.exp(-1)])
    assert isinstance(stencil.rule, Stencil)
    assert len(stencil.rule.offsets) == 24
    assert isinstance(listed.rule, Edges)
    assert list(listed.weight) == [100.0, 200.0, 300.0]
    assert [p.delay for p in (back, stencil, listed)] == [1.0]*3

    noise, _, poisson = network.stimulations
    assert noise.stimulus.std == 5.0
    assert noise.population is exc
    assert poisson.stimulus.rate == 1000.0
    assert poisson.stimulus.weight == 10.0
    assert (poisson.stimulus.start, poisson.stimulus.stop) == (0.0, 1000.0)

    values, frames = network.recordings
    assert list(values.ids) == [0, 16, 32]
    assert (frames.kind, frames.interval) == ('frames', 10.0)


def test_overrides_reach_the_network(folder):
    network, settings, *_ = made(
        folder, FILE, 'populations.exc.shape=[6, 10]', 'simulation.dt=0.5',
        'projections.near.weight=1.5', 'projections.2.delay=2 ms',
        'stimuli.background.std=1', 'simulation.processes=[1, 2]',
        'output.folder=there', 'populations.inh.parameters.tau_m=12',
        'populations.inh.record_spikes=false')
    assert network['exc'].shape == (6, 10)
    assert (settings.dt, settings.processes) == (0.5, [1, 2])
    assert settings.folder == 'there'
    assert network.projections[0].weight == 1.5
    assert network.projections[2].delay == 2.0
    assert network.stimulations[0].stimulus.std == 1.0
    assert network['inh'].model.settings['tau_m'] == 12.0
    assert [p.record_spikes for p in network.populations.values()] == [
        True, False]


# --- the resolved model ----------------------------------------------------

def same(one, other):
    """Compare networks by what they evaluate to, not by how they say it."""
    for a, b in zip(one.populations.values(), other.populations.values(),
                    strict=True):
        assert [getattr(p, name) for p in (a, b) for name in (
            'name', 'shape', 'precision', 'record_spikes')] == 2*[
                a.name, a.shape, a.precision, a.record_spikes]
        assert a.model.scheme == b.model.scheme
        ids = np.arange(a.size)
        for name, default in a.model.parameter_values().items():
            there = b.model.parameter_values()[name]
            assert np.array_equal(
                evaluate(default, one.place(a, ids), name),
                evaluate(there, other.place(b, ids), name))
        assert repr(a.model.initial) == repr(b.model.initial)
    for a, b in zip(one.projections, other.projections, strict=True):
        assert repr(a) == repr(b)
        owners = np.arange(getattr(a, a.rule.owner).size)
        for left, right in zip(a.rule.rows(one.pairing(a), owners),
                               b.rule.rows(other.pairing(b), owners),
                               strict=True):
            assert np.array_equal(left, right)
    assert repr(one.stimulations) == repr(other.stimulations)
    assert repr(one.recordings) == repr(other.recordings)
    assert (one.seed, one.sheet) == (other.seed, other.sheet)


@pytest.mark.parametrize('overrides', [
    (), ('simulation.seed=9', 'projections.near.delay=3 ms',
         'populations.exc.scheme=euler')])
def test_a_resolved_model_gives_the_same_network(folder, overrides):
    first = made(folder, FILE, *overrides)
    second = made(folder, first.resolved)
    same(first.network, second.network)
    assert second.settings == first.settings
    assert second.resolved == first.resolved
    assert 'v_peak = 30.0' in first.resolved
    assert 'multiple_contacts = true' in first.resolved


def test_the_models_that_come_along_are_right():
    for path in sorted((ROOT / 'jobs' / 'models').glob('*.toml')):
        found = load(path)
        assert found.settings.folder == f'runs/{path.stem}'


@pytest.mark.parametrize('name', sorted(NEURONS))
def test_every_neuron_model_survives_a_model_file(folder, name):
    receptor = [r.name for r in NEURONS[name].receptors]
    text = (f'[simulation]\nduration = 1\n[populations.p]\n'
            f'model = "{name}"\nshape = [2, 3]\n')
    if receptor:
        text += ('[[projections]]\nsource = "p"\ntarget = "p"\n'
                 f'rule = "one_to_one"\nweight = 1\n'
                 f'receptor = "{receptor[0]}"\n')
    first = made(folder, text)
    same(first.network, made(folder, first.resolved).network)


# --- the tables ------------------------------------------------------------

def test_every_argument_has_a_row_of_its_own():
    for table in RULES, KERNELS, STIMULI:
        for cls in table.values():
            for key in keys_of(cls)[0]:
                assert key.meaning, f'{cls.__name__}.{key.name}'
                assert cls in SPECIAL or key.name in ARGUMENTS, (
                    f'{cls.__name__}.{key.name} has no row in dsim/model')
    assert len(DISTRIBUTIONS) > 1


def test_the_page_of_keys_is_up_to_date():
    page = (ROOT / 'docs' / 'model-files.md').read_text(encoding='utf-8')
    assert page.endswith(describe()), (
        'docs/model-files.md: write the part below its marker anew, with the '
        'command that stands there')


# --- files beside the model file -------------------------------------------

OWN = '''\
"""A neuron of one's own."""
from dsim.declare import Parameter, Receptor, State
from dsim.neurons.base import Neuron


class Counter(Neuron):
    """Fires whenever it has gathered enough."""

    states = (State('x', 0.0, '1', 'gathered'),)
    parameters = (Parameter('enough', 3.0, 'pF', 'to fire', above=0.0),)
    receptors = (Receptor('input', 'pA', 'one step'),)

    def advance(x, current, input, enough, dt, fired):
        for t in range(current.shape[0]):
            for i in range(x.size):
                x[i] += current[t, i] + input[t, i]
                fired[t, i] = x[i] >= enough[i]
                x[i] = 0.0 if fired[t, i] else x[i]
'''
OWN_FILE = """\
[simulation]
duration = 1
[populations.p]
model = "own.py:Counter"
shape = 4
parameters = {enough = 2}
[[stimuli]]
target = "p"
kind = "constant"
value = "0.001 nA"
"""


def test_a_neuron_of_ones_own(folder, tmp_path, monkeypatch):
    (folder / 'own.py').write_text(OWN)
    (folder / 'm.toml').write_text(OWN_FILE)
    monkeypatch.chdir('/')
    network = load(tmp_path / 'm.toml').network
    model = network['p'].model
    assert type(model).__name__ == 'Counter'
    assert model.settings == {'enough': 2.0}
    # A capacitance in pF makes the current one in pA
    assert network.stimulations[0].stimulus.value == 1.0

    x, fired = np.zeros(4), np.zeros((3, 4), np.uint8)
    model.advance(x, np.ones((3, 4)), np.zeros((3, 4)), 2.0, 1.0, fired)
    assert fired.sum(axis=1).tolist() == [0, 4, 0]


@pytest.mark.parametrize('name, own, expected', [
    ('own.py', OWN, "m.toml: populations.p.model = 'own.py': must be "
     '"my_model.py:ClassName"'),
    ('own.py:Count', OWN, 'm.toml: populations.p.model: own.py: no neuron '
     "model 'Count'; did you mean 'Counter'?\nthere are: Counter"),
    ('own.py:Neuron', OWN, "m.toml: populations.p.model: own.py: no neuron "
     "model 'Neuron'\nthere are: Counter"),
    ('owm.py:Counter', OWN, 'm.toml: populations.p.model: owm.py: no such '
     'file; did you mean own.py?'),
    ('own.py:A', 'import math\n1/0\n', 'm.toml: populations.p.model: own.py, '
     'line 2: ZeroDivisionError: division by zero'),
    ('own.py:A', 'a = 1\nb = (\n', 'm.toml: populations.p.model: own.py, '
     "line 2: SyntaxError: '(' was never closed"),
])
def test_own_files_that_will_not_do(folder, name, own, expected):
    (folder / 'own.py').write_text(own)
    with pytest.raises(DsimError) as caught:
        made(folder, OWN_FILE, f'populations.p.model={name}')
    assert str(caught.value).replace('--set', 'm.toml') == expected


def test_arrays_pictures_and_edges_from_files(folder):
    from PIL import Image

    from dsim.io.sonata.edges import Edges as Listed
    from dsim.io.sonata.edges import write_edges

    np.save(folder / 'c.npy', np.linspace(-65, -50, 48).reshape(6, 8))
    np.savetxt(folder / 'd.csv', np.full((6, 8), 6.5), delimiter=',')
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(folder / 'p.png')
    write_edges(folder / 'e.h5', Listed(
        'exc', 'exc', np.array([3, 4]), np.array([5, 6]),
        np.array([0.25, 0.5]), np.array([2.0, 3.0])))
    text = changed('c = "-65 + 15*r**2"',
                   'c = {file = "c.npy"}, d = {file = "d.csv"}')
    text += """
[[projections]]
source = "exc"
target = "exc"
rule = "edges"
file = "e.h5"

[[stimuli]]
target = "exc"
kind = "image"
pixels = {file = "p.png"}
high = 3
"""
    found = made(folder, text)
    network = found.network
    assert network['exc'].model.settings['c'][5, 7] == -50
    assert network['exc'].model.settings['d'][0, 0] == 6.5
    assert network.stimulations[-1].stimulus.pixels.tolist() == [[0, 1]]
    edges = network.projections[-1]
    assert edges.rule.sources.tolist() == [3, 4]
    assert edges.weight.tolist() == [0.25, 0.5]
    assert edges.delay.tolist() == [2.0, 3.0]

    # What the model file says goes before what the file holds
    again = made(folder, found.resolved, 'projections.4.weight=7',
                 'projections.4.delay=4').network.projections[-1]
    assert (again.weight, again.delay) == (7.0, 4.0)


# --- what can be wrong -----------------------------------------------------

PARTS = ('simulation, sheet, populations, projections, stimuli, recording, '
         'output')
ANY = ('a number, a distribution such as {uniform = [0, 1]}, a formula in '
       'quotes, a list of numbers or {file = "..."}')
FIXED = 'kernel = {name = "gaussian", sigma = "100 um"}'

WRONG = [
    ('[sheet]', '[sheets]', "sheets: unknown key; did you mean 'sheet'?\n"
     f'a model file has: {PARTS}'),
    ('duration = "2 s"\n', '', 'simulation.duration: missing; give a time, '
     'in ms, s or us: how long to simulate'),
    ('duration = "2 s"', 'duration = "2 mV"', "simulation.duration = "
     "'2 mV': must be a time, in ms, s or us"),
    ('duration = "2 s"', 'duration = -1', 'simulation.duration = -1: must '
     'be a time >= 0 in ms'),
    ('duration = "2 s"', 'duration = 2.5', 'simulation.duration = 2.5: must '
     'be a whole number of steps of 1 ms'),
    ('duration = "2 s"', 'duration = inf', 'simulation.duration = inf: must '
     'be a time >= 0 in ms'),
    ('seed = 7', 'seed = -1', 'simulation.seed = -1: must be a whole number '
     'from 0 to 2**64 - 1'),
    ('seed = 7', 'dt = 0', 'simulation.dt = 0: must be a time > 0 in ms'),
    ('seed = 7', 'processes = [0, 2]', 'simulation.processes = [0, 2]: must '
     'be [rows, columns], both >= 1'),
    ('seed = 7', 'processes = 4', 'simulation.processes = 4: must be [rows, '
     'columns], two whole numbers'),
    ('[2.0, "500 um"]', '[2.0]', 'sheet.extent = [2.0]: must be [height, '
     'width]'),
    ('[2.0, "500 um"]', '[2.0, -1]', 'sheet.extent = (2.0, -1.0): must be '
     'two positive lengths (height, width) in mm'),
    ('[false, true]', '"rows"', "sheet.periodic = 'rows': must be true, "
     'false, or [rows, columns]'),
    ('"izhikevich-2003"', '"izikevich-2003"', 'populations.exc.model: no '
     "neuron model 'izikevich-2003'; did you mean 'izhikevich-2003'?\n"
     f'there are: {", ".join(sorted(NEURONS))}'),
    ('"regular_spiking"', '"regular"', 'populations.exc.preset: no preset '
     "'regular'; did you mean 'regular_spiking'?\nthere are: "
     + ', '.join(sorted(NEURONS['izhikevich-2003'].presets))),
    ('shape = 9', 'shape = 0', 'populations.inh.shape = 0: must be [rows, '
     'columns] or a number of neurons, whole and > 0'),
    ('shape = 9', 'shape = "9"', "populations.inh.shape = '9': must be "
     '[rows, columns] or a whole number'),
    ('shape = 9', 'shape = 9\nscheme = "best"', 'populations.inh.scheme: no '
     f"scheme 'best'\nthere are: {', '.join(sorted(NEURONS['lif'].schemes))}"),
    ('"float32"', '"single"', "populations.inh.precision = 'single': must "
     "be 'float64' or 'float32'"),
    ('shape = 9', 'shape = 9\nrecord_spikes = 0', 'populations.inh.'
     'record_spikes = 0: must be true or false'),
    ('c = "-65', 'C = "-65', 'populations.exc.parameters.C: unknown key\n'
     '[populations.exc.parameters] has: a, b, c, d, v_peak, v_square, '
     'v_linear, v_constant, v_shift, u_decay'),
    ('"-65 + 15*r**2"', '"-65 + 15*r**"', 'populations.exc.parameters.c = '
     "'-65 + 15*r**': must be a formula of x, y, row, column, id, r"),
    ('"-65 + 15*r**2"', '"-65 + z"', 'populations.exc.parameters.c: '
     "expression '-65 + z': no variable 'z'\nthere are: abs, column, cos, "
     'exp, floor, id, log, maximum, minimum, pi, r, row, sin, sqrt, tanh, '
     'where, x, y'),
    ('"-65 + 15*r**2"', '"minimum(r)"', 'populations.exc.parameters.c = '
     "'minimum(r)': must be a formula in which minimum has 2 arguments"),
    ('"-65 + 15*r**2"', 'true', 'populations.exc.parameters.c = true: must '
     f'be {ANY}'),
    ('"-65 + 15*r**2"', '"-65 pA"', "populations.exc.parameters.c = "
     "'-65 pA': must be a voltage, in mV or V"),
    ('"-65 + 15*r**2"', '50', 'populations.exc.parameters.c = 50.0: must be '
     '< v_peak (here 30)'),
    ('"-65 + 15*r**2"', '[1, 2]', "populations.exc.parameters.c = 'an array "
     "of shape (2,)': must be of shape (6, 8) or (48,), a number for each "
     "neuron of 'exc'"),
    ('"-65 + 15*r**2"', '[[1, 2], [3]]', 'populations.exc.parameters.c = '
     '[[1, 2], [3]]: must be rows of one length'),
    ('"-65 + 15*r**2"', '{file = "no.npy"}', 'populations.exc.parameters.c.'
     'file: no.npy: there is no such file'),
    ('{uniform = [0.2, 0.25]}', '{unifrm = [0, 1]}', 'populations.exc.'
     "parameters.b: no distribution 'unifrm'; did you mean 'uniform'?\n"
     f'there are: {", ".join(sorted(DISTRIBUTIONS))}'),
    ('{uniform = [0.2, 0.25]}', '{uniform = [0.2]}', 'populations.exc.'
     'parameters.b.uniform = [0.2]: must be [low, high]'),
    ('{uniform = [0.2, 0.25]}', '{uniform = [0.3, 0.2]}', 'populations.exc.'
     'parameters.b.uniform.low = 0.3: must be <= high, which is 0.2'),
    ('{v = "-0.06 V"}', '{V = 1}', "populations.inh.initial.V: unknown key\n"
     '[populations.inh.initial] has: '
     + ', '.join(s.name for s in NEURONS['lif'].states)),
    ('source = "exc"', 'source = "ecx"', "projections.0.source: no "
     "population 'ecx'; did you mean 'exc'?\nthere are: exc, inh"),
    ('target = "exc"', 'targt = "exc"', "projections.0.target: missing "
     "(there is 'targt'); give a name or a list of names: the populations "
     'that receive'),
    ('target = "exc"', 'target = 1', 'projections.0.target = 1: must be a '
     'name or a list of names'),
    ('"fixed_indegree"', '"indegree"', "projections.0.rule: no connection "
     "rule 'indegree'; did you mean 'fixed_indegree'?\n"
     f'there are: {", ".join(sorted(RULES))}'),
    ('degree = 8', 'degre = 8', "projections.0.degre: unknown key; did you "
     "mean 'degree'?\n[projections.0] has: name, source, target, rule, "
     'kernel, weight, delay, receptor, storage, degree, self_connections, '
     'multiple_contacts'),
    ('degree = 8', 'degree = 0', 'projections.0.degree = 0: must be a whole '
     'number, at least 1: how many partners each neuron draws'),
    ('name = "gaussian"', 'name = "gausian"', 'projections.0.kernel.name: no '
     "kernel 'gausian'; did you mean 'gaussian'?\n"
     f'there are: {", ".join(sorted(KERNELS))}'),
    ('sigma = "100 um"', 'sigma = "100 ms"', "projections.0.kernel.sigma = "
     "'100 ms': must be a length, in mm, um or m"),
    ('sigma = "100 um"', 'sigma = 0', 'projections.0.kernel.sigma = 0.0: '
     'must be a length > 0 in mm'),
    (FIXED, 'kernel = 1', 'projections.0.kernel = 1: must be a table such as '
     '{name = "gaussian", sigma = 0.1}'),
    ('delay = {speed = 0.3, minimum = 1.0}', 'delay = {amplitude = 1, '
     'kernel = "uniform"}', "projections.0.delay = {'amplitude': 1, "
     "'kernel': 'uniform'}: must be a number, a distribution such as {normal "
     '= [1, 0.1]}, a formula of d in quotes, or {speed = 0.3, minimum = 1}'),
    ('speed = 0.3', 'speed = 0', 'projections.0.delay.speed = 0.0: must be a '
     'speed > 0 in mm/ms'),
    ('"-2*exp(-d)"', '[1, 2]', 'projections.1.weight = [1, 2]: must be a '
     'number, a distribution or a function of distance; arrays go with the '
     'rule edges only'),
    ('"-2*exp(-d)"', '"1 pA"', "projections.1.weight = '1 pA': must be a "
     'number in mV/ms'),
    ('probability = 0.5', 'probability = 2', 'projections.1.probability = '
     '2.0: must be a number from 0 to 1'),
    ('neighbourhood = "moore"\nradius = 2', '', "projections.2.rule = "
     "'stencil': must be given with a mask or a neighbourhood"),
    ('radius = 2', 'mask = [[1]]', "projections.2.rule = 'stencil': must be "
     'given with a mask or a neighbourhood'),
    ('"moore"', '"more"', "projections.2: no neighbourhood 'more'; did you "
     "mean 'moore'?\nthere are: moore, von_neumann"),
    ('radius = 2', 'kernel = "uniform"', "projections.2.kernel = Uniform(): "
     'must be left out with the rule stencil'),
    ('sources = [0, 1, 2]\n', '', "projections.3.rule = 'edges': must be "
     'given with a file, or with both sources and targets'),
    ('sources = [0, 1, 2]', 'sources = [0, 1, 48]', 'projections.3: edges.'
     'sources[2] = 48: must be a source id from 0 to 47'),
    ('receptor = "excitatory"', 'receptor = "excite"', 'projections.3.'
     "receptor: inh: no receptor 'excite'; did you mean 'excitatory'?\n"
     'there are: excitatory, inhibitory'),
    ('kind = "noise"', 'kind = "nois"', "stimuli.0.kind: no stimulus 'nois'; "
     f"did you mean 'noise'?\nthere are: {', '.join(sorted(STIMULI))}"),
    ('std = 5', 'std = -5', 'stimuli.0.std = -5.0: must be >= 0'),
    ('stop = "1 s"', 'stop = "1 Hz"', "stimuli.1.stop = '1 Hz': must be a "
     'time, in ms, s or us'),
    ('stop = "1 s"', 'start = 5\nstop = 1', 'stimuli.1.stop = 1.0: must be '
     '>= start = 5.0'),
    ('rate = "1 kHz"\n', '', 'stimuli.1.rate: missing; give '
     f'{ANY} (in Hz): of the spikes into each neuron'),
    ('every = 16', 'every = 0', 'recording.values.0.every = 0: must be >= 1, '
     'and without ids'),
    ('every = 16', 'ids = [48]', 'recording.values.0.ids = [48]: must be '
     'from 0 to 47'),
    ('variable = "u"', 'variable = "w"', 'recording.frames.0: recording of '
     "exc: no state variable 'w'\nthere are: u, v"),
    ('interval = 10', 'interval = 2.5', 'recording.frames.0.interval = 2.5: '
     'must be a whole number of steps of 1 ms'),
    ('interval = 10', 'interval = 0', 'recording.frames.0.interval = 0.0: '
     'must be a time > 0 in ms'),
    (FILE[FILE.index('[[proj'):], '[projections]\nsource = "exc"\n',
     "projections = {'source': 'exc'}: must be a list of tables, each under "
     '[[...]]'),
    (FILE[FILE.index('[populations'):], '[populations]\n',
     'populations = {}: must be one [populations.NAME] or more'),
    (FILE[FILE.index('[populations'):], '[populations]\nexc = 5\n',
     'populations.exc = 5: must be a table: write it under '
     '[populations.NAME]'),
]


@pytest.mark.parametrize('old, new, expected', WRONG, ids=[
    f'{k}: {new[:20]}' for k, (_, new, _) in enumerate(WRONG)])
def test_mistakes_are_named(folder, old, new, expected):
    with pytest.raises(DsimError) as caught:
        made(folder, changed(old, new))
    assert str(caught.value) == f'm.toml: {expected}'


def test_a_mistake_in_an_override_is_blamed_on_it(folder):
    with pytest.raises(DsimError) as caught:
        made(folder, FILE, 'projections.near.kernel.sigma=-1')
    assert str(caught.value) == ('--set: projections.0.kernel.sigma = -1.0: '
                                 'must be a length > 0 in mm')


@pytest.mark.parallel(2)
def test_all_ranks_get_one_model(comm, shared_tmp_path):
    path = shared_tmp_path / 'm.toml'
    if comm.rank == 0:
        path.write_text(changed('"-65 + 15*r**2"', '{file = "c.npy"}'))
        np.save(shared_tmp_path / 'c.npy', np.full((6, 8), -60.0))
    comm.Barrier()
    found = load(path, ['simulation.seed=3'], comm)
    texts = comm.allgather(found.resolved)
    assert texts[0] == texts[1]
    assert found.network['exc'].model.settings['c'].sum() == -60*48

    comm.Barrier()
    if comm.rank == 0:
        (shared_tmp_path / 'c.npy').unlink()
    with pytest.raises(DsimError) as caught:
        load(path, (), comm)
    messages = comm.allgather(str(caught.value))
    assert messages[0] == messages[1]
    assert 'parameters.c.file' in messages[0]

"""Other simulators: the list they get is the network, and so are the spikes.

With DSIM_PEERS=nest=/path/to/python,brian2=/path/to/python the tests of the
drivers look for a simulator there, else in the Python that runs the tests.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dsim.benchmarks.peers import compare, driver
from dsim.benchmarks.peers.export import export
from dsim.benchmarks.workloads import WORKLOADS, find
from dsim.connectivity import (
    Edges,
    FixedOutdegree,
    Gaussian,
    PairwiseBernoulli,
    Stencil,
)
from dsim.distributions import Normal, Uniform
from dsim.errors import BadValue, DsimError, UnknownName
from dsim.network import Network
from dsim.neurons import LIF, AdEx, Izhikevich
from dsim.stimuli import ConstantCurrent, GaussianCurrent, PoissonInput

PYTHONS = dict(word.split('=', 1) for word
               in os.environ.get('DSIM_PEERS', '').split(',') if word)
KEYS = {'simulator', 'version', 'build_cpu', 'build_wall', 'simulate_cpu',
        'simulate_wall', 'spikes', 'events', 'rate', 'rates', 'cv',
        'peak_memory', 'steps', 'neurons', 'connections'}


def several(seed=3):
    """Two grids with an edge, and all that a connection can have."""
    net = Network(seed, extent=(1.0, 0.5))
    a = net.population('a', Izhikevich.regular_spiking(
        initial={'v': Uniform(-80.0, -40.0)}), (10, 8))
    b = net.population('b', Izhikevich(a=Uniform(0.02, 0.1)), (5, 4))
    net.project(a, a, rule=Stencil([[1, 0, 2], [0, 0, 0], [0.5, 1, 0]]),
                weight=3.0, delay=2.0)
    net.project(a, b, rule=FixedOutdegree(7), weight=Uniform(0.0, 2.0),
                kernel=Gaussian(0.2), delay=Uniform(1.0, 5.0))
    net.project(b, [a, b], rule=PairwiseBernoulli(0.3),
                weight=lambda d: -1.0 - d, delay=lambda d: 1.0 + 3*d)
    net.project(b, a, rule=Edges([1, 1, 3], [0, 79, 5]),
                weight=np.array([1.0, 2.0, -1.0]), delay=4.0)
    net.stimulate(a, GaussianCurrent(mean=2.0, std=5.0))
    net.stimulate(b, ConstantCurrent(6.0))
    return net


def w(name, scale, seed):
    """The network of a workload."""
    return WORKLOADS[name].network(scale, seed)


NETWORKS = {
    'several': (several, 1.0),
    'W1': (lambda: w('W1', 0.01, 1), 1.0),
    'W2-coba': (lambda: w('W2-coba', 0.05, 1), 0.1),
    'W2-cuba': (lambda: w('W2-cuba', 0.05, 1), 0.1),
    'W4': (lambda: w('W4', 0.0005, 1), 1.0),
}


def simulated(net, dt, duration):
    """All spikes as sorted (step, number), and the events delivered."""
    from dsim.benchmarks.peers.dsim_sheet import spikes
    from dsim.simulation import Simulation

    with Simulation(net, dt) as simulation:
        simulation.run(duration)
        steps, numbers = spikes(simulation)
        events = simulation.summary().events
    order = np.lexsort((numbers, steps))
    return steps[order], numbers[order], events


def by_edges(net, listed, dt):
    """The network with its connections taken out of the list."""
    first = {p['name']: p['first'] for p in listed.populations}
    projections, net.projections = net.projections, []
    for k, old in enumerate(projections):
        sources = listed.file[f'sources_{k}']
        weights, delays = (np.broadcast_to(listed.file[f'{what}_{k}'],
                                           sources.shape)
                           for what in ('weights', 'delays'))
        net.project(
            old.source, old.target, receptor=old.receptor, rule=Edges(
                sources - first[old.source.name],
                listed.file[f'targets_{k}'] - first[old.target.name]),
            weight=weights.copy(), delay=delays*dt)
    return net


@pytest.mark.parallel(1)
@pytest.mark.parametrize('name', NETWORKS)
def test_the_list_is_what_dsim_delivers(name, shared_tmp_path):
    make, dt = NETWORKS[name]
    path, duration = shared_tmp_path/'list.npz', 60*max(dt, 0.5)
    count = export(make(), dt, path)
    listed = driver.Listed(path)
    steps, numbers, events = simulated(make(), dt, duration)
    assert numbers.size > 20
    assert listed.outdegrees()[numbers].sum() == events
    assert listed.outdegrees().sum() == listed.connections == count

    # Each connection with its delay and weight: the same spikes
    again = simulated(by_edges(make(), listed, dt), dt, duration)
    assert np.array_equal(again[0], steps)
    assert np.array_equal(again[1], numbers)
    assert again[2] == events


def test_a_list_has_parameters_states_and_noise(tmp_path):
    export(several(), 1.0, tmp_path/'list.npz')
    listed = driver.Listed(tmp_path/'list.npz')
    a, b = listed.populations
    assert (a['first'], a['size'], b['first'], b['size']) == (0, 80, 80, 20)
    assert listed.value(a, 'parameters', 'a') == 0.02
    assert listed.value(b, 'parameters', 'a').shape == (20,)
    assert listed.everywhere('parameters', 'b') == 0.2
    assert listed.everywhere('parameters', 'a').shape == (100,)
    v = listed.everywhere('states', 'v')
    assert v[:80].std() > 5 and (v[80:] == -65).all()
    assert listed.everywhere('noise', 'mean').tolist() == 80*[2.] + 20*[6.]
    assert listed.everywhere('noise', 'std').tolist() == 80*[5.] + 20*[0.]


def test_equal_weights_share_a_pathway(tmp_path):
    export(w('W1', 0.004, 1), 1.0, tmp_path/'list.npz')
    found = list(driver.Listed(tmp_path/'list.npz').pathways())
    assert [p.weights.tolist() for p in found] == [
        pytest.approx([0.15]), pytest.approx([-0.6])]
    assert all(p.delays.shape == p.sources.shape for p in found)
    assert found[0].sources.size == 797*64

    export(w('W4', 0.0001, 1), 1.0, tmp_path/'list.npz')
    found = list(driver.Listed(tmp_path/'list.npz').pathways())
    assert [p.delays.tolist() for p in found] == [[1]]


@pytest.mark.parametrize('stimulus', [
    PoissonInput(100.0, 1.0), GaussianCurrent(std=1.0, stop=50.0)])
def test_other_stimuli_are_refused(stimulus, tmp_path):
    net = several()
    net.stimulate('a', stimulus)
    with pytest.raises(BadValue, match='the peers know no other'):
        export(net, 1.0, tmp_path/'list.npz')


@pytest.mark.parametrize('model, kind', [
    (Izhikevich(), 'izhikevich'),
    (Izhikevich(scheme='euler'), 'izhikevich-2003 (euler)'),
    (Izhikevich(v_constant=108.0), 'izhikevich-2003 (published)'),
    (LIF(), 'currents'), (AdEx(), 'adex'),
    (AdEx(Delta_T=0.0, a=0.0, b=0.0), 'conductances')])
def test_drivers_know_models_by_their_equations(model, kind, tmp_path):
    net = Network()
    net.population('one', model, 3)
    export(net, 1.0, tmp_path/'list.npz')
    listed = driver.Listed(tmp_path/'list.npz')
    assert driver.kind_of(listed, listed.populations[0]) == kind


def test_cv_is_that_of_each_neuron():
    trains = {0: [1, 5, 6, 20], 3: [2, 4, 6, 8], 4: [7, 9]}
    numbers = np.repeat(list(trains), [len(t) for t in trains.values()])
    steps = np.concatenate(list(trains.values()))
    mixed = np.random.default_rng(1).permutation(steps.size)
    gaps = np.diff(trains[0])
    expected = (gaps.std()/gaps.mean() + 0.0)/2
    assert driver.mean_cv(steps[mixed], numbers[mixed], 6) == pytest.approx(
        expected)
    assert driver.mean_cv(steps[:1], numbers[:1], 6) is None


def test_the_meter_counts_children():
    meter = driver.Meter()
    with meter.phase('build'):
        subprocess.run([sys.executable, '-c', 'sum(range(10**7))'],
                       check=True)
    assert meter.seconds['build_cpu'] > 0.02
    assert meter.seconds['build_wall'] > 0.02


def drive(script, path, folder, *more, python=sys.executable, module=()):
    """What a driver writes, and its spikes as sorted (step, number)."""
    words = [python, *(module or [str(Path(driver.__file__).parent/script)])]
    done = subprocess.run(
        [*words, str(path), str(folder/'found.json'), '--duration', '60',
         '--warm-up', '20', '--spikes', str(folder/'spikes.npz'), *more],
        cwd=folder, env=compare._alone(), text=True, capture_output=True,
        timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((folder/'found.json').read_text())
    assert set(found) >= KEYS
    spikes = np.load(folder/'spikes.npz')
    order = np.lexsort((spikes['numbers'], spikes['steps']))
    return found, spikes['steps'][order], spikes['numbers'][order]


def test_dsim_is_measured_like_a_peer(tmp_path):
    export(w('W2-cuba', 0.1, 1), 0.1, tmp_path/'list.npz')
    found, steps, _ = drive(
        '', tmp_path/'list.npz', tmp_path, '--workload', 'W2-cuba',
        '--scale', '0.1', module=['-m', 'dsim.benchmarks.peers.dsim_sheet'])
    assert found['events'] == found['delivered_events'] > 0
    assert found['spikes'] == ((steps >= 200) & (steps < 800)).sum()
    assert found['rate'] == pytest.approx(
        found['spikes']/403/0.06)


def clockwork(dt=1.0):
    """Izhikevich neurons without noise, so that spikes can be the same."""
    net = Network(5, periodic=True)
    exc = net.population('exc', Izhikevich.regular_spiking(
        initial={'v': Normal(-65.0, 8.0)}), (12, 10))
    inh = net.population('inh', Izhikevich.fast_spiking(), (6, 5))
    net.project(exc, [exc, inh], rule=PairwiseBernoulli(0.2), weight=1.5,
                delay=Uniform(1.0, 9.0))
    net.project(inh, exc, rule=PairwiseBernoulli(0.2), weight=Uniform(-2., 0.))
    net.stimulate([exc, inh], ConstantCurrent(12.0))
    return net


SAME = {'izhikevich': (clockwork, 1.0),
        'currents': (lambda: w('W2-cuba', 0.1, 1), 0.1),
        'conductances': (lambda: w('W2-coba', 0.1, 1), 0.1)}
EXACT = [('nest', kind) for kind in SAME] + [
    ('brian2-cython', 'izhikevich'), ('brian2-cython', 'currents'),
    ('brian2-standalone', 'izhikevich'),
    ('annarchy', 'izhikevich')]
"""Conductances of others are solved by Euler's method: other spikes."""


@pytest.mark.slow
@pytest.mark.parametrize('name, kind', EXACT)
def test_a_peer_has_the_same_spikes(name, kind, tmp_path):
    peer = compare.PEERS[name]
    if not compare.available([name], PYTHONS)[name]:
        pytest.skip(f'no {peer.module}; DSIM_PEERS={peer.python}=... '
                    'tells its Python')
    (make, dt), path = SAME[kind], tmp_path/'list.npz'
    export(make(), dt, path)
    found, steps, numbers = drive(
        peer.driver, path, tmp_path, '--mode', peer.mode,
        python=PYTHONS.get(peer.python, sys.executable))
    assert found['spikes'] > 100 and found['simulate_cpu'] > 0

    script = tmp_path/'ours.py'
    script.write_text(
        'import sys\n'
        f'sys.path.insert(0, {str(Path(__file__).parent)!r})\n'
        'import numpy as np, test_peers as t\n'
        f'make, dt = t.SAME[{kind!r}]\n'
        'steps, numbers, events = t.simulated(make(), dt, 80.0)\n'
        "np.savez('ours.npz', steps=steps, numbers=numbers)\n")
    subprocess.run([sys.executable, str(script)], cwd=tmp_path, check=True,
                   env=compare._alone())
    ours = np.load(tmp_path/'ours.npz')
    assert np.array_equal(ours['steps'], steps)
    assert np.array_equal(ours['numbers'], numbers)


def run_of(cpu, events=10):
    return {'simulate_cpu': cpu, 'events': events, 'biological': 0.5,
            'neurons': 4, 'steps': 5, 'build_cpu': 1.0, 'build_wall': 1.0,
            'simulate_wall': cpu, 'peak_memory': 8, 'rate': 3.0, 'cv': None,
            'rates': {'a': 3.0}}


def test_medians_and_ratios():
    found = compare.summarised({
        'dsim': [run_of(1.0), run_of(3.0), run_of(2.0)],
        'nest': [run_of(8.0, 20)]})
    ours, theirs = found['dsim']['median'], found['nest']
    assert ours['second'] == 4.0 and ours['second_range'] == [2.0, 6.0]
    assert ours['event'] == 2e8 and ours['step'] == 1e8
    assert theirs['ratio'] == {'event': 2.0, 'second': 4.0, 'step': 4.0}
    assert theirs['median']['cv'] is None


def test_figures_are_told_with_their_machine(monkeypatch, tmp_path, capsys):
    from dsim import cli

    monkeypatch.setattr(compare, 'available', lambda names, _: dict.fromkeys(
        names, False))
    target = tmp_path/'found.json'
    assert cli.main(['bench', 'peers', 'W1', '--scale', '0.01', '--repeats',
                     '1', '--duration', '20', '--warm-up', '0', '--json',
                     str(target)]) == 0
    out = capsys.readouterr().out
    assert 'load ' in out and 'on whichever core is free' in out
    found = json.loads(target.read_text())
    assert (found['kind'], found['core']) == ('peers', None)
    assert found['machine']['cores'] >= 1 and 'load_before' in found['machine']
    assert found['versions']['numba'] and found['memory'].startswith('peak')
    entry, = found['entries']
    assert entry['workload'] == 'W1' and 'load_before' in entry
    assert entry['simulators']['dsim']['ratio']['event'] == 1


def test_a_peer_that_is_not_there():
    assert compare.available(['nest'], {'nest': '/bin/false'}) == {
        'nest': False}
    with pytest.raises(DsimError, match='--python nest=/no/python'):
        compare.available(['nest'], {'nest': '/no/python'})


def test_a_workload_that_is_not_there():
    with pytest.raises(UnknownName, match="did you mean 'W1'"):
        find('W11')

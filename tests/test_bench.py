"""dsim bench: that its figures are those of the runs, and its mistakes."""

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dsim import cli
from dsim.benchmarks import (
    loops,
    loops_tables,
    machine,
    memory,
    results,
    scaled,
    scaling,
)
from dsim.benchmarks.workloads import WORKLOADS, find
from dsim.errors import BadValue, DsimError, InputFileError

ROOT = Path(__file__).parent.parent
TINY = ('--scale', '0.02', '--warm-up', '20', '--duration', '100')

KEYS = {'core_ns_per_event', 'rtf', 'bytes_per_synapse_peak', 'build_s',
        'rate_hz', 'events', 'ns_per_neuron_step', 'core_s_per_bio_s'}
"""What scripts rely on."""


@pytest.fixture
def bench(tmp_path, capsys):
    """A function: run dsim bench with these words and return its JSON."""
    def run(*words):
        target = tmp_path/'found.json'
        code = cli.main(['bench', *map(str, words), '--json', str(target)])
        out, errors = capsys.readouterr()
        assert (code, errors) == (0, '')
        assert str(target) in out
        return json.loads(target.read_text())

    return run


def consistent(each, cores=1):
    """Check what can be recomputed from other figures."""
    assert each['rtf'] == pytest.approx(
        each['wall_s']/each['biological_s'])
    assert each['core_ns_per_event'] == pytest.approx(
        1e9*each['wall_s']*cores/each['events'])
    assert each['core_s_per_bio_s'] == pytest.approx(each['rtf']*cores)
    steps = round(1000*each['biological_s'])
    assert each['core_ns_per_neuron_step'] == pytest.approx(
        1e9*each['wall_s']*cores/each['neurons']/steps)
    assert each['ns_per_neuron_step'] < each['core_ns_per_neuron_step']
    assert each['rate_hz'] == pytest.approx(
        each['spikes']/each['neurons']/each['biological_s'])
    assert each['synapses_per_s'] == pytest.approx(
        each['synapses']/each['build_s'])
    phases = each['phases_s']
    assert list(phases) == ['update', 'deliver', 'exchange', 'wait',
                            'record']
    assert all(0 <= phase['min'] <= phase['mean'] <= phase['max']
               for phase in phases.values())
    assert sum(p['mean'] for p in phases.values()) <= each['wall_s']
    assert each['waiting_s'] + each['transfer_s'] == pytest.approx(
        phases['wait']['mean'])
    if each['peak_bytes'] is not None:
        assert each['peak_bytes'] >= each['resident_bytes']
        assert each['bytes_per_synapse_peak'] == pytest.approx(
            each['peak_bytes']/each['synapses'])


def test_a_run_tells_all(bench):
    found = bench('run', 'W1', *TINY)
    entry, = found['entries']
    assert entry.keys() >= KEYS
    assert [each['seed'] for each in entry['seeds']] == [1, 2, 3]
    for each in entry['seeds']:
        assert each.keys() >= KEYS
        consistent(each)
    for key in KEYS - {'bytes_per_synapse_peak'}:
        assert entry[key] == statistics.median(
            each[key] for each in entry['seeds'])
    assert entry['ranks'] == entry['cores'] == 1
    assert entry['rates_plausible'] is None
    assert entry['duration_ms'] == 100
    assert entry['seeds'][0]['biological_s'] == pytest.approx(0.1)
    assert found['kind'] == 'run'
    assert found['versions'].keys() >= {
        'dsim', 'commit', 'python', 'numpy', 'numba', 'llvmlite', 'mpi4py',
        'mpi', 'h5py', 'hdf5'}
    assert found['machine'].keys() == {
        'cpu', 'cores', 'caches', 'memory_bytes', 'virtualised', 'platform',
        'load_before', 'load_after'}


def test_events_are_those_of_the_spikes(bench):
    # Of W4 each spike makes eight, and one that nobody hears is still one
    entry, = bench('run', 'W4', '--scale', '0.001', '--warm-up', '0',
                   '--duration', '60', '--seeds', '5')['entries']
    each, = entry['seeds']
    assert each['seed'] == 5
    assert each['synapses'] == 8*each['neurons'] == 8*32*32
    assert each['events'] == 8*each['spikes'] > 0


def test_connections_drawn_at_each_spike_take_no_table(bench):
    entry, = bench('run', 'W1-sources', *TINY, '--seeds', '1', '--storage',
                   'procedural')['entries']
    stored, = bench('run', 'W1-sources', *TINY, '--seeds', '1', '--storage',
                    'stored')['entries']
    assert (entry['storage'], stored['storage']) == ('procedural', 'stored')
    assert entry['bytes_per_synapse_table'] == 0
    assert 2 <= stored['bytes_per_synapse_table'] <= 5
    assert entry['synapses'] == stored['synapses'] == 1000*entry['neurons']
    assert entry['events'] == stored['events'] > 0
    consistent(entry['seeds'][0])


def test_threads_are_told(bench, capsys):
    entry, = bench('run', 'W1', *TINY, '--seeds', '1', '--threads', '2'
                   )['entries']
    alone, = bench('run', 'W1', *TINY, '--seeds', '1')['entries']
    assert (entry['threads'], entry['cores'], entry['ranks']) == (2, 2, 1)
    assert entry['events'] == alone['events'] > 0
    consistent(entry['seeds'][0], 2)


def test_equal_seeds_give_equal_events(bench):
    entry, = bench('run', 'W1', *TINY, '--seeds', '1,1')['entries']
    first, second = entry['seeds']
    for key in 'events', 'spikes', 'rates_hz', 'synapses':
        assert first[key] == second[key] == entry[key]


def test_a_model_file_is_a_workload(bench, tmp_path):
    model = tmp_path/'cells.toml'
    model.write_text((ROOT/'jobs/models/w4-moore.toml').read_text().replace(
        '[1024, 1024]', '[8, 8]').replace('duration = 200', 'duration = 30'))
    entry, = bench('run', model, '--seeds', '1', '--precision', 'float32',
                   '--output', tmp_path/'out')['entries']
    assert (entry['workload'], entry['neurons']) == ('cells.toml', 64)
    assert (entry['duration_ms'], entry['dt_ms']) == (30, 1)
    assert entry['output'] and entry['precision'] == 'float32'
    assert (tmp_path/'out'/'cells-1'/'spikes.h5').exists()


@pytest.mark.parametrize('name', WORKLOADS)
def test_every_workload_is_there(name):
    network = WORKLOADS[name].network(WORKLOADS[name].tiny, 7)
    assert network.seed == 7
    assert network.projections


def test_lines_are_added_and_compared(bench, tmp_path, capsys):
    lines = tmp_path/'runs.jsonl'
    for _ in range(2):
        bench('run', 'W1', *TINY, '--seeds', '1', '--lines', lines)
    found = bench('strong', '--from', lines, '--plot', tmp_path/'pictures')
    assert found['kind'] == 'strong'
    entry, = found['entries']
    assert (entry['speedup'], entry['efficiency']) == (1, 1)
    assert len(entry['repeats']) == 2
    assert entry['wall_s'] == statistics.median(
        each['wall_s'] for each in entry['repeats'])
    assert {path.name for path in (tmp_path/'pictures').iterdir()} == {
        'time.png', 'efficiency.png', 'phases.png'}

    lines.write_text('{"kind": "loops"}\n')
    with pytest.raises(InputFileError, match='line 1: not what'):
        scaling.read(lines)


def entry_of(ranks, wall, build):
    return {'ranks': ranks, 'wall_s': wall, 'build_s': build}


def test_speed_up_and_efficiency():
    strong = scaling.compared('strong', [entry_of(2, 8.0, 4.0),
                                         entry_of(8, 4.0, 1.0)])
    assert strong[1]['speedup'] == 2 and strong[1]['efficiency'] == 0.5
    assert strong[1]['build_efficiency'] == 1
    weak = scaling.compared('weak', [entry_of(2, 8.0, 4.0),
                                     entry_of(8, 10.0, 4.0)])
    assert weak[1]['efficiency'] == 0.8
    assert weak[1]['speedup'] == pytest.approx(3.2)
    assert weak[1]['build_speedup'] == 4


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['strong', 'weak'])
def test_sweeps_start_jobs(bench, kind, tmp_path):
    found = bench(kind, '--ranks', '2,1', '--repeats', '1', *TINY,
                  '--plot', tmp_path/'pictures')
    one, two = found['entries']
    assert (one['ranks'], two['ranks']) == (1, 2)
    assert two['scale'] == (0.04 if kind == 'weak' else 0.02)
    assert two['messages'] > one['messages'] == 0
    assert two['cores'] == 2
    if kind == 'strong':
        # The same network, whatever the ranks
        assert one['events'] == two['events'] > 0
    for entry in one, two:
        each, = entry['repeats']
        consistent(each, entry['ranks'])
    assert found['machine']['load_before']
    assert len(list((tmp_path/'pictures').glob('*.png'))) == 3


def test_a_launcher_that_starts_too_few_is_found():
    sweep = scaling.Sweep('strong', 'W1', [2], 1, 1,
                          'env RANKS={ranks}', _options())
    with pytest.raises(DsimError, match='1 ranks instead of 2'):
        scaling.run(sweep)


def _options():
    from dsim.benchmarks.measure import Options
    return Options(scale=0.02, duration=10.0, warm_up=0.0)


@pytest.mark.parallel(2)
def test_figures_of_two_ranks(comm, shared_tmp_path, capfd):
    target = shared_tmp_path/'found.json'
    code = cli.main(['bench', 'run', 'W1', *TINY, '--seeds', '1', '--json',
                     str(target)])
    assert comm.allgather(code) == [0]*comm.size
    out, errors = capfd.readouterr()
    assert errors == '' and (comm.rank == 0) == (out != '')
    comm.Barrier()
    entry, = json.loads(target.read_text())['entries']
    each, = entry['seeds']
    consistent(each, comm.size)
    # One window a step, a message each way
    assert each['messages'] == 2*100
    assert each['ranks'] == each['cores'] == comm.size


# --- other networks ----------------------------------------------------------

def test_a_network_grows_with_its_sheet():
    small, large = (WORKLOADS['W1'].network(scale, 1) for scale in (1, 2))
    assert small['exc'].shape == (128, 102)
    assert large['exc'].shape == (128, 204)
    assert large.sheet.extent == (1.28, 2.56)
    assert large.seed == 1
    assert small['exc'].size + small['inh'].size == 16384
    assert [p.rule.number for p in large.projections] == [797, 797, 203, 203]


@pytest.mark.parametrize('scale, rows, expected', [
    (12, 8, (3, 4)), (7, 8, (1, 7)), (6, 1, (1, 6)), (0.25, 8, (0.5, 0.5))])
def test_factors(scale, rows, expected):
    assert scaled.factors(scale, rows) == expected


def test_probabilities_keep_the_in_degree(tmp_path):
    model = tmp_path/'random.toml'
    model.write_text("""
[simulation]
duration = 10
[populations.a]
model = "izhikevich-2003"
shape = [10, 10]
[[projections]]
source = "a"
target = "a"
rule = "pairwise_bernoulli"
probability = 0.2
weight = 1
""")
    for scale in 0.5, 4:
        network = scaled.load(model, scale).network
        rule, = (p.rule for p in network.projections)
        assert rule.probability == pytest.approx(0.2/scale)
    with pytest.raises(BadValue, match='scale = 0.1: must be at least 0.2'):
        scaled.load(model, 0.1)


def test_numbers_are_families():
    assert [each.name for each in find('W2')] == ['W2-coba', 'W2-cuba']
    assert [each.name for each in find('W1')] == ['W1']


def test_medians():
    assert results.medians([{'a': 1, 'b': 'x', 'c': {'d': 3.0}},
                            {'a': 3, 'b': 'x', 'c': {'d': 4.0}},
                            {'a': 2, 'b': 'x', 'c': {'d': 9.0}}]) == {
        'a': 2, 'b': 'x', 'c': {'d': 4.0}}
    assert results.medians([2, 2]) == 2
    assert results.medians([None, 3]) is None


@pytest.mark.skipif(not Path('/proc/self/clear_refs').exists(),
                    reason='Linux only')
def test_memory_at_the_peak():
    memory.settle()
    before = memory.resident()
    if not memory.forget_peak():
        pytest.skip('this system does not let the peak be set back')
    held = bytearray(1 << 26)
    del held
    assert memory.peak() - before > 0.9*(1 << 26)
    assert memory.resident() - before < 0.5*(1 << 26)
    memory.forget_peak()
    assert memory.peak() - before < 0.5*(1 << 26)


def test_facts_of_the_machine():
    facts = machine.facts()
    assert facts['cores'] >= 1
    assert json.dumps(facts)


# --- exchange, loops, scripts ------------------------------------------------

def test_schemes_are_counted(bench, tmp_path):
    found = bench('exchange', '--ranks', '4,9', '--scale', '0.25',
                  '--windows', '3', '--plot', tmp_path)
    rows = {(row['ranks'], row['scheme']): row for row in found['entries']}
    assert len(rows) == 6 and not found['weak']
    for ranks in 4, 9:
        assert sum(rows[ranks, name]['auto'] for name
                   in ('halo', 'hypercube', 'allgather')) == 1
    for row in rows.values():
        told = row['predicted']
        assert row['neurons'] == 4096
        assert row['messages'] == told['messages']
        assert row['stages'] == told['stages']
        assert row['bytes']['mean'] == pytest.approx(
            told['bytes']['mean'], rel=0.3)
        assert (row['bytes']['min'] <= row['bytes']['mean']
                <= row['bytes']['max'])
    assert rows[4, 'halo']['stages']['max'] == 1
    assert rows[9, 'allgather']['messages']['max'] == 4
    assert (tmp_path/'exchange.png').stat().st_size > 1000


def test_weak_scaling_is_counted(bench):
    found = bench('exchange', '--weak', '--scale', '0.06', '--ranks',
                  '16,64', '--windows', '5')
    assert found['weak'] and found['workload'] == 'W1'
    rows = {(row['ranks'], row['scheme']): row for row in found['entries']}
    few, many = rows[16, 'halo'], rows[64, 'halo']
    assert 4*few['neurons'] == many['neurons']
    for what in 'messages', 'bytes', 'stages':
        assert few[what] == many[what]
    assert few['bytes']['min'] == few['bytes']['max'] > 16
    assert rows[64, 'hypercube']['stages']['max'] == 4
    assert rows[64, 'allgather']['bytes']['mean'] > 3*(
        rows[16, 'allgather']['bytes']['mean'])


@pytest.mark.parallel(2)
def test_schemes_are_timed(comm, shared_tmp_path):
    target = shared_tmp_path/'found.json'
    assert cli.main(['bench', 'exchange', '--scale', '0.05', '--windows',
                     '5', '--repeats', '2', '--json', str(target)]) == 0
    comm.Barrier()
    rows = json.loads(target.read_text())['entries']
    assert [row['scheme'] for row in rows] == ['halo', 'hypercube',
                                               'allgather']
    assert all(row['us_per_window_min'] <= row['us_per_window']
               <= row['us_per_window_max'] for row in rows)


@pytest.mark.parametrize('group', [
    'input', 'deliver', 'limits', 'draw', 'build',
    pytest.param('neurons', marks=pytest.mark.slow)])
def test_loops(group):
    found = loops.run(group, loops.groups()[group], 20, 1)
    assert found
    for each in found:
        assert each['min'] <= each['median'] <= each['max']
        assert each['work'] > 0 and each['unit'].startswith(('ns per', 'GB'))
        assert (each['ratio'] is None) == (each['limit'] is None)
        assert (each['ratio'] is not None) == (
            group == 'deliver' and each['limit'] is not None)


@pytest.mark.parametrize('name', ['W1', 'W1-drawn', 'W4'])
def test_the_bare_loop_touches_what_delivery_touches(name):
    found = loops_tables.case(name, 20)
    ring, bare = found.share.ring, loops_tables.bare(found)
    ring[:] = 0
    events = found.deliver()
    if name == 'W4':
        # Round the ends of the sheet it touches other places
        ring[:] = 0
        bare()
        assert ring.sum() == events > 0
        return
    delivered = ring.copy()
    ring[:] = 0
    bare()
    if name == 'W1-drawn':
        assert np.array_equal(ring, delivered)
    else:
        assert ring.sum() == events > 0
        assert np.array_equal(ring > 0, delivered != 0)


def test_loops_in_a_file(bench):
    found = bench('loops', 'input', '--side', '16', '--repeats', '1')
    assert found['kind'] == 'loops'
    assert {each['group'] for each in found['entries']} == {'input'}
    assert any('float32' in each['name'] for each in found['entries'])


SCRIPTS = sorted(path.name for pattern in ('*.slurm', 'site.sh')
                 for path in (ROOT/'jobs').glob(pattern))


@pytest.mark.parametrize('script', SCRIPTS)
def test_scripts_are_bash(script):
    done = subprocess.run(['bash', '-n', ROOT/'jobs'/script],
                          capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, '')
    assert script in (ROOT/'jobs/README.md').read_text()


@pytest.mark.slow
@pytest.mark.parametrize('script', ['strong', 'weak', 'exchange'])
def test_scripts_run_with_another_launcher(script, tmp_path):
    # No SLURM here: mpirun in place of srun, on as many ranks
    shutil.copytree(ROOT/'jobs', tmp_path/'jobs')
    srun = tmp_path/'srun'
    srun.write_text(
        '#!/usr/bin/env bash\nranks=${2#--ntasks=}\nshift 2\n'
        f'exec {scaling.words(None, 1)[0]} -n "$ranks" "$@"\n')
    srun.chmod(0o755)
    links = tmp_path/'bin'
    links.mkdir()
    (links/'python').write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (links/'python').chmod(0o755)
    done = subprocess.run(
        ['bash', f'jobs/{script}.slurm'], cwd=tmp_path, text=True,
        capture_output=True, timeout=200, env={
            **os.environ, 'DSIM_SRUN': str(srun), 'SCALE': '0.02',
            'RANKS': '4', 'REPEATS': '1', 'SLURM_JOB_NUM_NODES': '2',
            'PATH': f'{links}:{os.environ["PATH"]}'})
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path/f'runs/{script}-local'
    lines = (folder/'W1.jsonl').read_text().splitlines()
    assert len(lines) == 2
    assert all(json.loads(line)['dsim_bench'] == 1 for line in lines)
    if script != 'exchange':
        assert len(list((folder/'pictures').glob('*.png'))) == 3


def test_installed_models_are_those_of_the_jobs():
    models = sorted((ROOT/'dsim/benchmarks/models').glob('*.toml'))
    assert len(models) == 5
    for name in (model.name for model in models):
        link = ROOT/'jobs/models'/name
        assert link.is_symlink()
        assert link.resolve() == ROOT/'dsim/benchmarks/models'/name


# --- mistakes ----------------------------------------------------------------

@pytest.mark.parametrize('words, expected', [
    (['rnu', 'W1'], "no benchmark 'rnu'; did you mean 'run'?\nthere are: "),
    (['run', 'W11'], "no workload 'W11'; did you mean 'W1'?\nthere are: W1"),
    (['strong', '--workload', 'w1'],
     "no workload 'w1'; did you mean 'W1'?\nthere are: "),
    (['loops', 'drow'], "no group of loops 'drow'; did you mean 'draw'?\n"),
    (['run', 'W1', '--sed', '1'],
     "bench run: no option '--sed'; did you mean '--seed"),
    (['run'], 'bench run: Missing argument'),
    (['run', 'W1', '--seeds', '1,x'], "bench run: Invalid value for "
     "'--seeds': '1,x': whole numbers >= 0"),
    (['run', 'W1', '--scale', '0'],
     "bench run: Invalid value for '--scale': "),
    (['run', 'W1', *TINY, '--exchange', 'hola'],
     "simulation.exchange: no exchange scheme 'hola'; did you mean 'halo'?"),
    (['run', 'nowhere.toml'], 'nowhere.toml: no such file'),
    (['strong', '--launcher', 'srun'], "--launcher = 'srun': must be a "
     'command with {ranks}'),
    (['strong', '--launcher', '/no/launcher {ranks}'],
     "--launcher = '/no/launcher': must be a command that can be started"),
    (['weak', '--from', 'nowhere.jsonl'], 'nowhere.jsonl: no such file'),
    (['weak', '--workload', 'W2'], "--workload = 'W2': must be one"),
])
def test_mistakes_end_with_one_message(words, expected, capsys):
    code = cli.main(['bench', *words])
    out, errors = capsys.readouterr()
    assert (code, out) == (2, '')
    assert errors.startswith(f'dsim: {expected}')
    assert errors.count('dsim: ') == 1


def test_a_failed_job_is_told_with_its_message(capsys):
    code = cli.main(['bench', 'strong', '--ranks', '1', *TINY[:2],
                     '--exchange', 'hola'])
    _, errors = capsys.readouterr()
    assert code == 2
    assert 'the run on 1 ranks failed' in errors
    assert "did you mean 'halo'" in errors

"""The command line: what it prints, where, and how it ends."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from dsim import __version__, cli, console

MODEL = """\
[simulation]
duration = 20
[populations.cells]
model = "izhikevich-2003"
shape = [6, 7]
[[projections]]
source = "cells"
target = "cells"
rule = "fixed_indegree"
degree = 5
weight = 3
[[stimuli]]
target = "cells"
kind = "constant"
value = 20
"""


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'cells.toml').write_text(MODEL)
    return 'cells.toml'


def command(*words, **environment):
    """Run a command in a process of its own: (code, output, errors)."""
    done = subprocess.run(
        [sys.executable, '-m', 'dsim', *words], capture_output=True,
        text=True, timeout=100, env={**os.environ, **environment})
    return done.returncode, done.stdout, done.stderr


def alone(capsys, *words):
    code = cli.main(words)
    return code, *capsys.readouterr()


# --- a mistyped command line -----------------------------------------------

@pytest.mark.parametrize('words, expected', [
    (['rnu'], "no command 'rnu'; did you mean 'run'?\n"
     'there are: bench, check, info, predict, report, reproduce, run\n'),
    (['frobnicate'], "no command 'frobnicate'\n"
     'there are: bench, check, info, predict, report, reproduce, run\n'),
    (['run', 'm.toml', '--ouput', 'x'], "run: no option '--ouput'; did you "
     "mean '--output'?\nthere are: --help, --no-report, --output, "
     '--overwrite, --report, --set, --threads\n'),
    (['--verzion'], "no option '--verzion'; did you mean '--version'?\n"
     'there are: --help, --version\n'),
    (['run'], "run: Missing argument 'MODEL'.\nUsage: dsim run [OPTIONS] "
     'MODEL\n`dsim run --help` tells more\n'),
    (['check', 'm.toml', '--ranks', 'two'], "check: Invalid value for "
     "'--ranks': 'two' is not a valid integer range.\nUsage: dsim check "
     '[OPTIONS] MODEL\n`dsim check --help` tells more\n'),
    (['check', 'cels.toml'], 'cels.toml: no such file; did you mean '
     'cells.toml?\n'),
    (['check', 'cells.toml', '--set', 'simulation.dt=0'], '--set: '
     'simulation.dt = 0: must be a time > 0 in ms\n'),
    # What only the engine finds names the file, too
    (['check', 'cells.toml', '--set', 'projections.0.delay=0.2'],
     'cells.toml: cells->cells: delay = 0.2: must be at least one step'),
    (['check', 'cells.toml', '--set', 'simulation.exchange=hallo'],
     "cells.toml: simulation.exchange: no exchange scheme 'hallo'; did you "
     "mean 'halo'?\nthere are: "),
    (['check', 'cells.toml', '--set', 'simulation.processes=[2, 2]'],
     'cells.toml: processes = [2, 2] needs 4 ranks, this run has 1; '),
    (['check', 'cells.toml', '--ranks', '100'],
     'cells.toml: 100 ranks do not fit'),
    (['reproduce', 'gain', '--scale', '0.5'],
     'reproduce gain: leave out --scale, this paper has one size'),
    (['reproduce', 'nobody-1900'], "no paper 'nobody-1900'\nthere are: "),
])
def test_mistakes_end_with_one_message(model, capsys, words, expected):
    code, out, errors = alone(capsys, *words)
    assert (code, out) == (2, '')
    assert errors.startswith(f'dsim: {expected}')
    assert errors.count('dsim: ') == 1


def test_a_bug_shows_where_it_is(model, capsys, monkeypatch):
    monkeypatch.setattr(console, 'layout_lines', lambda *_: 1/0)
    code, _, errors = alone(capsys, 'check', model)
    assert code == 1
    assert errors.startswith('Traceback')
    assert errors.rstrip().endswith('ZeroDivisionError: division by zero')


def test_an_interrupt_is_no_bug(model, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(console, 'layout_lines', interrupt)
    code, _, errors = alone(capsys, 'check', model)
    assert (code, errors.strip()) == (130, 'dsim: interrupted')


# --- what needs no MPI -----------------------------------------------------

@pytest.mark.parametrize('words', [
    ['--help'], ['-h'], ['run', '--help'], ['check', '-h'], ['--version']])
def test_help_is_at_hand(words, capsys):
    code, out, errors = alone(capsys, *words)
    assert (code, errors) == (0, '')
    assert out.startswith(f'dsim {__version__}\n' if words == ['--version']
                          else 'Usage: dsim ')
    assert max(map(len, out.splitlines())) <= 79


def test_help_loads_neither_mpi_nor_numba():
    code = ('import sys; from dsim.cli import main; main(["run", "-h"]); '
            'print(sorted({"mpi4py.MPI", "numba", "h5py", "matplotlib"} '
            '& set(sys.modules)))')
    done = subprocess.run([sys.executable, '-c', code], timeout=100,
                          capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == '[]', done.stderr


@pytest.mark.parametrize('ranks, tiles', [(1, '1 x 1 tiles of 6 x 7'),
                                          (4, '2 x 2 tiles of 3 x 3')])
def test_check_tells_what_a_run_needs(model, capsys, ranks, tiles):
    code, out, errors = alone(capsys, 'check', model, '--ranks', str(ranks))
    assert (code, errors) == (0, '')
    assert f'{ranks} rank' in out and tiles in out
    assert '42 neurons, about 210 synapses' in out
    assert len(rows(out, r'\d+')) == ranks
    assert 'estimated RTF ' in out
    assert not os.path.exists('runs')


def rows(out, first):
    """The lines of the table of ranks that begin with ``first``."""
    number = r' +[\d.,e+-]+'
    return [line for line in out.splitlines() if re.fullmatch(
        rf' *{first}{number}{number}{number} \w+{number}{number}{number} s *',
        line)]


def test_check_of_many_ranks_is_short(model, capsys):
    code, out, errors = alone(capsys, 'check', model, '--ranks', '20')
    assert (code, errors) == (0, '')
    assert len(rows(out, r'(min|mean|max)')) == 3
    assert not rows(out, r'\d+')
    assert re.search(r'largest: [\d.]+ \w+ on rank \d+', out)


def test_an_estimate_of_time_follows_from_the_machine(model, capsys):
    from dsim.prediction import machine

    _, out, _ = alone(capsys, 'check', model, '--rate', '0')
    slow = float(re.search(r'estimated RTF ([\d.e-]+)', out).group(1))
    costs = machine.load()
    steps = 42*1000*costs.cost('step izhikevich-2003 float64')
    calls = 1000*sum(costs.cost(name) for name in (
        'window', 'block', 'call', 'table', 'table', 'post halo'))
    assert slow == pytest.approx(
        steps + calls + 42*1000*costs.cost('drive constant'), rel=0.05)


@pytest.mark.parametrize('count, expected', [
    (0, '0 B'), (999, '999 B'), (1000, '0.977 KiB'), (1024, '1 KiB'),
    (5.5*2**20, '5.5 MiB'), (3*2**40, '3 TiB')])
def test_sizes(count, expected):
    assert console.size(count) == expected


def test_papers_are_listed_and_run(capsys, monkeypatch, tmp_path):
    from dsim import reproduce, world

    ran = []
    paper = SimpleNamespace(TITLE='Somebody (1999)',
                            run=lambda *given: ran.append(given))
    monkeypatch.setattr(reproduce, 'PAPERS', {'some-1999': paper})
    monkeypatch.setattr(world, 'start', lambda: 'all ranks')
    assert alone(capsys, 'reproduce')[:2] == (
        0, 'some-1999            Somebody (1999)\n')
    assert alone(capsys, 'reproduce', 'some-1999')[0] == 0
    assert alone(capsys, 'reproduce', 'some-1999', '--output', 'x')[1] == (
        'wrote x\n')
    assert ran == [(Path('runs/some-1999'), 'all ranks'),
                   (Path('x'), 'all ranks')]
    paper.run = lambda output, comm, scale=None: ran.append(scale)
    assert alone(capsys, 'reproduce', 'some-1999', '--scale', '0.5')[0] == 0
    assert ran[2:] == [0.5]


# --- with MPI --------------------------------------------------------------

def test_info_names_what_is_here():
    code, out, errors = command('info')
    assert code == 0, errors
    assert '\x1b' not in out
    found = dict(line.strip().split(maxsplit=1)
                 for line in out.splitlines())
    assert found['ranks'] == '1'
    assert {'MPI', 'mpirun', 'h5py', 'HDF5', 'numba', 'CPU'} <= set(found)
    assert found['parallel'].startswith(
        'no: rank 0 writes' if os.environ.get('DSIM_MODE') == 'wheels'
        else ('yes', 'no'))


@pytest.mark.wheels
@pytest.mark.parallel(1, 2)
def test_a_run_speaks_on_rank_0(comm, shared_tmp_path, capfd):
    path = shared_tmp_path / 'cells.toml'
    if comm.rank == 0:
        path.write_text(MODEL)
    comm.Barrier()
    words = ['run', str(path), '--no-report', '--output',
             str(shared_tmp_path / 'out'), '--set', 'simulation.duration=30']
    codes = comm.allgather((cli.main(words), *capfd.readouterr()))
    assert [code for code, *_ in codes] == [0]*comm.size
    assert all(out == '' for _, out, _ in codes[1:])
    _, out, _ = codes[0]
    assert f'{comm.size} rank' in out
    assert 'built 42 neurons, 210 synapses' in out
    assert 'ran 30 ms' in out and 'cells ' in out
    assert (shared_tmp_path / 'out' / 'spikes.h5').is_file()
    log = (shared_tmp_path / 'out' / 'run.log').read_text().splitlines()
    assert [line[21:] for line in log] == out.splitlines()

    # Once more: refused on all ranks, told once, and nothing is lost
    before = (shared_tmp_path / 'out' / 'spikes.h5').stat().st_mtime_ns
    codes = comm.allgather((cli.main(words), *capfd.readouterr()))
    assert [code for code, *_ in codes] == [2]*comm.size
    assert '--overwrite' in codes[0][2]
    assert all(out == errors == '' for _, out, errors in codes[1:])
    after = (shared_tmp_path / 'out' / 'spikes.h5').stat().st_mtime_ns
    assert after == before

    for words, code, start in ((['rnu'], 2, 'dsim: no command'),
                               (['--version'], 0, f'dsim {__version__}')):
        codes = comm.allgather((cli.main(words), *capfd.readouterr()))
        assert [found for found, *_ in codes] == [code]*comm.size
        assert (codes[0][1] + codes[0][2]).startswith(start)
        assert all(out == errors == '' for _, out, errors in codes[1:])

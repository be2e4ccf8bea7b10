"""The life sign of a run: what it tells, when, and to whom."""

import os
import pty
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from dsim import progress, terminal
from dsim.progress import LifeSign, rates, span

MODEL = """\
[simulation]
duration = 200
[populations.cells]
model = "izhikevich-2003"
shape = [6, 7]
"""


@pytest.fixture
def clock(monkeypatch):
    """The time that a life sign sees; to be changed at will."""
    now = SimpleNamespace(time=100.0)
    monkeypatch.setattr(progress.time, 'monotonic', lambda: now.time)
    return now


def read(path):
    """The lines of a log without their times."""
    return [line[21:] for line in path.read_text().splitlines()]


def test_a_line_now_and_then(clock, capsys, tmp_path):
    log = tmp_path / 'run.log'
    with LifeSign(1000.0, log, lambda: 'a 8.0 Hz', drawn=False) as sign:
        sign.say('built\nall of it')
        sign(10.0, 0)
        clock.time += 9.9
        sign(100.0, 0)
        assert capsys.readouterr().out == 'built\nall of it\n'

        # 12 s for 240 ms: the first window is not counted
        clock.time += 2.1
        sign(250.0, 0)
        line = '250 / 1000 ms   RTF 50.00   ETA 37.5 s   a 8.0 Hz'
        assert capsys.readouterr().out == f'{line}\n'
        clock.time += 1.0
        sign(1000.0, 0)
        assert capsys.readouterr().out == ''
    assert read(log) == ['built', 'all of it', line]


def test_a_bar_on_a_terminal(clock, capsys, tmp_path):
    log = tmp_path / 'run.log'
    with LifeSign(1000.0, log, drawn=True) as sign:
        sign(10.0, 0)
        assert capsys.readouterr().out == ''
        for k in range(1, 21):
            clock.time += 0.06
            sign(10.0 + k, 0)
        out = capsys.readouterr().out
        assert out.count('\r') == 10
        assert '\n' not in out
        assert '29 / 1000 ms   RTF 60.00   ETA 58.3 s' in out

        # Lines take the place of the bar, and go on below
        sign.say('a note')
        assert capsys.readouterr().out.splitlines()[-1].endswith('a note')
        clock.time += 10
        sign(500.0, 0)
        assert '\n' not in capsys.readouterr().out
    assert [line[:13] for line in read(log)] == ['a note', '500 / 1000 ms']


def test_a_bar_is_no_wider_than_the_terminal(clock, capsys, monkeypatch):
    monkeypatch.setattr(terminal, '_width', lambda path: 60)
    monkeypatch.setattr(terminal, '_descriptor', lambda parent: '/dev/pts/1')
    with LifeSign(1000.0, None, lambda: 50*'x', drawn=True) as sign:
        sign(0.0, 0)
        clock.time += 1
        sign(500.0, 0)
    picture = capsys.readouterr().out.split('\r')[1]
    plain = ''.join(part.partition('m')[2] if k else part for k, part
                    in enumerate(picture.split('\x1b[')[:-1]))
    assert len(plain) <= 60
    assert plain.endswith('…')


def test_the_log_tells_how_a_run_was_ended(tmp_path):
    with pytest.raises(KeyError), LifeSign(1.0, tmp_path / 'log', drawn=False):
        raise KeyError('this')
    assert read(tmp_path / 'log') == ["ended by KeyError: 'this'"]


def test_rates_are_those_of_this_rank():
    def simulation(**more):
        pieces = [SimpleNamespace(name=name, ids=np.zeros(size))
                  for name, size in (('a', 4), ('none', 0), ('b', 10))]
        counts = {'a': 2, 'none': 0, 'b': 1}
        return SimpleNamespace(**{
            'clock': SimpleNamespace(time=500.0),
            'tile': SimpleNamespace(pieces=pieces),
            'output': SimpleNamespace(
                spike_recorder=SimpleNamespace(counts=counts)),
            'comm': SimpleNamespace(rank=3, size=4), **more})

    assert rates(simulation()) == 'a 1.0 Hz  b 0.2 Hz (rank 3)'
    assert rates(simulation(comm=SimpleNamespace(rank=0, size=1))) == (
        'a 1.0 Hz  b 0.2 Hz')
    assert rates(simulation(clock=SimpleNamespace(time=0.0))) == ''


@pytest.mark.parametrize('seconds, text', [
    (0.04, '0.0 s'), (89.96, '90.0 s'), (90.0, '2 min'), (3000, '50 min'),
    (5400, '1.5 h')])
def test_spans(seconds, text):
    assert span(seconds) == text


# --- on a terminal or not --------------------------------------------------

def seen(command, **variables):
    """What a person would see of a command on a terminal: (code, text)."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
        env={**os.environ, **variables}, start_new_session=True)
    os.close(slave)
    found = b''
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            piece = b''
        if not piece:
            break
        found += piece
    os.close(master)
    return process.wait(timeout=60), found.decode(errors='replace')


ASK = ('from dsim.terminal import console, on_terminal; '
       'print(on_terminal(), console().is_terminal)')


def test_alone_the_output_is_looked_at():
    assert seen([sys.executable, '-c', ASK]) == (0, 'True True\r\n')
    piped = subprocess.run([sys.executable, '-c', ASK], text=True,
                           capture_output=True, timeout=60)
    assert piped.stdout == 'False False\n', piped.stderr


@pytest.mark.wheels
def test_under_a_launcher_its_output_is_looked_at(mpirun, tmp_path, request):
    shared = next(plugin for plugin in request.config.pluginmanager
                  .get_plugins() if hasattr(plugin, 'LAUNCHER'))
    (tmp_path / 'm.toml').write_text(MODEL)
    words = ['-m', 'dsim', 'run', str(tmp_path / 'm.toml'), '--no-report',
             '--output', str(tmp_path / 'out')]
    code, text = mpirun(2, *words)
    assert code == 0, text
    assert '\r' not in text and '\x1b' not in text

    command = [shared.launcher(), '-n', '2',
               os.environ.get('DSIM_PYTHON', sys.executable), *words,
               '--overwrite']
    code, text = seen(command, **shared.LAUNCHER)
    assert code == 0, text
    assert '\x1b[2K' in text and 'ran 200 ms' in text


def test_a_launcher_is_found_among_the_ancestors(tmp_path):
    # MPICH's way: the launcher is on a terminal, its ranks have pipes
    script = tmp_path / 'mpirun'
    script.write_text(f'#!/bin/sh\n"{sys.executable}" -c "{ASK}" | cat\n'
                      'echo done\n')
    script.chmod(0o755)
    assert seen([str(script)]) == (0, 'True True\r\ndone\r\n')

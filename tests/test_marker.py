"""The marker ``parallel`` fails, shows why, and leaves no rank waiting."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.mark.parallel(3)
def test_fails(comm):
    assert comm.rank != 1, 'the guilty one'
    comm.barrier()

@pytest.mark.parallel(2)
def test_skips(comm):
    pytest.skip('for a reason')

@pytest.mark.parallel(2, limit=8)
def test_waits(comm):
    if comm.rank:
        comm.recv(source=0)
"""


@pytest.mark.wheels
def test_ranks_that_fail_skip_or_wait_are_told_apart(tmp_path):
    shutil.copy(Path(__file__).with_name('conftest.py'), tmp_path)
    (tmp_path/'test_three.py').write_text(TESTS)
    (tmp_path/'pytest.ini').write_text('[pytest]\n')
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-rs', 'test_three.py'],
        cwd=tmp_path, env=dict(os.environ), text=True, capture_output=True,
        timeout=100)

    told = done.stdout
    assert '2 failed, 1 skipped' in told, told + done.stderr
    assert 'on 3 ranks: exit code 1' in told
    assert 'AssertionError: the guilty one' in told
    assert 'for a reason' in told
    assert 'on 2 ranks: took over 8 s' in told
    # Where the rank waits that does not come back
    assert 'in test_waits' in told

"""The marker ``parallel(1, 2, 4)``: run a test under mpirun on so many ranks.

The pytest that a person starts (the parent) never starts MPI.  For each
number of ranks it launches ``mpirun -n N python -m pytest <this test>`` and
shows what came out if that failed.  In these children a failing rank prints
its report and aborts all of them, so a test cannot leave others waiting.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

RANKS = 'DSIM_TEST_RANKS'
FOLDER = 'DSIM_TEST_FOLDER'
CHILD = RANKS in os.environ
LIMIT = 120
"""Seconds that a launch may take."""

LAUNCHER = {
    # Open MPI 4 as root, with more ranks than cores, beside other jobs
    'OMPI_ALLOW_RUN_AS_ROOT': '1',
    'OMPI_ALLOW_RUN_AS_ROOT_CONFIRM': '1',
    'OMPI_MCA_rmaps_base_oversubscribe': '1',
    'OMPI_MCA_hwloc_base_binding_policy': 'none',
    'OMPI_MCA_mpi_yield_when_idle': '1',
    'OMPI_MCA_btl_vader_single_copy_mechanism': 'none',
    # Open MPI 5
    'PRTE_MCA_rmaps_default_mapping_policy': ':oversubscribe',
    'PRTE_MCA_hwloc_default_binding_policy': 'none',
    # Debian's h5py is serial unless it is told so
    'H5PY_ALWAYS_USE_MPI': '1',
    'OMP_NUM_THREADS': '1',
    'OPENBLAS_NUM_THREADS': '1',
    'NUMBA_NUM_THREADS': '1',
    # Half a second less for each child
    'PYTEST_DISABLE_PLUGIN_AUTOLOAD': '1',
}
"""What a launch needs, for a pytest started without ``dsim.env``."""

if not CHILD:
    # With this set, importing h5py would start MPI in the parent
    os.environ.pop('H5PY_ALWAYS_USE_MPI', None)


def pytest_configure(config):
    for line in ('parallel(*ranks, limit=120): run under mpirun on each of '
                 'these numbers of ranks, at most so many seconds',
                 'slow: takes more than a few seconds',
                 'wheels: also run where all comes from wheels'):
        config.addinivalue_line('markers', line)
    # Debian's h5py with a newer numpy than it was built for
    config.addinivalue_line(
        'filterwarnings',
        'ignore:`product` is deprecated:DeprecationWarning')


def pytest_report_header():
    mode = os.environ.get('DSIM_MODE', 'unknown, no dsim.env was read')
    return f'dsim: mode {mode}, launcher {launcher() or "none"}'


def pytest_generate_tests(metafunc):
    marker = metafunc.definition.get_closest_marker('parallel')
    if marker:
        metafunc.fixturenames.append('ranks')
        metafunc.parametrize(
            'ranks', marker.args,
            ids=[f'{n} rank{"s"*(n > 1)}' for n in marker.args])


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    marker = pyfuncitem.get_closest_marker('parallel')
    if marker is None or CHILD:
        return None

    folder = pyfuncitem.funcargs.get('shared_tmp_path')
    launch(pyfuncitem, pyfuncitem.callspec.params['ranks'], folder,
           marker.kwargs.get('limit', LIMIT))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if CHILD and report.failed:
        from mpi4py import MPI

        rank = MPI.COMM_WORLD.rank
        print(f'\n--- rank {rank}, {report.when} of {item.nodeid}\n'
              f'{report.longreprtext}', file=sys.__stderr__, flush=True)
        MPI.COMM_WORLD.Abort(1)
    return report


@pytest.fixture
def shared_tmp_path(request):
    """A new folder, the same one on all ranks."""
    if CHILD:
        return Path(os.environ[FOLDER])
    return request.getfixturevalue('tmp_path')


@pytest.fixture
def comm(request):
    """All ranks of a parallel test; None in the parent, which runs none."""
    if not CHILD:
        return None
    from mpi4py import MPI

    # An import of dsim before this one would leave it to others
    if not MPI.Is_initialized():
        MPI.Init()
    world = MPI.COMM_WORLD
    assert world.size == int(os.environ[RANKS]), (
        f'mpirun started {os.environ[RANKS]} ranks, mpi4py sees '
        f'{world.size}: they belong to different MPIs')
    return world


@pytest.fixture
def first_ranks(comm):
    """A function: the communicator of the first n ranks, None on others.

    So one launch on 4 ranks can do the same on 1, 2, 3 and 4.
    """
    def choose(count):
        inside = comm.rank < count
        part = comm.Split(int(inside))
        return part if inside else None

    return choose


@pytest.fixture
def message_size():
    """A function: the bytes of a message of spikes at places, ascending.

    The format once more, so that nothing is counted with what sent it.
    """
    def measure(places):
        import numpy as np

        gaps = np.diff(np.array(places, np.int64), prepend=-1) - 1
        codes = [gaps.size*(1 + k) + int((gaps >> k).sum())
                 for k in range(40)]
        return -(-(16 + (6 + min(codes) if gaps.size else 0))//8)

    return measure


@pytest.fixture
def digest():
    """A function: what a file holds, its datasets as hashes of their bytes.

    Attributes of /dsim are left out: they tell of one run only.
    """
    def take(path):
        import h5py

        found = {}

        def look(name, item):
            if name.startswith('dsim'):
                return
            found[name] = [
                (key, item.attrs[key].tolist()
                 if hasattr(item.attrs[key], 'tolist') else item.attrs[key])
                for key in sorted(item.attrs)]
            if isinstance(item, h5py.Dataset):
                data = hashlib.sha256(item[()].tobytes()).hexdigest()
                found[name] += [item.shape, item.dtype.str, data]

        with h5py.File(path, 'r') as file:
            file.visititems(look)
        return found

    return take


def launcher():
    """The mpirun that belongs to this Python, or None."""
    beside = Path(sys.executable).parent/'mpirun'
    return (os.environ.get('DSIM_MPIRUN')
            or (str(beside) if beside.exists() else None)
            or shutil.which('mpirun.openmpi') or shutil.which('mpirun'))


def launch(item, ranks, folder, limit):
    """Run one test in children; fail with their output if they failed."""
    if launcher() is None:
        pytest.fail('no mpirun: source .venv/dsim.env, or set DSIM_MPIRUN',
                    pytrace=False)
    command = [launcher(), '-n', str(ranks),
               os.environ.get('DSIM_PYTHON', sys.executable),
               '-m', 'mpi4py', '-m', 'pytest', '-p', 'no:cacheprovider',
               '-o', 'addopts=--import-mode=importlib', '-s', '-q', '-rs',
               '--color=no', '--runxfail', item.nodeid,
               '-o', f'faulthandler_timeout={0.8*limit:g}']
    environment = {**LAUNCHER, **os.environ, RANKS: str(ranks)}
    if folder is not None:
        environment[FOLDER] = str(folder)

    code, output = run(command, environment, item.config.rootpath, limit)
    if code != 0:
        why = f'took over {limit} s' if code is None else f'exit code {code}'
        pytest.fail(f'on {ranks} ranks: {why}\n{output}', pytrace=False)
    if ' skipped' in output and ' passed' not in output:
        pytest.skip(output[output.find('SKIPPED'):].splitlines()[0])


def run(command, environment, folder, limit):
    """Return (exit code, output); the code is None if time ran out.

    The environment is always given: what MPI may have put into that of this
    process, where Python cannot see it, would confuse a child's mpirun.
    """
    process = subprocess.Popen(
        command, env=environment, cwd=folder, text=True, errors='replace',
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=limit)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        # mpirun passes the first signal on to its ranks
        os.killpg(process.pid, signal.SIGTERM)
        try:
            output, _ = process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
        return None, output
    finally:
        # Also where a person interrupts the tests
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)


@pytest.fixture
def mpirun(tmp_path):
    """A function: (ranks, *arguments of python) -> (exit code, output).

    Runs Python under mpirun in a folder of its own, for tests of how whole
    jobs end.  The code is None if it took longer than ``limit`` seconds.
    """
    def start(ranks, *arguments, limit=60, folder=tmp_path, **variables):
        if launcher() is None:
            pytest.fail('no mpirun: source .venv/dsim.env', pytrace=False)
        python = os.environ.get('DSIM_PYTHON', sys.executable)
        environment = {**LAUNCHER, **os.environ, **variables}
        return run([launcher(), '-n', str(ranks), python, *arguments],
                   environment, folder, limit)

    return start

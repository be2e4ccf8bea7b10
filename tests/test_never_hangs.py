"""One rank fails, or the input is bad: all end within seconds, one message.

Each job here is a script under mpirun; its time limit is the proof that it
does not hang.
"""

import textwrap

import pytest

MODEL = '''
    import sys
    import numpy as np
    import dsim
    from dsim import world
    comm = world.start()

    def network():
        net = dsim.Network(seed=1)
        exc = net.population('exc', dsim.Izhikevich(), (12, 12))
        net.project(exc, exc, rule=dsim.FixedIndegree(10), weight=1.0,
                    kernel=dsim.Gaussian(0.2))
        net.stimulate(exc, dsim.GaussianCurrent(std=8.0))
        net.record_frames(exc, 'v', interval=10.0)
        return net

    def fail_on_one(owner, name, after=0):
        verb, calls = getattr(owner, name), [0]
        def failing(*arguments, **keywords):
            calls[0] += 1
            if comm.rank == 1 and calls[0] > after:
                raise RuntimeError(f'boom in {name}')
            return verb(*arguments, **keywords)
        setattr(owner, name, failing)
'''

RUN = '''
    with dsim.Simulation(network(), output='out', flush_every=20.0) as sim:
        sim.run(200.0)
'''

FAULTS = {
    'build': ("import dsim.simulation\n"
              "    fail_on_one(dsim.simulation, 'build')"),
    'connections': ("import dsim.engine.build as b\n"
                    "    fail_on_one(b.stored, 'build')"),
    'update': ("from dsim.engine.tile import Tile\n"
               "    fail_on_one(Tile, 'advance', 50)"),
    'delivery': ("from dsim.engine.tile import Tile\n"
                 "    fail_on_one(Tile, 'deliver', 50)"),
    'exchange': ("from dsim.partitioning.exchange.halo import Halo\n"
                 "    fail_on_one(Halo, '_complete', 50)"),
    'output': ("from dsim.io.sonata.spikes import SpikeFile\n"
               "    fail_on_one(SpikeFile, 'append', 3)"),
    'collective write': ("from dsim.io.files import File\n"
                         "    fail_on_one(File, 'write', 2)"),
    'close': ("from dsim.io.sonata.spikes import SpikeFile\n"
              "    fail_on_one(SpikeFile, 'close')"),
}


def script(*parts):
    return '\n'.join(textwrap.dedent(part) for part in parts)


@pytest.fixture(scope='module')
def warm(tmp_path_factory):
    """Compile once, so that the time limits are those of ending."""
    import dsim

    net = dsim.Network(seed=1)
    exc = net.population('exc', dsim.Izhikevich(), (3, 3))
    net.project(exc, exc, rule=dsim.FixedIndegree(1), weight=1.0,
                kernel=dsim.Gaussian(0.2))
    net.stimulate(exc, dsim.GaussianCurrent(std=8.0))
    with dsim.Simulation(net) as simulation:
        simulation.run(3.0)


@pytest.mark.parametrize('phase', FAULTS)
@pytest.mark.parametrize('ranks', [2, 3])
def test_an_exception_on_one_rank_ends_all(phase, ranks, mpirun, tmp_path,
                                           warm):
    code, output = mpirun(
        ranks, '-c', script(MODEL, '    ' + FAULTS[phase], RUN), limit=30)
    assert code not in (None, 0), output
    assert output.count('boom') == 1, output
    assert output.count('Traceback') == 1, output
    assert 'rank 1 of' in output
    assert not list(tmp_path.glob('out/spikes.h5')), 'half-written'


def test_what_was_flushed_can_be_read(mpirun, tmp_path):
    from dsim.io.sonata.spikes import read_spikes

    code, output = mpirun(
        2, '-c', script(MODEL, '    ' + FAULTS['update'].replace('50', '150'),
                        RUN), limit=30)
    assert code not in (None, 0), output
    times, ids = read_spikes(tmp_path / 'out' / 'spikes.h5.part')['exc']
    assert times.size > 0 and times.max() > 100
    assert (times[1:] >= times[:-1]).all()


@pytest.mark.parametrize('mistake, message', [
    ("net = network(); net['nobody']", "no population 'nobody'"),
    ("dsim.Simulation(network(), dt=0.3, output='out')", 'whole number'),
    ("dsim.Simulation(network(), dt=0.0)", 'simulation.dt = 0.0'),
    ("dsim.Simulation(network(), output='/proc/none/out')", '/proc'),
    ("dsim.Simulation(network(), processes=[5, 5])", 'processes = [5, 5]'),
    ("dsim.Simulation(network(), exchange='hallo')", "did you mean 'halo'"),
    ("net = network(); net.populations['exc'].shape = (1, 1); "
     "dsim.Simulation(net)", 'ranks'),
])
def test_a_mistake_on_all_ranks_is_told_once(mistake, message, mpirun,
                                             tmp_path):
    code, output = mpirun(3, '-c', script(MODEL, '    ' + mistake), limit=30)
    assert code == 2, output
    assert message in output
    assert output.count('dsim: ') == 1, output
    assert 'Traceback' not in output
    assert not list(tmp_path.iterdir()), 'half-written'


def test_output_of_another_run_is_not_overwritten(mpirun, tmp_path):
    job = script(MODEL, RUN)
    assert mpirun(2, '-c', job)[0] == 0
    before = (tmp_path / 'out' / 'spikes.h5').read_bytes()
    code, output = mpirun(2, '-c', job)
    assert code == 2, output
    assert '--overwrite' in output and output.count('dsim: ') == 1
    assert (tmp_path / 'out' / 'spikes.h5').read_bytes() == before
    code, output = mpirun(2, '-c', job.replace("'out'",
                                               "'out', overwrite=True"))
    assert code == 0, output


@pytest.mark.parametrize('variables, words', [
    ({'OMPI_COMM_WORLD_SIZE': '4'}, ['Open MPI', '4 ranks', 'differing']),
    ({'PMI_SIZE': '2'}, ['MPICH', '2 ranks', 'differing']),
    ({'SLURM_NTASKS': '8', 'SLURM_PROCID': '0',
      'SLURM_STEP_NUM_TASKS': '8'}, ['SLURM', '8 tasks', '--mpi=pmix']),
])
def test_ranks_that_do_not_see_each_other_are_refused(variables, words):
    from dsim import world
    from dsim.errors import WorldError

    with pytest.raises(WorldError) as error:
        world.check(variables, 1, 'Some MPI 1.0')
    assert all(word in str(error.value) for word in words)
    world.check(variables, 8, 'Some MPI 1.0')
    with pytest.raises(WorldError, match='differing'):
        world.check_launcher({'OMPI_COMM_WORLD_SIZE': '2'}, 'MPICH 5')
    world.check_launcher({'OMPI_COMM_WORLD_SIZE': '2'}, 'Open MPI v5')
    world.check({'SLURM_NTASKS': '8'}, 1, 'in sbatch, before mpirun')

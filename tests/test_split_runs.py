"""run(1000) = run(398); run(602), whatever was in flight at the cut."""

import pytest

import dsim
from dsim import random


def network():
    net = dsim.Network(seed=5)
    exc = net.population('exc', dsim.Izhikevich(d='8 - 6*r**2'), (15, 13))
    net.project(exc, exc, rule=dsim.FixedIndegree(20), weight=2.0,
                kernel=dsim.Gaussian(0.2), delay=random.Uniform(4.0, 12.0))
    net.stimulate(exc, dsim.GaussianCurrent(std=6.0))
    net.record(exc, 'v', ids=[0, 50, 194], interval=3.0)
    net.record_frames(exc, 'u', interval=5.0)
    return net


def bits(comm, *durations):
    net = network()
    with dsim.Simulation(net, dt=1.0, comm=comm) as simulation:
        for duration in durations:
            simulation.run(duration)
        times, ids = simulation.spikes('exc')
        return (times.tobytes(), ids.tobytes(), len(ids),
                simulation.state('exc', 'v').tobytes(),
                simulation.values('exc', 'v').tobytes())


@pytest.mark.parallel(1, 3)
def test_a_split_run_is_one_run(comm):
    whole = bits(comm, 300.0)
    assert whole[2] > 100
    # 4 steps a window: cuts inside windows and on their borders
    for parts in ((120.0, 180.0), (119.0, 181.0), (1.0, 2.0, 297.0),
                  (0.0, 300.0), (150.0, 0.0, 150.0)):
        assert bits(comm, *parts) == whole, parts


@pytest.mark.parallel(2)
def test_files_of_a_split_run_are_those_of_one(comm, shared_tmp_path,
                                               digest):
    for name, parts in (('one', (200.0,)), ('two', (81.0, 119.0))):
        with dsim.Simulation(network(), output=shared_tmp_path / name,
                             comm=comm, flush_every=50.0) as simulation:
            for part in parts:
                simulation.run(part)
    comm.Barrier()
    for file in 'spikes.h5', 'frames.h5', 'values_exc_v.h5':
        one, two = (digest(shared_tmp_path / name / file)
                    for name in ('one', 'two'))
        assert one == two

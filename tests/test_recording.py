"""Whose spikes are kept, and that leaving some out changes nothing else."""

import numpy as np
import pytest

import dsim
from dsim.errors import BadValue
from dsim.io.sonata.spikes import read_spikes
from dsim.recording import SpikeRecorder
from dsim.report import page


def network(**recorded):
    net = dsim.Network(seed=3)
    for name, shape in (('a', (5, 6)), ('b', (4, 4)), ('c', (1, 9))):
        net.population(name, dsim.Izhikevich(), shape,
                       record_spikes=recorded.get(name, True))
    net.project('a', ['b', 'c'], rule=dsim.FixedIndegree(5), weight=3.0)
    net.project('b', 'a', rule=dsim.FixedIndegree(5), weight=3.0)
    net.stimulate(['a', 'b'], dsim.GaussianCurrent(mean=6.0, std=5.0))
    return net


def test_only_what_is_recorded_is_kept():
    heard = (np.array([4, 4, 5, 6]), np.array([2, 11, 3, 25]))
    recorder = SpikeRecorder({'a': 0, 'b': 10, 'c': 20}, ['a', 'c'], None)
    recorder.hear(*heard)
    recorder.hear(np.array([7]), np.array([19]))
    assert recorder.counts == {'a': 2, 'b': 2, 'c': 1}
    assert [found.tolist() for found in recorder.kept('a')] == [[5, 6],
                                                                [2, 3]]
    assert [found.tolist() for found in recorder.kept('c')] == [[7], [5]]
    assert recorder.kept('b')[0].size == 0
    # Nothing is left of a window without any
    assert len(recorder._steps) == 1


def test_a_population_may_not_be_recorded():
    with dsim.Simulation(network()) as all_kept:
        all_kept.run(100.0)
        counts = all_kept.summary().spikes
        expected = all_kept.spikes('a')
    with dsim.Simulation(network(b=False)) as simulation:
        simulation.run(100.0)
        assert simulation.summary().spikes == counts
        assert counts['b'] > 0
        for found, wanted in zip(simulation.spikes('a'), expected,
                                 strict=True):
            assert np.array_equal(found, wanted)
        with pytest.raises(BadValue, match='b.record_spikes = False: must '
                                           'be True'):
            simulation.spikes('b')


def test_a_flag_is_a_flag():
    with pytest.raises(BadValue, match="a.record_spikes = 'no': must be"):
        network(a='no')


@pytest.mark.wheels
@pytest.mark.parallel(3)
def test_files_hold_what_is_recorded_on_any_number_of_ranks(
        comm, first_ranks, shared_tmp_path, digest):
    def run(name, ranks, **recorded):
        part = first_ranks(ranks)
        folder = shared_tmp_path / f'{name}{ranks}'
        if part is not None:
            with dsim.Simulation(network(**recorded), output=folder,
                                 flush_every=30.0, comm=part) as simulation:
                simulation.run(100.0)
        comm.Barrier()
        return folder

    folders = [run('some', ranks, b=False) for ranks in (1, 2, 3)]
    whole, none = run('all', 2), run('none', 3, a=False, b=False, c=False)
    if comm.rank == 0:
        files = [digest(folder / 'spikes.h5') for folder in folders]
        assert files[0] == files[1] == files[2]
        some = read_spikes(folders[0] / 'spikes.h5')
        kept = read_spikes(whole / 'spikes.h5')
        assert list(some) == ['a', 'c'] and list(kept) == ['a', 'b', 'c']
        for name, columns in some.items():
            for found, wanted in zip(columns, kept[name], strict=True):
                assert np.array_equal(found, wanted)

        assert read_spikes(none / 'spikes.h5') == {}
        assert page.write(none).is_file()
    comm.Barrier()

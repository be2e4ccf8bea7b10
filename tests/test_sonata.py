"""dsim.io.sonata: the same files on any number of ranks, and back again."""

import h5py
import numpy as np
import pytest

from dsim.errors import InputFileError, OutputError
from dsim.io.files import Alone
from dsim.io.sonata import (
    Edges,
    Nodes,
    ReportFile,
    SpikeFile,
    read_edges,
    read_positions,
    read_reports,
    read_spikes,
    write_edges,
    write_nodes,
)

SIZES = {'exc': 120, 'inh': 30}
STRETCHES = ((0, 40), (40, 41), (41, 300))
SHAPE = (6, 5)


def drivers(comm):
    if h5py.get_config().mpi and not isinstance(comm, Alone):
        return 'mpi', 'serial'
    return ('serial',)


def stamp(steps):
    return (steps + 1)*0.1


def spikes(name):
    """All (steps, ids) of a population, sorted; inh is silent for long."""
    dice = np.random.default_rng(SIZES[name])
    steps, ids = np.nonzero(dice.random((300, SIZES[name])) < 0.05)
    late = steps >= (41 if name == 'inh' else 0)
    return steps[late], ids[late]


def mine(ids, comm):
    """Which are of this rank: rank 1 of several has no neuron."""
    owner = ids % comm.size
    return np.where(owner == 1, 0, owner) == comm.rank


def write_spikes(path, comm, driver):
    file = SpikeFile(path, comm, SIZES, stamp, driver=driver)
    for low, high in STRETCHES:
        for name in SIZES:
            steps, ids = spikes(name)
            here = (steps >= low) & (steps < high) & mine(ids, comm)
            order = np.random.default_rng(comm.rank).permutation(here.sum())
            file.append(name, steps[here][order], ids[here][order])
        file.flush()
    assert file.counts == {name: spikes(name)[0].size for name in SIZES}
    file.close()


def nodes(comm):
    ids = np.flatnonzero(mine(np.arange(30), comm))[::-1]
    tau = np.random.default_rng(1).random(30)
    return {
        'exc': Nodes(30, ids, ids % 5*0.5, ids//5*0.25, 'lif',
                     {'tau': tau[ids], 'v_rest': -65.0}),
        'inh': Nodes(30, ids, ids*1.0, ids*2.0, 'izhikevich-2003',
                     {'a': 0.02}),
    }


def values(steps):
    return (np.arange(steps*11).reshape(-1, 11) % 97).astype(np.float32)


def write_report(path, comm, driver):
    here = np.flatnonzero(mine(np.arange(11), comm))
    file = ReportFile(path, comm, 'exc', np.arange(11)*3, here, 'mV',
                      0.0, 60.0, 0.5, driver=driver)
    for low, high in ((0, 1), (1, 20), (20, 20), (20, 120)):
        file.append(values(120)[low:high, here])
        file.flush()
    file.close()


def edges(low, high):
    k = np.arange(low, high)
    return Edges('exc', 'inh', k % 120, k*7 % 30, k*0.25, 1.0 + k % 3, k)


@pytest.mark.wheels
@pytest.mark.parallel(4)
def test_files_do_not_depend_on_ranks_and_drivers(
        comm, first_ranks, shared_tmp_path, digest):
    names = ('spikes.h5', 'nodes.h5', 'report.h5', 'edges.h5')
    folders = []
    for size in (1, 2, 3, 4):
        some = first_ranks(size)
        for driver in drivers(comm):
            folder = shared_tmp_path/f'{size}{driver}'
            folders.append(folder)
            if not some:
                continue
            folder.mkdir(exist_ok=True)
            some.barrier()
            write_spikes(folder/'spikes.h5', some, driver)
            write_nodes(folder/'nodes.h5', some, nodes(some), driver=driver)
            write_report(folder/'report.h5', some, driver)
            low, high = (100*r*r//size**2
                         for r in (some.rank, some.rank + 1))
            write_edges(folder/'edges.h5', edges(low, high), some,
                        driver=driver)

    comm.barrier()
    for name in names:
        found = [digest(folder/name) for folder in folders]
        assert all(other == found[0] for other in found), name
    tables = {(folder/'node_types.csv').read_text() for folder in folders}
    assert len(tables) == 1

    for name, (times, ids) in read_spikes(folders[0]/'spikes.h5').items():
        assert np.array_equal(times, stamp(spikes(name)[0]))
        assert np.array_equal(ids, spikes(name)[1])


@pytest.mark.wheels
def test_spike_file_is_laid_out_as_readers_want(tmp_path):
    write_spikes(tmp_path/'s.h5', Alone(), 'serial')
    with h5py.File(tmp_path/'s.h5', 'r') as file:
        assert file.attrs['magic'] == 0x0A7A
        assert file.attrs['magic'].dtype == np.uint32
        assert file.attrs['version'].tolist() == [0, 1]
        group = file['spikes/exc']
        assert h5py.check_enum_dtype(
            group.attrs.get_id('sorting').dtype)['by_time'] == 2
        assert group.attrs['sorting'] == 2
        assert group['timestamps'].dtype == '<f8'
        assert group['timestamps'].attrs['units'] == 'ms'
        assert group['node_ids'].dtype == '<u8'
        assert group['timestamps'].maxshape == (None,)


def test_spikes_come_in_stretches_of_time(tmp_path):
    file = SpikeFile(tmp_path/'s.h5', Alone(), SIZES, stamp)
    none = np.zeros(0, np.int64)
    assert file.append('exc', none, none) == 0
    assert file.append('exc', np.array([5, 4]), np.array([0, 7])) == 2
    assert file.append('exc', none, none) == 2
    with pytest.raises(ValueError, match='step 5 come after those of step 5'):
        file.append('exc', np.array([5]), np.array([1]))
    with pytest.raises(ValueError, match='120 neurons, none with id 120'):
        file.append('exc', np.array([9]), np.array([120]))
    file.append('inh', np.array([0]), np.array([29]))
    file.close()
    found = read_spikes(tmp_path/'s.h5')
    assert found['exc'][0].tolist() == stamp(np.array([4, 5])).tolist()
    assert found['exc'][1].tolist() == [7, 0]
    assert found['inh'][1].tolist() == [29]


def test_file_without_a_spike_is_read(tmp_path):
    SpikeFile(tmp_path/'s.h5', Alone(), {'exc': 4}, stamp).close()
    times, ids = read_spikes(tmp_path/'s.h5')['exc']
    assert times.size == ids.size == 0


def test_nodes_have_positions_models_and_parameters(tmp_path):
    table = write_nodes(tmp_path/'nodes.h5', Alone(), nodes(Alone()))
    x, y = read_positions(tmp_path/'nodes.h5')['exc']
    assert x[7] == 2*0.5 and y[7] == 1*0.25
    with h5py.File(tmp_path/'nodes.h5', 'r') as file:
        group = file['nodes/exc']
        assert group['node_id'][()].tolist() == list(range(30))
        assert set(group['node_type_id'][()]) == {0}
        assert group['0/x'].attrs['units'] == 'mm'
        assert not group['0/z'][()].any()
        tau = group['0/dynamics_params/tau'][()]
    assert np.array_equal(tau, np.random.default_rng(1).random(30))
    assert table.read_text().splitlines() == [
        'node_type_id pop_name model_type model_template a v_rest',
        '0 exc point_neuron dsim:lif NULL -65.0',
        '1 inh point_neuron dsim:izhikevich-2003 0.02 NULL',
    ]

    (tmp_path/'nodes.h5').unlink()
    with pytest.raises(OutputError, match=r'node_types\.csv exists'):
        write_nodes(tmp_path/'nodes.h5', Alone(), nodes(Alone()))
    assert not (tmp_path/'nodes.h5').exists()
    write_nodes(tmp_path/'nodes.h5', Alone(), nodes(Alone()), True)


def test_report_tells_its_true_end(tmp_path):
    write_report(tmp_path/'r.h5', Alone(), 'serial')
    report = read_reports(tmp_path/'r.h5')['exc']
    assert np.array_equal(report.data, values(120))
    assert report.data.dtype == np.float32
    assert np.array_equal(report.times, np.arange(120)*0.5)
    assert report.node_ids.tolist() == list(range(0, 33, 3))
    assert report.unit == 'mV'

    # A run that stops before its time
    with h5py.File(tmp_path/'r.h5', 'r') as file:
        assert file['report/exc/mapping/time'][()].tolist() == [0, 60, 0.5]
    file = ReportFile(tmp_path/'early.h5', Alone(), 'exc', np.arange(11),
                      np.arange(11), 'mV', 10.0, 60.0, 0.5)
    file.append(values(4))
    file.close()
    with h5py.File(tmp_path/'early.h5', 'r') as file:
        assert file['report/exc/mapping/time'][()].tolist() == [10, 12, 0.5]


def test_report_needs_each_column_once(tmp_path):
    for ids, here, what in (([0, 1], [0, 0], 'each once'),
                            ([1, 0], [0, 1], 'ascend')):
        with pytest.raises(ValueError, match=what):
            ReportFile(tmp_path/'r.h5', Alone(), 'exc', np.array(ids),
                       np.array(here), 'mV', 0.0, 1.0, 0.1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('piece', [1 << 20, 7])
def test_edges_come_back(tmp_path, monkeypatch, piece):
    monkeypatch.setattr('dsim.io.sonata.edges.PIECE', piece)
    written = edges(0, 100)
    assert write_edges(tmp_path/'e.h5', written) == 'exc_to_inh'
    same(read_edges(tmp_path/'e.h5'), written)

    # Of a large file, a rank keeps the edges of its own targets
    few = read_edges(tmp_path/'e.h5', 'exc_to_inh', lambda ids: ids == 14)
    here = np.flatnonzero(written.targets == 14)
    same(few, Edges('exc', 'inh', *(column[here] for column in written[2:])))
    none = read_edges(tmp_path/'e.h5', keep=lambda ids: ids < 0)
    assert none.sources.size == none.weights.size == 0


def test_edges_without_values_or_in_another_order(tmp_path):
    ids = np.array([3, 1, 2])
    write_edges(tmp_path/'e.h5', Edges('a', 'b', ids, ids))
    found = read_edges(tmp_path/'e.h5')
    assert found.weights is None and found.delays is None

    write_edges(tmp_path/'w.h5', Edges('a', 'b', ids, ids, ids*1.5))
    with h5py.File(tmp_path/'w.h5', 'a') as file:
        file['edges/a_to_b/edge_group_index'][...] = [2, 0, 1]
    found = read_edges(tmp_path/'w.h5')
    assert found.weights.tolist() == [3.0, 4.5, 1.5]

    with h5py.File(tmp_path/'w.h5', 'a') as file:
        file['edges/a_to_b/edge_group_id'][1] = 1
    with pytest.raises(InputFileError, match='several edge groups'):
        read_edges(tmp_path/'w.h5')


def test_edges_as_plain_arrays(tmp_path):
    written = edges(0, 100)
    np.savez(tmp_path/'e.npz', sources=written.sources,
             targets=written.targets, weights=written.weights)
    found = read_edges(tmp_path/'e.npz', keep=lambda ids: ids < 10)
    here = np.flatnonzero(written.targets < 10)
    assert np.array_equal(found.sources, written.sources[here])
    assert np.array_equal(found.weights, written.weights[here])
    assert np.array_equal(found.numbers, here)
    assert found.delays is None

    np.savez(tmp_path/'bad.npz', sources=np.arange(3), targets=np.arange(4))
    with pytest.raises(InputFileError, match=r'sources \(3,\), targets'):
        read_edges(tmp_path/'bad.npz')


@pytest.mark.parametrize('read', [read_spikes, read_positions, read_reports,
                                  read_edges])
def test_wrong_files_are_input_errors(tmp_path, read):
    with pytest.raises(InputFileError, match='no such file'):
        read(tmp_path/'none.h5')
    (tmp_path/'text.h5').write_text('spikes')
    with pytest.raises(InputFileError, match='cannot be read'):
        read(tmp_path/'text.h5')
    with h5py.File(tmp_path/'other.h5', 'w') as file:
        file['stuff'] = 1
    with pytest.raises(InputFileError, match='it has stuff'):
        read(tmp_path/'other.h5')
    with h5py.File(tmp_path/'half.h5', 'w') as file:
        for kind in ('spikes', 'nodes', 'report', 'edges'):
            file.create_group(f'{kind}/exc')
    with pytest.raises(InputFileError, match=r'half\.h5'):
        read(tmp_path/'half.h5')


def test_edge_population_must_be_named(tmp_path):
    write_edges(tmp_path/'e.h5', edges(0, 3))
    with pytest.raises(InputFileError, match='there are: exc_to_inh'):
        read_edges(tmp_path/'e.h5', 'inh_to_exc')


def same(found, expected):
    assert found[:2] == expected[:2]
    for column, wanted in zip(found[2:], expected[2:], strict=True):
        assert np.array_equal(column, wanted)

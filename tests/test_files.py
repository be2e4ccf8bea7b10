"""dsim.io.files: the same file whoever writes it, and whole or not there."""

import os
import resource
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from dsim.errors import BadValue, OutputError
from dsim.io import attributes
from dsim.io.files import Alone, File
from dsim.io.rows import chunk_shape, pieces
from dsim.io.whole import part_of

ROUNDS = (1000, 0, 7, 333)
GRID = (37, 53)


def drivers(comm):
    if h5py.get_config().mpi and not isinstance(comm, Alone):
        return 'mpi', 'serial'
    return ('serial',)


def uneven(total, comm):
    """My part of ``total`` rows; rank 1 gets none unless it is the last."""
    weights = [0 if r == 1 else 2*r + 1 for r in range(comm.size)]
    ends = total*np.cumsum([0, *weights])//sum(weights)
    return ends[comm.rank], ends[comm.rank + 1]


def rows(low, high):
    return np.sin(np.arange(low, high))


def wide(low, high):
    return (np.arange(3*low, 3*high) % 17).reshape(-1, 3).astype(np.int32)


def grid():
    return np.arange(np.prod(GRID), dtype=np.float32).reshape(GRID)


def write(path, comm, driver):
    file = File.create(path, comm, driver=driver)
    file.dataset('/a/rows', (0,), 'f8', maxshape=(None,),
                 attributes={'units': 'ms'})
    file.dataset('/a/wide', (0, 3), 'i4', maxshape=(None, 3), chunks=(64, 3),
                 compression=4)
    file.dataset('/grid', GRID, 'f4')
    file.dataset('/packed', GRID, 'f4', compression=1, chunks=(16, 16))
    for total in ROUNDS:
        low, high = uneven(total, comm)
        file.append('/a/rows', rows(low, high))
        # What HDF5 would refuse to convert while it compresses
        file.append('/a/wide', wide(low, high).astype(np.int16))
        file.flush()

    low, high = uneven(GRID[1], comm)
    for name in ('/grid', '/packed'):
        file.write(name, (0, low), grid()[:, low:high])
    file.attributes('/made', {'by': f'rank {comm.rank}', 'ä': 'µ',
                              'three': np.arange(3), 'text': 'x'*70_000})
    file.close()
    return file


def expect(path):
    with h5py.File(path, 'r') as file:
        ends = [rows(0, total) for total in ROUNDS]
        assert np.array_equal(file['a/rows'], np.concatenate(ends))
        ends = [wide(0, total) for total in ROUNDS]
        assert np.array_equal(file['a/wide'], np.concatenate(ends))
        assert file['a/wide'].dtype == np.int32
        assert file['a/wide'].compression == 'gzip'
        assert np.array_equal(file['grid'], grid())
        assert np.array_equal(file['packed'], grid())
        assert file['a/rows'].attrs['units'] == 'ms'
        made = attributes.read(file['made'])
        assert made['by'] == 'rank 0'
        assert made['ä'] == 'µ'
        assert made['text'] == 'x'*70_000


@pytest.mark.wheels
@pytest.mark.parallel(4)
def test_drivers_and_ranks_write_the_same(
        comm, first_ranks, shared_tmp_path, digest, monkeypatch):
    for ranks in (1, 2, 3, 4):
        some = first_ranks(ranks)
        for driver in drivers(comm) if some else ():
            for piece in (1 << 26, 1000):
                # The second time all is written in many rounds
                monkeypatch.setattr('dsim.io.rows.PIECE', piece)
                path = shared_tmp_path/f'{ranks}{driver}{piece}.h5'
                file = write(path, some, driver)
                assert file.parallel() == (driver == 'mpi')
                assert not file.part.exists()

    comm.barrier()
    found = [digest(path) for path in sorted(shared_tmp_path.iterdir())]
    assert len(found) == 8*len(drivers(comm))
    assert all(other == found[0] for other in found)
    expect(path)


@pytest.mark.parallel(1, 2)
def test_a_whole_world_writes_the_same(comm, shared_tmp_path):
    for driver in drivers(comm):
        write(shared_tmp_path/f'{driver}.h5', comm, driver)
        expect(shared_tmp_path/f'{driver}.h5')


@pytest.mark.wheels
@pytest.mark.parallel(3)
def test_what_goes_wrong_is_told_to_all_ranks(comm, shared_tmp_path):
    for driver in drivers(comm):
        path = shared_tmp_path/f'{driver}.h5'
        comm.barrier()
        if comm.rank == 0:
            path.write_text('precious')
        comm.barrier()
        with pytest.raises(OutputError, match='--overwrite'):
            File.create(path, comm, driver=driver)
        with pytest.raises(OutputError, match='no folder'):
            File.create(shared_tmp_path/'none'/'x.h5', comm, driver=driver)
        with pytest.raises(OutputError, match='is a folder'):
            File.create(shared_tmp_path, comm, True, driver)
        assert path.read_text() == 'precious'

        # A disk that is full for rank 0
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        if comm.rank == 0:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        with pytest.raises(OutputError, match='File too large'):
            File.create(shared_tmp_path/'full.h5', comm, driver=driver)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

        file = File.create(path, comm, overwrite=True, driver=driver)
        assert path.exists() and file.part.exists()
        file.close()
        file.close()
        assert h5py.is_hdf5(path)
        with pytest.raises(RuntimeError, match='closed'):
            file.flush()


@pytest.mark.wheels
@pytest.mark.parallel(3)
def test_abandoned_file_holds_what_was_flushed(comm, shared_tmp_path):
    for driver in drivers(comm):
        path = shared_tmp_path/f'{driver}.h5'
        file = File.create(path, comm, driver=driver)
        file.dataset('/x', (0,), 'i8', maxshape=(None,))
        file.append('/x', np.full(10_000, comm.rank))
        file.flush(sync=True)
        file.append('/x', np.full(200_000, 9))
        comm.barrier()
        # As if all ranks had been killed here
        copy = shared_tmp_path/f'copy{comm.rank}.h5'
        shutil.copy(part_of(path), copy)
        with h5py.File(copy, 'r') as left:
            prefix = left['x'][:30_000]
        assert np.array_equal(prefix, np.repeat([0, 1, 2], 10_000))
        file.abandon()
        file.abandon()
        assert part_of(path).exists() and not path.exists()


def test_block_left_by_an_exception_leaves_no_file(tmp_path):
    path = tmp_path/'x.h5'
    with pytest.raises(KeyError), File.create(path, Alone()) as file:
        raise KeyError
    assert not path.exists()
    assert file.part.exists()


def test_a_leftover_of_an_earlier_run_is_replaced(tmp_path):
    path = tmp_path/'x.h5'
    part_of(path).write_text('half')
    with File.create(path, Alone()):
        pass
    assert h5py.is_hdf5(path)


FILL = """
import os, resource, sys
import numpy as np
from dsim.errors import OutputError
from dsim.io.files import Alone, File

file = File.create(sys.argv[1], Alone())
file.dataset('/x', (0,), 'f8', maxshape=(None,))
file.flush()
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 17, limits[1]))
try:
    file.append('/x', np.ones(100))
    file.flush()
except OutputError as error:
    print('told:', error)
# HDF5 does not survive a full disk for long, not even its own end
sys.stdout.flush()
os._exit(0)
"""


def test_disk_that_fills_up_later_is_an_output_error(tmp_path):
    done = subprocess.run(
        [sys.executable, '-c', FILL, tmp_path/'x.h5'], text=True,
        capture_output=True, env=dict(os.environ), timeout=60)
    assert 'told: ' in done.stdout, done.stderr
    assert 'x.h5.part: cannot be written' in done.stdout
    assert 'File too large' in done.stdout


@pytest.mark.parametrize('start, shape', [
    ((3, 0), (2, 5)), ((0, 4), (4, 2)), ((-1, 0), (1, 5)), ((0,), (4,))])
def test_block_must_fit(tmp_path, start, shape):
    with File.create(tmp_path/'x.h5', Alone()) as file:
        file.dataset('/x', (4, 5), 'f8')
        with pytest.raises(ValueError, match='no room'):
            file.write('/x', start, np.ones(shape))


def test_values_must_be_of_the_kind_of_the_dataset(tmp_path):
    with File.create(tmp_path/'x.h5', Alone()) as file:
        file.dataset('/x', (0, 2), 'i8', maxshape=(None, 2))
        with pytest.raises(TypeError, match='float64 given, int64 kept'):
            file.append('/x', np.ones((1, 2)))
        with pytest.raises(ValueError, match='rows of shape'):
            file.append('/x', np.ones((1, 3), int))


def test_attributes_are_of_the_types_that_readers_want(tmp_path):
    path = tmp_path/'x.h5'
    with File.create(path, Alone()) as file:
        file.attributes('/g', {
            'sorting': attributes.Enum(2, {'none': 0, 'by_time': 2}),
            'units': 'ms', 'long': np.arange(10_000.0)})
        file.dataset('/x', (2,), 'f8')
        with pytest.raises(ValueError, match='too long'):
            file.attributes('/x', {'text': 'x'*70_000})

    with h5py.File(path, 'r') as file:
        kind = file['g'].attrs.get_id('sorting').dtype
        assert h5py.check_enum_dtype(kind) == {'none': 0, 'by_time': 2}
        kind = h5py.check_string_dtype(file['g'].attrs.get_id('units').dtype)
        assert (kind.encoding, kind.length) == ('utf-8', None)
        assert np.array_equal(attributes.read(file['g'])['long'],
                              np.arange(10_000.0))


def test_driver_must_be_there(tmp_path):
    with pytest.raises(BadValue, match="'auto', 'mpi' or 'serial'"):
        File.create(tmp_path/'x.h5', Alone(), driver='posix')
    with pytest.raises(OutputError, match='without MPI'):
        File.create(tmp_path/'x.h5', Alone(), driver='mpi')


@pytest.mark.parametrize('shape, itemsize, chunk', [
    ((None,), 8, (65536,)),
    ((None, 100, 100), 4, (13, 100, 100)),
    ((None, 1000, 1000), 4, (1, 131, 1000)),
    ((None, 10**7), 4, (1, 131072)),
    ((5, 4), 8, (5, 4)),
    ((0,), 8, (1,)),
])
def test_chunks_are_bounded(shape, itemsize, chunk):
    assert chunk_shape(shape, itemsize) == chunk


def test_pieces_cover_a_block(monkeypatch):
    monkeypatch.setattr('dsim.io.rows.PIECE', 100)
    assert list(pieces((7, 5), 8)) == [(0, 2), (2, 4), (4, 6), (6, 7)]
    assert list(pieces((2, 50), 8)) == [(0, 1), (1, 2)]
    assert not list(pieces((3, 0), 8))

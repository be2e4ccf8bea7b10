"""dsim.io.frames: whole grids over time, whoever owns which tile."""

import h5py
import numpy as np
import pytest

from dsim.errors import InputFileError
from dsim.io.files import Alone
from dsim.io.frames import FrameFile, list_frames, read_frames
from dsim.io.rows import share

SHAPES = {('exc', 'v'): (12, 7), ('exc', 'u'): (12, 7), ('inh', 'v'): (3, 2)}
PIECES = ((0, 3), (3, 3), (3, 20))


def film(shape):
    return np.sin(np.arange(20*np.prod(shape))).reshape(20, *shape)


def tile(shape, comm):
    """Bounds of my tile: bands of rows, or of columns if these are few."""
    rows, columns = shape
    if rows < comm.size:
        return 0, rows, *share(columns, comm.rank, comm.size)
    return *share(rows, comm.rank, comm.size), 0, columns


def write(path, comm, driver):
    file = FrameFile(path, comm, driver=driver)
    for (population, variable), shape in SHAPES.items():
        file.add(population, variable, 'mV', shape, tile(shape, comm),
                 'f8' if variable == 'u' else 'f4',
                 None if population == 'inh' else 1)
    for low, high in PIECES:
        for (population, variable), shape in SHAPES.items():
            row0, row1, column0, column1 = tile(shape, comm)
            block = film(shape)[low:high, row0:row1, column0:column1]
            file.append(population, variable, np.arange(low, high)*2.0,
                        block)
        file.flush()
    file.close()


@pytest.mark.wheels
@pytest.mark.parallel(4)
def test_frames_do_not_depend_on_ranks_and_drivers(
        comm, first_ranks, shared_tmp_path, digest):
    drivers = ('mpi', 'serial') if h5py.get_config().mpi else ('serial',)
    for size in (1, 2, 3, 4):
        some = first_ranks(size)
        for driver in drivers if some else ():
            write(shared_tmp_path/f'{size}{driver}.h5', some, driver)

    comm.barrier()
    paths = sorted(shared_tmp_path.iterdir())
    found = [digest(path) for path in paths]
    assert len(found) == 4*len(drivers)
    assert all(other == found[0] for other in found)
    for (population, variable), shape in SHAPES.items():
        frames = read_frames(paths[0], population, variable)
        dtype = np.float64 if variable == 'u' else np.float32
        assert frames.data.dtype == dtype
        assert np.array_equal(frames.data, film(shape).astype(dtype))


def test_frames_come_back(tmp_path):
    path = tmp_path/'frames.h5'
    write(path, Alone(), 'serial')
    assert sorted(list_frames(path)) == sorted(SHAPES)
    frames = read_frames(path, 'exc', 'u', slice(4, 6))
    assert frames.unit == 'mV'
    assert frames.times.tolist() == [8.0, 10.0]
    assert np.array_equal(frames.data, film((12, 7))[4:6])
    with h5py.File(path, 'r') as file:
        assert file['frames/exc/v/data'].compression == 'gzip'
        assert file['frames/exc/v/time'].attrs['units'] == 'ms'


def test_wrong_frames_are_input_errors(tmp_path):
    write(tmp_path/'frames.h5', Alone(), 'serial')
    with pytest.raises(InputFileError, match='no frames exc/w; there are: '
                                             'exc/u, exc/v, inh/v'):
        read_frames(tmp_path/'frames.h5', 'exc', 'w')
    with pytest.raises(InputFileError, match='no file of frames'):
        list_frames(tmp_path/'none.h5')


def test_each_frame_has_a_time(tmp_path):
    file = FrameFile(tmp_path/'frames.h5', Alone())
    file.add('exc', 'v', 'mV', (2, 2), (0, 2, 0, 2))
    with pytest.raises(ValueError, match='1 times for 2 frames'):
        file.append('exc', 'v', np.zeros(1), np.zeros((2, 2, 2)))
    file.abandon()

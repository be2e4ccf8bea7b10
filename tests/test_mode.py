"""The set-up in use is the one that was asked for."""

import os

import pytest


@pytest.mark.wheels
@pytest.mark.parallel(2)
def test_parallel_hdf5_is_there_where_it_is_expected(comm):
    import h5py

    mode = 'parallel' if h5py.get_config().mpi else 'wheels'
    expected = os.environ.get('DSIM_EXPECT_MODE')

    assert comm.size == 2
    assert expected in (None, '', mode), (
        f'DSIM_EXPECT_MODE={expected}, but h5py makes it {mode}')

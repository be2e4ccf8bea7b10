"""dsim.io.provenance: a file tells what made it."""

import h5py
import numpy as np
import pytest

from dsim.errors import InputFileError
from dsim.io import provenance
from dsim.io.files import Alone, File


@pytest.mark.wheels
def test_facts_are_in_attributes_only(tmp_path):
    path = tmp_path/'x.h5'
    facts = provenance.gather(Alone(), 7, 'Some MPI 1.0\nbuilt on',
                              ['dsim', 'run', 'sheet.toml'])
    with File.create(path, Alone()) as file:
        provenance.record(file, facts, '[grid]\nshape = [2, 3]  # µ\n')
        provenance.record_timings(file, {'update': 0.5})
        provenance.record_timings(file, {'update': [1.0, 1.5, 2.0],
                                         'deliver': 3.0})

    found = provenance.read(path)
    assert found['model'] == '[grid]\nshape = [2, 3]  # µ\n'
    assert found['seed'] == 7 and found['ranks'] == 1
    assert found['mpi'] == 'Some MPI 1.0'
    assert found['command'] == 'dsim run sheet.toml'
    assert found['numpy'] == np.__version__
    assert found['timings']['update'].tolist() == [1.0, 1.5, 2.0]
    assert found['timings']['deliver'] == 3.0
    with h5py.File(path, 'r') as file:
        kinds = []
        file.visititems(lambda _, item: kinds.append(type(item)))
    assert h5py.Dataset not in kinds


def test_a_long_model_comes_back_whole(tmp_path):
    model = 'é'*100_000
    with File.create(tmp_path/'x.h5', Alone()) as file:
        provenance.record(file, {'seed': 1}, model)
    assert provenance.read(tmp_path/'x.h5')['model'] == model


def test_commit_is_read_from_git_files(tmp_path):
    commit = 'c0ffee'*6 + 'c0de'
    git = tmp_path/'main'/'.git'
    (git/'refs'/'heads').mkdir(parents=True)
    (git/'HEAD').write_text(f'{commit}\n')
    assert provenance.commit(tmp_path/'main') == commit
    (git/'HEAD').write_text('ref: refs/heads/work\n')
    assert provenance.commit(tmp_path/'main') == ''
    (git/'packed-refs').write_text(f'# pack\n{commit} refs/heads/work\n')
    assert provenance.commit(tmp_path/'main') == commit
    (git/'refs'/'heads'/'work').write_text('f00d'*10)
    assert provenance.commit(tmp_path/'main') == 'f00d'*10

    # A second work tree of the same repository
    tree = git/'worktrees'/'side'
    tree.mkdir(parents=True)
    (tree/'HEAD').write_text('ref: refs/heads/work\n')
    (tree/'commondir').write_text('../..\n')
    (tmp_path/'side').mkdir()
    (tmp_path/'side'/'.git').write_text(f'gitdir: {tree}\n')
    assert provenance.commit(tmp_path/'side') == 'f00d'*10
    assert provenance.commit(tmp_path) == ''


def test_a_file_of_others_tells_nothing(tmp_path):
    with h5py.File(tmp_path/'x.h5', 'w') as file:
        file['x'] = 1
    with pytest.raises(InputFileError, match='tells nothing'):
        provenance.read(tmp_path/'x.h5')

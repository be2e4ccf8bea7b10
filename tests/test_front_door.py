"""The public names, and what an import does not do."""

import ast
import subprocess
import sys
from pathlib import Path

import dsim


def test_public_names_are_there_and_sorted():
    assert len(dsim.__all__) == len(set(dsim.__all__))
    for name in dsim.__all__:
        assert getattr(dsim, name) is not None


def test_import_starts_no_mpi_and_writes_nothing(tmp_path):
    code = ("import sys, dsim; net = dsim.Network(); "
            "sys.exit('mpi4py.MPI' in sys.modules or 'h5py' in sys.modules)")
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path,
                          env=None, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stdout and not list(tmp_path.iterdir())


def test_every_public_name_has_a_docstring():
    for name in dsim.__all__:
        assert getattr(dsim, name).__doc__, name


def test_editors_see_the_same_names():
    stub = Path(dsim.__file__).with_suffix('.pyi').read_text()
    names = {alias.asname for node in ast.walk(ast.parse(stub))
             if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert names == set(dsim.__all__)

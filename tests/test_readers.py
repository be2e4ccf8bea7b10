"""The tools that people have, libsonata and bmtk, read what dsim wrote."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from dsim.io.files import Alone
from dsim.io.sonata import (
    Edges,
    Nodes,
    ReportFile,
    SpikeFile,
    write_edges,
    write_nodes,
)

libsonata = pytest.importorskip('libsonata')

STEPS, IDS = np.nonzero(np.random.default_rng(2).random((40, 60)) < 0.2)
TIMES = (STEPS + 1)*0.5
TAU = np.arange(60)/7
VALUES = np.arange(20*3, dtype=np.float32).reshape(20, 3)


def write_all(folder, comm):
    here = IDS % comm.size == comm.rank
    spikes = SpikeFile(folder/'spikes.h5', comm,
                       {'exc': 60, 'inh': 9, 'mute': 2},
                       lambda steps: (steps + 1)*0.5)
    spikes.append('exc', STEPS[here], IDS[here])
    spikes.append('inh', np.array([3]), np.array([comm.rank]))
    spikes.close()

    mine = np.flatnonzero(np.arange(60) % comm.size == comm.rank)
    write_nodes(folder/'nodes.h5', comm, {
        'exc': Nodes(60, mine, mine*0.5, mine*0.25, 'lif',
                     {'tau': TAU[mine], 'v_rest': -65.0})})
    mine = np.flatnonzero(np.arange(3) % comm.size == comm.rank)
    report = ReportFile(folder/'report.h5', comm, 'exc', np.array([1, 4, 7]),
                        mine, 'mV', 0.0, 10.0, 0.5)
    report.append(VALUES[:, mine])
    report.close()
    k = np.arange(10*comm.rank, 10*comm.rank + 10)
    write_edges(folder/'edges.h5', Edges('exc', 'inh', k, k % 9, k*0.5,
                                         k + 1.0), comm)


def read_with_libsonata(folder, ranks):
    spikes = libsonata.SpikeReader(str(folder/'spikes.h5'))
    assert spikes.get_population_names() == ['exc', 'inh', 'mute']
    assert spikes['exc'].sorting == 'by_time'
    found = spikes['exc'].get_dict()
    assert np.array_equal(found['timestamps'], TIMES)
    assert np.array_equal(found['node_ids'], IDS)
    assert spikes['inh'].get() == [(r, 2.0) for r in range(ranks)]
    assert spikes['mute'].get() == []

    nodes = libsonata.NodeStorage(str(folder/'nodes.h5'))
    assert nodes.population_names == {'exc'}
    exc = nodes.open_population('exc')
    every = exc.select_all()
    assert exc.size == 60
    assert np.array_equal(exc.get_attribute('x', every), np.arange(60)*0.5)
    assert np.array_equal(exc.get_attribute('y', every), np.arange(60)*0.25)
    assert np.array_equal(exc.get_dynamics_attribute('tau', every), TAU)

    report = libsonata.SomaReportReader(str(folder/'report.h5'))['exc']
    assert report.times == (0.0, 10.0, 0.5)
    assert (report.time_units, report.data_units) == ('ms', 'mV')
    assert report.sorted
    frames = report.get()
    assert frames.ids.tolist() == [1, 4, 7]
    assert np.allclose(frames.times, np.arange(20)*0.5)
    assert np.array_equal(frames.data, VALUES)

    edges = libsonata.EdgeStorage(str(folder/'edges.h5'))
    edges = edges.open_population('exc_to_inh')
    every = edges.select_all()
    k = np.arange(10*ranks)
    assert (edges.source, edges.target) == ('exc', 'inh')
    assert np.array_equal(edges.source_nodes(every), k)
    assert np.array_equal(edges.target_nodes(every), k % 9)
    assert np.array_equal(edges.get_attribute('syn_weight', every), k*0.5)
    assert np.array_equal(edges.get_attribute('delay', every), k + 1.0)


@pytest.mark.wheels
@pytest.mark.parallel(3)
def test_libsonata_reads_what_ranks_wrote(comm, shared_tmp_path):
    write_all(shared_tmp_path, comm)
    comm.barrier()
    read_with_libsonata(shared_tmp_path, comm.size)


def test_libsonata_reads_what_one_process_wrote(tmp_path):
    write_all(tmp_path, Alone())
    read_with_libsonata(tmp_path, 1)


BMTK = """
import json, sys
from bmtk.utils import sonata
from bmtk.utils.reports.compartment import CompartmentReport
from bmtk.utils.reports.spike_trains import SpikeTrains

folder = sys.argv[1]
spikes = SpikeTrains.load(f'{folder}/spikes.h5')
table = spikes.to_dataframe(populations='exc')
report = CompartmentReport.load(f'{folder}/report.h5')['exc']
network = sonata.File(f'{folder}/nodes.h5', f'{folder}/node_types.csv')
node = network.nodes['exc'].get_node_id(3)
print(json.dumps({
    'populations': sorted(spikes.populations),
    'timestamps': table['timestamps'].tolist(),
    'node_ids': table['node_ids'].tolist(),
    'times of 17': spikes.get_times(17, population='exc').tolist(),
    'report of': report.node_ids().tolist(),
    'values of 4': report.data(node_id=4)[:, 0].tolist(),
    'unit': report.units(),
    'place': [float(node[axis]) for axis in 'xyz'],
    'model': node['model_template'],
    'v_rest': float(node['v_rest']),
}))
"""


@pytest.mark.wheels
def test_bmtk_reads_spikes_report_and_nodes(tmp_path):
    pytest.importorskip('bmtk')
    write_all(tmp_path, Alone())
    # In a process of its own: bmtk asks MPI for its rank, started or not
    done = subprocess.run([sys.executable, '-c', BMTK, tmp_path], text=True,
                          capture_output=True, env=dict(os.environ),
                          timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        'populations': ['exc', 'inh', 'mute'],
        'timestamps': TIMES.tolist(),
        'node_ids': IDS.tolist(),
        'times of 17': TIMES[IDS == 17].tolist(),
        'report of': [1, 4, 7],
        'values of 4': VALUES[:, 1].tolist(),
        'unit': 'mV',
        'place': [1.5, 0.75, 0.0],
        'model': 'dsim:lif',
        'v_rest': -65.0,
    }

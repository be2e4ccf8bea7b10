"""SONATA files: spikes, nodes, edges and values of chosen neurons.

The layout is that of the SONATA developer guide 0.1, and where the guide
leaves a choice, the one that libsonata and bmtk both read.
"""

from dsim.io.sonata.edges import Edges, read_edges, write_edges
from dsim.io.sonata.nodes import Nodes, read_positions, write_nodes
from dsim.io.sonata.reports import Report, ReportFile, read_reports
from dsim.io.sonata.spikes import SpikeFile, read_spikes

__all__ = [
    'Edges', 'Nodes', 'Report', 'ReportFile', 'SpikeFile', 'read_edges',
    'read_positions', 'read_reports', 'read_spikes', 'write_edges',
    'write_nodes',
]

"""Connections without chance: one to one, and all to all."""

import numpy as np

from dsim.connectivity.base import Pairing, Rows, Rule, size
from dsim.errors import BadValue


class OneToOne(Rule):
    """Neuron k of the source to neuron k of the target."""

    name = 'one_to_one'
    spatial = False

    def check(self, pairing: Pairing) -> None:
        if tuple(pairing.source) != tuple(pairing.target):
            raise BadValue(
                self.name, pairing.name, 'between populations of one shape',
                f'the source is {pairing.source}, the target '
                f'{pairing.target}')

    def rows(self, pairing: Pairing, owners: np.ndarray) -> Rows:
        pointer = np.arange(owners.size + 1, dtype=np.int64)
        return Rows(pointer, owners, np.zeros_like(owners))

    def reach(self, pairing: Pairing) -> tuple[float, float]:
        return 0.0, 0.0

    def degree(self, pairing: Pairing) -> float:
        return 1.0

    def largest_indegree(self, pairing: Pairing) -> int | None:
        return 1


class AllToAll(Rule):
    """Every neuron of the source to every neuron of the target."""

    name = 'all_to_all'
    spatial = False

    def __init__(self, self_connections: bool = True):
        self.self_connections = bool(self_connections)

    def rows(self, pairing: Pairing, owners: np.ndarray) -> Rows:
        count = size(pairing.source)
        everyone = np.arange(count, dtype=np.int64)
        partners = np.tile(everyone, owners.size)
        if pairing.same and not self.self_connections:
            partners = partners[partners != np.repeat(owners, count)]
            count -= 1
        pointer = np.arange(owners.size + 1, dtype=np.int64)*count
        return Rows(pointer, partners, partners)

    def reach(self, pairing: Pairing) -> tuple[float, float]:
        return np.inf, np.inf

    def degree(self, pairing: Pairing) -> float:
        without = pairing.same and not self.self_connections
        return float(size(pairing.source) - without)

    def largest_indegree(self, pairing: Pairing) -> int | None:
        return size(pairing.source)

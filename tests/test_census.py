"""Weak scaling by counting: what a rank sends on 4 up to 256 ranks."""

import math

import pytest

from dsim.partitioning.axis import Reach
from dsim.partitioning.exchange import EXCHANGES
from dsim.partitioning.exchange.census import (
    Spread,
    counted,
    foretold,
    strong,
    weak,
)

TILES = [(16, 13), (16, 3)]
NEAR = [Reach(0, 0, 0.25, 0.25), Reach(1, 0, 0.1, 0.2)]
EVERYWHERE = [Reach(p, q, math.inf, math.inf) for p in (0, 1)
              for q in (0, 1)]
RATES = [10.0, 30.0]
RANKS = 4, 16, 64, 256


def weakly(name, reaches, ranks):
    """Count with the same spikes on each tile."""
    plan = weak(ranks, TILES, reaches)
    assert plan.tiling.total == ranks*16*16
    return counted(EXCHANGES[name], plan, 5, RATES, windows=3, seed=None)


def same(spread):
    """Return what all ranks have alike."""
    assert spread.least == spread.most
    return spread.most


def test_halo_costs_a_rank_the_same_on_any_number_of_ranks():
    found = {ranks: weakly('halo', NEAR, ranks) for ranks in RANKS}
    # On 2 x 2 tiles that close upon themselves there are three others
    assert [same(found[n].messages) for n in RANKS] == [3, 8, 8, 8]
    assert {same(found[n].stages) for n in RANKS} == {1}
    sizes = [same(found[n].bytes) for n in RANKS]
    assert sizes[1] == sizes[2] == sizes[3] > 30
    # The same cells are told of, in fewer messages
    assert 0 < sizes[1] - sizes[0] < 5*4

    # To the byte what one by one is foretold of a silent sheet
    for n in RANKS[1:]:
        silent = foretold(EXCHANGES['halo'], weak(n, TILES, NEAR), 5,
                          [0.0, 0.0], ranks=range(0, n, 7))
        assert silent.bytes == Spread(16, 16, 16) and silent.windows == 0


def test_hypercube_takes_a_stage_for_each_doubling():
    for ranks in RANKS:
        near = weakly('hypercube', NEAR, ranks)
        # Two along each axis lead to all neighbours; others have no message
        assert same(near.stages) == min(math.log2(ranks), 4)
        assert same(near.messages) == min(math.log2(ranks), 4)
        far = foretold(EXCHANGES['hypercube'],
                       weak(ranks, TILES, EVERYWHERE), 5, RATES)
        assert same(far.stages) == same(far.messages) == math.log2(ranks)
    far = weakly('hypercube', EVERYWHERE, 64)
    assert same(far.stages) == same(far.messages) == 6


def test_allgathers_bytes_grow_with_the_ranks():
    found = {ranks: weakly('allgather', NEAR, ranks).bytes
             for ranks in RANKS}
    for fewer, more in zip(RANKS, RANKS[1:], strict=False):
        growth = found[more].mean/found[fewer].mean
        assert growth == pytest.approx((more - 1)/(fewer - 1), rel=0.1)
    assert found[256].most < 1.02*found[256].least


def test_counted_is_what_was_foretold():
    for name, scheme in EXCHANGES.items():
        for plan in (weak(12, TILES, NEAR),
                     strong(9, [(40, 40), (20, 11)], NEAR, (False, True))):
            real = counted(scheme, plan, 4, RATES, dt=0.5, windows=12)
            told = foretold(scheme, plan, 4, RATES, dt=0.5)
            assert (real.messages, real.stages) == (told.messages,
                                                    told.stages)
            assert real.bytes.mean == pytest.approx(told.bytes.mean,
                                                    rel=0.05)
            assert real.scheme == name and real.windows == 12


def test_strong_scaling_shares_one_sheet():
    shapes, reaches = [(64, 48), (64, 16)], [
        Reach(p, q, 0.2, 0.2) for p in (0, 1) for q in (0, 1)]
    halo = [foretold(EXCHANGES['halo'], strong(n, shapes, reaches), 16,
                     [8.0, 8.0]) for n in (4, 16, 64)]
    assert {each.neurons for each in halo} == {4096}
    # Ever more others are in reach
    assert [each.messages.most for each in halo] == [2, 8, 24]
    assert halo[1].facts()['processes'] == (4, 4)


def test_any_number_of_ranks_by_plan_alone():
    for name, messages in ('halo', 8), ('hypercube', 4), ('allgather', 14):
        plan = weak(16384, TILES, NEAR)
        found = foretold(EXCHANGES[name], plan, 5, RATES, ranks=[0, 777])
        assert found.messages == Spread(messages, messages, messages)

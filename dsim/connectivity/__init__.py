"""The tables RULES and KERNELS: name -> model."""

from dsim.connectivity.base import Rule
from dsim.connectivity.bernoulli import PairwiseBernoulli
from dsim.connectivity.degree import FixedIndegree, FixedOutdegree
from dsim.connectivity.edges import Edges
from dsim.connectivity.fixed_total import FixedTotal
from dsim.connectivity.kernels import (
    Box,
    Disc,
    Exponential,
    Gaussian,
    Kernel,
    Profile,
    Ring,
    Uniform,
)
from dsim.connectivity.pairs import AllToAll, OneToOne
from dsim.connectivity.stencil import Stencil

RULES: dict[str, type[Rule]] = {
    rule.name: rule for rule in (
        AllToAll, Edges, FixedIndegree, FixedOutdegree, FixedTotal,
        OneToOne, PairwiseBernoulli, Stencil,
    )
}

KERNELS: dict[str, type[Kernel]] = {
    kernel.name: kernel for kernel in (
        Box, Disc, Exponential, Gaussian, Profile, Ring, Uniform,
    )
}

"""Pass spikes on in stages: what all schemes with stages have in common."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from dsim.partitioning.exchange.atlas import Held, Sieve
from dsim.partitioning.exchange.base import Exchange, Traffic
from dsim.partitioning.exchange.mail import Mail
from dsim.partitioning.exchange.packets import (
    Packer,
    Relay,
    Spikes,
    Unpacker,
    mark,
    message_bytes,
)
from dsim.partitioning.exchange.roll import Names, Patch
from dsim.partitioning.plan import HaloPlan


class Stage(NamedTuple):
    """A rank's part in one stage: at most one message out, some in.

    ``passing`` are the cells whose spikes, if the rank holds them, it
    passes on to the rank ``to``, None for nobody; ``arriving`` those of
    which each of the ``sources`` does.
    """

    to: int | None
    passing: Sieve
    sources: list[int]
    arriving: list[Sieve]


class Staged(Exchange):
    """In each stage a rank passes on some of what it holds by then.

    That is its own spikes of the window and all that came in the stages
    before, in one message.  A scheme tells `plan_stages`, which must take
    each spike to each rank at most once, on one way only.  The first
    stage's messages leave with `post`, the others' in `complete`.
    """

    def __init__(self, comm: Any, plan: HaloPlan,
                 mail_type: type[Mail] = Mail):
        super().__init__(comm, plan, mail_type)
        self._stages = self.plan_stages(plan, self.rank)
        grids = Patch.of(plan.tiling)
        self._relays = [Relay(grids, stage.passing.roll(grids))
                        for stage in self._stages]
        self._unpackers = [
            Unpacker(stage.sources, Names.on(
                [sieve.roll(grids) for sieve in stage.arriving],
                [grids]*len(stage.sources)))
            for stage in self._stages]

        # It has no rolls: it only looks whether all is in order
        self._packer = Packer(plan.tiling, self.rank, ())
        row, column = plan.tiling.processes.place(self.rank)
        self._held = Held(plan.tiling, Sieve(plan.lines.rows[row],
                                             plan.lines.columns[column]))
        self._next = 0

    @classmethod
    def plan_stages(cls, plan: HaloPlan, rank: int) -> list[Stage]:
        """Return the stages, in order, in which a rank takes part."""
        raise NotImplementedError

    @classmethod
    def predict(cls, plan: HaloPlan, rank: int, steps: int,
                spikes: Sequence[float]) -> Traffic:
        """Return what a rank will send in a window; see `Exchange`."""
        tiling, stages = plan.tiling, cls.plan_stages(plan, rank)
        rates = [fired/(tiling.size(p)*steps)
                 for p, fired in enumerate(spikes)]
        sizes = [message_bytes(steps, stage.passing.cells(tiling), rates)
                 for stage in stages if stage.to is not None]
        return Traffic(len(sizes), sum(sizes), len(stages))

    def _post(self, first_step: int, steps: int, spikes: Spikes) -> None:
        if not self._stages:
            return
        self._packer.pack(first_step, steps, spikes)
        self._held.begin(first_step, spikes)
        self._next = 0
        self._send(first_step, steps)
        self.stages += len(self._stages)

    def _complete(self, first_step: int, steps: int) -> Spikes:
        # Where a message is missing, another call goes on from there
        while self._next < len(self._stages):
            data, bounds = self.mail.fetch(self._stages[self._next].sources)
            at, numbers = self._unpackers[self._next].read(
                data, bounds, first_step, steps)
            self._held.add(at, numbers, 0)
            self._next += 1
            self._send(first_step, steps)

        self.mail.finish()
        return self._held.heard(first_step)

    def _send(self, first_step: int, steps: int) -> None:
        if self._next == len(self._stages):
            return
        to = self._stages[self._next].to
        if to is not None:
            held = self._held
            self.mail.send(to, self._relays[self._next].pack(
                mark(first_step, steps), held.table, held.count))

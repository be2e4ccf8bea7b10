"""What each exchange scheme promises: post a window, complete it, count."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from dsim.errors import LayoutError
from dsim.partitioning.exchange.mail import Mail
from dsim.partitioning.exchange.packets import Spikes
from dsim.partitioning.plan import HaloPlan


class Traffic(NamedTuple):
    """What one rank sends in one window; means, where rates are given."""

    messages: float
    bytes: float
    stages: float


class Exchange:
    """Carries the spikes of each window to the ranks that they reach.

    A scheme is built once, on all ranks, from a communicator and the halo
    plan, and used with two verbs in turn: `post` sends off a window,
    `complete` waits for the others' part of it.  A scheme fills in
    ``_post``, ``_complete`` and `predict`.
    """

    name = ''

    def __init__(self, comm: Any, plan: HaloPlan,
                 mail_type: type[Mail] = Mail):
        """Prepare for the rank of ``comm``: mpi4py's, or None for one rank.

        Raises LayoutError where the plan is for another number of ranks.
        """
        self.mail = mail_type(comm)
        self.rank, self.plan = self.mail.rank, plan
        self.stages = 0
        self._window: tuple[int, int] | None = None

        planned = plan.tiling.processes.size
        if self.mail.size != planned:
            raise LayoutError(
                f'the process grid {plan.tiling.processes} is for {planned} '
                f'ranks, this run has {self.mail.size}'
            )

    @property
    def messages(self) -> int:
        """The messages that this rank has sent so far."""
        return self.mail.messages

    @property
    def bytes(self) -> int:
        """The bytes that this rank has sent so far."""
        return self.mail.bytes

    def post(self, first_step: int, steps: int, spikes: Spikes) -> None:
        """Send this rank's spikes of a window on their way.

        The window is the ``steps`` steps from ``first_step`` on, the same
        on all ranks.  The spikes are in order of their steps, of this
        rank's neurons only, and each at most once in a step; else
        ValueError, where there is any rank to tell.  They may be
        overwritten when this returns.  RuntimeError before the last window
        is completed.
        """
        if self._window is not None:
            raise RuntimeError(
                f'rank {self.rank}: post() of step {first_step} before '
                f'complete() of the window from step {self._window[0]}'
            )
        self._post(first_step, steps, spikes)
        self._window = first_step, steps

    def complete(self) -> Spikes:
        """Return the others' spikes of the window that reach this rank.

        In order of step, then of the rank they come from, then of their
        numbers.  Own spikes are not among them.  RuntimeError if no window
        was posted.
        """
        if self._window is None:
            raise RuntimeError(
                f'rank {self.rank}: complete() without a post()')
        spikes = self._complete(*self._window)
        self._window = None
        return spikes

    @classmethod
    def predict(cls, plan: HaloPlan, rank: int, steps: int,
                spikes: Sequence[float]) -> Traffic:
        """Return what a rank will send in a window of ``steps`` steps.

        ``spikes`` is how many each population, on all ranks together, is
        expected to fire in the window, evenly over its neurons.
        """
        raise NotImplementedError

    def _post(self, first_step: int, steps: int, spikes: Spikes) -> None:
        raise NotImplementedError

    def _complete(self, first_step: int, steps: int) -> Spikes:
        raise NotImplementedError

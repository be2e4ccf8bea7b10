"""Claim: what a source says, and what was found here, side by side."""

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

COMPUTED = 'computed independently'
"""Source of a number that no paper has: another program found it."""

Job = TypeVar('Job')
Result = TypeVar('Result')


class Range(NamedTuple):
    """A claim that something lies between two numbers, both included."""

    low: float
    high: float

    def __str__(self) -> str:
        if math.isinf(self.high):
            return f'≥ {self.low:g}'
        if math.isinf(self.low):
            return f'≤ {self.high:g}'
        return f'{self.low:g} to {self.high:g}'


@dataclass(frozen=True)
class Claim:
    """One statement of a source, with ours beside it.

    ``value`` is what the source says: a number, numbers, text, or a
    `Range`; None if nothing is claimed and ``ours`` is only told.
    ``tolerance`` is the largest difference that still agrees.  ``source``
    says where the value is from, ``note`` what else one must know.
    ``repeatable`` is false for what a clock measured.
    """

    what: str
    value: Any
    ours: Any
    source: str
    unit: str = ''
    tolerance: float = 0.0
    note: str = ''
    repeatable: bool = True

    @property
    def holds(self) -> bool | None:
        """Whether ours agrees; None where nothing is claimed."""
        if self.value is None:
            return None
        if isinstance(self.value, Range):
            values = np.ravel(self.ours)
            return bool(np.all((values >= self.value.low)
                               & (values <= self.value.high)))
        if isinstance(self.value, str | bool):
            return bool(self.value == self.ours)
        said, found = np.asarray(self.value), np.asarray(self.ours)
        return bool(said.shape == found.shape
                    and np.all(abs(said - found) <= self.tolerance))

    @property
    def verdict(self) -> str:
        """PASS, differs, or measured."""
        return {True: 'PASS', False: 'differs', None: 'measured'}[self.holds]

    def row(self) -> dict[str, Any]:
        """Return all of it as plain numbers and text."""
        value = plain(self.value)
        if isinstance(self.value, Range):
            # JSON knows no infinity
            value = [x if math.isfinite(x) else None for x in self.value]
        return {'what': self.what, 'source says': value,
                'ours': plain(self.ours), 'unit': self.unit,
                'tolerance': self.tolerance, 'verdict': self.verdict,
                'source': self.source, 'note': self.note,
                'repeatable': self.repeatable}


def show(title: str, claims: Sequence[Claim], comm: Any,
         console: Console | None = None) -> None:
    """Print the claims as a table, on rank 0."""
    if comm.rank:
        return
    table = Table(title=title, title_justify='left', box=None,
                  header_style='bold', pad_edge=False)
    table.add_column('what', max_width=44)
    table.add_column('source says', justify='right', max_width=30)
    table.add_column('ours', justify='right', max_width=30)
    table.add_column('unit')
    table.add_column('')
    table.add_column('where from', style='dim', max_width=40)
    notes = list(dict.fromkeys(c.note for c in claims if c.note))
    styles = {'PASS': 'green', 'differs': 'bold red', 'measured': 'dim'}
    for claim in claims:
        mark = f' [{notes.index(claim.note) + 1}]' if claim.note else ''
        table.add_row(
            Text(claim.what + mark), written(claim.value),
            written(claim.ours), claim.unit,
            Text(claim.verdict, styles[claim.verdict]), claim.source)

    console = console or Console()
    console.print(table)
    for k, note in enumerate(notes):
        console.print(f'[{k + 1}] {note}', style='dim', markup=False,
                      highlight=False)
    console.print(summary(claims), markup=False, highlight=False)


def summary(claims: Sequence[Claim]) -> str:
    """Return how many claims agree, differ, and were only measured."""
    verdicts = [claim.verdict for claim in claims]
    differs = verdicts.count('differs')
    return (f'{verdicts.count("PASS")} agree, {differs} '
            f'{"differs" if differs == 1 else "differ"}, '
            f'{verdicts.count("measured")} measured without a claim')


def save(title: str, claims: Sequence[Claim], output: Path,
         comm: Any) -> None:
    """Write ``claims.json`` and ``claims.csv`` into ``output``, on rank 0."""
    if comm.rank:
        return
    rows = [claim.row() for claim in claims]
    (output/'claims.json').write_text(json.dumps(
        {'title': title, 'claims': rows}, indent=1, ensure_ascii=False)
        + '\n')
    write_csv(output/'claims.csv', rows)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that have the same keys; lists as JSON."""
    with open(path, 'w', newline='') as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow({
                key: json.dumps(value) if isinstance(value, list) else value
                for key, value in row.items()})


def plain(value: Any) -> Any:
    """Return numpy's numbers and arrays as Python's."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def written(value: Any) -> str:
    """Return a value as a table shows it."""
    if value is None:
        return ''
    if isinstance(value, Range | str):
        return str(value)
    if isinstance(value, bool | np.bool_):
        return 'yes' if value else 'no'
    if isinstance(value, np.ndarray | list | tuple):
        return ' '.join(written(each) for each in value)
    return f'{value:,.8g}'


def make_folder(output: str | Path, comm: Any) -> Path:
    """Make the folder for results; collective."""
    folder = Path(output)
    if comm.rank == 0:
        folder.mkdir(parents=True, exist_ok=True)
    comm.Barrier()
    return folder


@contextmanager
def alone(comm: Any) -> Iterator[Any]:
    """Give each rank a communicator of its own; collective."""
    solo = comm.Split(comm.rank, 0)
    try:
        yield solo
    finally:
        solo.Free()


def share(jobs: Iterable[Job], work: Callable[[Job], Result],
          comm: Any) -> list[Result]:
    """Return ``work(job)`` of each job, in order, on every rank.

    The ranks share the jobs, and a job must not talk to other ranks; its
    result must not depend on who works.  Collective.
    """
    todo = list(jobs)
    mine = {k: work(job) for k, job in enumerate(todo)
            if k % comm.size == comm.rank}
    found: dict[int, Result] = {}
    for part in comm.allgather(mine):
        found.update(part)
    return [found[k] for k in range(len(todo))]

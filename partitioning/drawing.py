"""Draw the process grid with its ranks and tiles as text."""

from collections.abc import Sequence

from dsim.partitioning.tiling import Tiling


def draw(tiling: Tiling, names: Sequence[str] | None = None,
         most: int = 16) -> str:
    """Return a map of the ranks with the shape of each one's tiles.

    ``names`` are those of the populations.  Of more than ``most`` process
    rows or columns the middle ones are folded away.  Plain ASCII, since not
    every cluster's terminal shows more.
    """
    grid = tiling.processes
    if names is None:
        names = [f'population {p}' for p in range(tiling.populations)]

    rows, columns = fold(grid.rows, most), fold(grid.columns, most)
    boxes = [[_box(tiling, row, column) for column in columns]
             for row in rows]
    width = max(len(text) for line in boxes for box in line for text in box)
    margin = max(len(name) for name in ['rank', *names])
    rule = ' '*margin + ' +' + ('-'*(width + 2) + '+')*len(columns)

    lines = [_title(tiling), rule]
    for line in boxes:
        for name, *texts in zip(['rank', *names], *line, strict=True):
            cells = ''.join(f' {text:>{width}} |' for text in texts)
            lines.append(f'{name:<{margin}} |{cells}')
        lines.append(rule)
    return '\n'.join(lines)


def fold(count: int, most: int) -> list[int | None]:
    """Return the first and last of ``count`` numbers, None for the rest."""
    if count <= most:
        return list(range(count))
    head, tail = most // 2, most - most // 2 - 1
    return [*range(head), None, *range(count - tail, count)]


def _title(tiling: Tiling) -> str:
    # Such as: 6 ranks, 2 x 3 tiles, periodic in rows
    grid = tiling.processes
    ranks = f'{grid.size} rank' + ('s' if grid.size > 1 else '')
    closed = [name for name, periodic
              in zip(('rows', 'columns'), grid.periodic, strict=True)
              if periodic]
    ends = f', periodic in {" and ".join(closed)}' if closed else ''
    return f'{ranks}, {grid} tiles{ends}'


def _box(tiling: Tiling, row: int | None, column: int | None) -> list[str]:
    # The rank and one line for each population; '-' where it has no cell
    if row is None or column is None:
        return ['...']*(tiling.populations + 1)

    rank = row*tiling.processes.columns + column
    shapes = [tiling.shape(p, rank) for p in range(tiling.populations)]
    return [str(rank), *(f'{shape[0]}x{shape[1]}' if min(shape) else '-'
                         for shape in shapes)]

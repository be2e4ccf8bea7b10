"""HTML of the page: tables, figures and the frame around them."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote

from dsim.report.style import Picture

STYLE = '''
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Helvetica Neue",
  Arial, sans-serif; color: #262626; background: #fff; margin: 0 auto;
  padding: 2rem 1.5rem 4rem; max-width: 800px; }
h1 { font-size: 1.7rem; font-weight: 600; margin: 0 0 .2rem; }
h2 { font-size: 1.15rem; font-weight: 600; margin: 2.6rem 0 .7rem;
  border-bottom: 1px solid #ddd; padding-bottom: .25rem; }
p { margin: .5rem 0; }
.quiet, figcaption { color: #5f5f5f; font-size: .88rem; }
.warning { background: #fff4e5; border-left: 4px solid #d55e00;
  padding: .6rem .9rem; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .88rem; width: 100%;
  font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; border-bottom: 1px solid #262626; }
th, td { padding: .25rem .7rem .25rem 0; vertical-align: top; }
td { border-bottom: 1px solid #eee; overflow-wrap: anywhere; }
th.number, td.number { text-align: right; white-space: nowrap; }
table.facts th { border-bottom: 1px solid #eee; white-space: nowrap;
  width: 9rem; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0; }
.figures > div { flex: 1 1 8rem; }
.figures b { display: block; font-size: 1.35rem; font-weight: 600; }
figure { margin: 1.5rem 0 2rem; }
figure img { max-width: 100%; height: auto; display: block; }
figcaption b { color: #262626; font-weight: 600; }
.swatch { display: inline-block; width: .75em; height: .75em;
  border-radius: 2px; margin-right: .45em; }
details { margin: .7rem 0; }
summary { cursor: pointer; font-weight: 600; }
pre { background: #f6f6f6; padding: .8rem 1rem; overflow-x: auto;
  font-size: .8rem; line-height: 1.4; }
@media print { details > pre { white-space: pre-wrap; } }
'''

KINDS = {'.png': 'image/png', '.gif': 'image/gif'}


class Cell(str):
    """HTML as it is; any other text of a table is escaped."""


def page(title: str, parts: Iterable[str]) -> str:
    """Return the whole page, which refers to nothing outside itself."""
    return ('<!DOCTYPE html>\n<html lang="en">\n<head>\n'
            '<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width">\n'
            f'<title>{escape(title)}</title>\n<style>{STYLE}</style>\n'
            '</head>\n<body>\n' + '\n'.join(parts) + '\n</body>\n</html>\n')


def swatch(colour: str, name: str) -> Cell:
    """Return a name with the colour that it has in the figures."""
    return Cell(f'<span class="swatch" style="background:{colour}"></span>'
                f'{escape(name)}')


def table(head: Sequence[str], rows: Iterable[Sequence[str]],
          left: int = 1) -> str:
    """Return a table; columns after the first ``left`` are numbers."""
    kinds = ['' if k < left else ' class="number"' for k in range(len(head))]
    lines = [''.join(f'<th{kind}>{_text(cell)}</th>' for kind, cell
                     in zip(kinds, head, strict=True))]
    lines += [''.join(f'<td{kind}>{_text(cell)}</td>' for kind, cell
                      in zip(kinds, row, strict=True)) for row in rows]
    return ('<table>\n' + '\n'.join(f'<tr>{line}</tr>' for line in lines)
            + '\n</table>')


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Return a table of names and what is known of them."""
    lines = [f'<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>'
             for name, value in rows]
    return '<table class="facts">\n' + '\n'.join(lines) + '\n</table>'


def figures(numbers: Iterable[tuple[str, str]]) -> str:
    """Return a line of numbers, each (number, what it is) below it."""
    return '<div class="figures">\n' + '\n'.join(
        f'<div><b>{_text(number)}</b><span class="quiet">{_text(what)}'
        '</span></div>' for number, what in numbers) + '\n</div>'


def picture(drawn: Picture, number: int) -> str:
    """Return a figure: embedded, and linked to the file beside the page."""
    data = base64.b64encode(drawn.path.read_bytes()).decode()
    kind = KINDS[drawn.path.suffix]
    link = quote(f'{drawn.path.parent.name}/{drawn.path.name}')
    title, caption = escape(drawn.title), escape(drawn.caption)
    return (f'<figure>\n<a href="{link}"><img width="{drawn.width}" '
            f'alt="{title}" src="data:{kind};base64,{data}"></a>\n'
            f'<figcaption><b>Figure {number}. {title}.</b> {caption}'
            '</figcaption>\n</figure>')


def folded(title: str, text: str) -> str:
    """Return a text that opens at a click."""
    return (f'<details>\n<summary>{escape(title)}</summary>\n'
            f'<pre>{escape(text)}</pre>\n</details>')


def heading(text: str) -> str:
    """Return the heading of a section."""
    return f'<h2>{escape(text)}</h2>'


def warning(text: str) -> str:
    """Return a box that nobody overlooks."""
    return f'<p class="warning">{escape(text)}</p>'


def paragraph(text: str) -> str:
    """Return a paragraph of small print."""
    return f'<p class="quiet">{escape(text)}</p>'


def _text(value: str) -> str:
    return value if isinstance(value, Cell) else escape(value)

"""The documentation: generated pages, links, examples, commands, names."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click import Group

import dsim
from dsim import reference
from dsim.cli import dsim as command_line

ROOT = Path(__file__).parent.parent
PAGES = ('README.md', 'jobs/README.md', 'jobs/models/README.md', *sorted(
    f'docs/{path.name}' for path in (ROOT/'docs').glob('*.md')))

SMALLER = {
    '(128, 128)': '(16, 16)', '(64, 64)': '(8, 8)',
    'run(1000.0)': 'run(20.0)',
}
"""What examples are run with, instead of what they show."""

FENCED = re.compile(r'^```(\w*)\n(.*?)^```$', re.M | re.S)
INLINE = re.compile(r'(?<!`)`([^`]+)`(?!`)')
LINK = re.compile(r'\[[^][]*\]\(([^)\s]+)\)')
COMMAND = re.compile(r'(?<!import )(?<!from )\bdsim ([a-z]\w*)([^\n`|#]*)')
FOLDERS = ('dsim', 'io', 'partitioning', 'jobs', 'docs', 'tests')


def text_of(page):
    return (ROOT/page).read_text(encoding='utf-8')


def prose(page):
    """A page without its fenced code."""
    return FENCED.sub('', text_of(page))


def examples(page):
    """The Python code of a page, in order."""
    return [code for language, code in FENCED.findall(text_of(page))
            if language == 'python']


def code(page):
    """All pieces of a page that are set as code, Python examples aside."""
    pieces = [text.replace('\\\n', ' ') for language, text
              in FENCED.findall(text_of(page)) if language != 'python']
    return pieces + INLINE.findall(prose(page))


def anchors(page):
    """The places of a page that a link can name, as GitHub does."""
    titles = re.findall(r'^#+ (.*)$', prose(page), re.M)
    return {re.sub(r'[^\w\- ]', '', title.lower()).replace(' ', '-')
            for title in titles}


@pytest.mark.parametrize('name', reference.PAGES)
def test_generated_pages_are_up_to_date(name):
    page = text_of(f'docs/{name}')
    assert page == reference.rewritten(page, reference.PAGES[name]), (
        f'docs/{name} is not what the tables of the models say; write it '
        'anew with: python -m dsim.reference')


def test_a_page_without_the_mark_is_refused():
    with pytest.raises(ValueError, match='python -m dsim.reference'):
        reference.rewritten('# A page\n', lambda: 'text')


def test_every_model_and_class_is_described():
    pages = text_of('docs/neurons.md') + text_of('docs/reference.md')
    described = re.findall(r'^`dsim\.(?:random\.)?(\w+)', pages, re.M)
    for table in (reference.NEURONS, reference.RULES, reference.KERNELS,
                  reference.DISTRIBUTIONS, reference.STIMULI):
        for cls in table.values():
            assert cls.__name__ in described


@pytest.mark.parametrize('page', PAGES)
def test_links_lead_somewhere(page):
    for link in LINK.findall(prose(page)):
        if re.match(r'\w+:', link):
            continue
        file, _, anchor = link.partition('#')
        there = (ROOT/page).parent/file if file else ROOT/page
        assert there.exists(), f'{page}: {link}: there is no {there}'
        if anchor:
            assert anchor in anchors(there), f'{page}: no heading {link}'


@pytest.mark.parametrize('page', [p for p in PAGES if examples(p)])
def test_examples_run(page, tmp_path):
    # Those of a page build on each other.  In a process of their own, since
    # a simulation starts MPI
    script = '\n'.join(examples(page))
    for shown, run in SMALLER.items():
        script = script.replace(shown, run)
    (tmp_path/'example.py').write_text(script, encoding='utf-8')
    done = subprocess.run(
        [sys.executable, 'example.py'], cwd=tmp_path, text=True,
        env=dict(os.environ), capture_output=True, timeout=120)
    assert done.returncode == 0, f'{page}: {done.stderr}'


def test_examples_show_what_is_made_smaller():
    shown = ''.join(text for page in PAGES for text in examples(page))
    assert all(text in shown for text in SMALLER)


@pytest.mark.parametrize('page', PAGES)
def test_commands_exist(page):
    for name, rest in COMMAND.findall('\n'.join(code(page))):
        assert name in command_line.commands, f'{page}: dsim {name}'
        command = command_line.commands[name]
        if isinstance(command, Group) and rest.split():
            # The benchmarks are commands of a command
            inner = rest.split()[0]
            assert inner in command.commands, f'{page}: dsim {name} {inner}'
            command = command.commands[inner]
        known = {'--help', *(option for parameter in command.params
                             for option in (*parameter.opts,
                                            *parameter.secondary_opts))}
        given = re.findall(r'--[a-z][a-z-]*', rest)
        assert set(given) <= known, f'{page}: dsim {name}{rest}'


@pytest.mark.parametrize('page', PAGES)
def test_names_and_files_exist(page):
    pieces = '\n'.join([*code(page), *examples(page)])
    for name in re.findall(r'\bdsim\.([A-Z]\w*)', pieces):
        assert name in dsim.__all__, f'{page}: dsim.{name}'
    for name in re.findall(r'\brandom\.([A-Z]\w*)', pieces):
        assert hasattr(dsim.random, name), f'{page}: random.{name}'
    for piece in INLINE.findall(prose(page)):
        if re.fullmatch(rf'(?:{"|".join(FOLDERS)})/[\w./-]*', piece):
            assert (ROOT/piece).exists(), f'{page}: there is no {piece}'


@pytest.mark.parametrize('line', [
    'dsim rnu model.toml', 'mpirun -n 2 dsim run model.toml --ste a=1'])
def test_that_a_wrong_command_is_found(line, tmp_path):
    page = tmp_path/'page.md'
    page.write_text(f'```\n{line}\n```\n')
    with pytest.raises(AssertionError, match='dsim r'):
        test_commands_exist(page)

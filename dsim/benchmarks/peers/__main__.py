"""python -m dsim.benchmarks.peers is dsim bench peers."""

import sys

import click

from dsim.benchmarks.peers.command import peers
from dsim.errors import DsimError

try:
    peers()
except DsimError as error:
    click.echo(f'error: {error}', err=True)
    sys.exit(2)

#!/usr/bin/env bash
# Set up, test packages included, and run the tests; what is given goes to
# pytest, for instance: jobs/test.sh -m "not slow" tests/test_restart.py
set -euo pipefail
unset CDPATH PYTHONPATH PYTHONHOME
cd "$(dirname "$0")/.."

jobs/setup.sh "${DSIM_MODE:-auto}" test
. "${DSIM_VENV:-.venv}/dsim.env"

exec "$DSIM_PYTHON" -m pytest "$@"

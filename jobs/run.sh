#!/usr/bin/env bash
# Run a dsim command on NP ranks (2), for instance
#
#   NP=4 jobs/run.sh run jobs/models/sheet.toml --output runs/sheet
#
# Paths are taken from the folder that one is in.
set -euo pipefail
unset CDPATH PYTHONPATH PYTHONHOME
root=$(cd "$(dirname "$0")/.." && pwd)

"$root/jobs/setup.sh"
. "$(cd "$root" && cd "${DSIM_VENV:-.venv}" && pwd)/dsim.env"

exec "$DSIM_MPIRUN" -n "${NP:-2}" "$DSIM_PYTHON" -m dsim "$@"

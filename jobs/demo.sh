#!/usr/bin/env bash
# Set up all that is needed, run a small cortical sheet on NP ranks (2), and say
# where its spikes and pictures are.
set -euo pipefail
unset CDPATH PYTHONPATH PYTHONHOME
cd "$(dirname "$0")/.."
output=runs/sheet

jobs/setup.sh
set_up=$SECONDS
. "${DSIM_VENV:-.venv}/dsim.env"

"$DSIM_MPIRUN" -n "${NP:-2}" "$DSIM_PYTHON" -m dsim \
    run jobs/models/sheet.toml --output "$output" --overwrite "$@"

echo
echo "set-up took $set_up s, the run $((SECONDS - set_up)) s ($DSIM_MODE mode)"
list() { find "$PWD/$output" -type f "${@:2}" | sort | sed "s|^|$1  |"; }
list "spikes  " -name 'spikes*.h5'
list "report  " -name '*.html'
list "pictures" \( -name '*.png' -o -name '*.svg' -o -name '*.gif' \)

#!/usr/bin/env bash
# Check the style with ruff and the types with mypy, in an environment of their
# own (.lint). With --fix: correct what ruff can correct, first.
set -euo pipefail
unset CDPATH PYTHONPATH PYTHONHOME
cd "$(dirname "$0")/.."

# The tools are those listed in setup.cfg under lint
python=.lint/venv/bin/python
needs=$(sed -n '/^lint =/,/^$/s/^    //p' setup.cfg)
if [ "$(cat .lint/installed 2> /dev/null)" != "$PWD $needs" ]; then
    echo "lint: installing" $needs >&2
    rm -rf .lint
    mkdir .lint
    python3 -m venv .lint/venv
    "$python" -m pip install -qq --disable-pip-version-check $needs
    echo "$PWD $needs" > .lint/installed
fi

# The package as it looks when installed: io and partitioning inside dsim
rm -rf .lint/types
mkdir -p .lint/types/dsim
for entry in dsim/*; do ln -s "../../../$entry" .lint/types/dsim/; done
ln -s ../../../io ../../../partitioning .lint/types/dsim/

if [ "${1:-}" = --fix ]; then
    "$python" -m ruff check --fix . || true
fi

failed=0
"$python" -m ruff check --output-format concise . || failed=1
"$python" -m mypy |
    sed 's#^\.lint/types/##; s#^dsim/\(io/\|partitioning/\)#\1#' || failed=1
exit $failed

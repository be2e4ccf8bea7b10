#!/usr/bin/env bash
# Make the environment that dsim runs in. Safe to run again: does only what is
# missing.
#
#   jobs/setup.sh [auto|parallel|wheels] [test]
#
#   parallel  Debian's or Ubuntu's Open MPI, mpi4py and parallel h5py, the rest
#             from PyPI
#   wheels    everything from PyPI, MPICH included; h5py is then without MPI
#   auto      what is there already, else parallel, else wheels (the default)
#   test      the packages that the tests need, too
#
# DSIM_MODE is the mode when none is given, DSIM_VENV the folder to make
# (.venv), PYTHON the interpreter for wheels (python3). What runs dsim sources
# dsim.env in that folder.
set -euo pipefail
unset CDPATH PYTHONPATH PYTHONHOME
cd "$(dirname "$0")/.."
root=$PWD

asked=${1:-${DSIM_MODE:-auto}}
extra=${2:-}
venv=${DSIM_VENV:-.venv}
[[ $venv = /* ]] || venv=$root/$venv
python=$venv/bin/python
apt_log=$root/.setup.apt.log

export PYTHONNOUSERSITE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
export PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

say() { echo "setup: $*" >&2; }

case $asked in auto | parallel | wheels) ;; *)
    say "unknown mode '$asked': give auto, parallel or wheels"
    exit 2
    ;;
esac
case $extra in '' | test) ;; *)
    say "unknown word '$extra': give test or nothing"
    exit 2
    ;;
esac


# --- is parallel HDF5 to be had? -------------------------------------------

debian_parallel() {
    [ -x /usr/bin/mpirun.openmpi ] &&
        H5PY_ALWAYS_USE_MPI=1 OMPI_ALLOW_RUN_AS_ROOT=1 \
            OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 /usr/bin/python3 -c '
import ensurepip, sys
import h5py, mpi4py.MPI
assert sys.version_info >= (3, 11) and h5py.get_config().mpi
' > /dev/null 2>&1
}

apt_install() {
    local packages="openmpi-bin python3-mpi4py python3-h5py-mpi python3-venv"
    local as_root=() apt

    if ! command -v apt-get > /dev/null; then
        say "no apt-get here, so no Debian packages"
        return 1
    fi
    if ! /usr/bin/python3 -c 'import sys; assert sys.version_info >= (3, 11)' \
        2> /dev/null; then
        say "the system's Python is missing or older than 3.11"
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        if ! sudo -n true 2> /dev/null; then
            say "not root, and no sudo without a password. To have the" \
                "parallel mode, have this installed: $packages"
            return 1
        fi
        as_root=(sudo -n)
    fi

    say "installing Debian's $packages"
    apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q
        -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3)
    install_all() {
        # shellcheck disable=SC2086
        ${as_root[@]+"${as_root[@]}"} "${apt[@]}" install -y \
            --no-install-recommends $packages
    }

    # The lists are fetched only where those at hand, if any, will not do
    { install_all || {
        ${as_root[@]+"${as_root[@]}"} "${apt[@]}" update && install_all
    }; } > "$apt_log" 2>&1 || {
        say "apt failed: $(grep '^E:' "$apt_log" | head -n 1)"
        return 1
    }
}

find_parallel() {
    debian_parallel || { apt_install && debian_parallel; }
}


# --- filling the environment -----------------------------------------------

# The lines of a list in setup.cfg, but for the packages named
needs() {
    "$python" - "$@" << 'END'
import configparser
import re
import sys

section, key, *without = sys.argv[1:]
config = configparser.ConfigParser(interpolation=None)
config.read('setup.cfg')

for line in config[section][key].strip().splitlines():
    if re.match(r'[\w.-]+', line)[0] not in without:
        print(line)
END
}

pip() { "$python" -m pip "$@"; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 \
        /usr/bin/python3}; do
        if "$candidate" -c '
import ensurepip, sys, venv
assert sys.version_info >= (3, 11)' 2> /dev/null; then
            echo "$candidate"
            return
        fi
    done
    say "found no Python >= 3.11 that can make virtual environments" \
        "(on Debian, install python3-venv; or set PYTHON)"
    return 1
}

make_venv() {
    local base
    rm -rf "$venv"
    if [ "$mode" = parallel ]; then
        /usr/bin/python3 -m venv --system-site-packages "$venv"
    else
        base=$(find_python) || return 1
        "$base" -m venv "$venv"
    fi
}

requirements() {
    if [ "$mode" = parallel ]; then
        # Debian's own h5py and mpi4py stay, and so does the numpy that they
        # were compiled for, up to the next major version
        needs options install_requires h5py mpi4py
        /usr/bin/python3 -c '
import numpy
major = int(numpy.__version__.split(".")[0])
print(f"numpy<{major + 1}")'
    else
        needs options install_requires
        needs options.extras_require mpi
    fi
    if [ -n "$extra" ]; then
        needs options.extras_require test bmtk
    fi
}

install_packages() {
    local bare=(-e "$root")
    if [ -n "$extra" ]; then
        bare+=("$(needs options.extras_require test | grep '^bmtk')")
    fi

    requirements > "$venv/dsim.requirements"
    pip install -qq --no-warn-conflicts -r "$venv/dsim.requirements" &&
        pip install -qq --no-deps "${bare[@]}"
}

write_env() {
    local mpirun=$venv/bin/mpirun
    if [ "$mode" = parallel ]; then
        mpirun=/usr/bin/mpirun.openmpi
        printf '#!/bin/sh\nexec %s "$@"\n' "$mpirun" > "$venv/bin/mpirun"
        chmod +x "$venv/bin/mpirun"
    fi

    {
        printf 'export DSIM_MODE=%s DSIM_PYTHON=%q DSIM_MPIRUN=%q\n' \
            "$mode" "$python" "$mpirun"
        printf 'export PATH=%q:$PATH\n' "$venv/bin"
        cat << 'END'
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1

# Open MPI: as root, more ranks than cores, several jobs at once
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_MCA_btl_base_warn_component_unused=0
export OMPI_MCA_orte_execute_quiet=1

# a rank is a process with one thread, unless told otherwise
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
export OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-1}
export NUMBA_NUM_THREADS=${NUMBA_NUM_THREADS:-1}

END
        echo '# compiled code of another numpy must not be taken for ours'
        printf 'export NUMBA_CACHE_DIR=${NUMBA_CACHE_DIR:-%q}\n' \
            "$venv/numba-cache"
        if [ "$mode" = parallel ]; then
            echo
            echo "# Debian's h5py is without MPI unless told so"
            echo 'export H5PY_ALWAYS_USE_MPI=1'
        fi
    } > "$venv/dsim.env"
}

works() {
    (
        # shellcheck disable=SC1091
        . "$venv/dsim.env"
        "$python" -c '
import os
import click, h5py, matplotlib, mpi4py.MPI, numba, numpy, PIL, rich, scipy
assert h5py.get_config().mpi or os.environ["DSIM_MODE"] == "wheels", (
    "h5py is without MPI")'
    )
}


# --- what is there, what is wanted -----------------------------------------

# stamp: the mode, a sum of the files that say what to install, "test" if the
# test packages are there, and the folder, which can not be moved
stamp=$venv/dsim.stamp
sum=$(cat setup.cfg pyproject.toml jobs/setup.sh | cksum | cut -d ' ' -f 1)

read_stamp() {
    had_mode='' had_sum='' had_extra='' had_venv=''
    if [ -f "$stamp" ]; then
        read -r had_mode had_sum had_extra had_venv < "$stamp" || true
    fi
    if [ "$had_venv" != "$venv" ] || ! "$python" -c '' 2> /dev/null; then
        had_mode=''
    fi
    if [ "$had_mode" = parallel ] && [ ! -x /usr/bin/mpirun.openmpi ]; then
        had_mode=''
    fi
}

ready() {
    [[ $asked = "$had_mode" && $had_sum = "$sum" ]] &&
        [[ -z $extra || $had_extra = test ]]
}

fill() {
    mode=$1
    if [ "$had_mode" != "$mode" ]; then
        say "making ${venv#"$root/"} ($mode mode)"
        make_venv || return 1
        had_mode=$mode had_extra=none
    fi
    if [ "$had_extra" = test ]; then extra=test; fi

    rm -f "$stamp"
    say "installing packages from PyPI${extra:+, those for tests too}"
    # The function runs behind ||, where set -e sleeps: hence && throughout
    install_packages && write_env && works &&
        echo "$mode $sum ${extra:-none} $venv" > "$stamp" || {
        say "the $mode mode could not be installed (see above)"
        return 1
    }
}

fall_back() {
    say '*************************************************************'
    say '** NO PARALLEL HDF5 HERE: going on in the wheels mode, with'
    say '** MPICH and an h5py without MPI, both from PyPI. To try for'
    say '** parallel HDF5 again: jobs/setup.sh parallel'
    say '*************************************************************'
    fill wheels
}

if command -v flock > /dev/null; then
    exec 9> "$root/.setup.lock"
    flock -n 9 || { say "waiting for another set-up to end"; flock 9; }
fi

read_stamp
if [ "$asked" = auto ] && [ "$had_sum" = "$sum" ]; then
    asked=${had_mode:-auto}
fi
if ready; then
    say "$had_mode mode, ready in ${venv#"$root/"}"
    exit
fi

case $asked in
    wheels) fill wheels ;;
    parallel)
        find_parallel || {
            say "no parallel HDF5 here (what apt said, if it ran, is in" \
                "${apt_log#"$root/"})"
            exit 1
        }
        fill parallel
        ;;
    auto) { find_parallel && fill parallel; } || fall_back ;;
esac
say "$mode mode, ready in ${venv#"$root/"} after $SECONDS s"

#!/bin/sh
# Makes the environment that cm runs in, from wheels of this machine and pinned versions.
# Its arguments are options of `python -m venv`.
. /opt/cm/net
python=$(cat /opt/cm/python)
umask 022
"$python" -m venv "$@" /opt/cm/venv || {
    echo "cm-build: the base image's Python ($python) cannot make a virtual environment" >&2
    exit 3
}
offline=
[ -d /opt/cm/wheels/house ] && offline="--no-index --find-links /opt/cm/wheels/house"
cd /opt/cm/wheels || exit 3
# shellcheck disable=SC2086 - several words
/opt/cm/venv/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check \
    $offline -r requirements.txt || {
    echo "cm-build: pip could not install cm and its plugins in the image; its own message stands above" >&2
    exit 3
}
exec /opt/cm/venv/bin/python /opt/cm/opened.py

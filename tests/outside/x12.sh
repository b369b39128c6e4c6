#!/usr/bin/env bash
# Claims the gateway writes, under an X12 validator written by others.
set -euo pipefail
work="$1"
here="$(cd "$(dirname "$0")" && pwd)"
mkdir -p "$work"
venv="${OUTSIDE_TMP:-$work}/venv-x12"
if ! [ -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements-x12.txt"
fi
"$venv/bin/python" "$here/x12.py"

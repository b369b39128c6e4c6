#!/usr/bin/env bash
# FHIR the gateway writes, against models of FHIR R4 4.0.1 made by others.
set -euo pipefail
work="$1"
here="$(cd "$(dirname "$0")" && pwd)"
mkdir -p "$work"
venv="${OUTSIDE_TMP:-$work}/venv"
if ! [ -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
fi
"$venv/bin/python" "$here/fhir.py" "$work"

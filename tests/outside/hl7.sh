#!/usr/bin/env bash
# HL7 v2 the gateway writes, read by a parser made by others; and a client made by others that gets
# its answers over MLLP.
set -euo pipefail
work="$1"
here="$(cd "$(dirname "$0")" && pwd)"
mkdir -p "$work"
venv="${OUTSIDE_TMP:-$work}/venv-hl7"
if ! [ -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check hl7apy==1.3.5 hl7==0.4.5
fi
"$venv/bin/python" "$here/hl7v2.py" "$work"

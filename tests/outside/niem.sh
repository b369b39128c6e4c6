#!/usr/bin/env bash
# County exchange documents against the shipped XSD under libxml2.
set -euo pipefail
work="$1"
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
subset="${NIEM_SUBSET:-}"
if ! [ -f "$subset/niem-core.xsd" ]; then
  echo "skipped: no NIEM 6.0 schemas. Set NIEM_SUBSET to a folder with niem-core.xsd and" \
    "domains/hs.xsd; they are not shipped with Kinbridge."
  exit 0
fi
if ! command -v xmllint >/dev/null; then
  (apt-get update -qq && apt-get install -y -qq libxml2-utils) >/dev/null
fi
mkdir -p "$work/xsd"
cp "$root"/schemas/formats/county-niem/1.0/xsd/*.xsd "$work/xsd/"
ln -s "$(cd "$subset" && pwd)" "$work/xsd/niem"
python3 "$here/niem.py" "$work"

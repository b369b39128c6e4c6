"""Puts the FHIR resources of a folder, one JSON file each, into one Bundle.

    python3 tests/outside/assemble_bundle.py FOLDER [--type transaction] [--only Patient,Task] > b.json

For trying the gateway on published examples; files are taken by name, oldest Task first.
"""

import argparse
import json
import pathlib
import sys


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--type", default="collection")
    options.add_argument("--only", help="resource types, comma separated")
    args = options.parse_args()
    wanted = set(args.only.split(",")) if args.only else None
    entries = []
    for path in sorted(args.folder.glob("*.json")):
        resource = json.loads(path.read_text(encoding="utf-8-sig"))
        kind = resource.get("resourceType")
        if not kind or (wanted and kind not in wanted):
            continue
        entry = {"resource": resource}
        if args.type == "transaction":
            entry["request"] = {"method": "PUT", "url": f"{kind}/{resource['id']}"}
        entries.append(entry)
    json.dump({"resourceType": "Bundle", "type": args.type, "entry": entries}, sys.stdout, indent=1)


main()

"""FHIR R4 as the gateway writes it, read by fhir.resources' R4 models."""

import json
import pathlib
import sys

from fhir.resources import construct_fhir_element

from road import fixtures, report, translate, verdict

WORK = pathlib.Path(sys.argv[1])
FORMAT = "fhir-r4/4.0"


def main():
    failures, checked = [], 0
    for source in ("kinbridge-json/1.0", "county-niem/1.0", FORMAT):
        for record, case, path in fixtures(source.split("/")[0]):
            if path.suffix == ".ndjson" or verdict(source, path):
                continue
            name = f"{source} {record}/{case}"
            out, why = translate(source, FORMAT, path)
            checked += 1
            if out is None:
                failures.append(f"{name}: not translated: {why}")
                continue
            for line in out.decode().splitlines():
                try:
                    document = json.loads(line)
                    construct_fhir_element(document["resourceType"], document)
                except ValueError as error:
                    failures.append(f"{name}: {error}")
    report(failures, checked, "fhir-r4 under fhir.resources")


main()

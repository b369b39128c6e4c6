"""FHIR R4 as the gateway writes it, read by fhir.resources' R4 models."""

import json

from fhir.resources import construct_fhir_element

from road import ROOT, fixtures, in_parallel, report, translate, verdict

FORMAT = "fhir-r4/4.0"


def written(job):
    """What the gateway writes from one good file; a failure or nothing."""
    source, record, case, path = job
    if path.suffix == ".ndjson" or verdict(source, path):
        return None
    name = f"{source} {record}/{case}"
    out, why = translate(source, FORMAT, path)
    if out is None:
        return f"{name}: not translated: {why}"
    try:
        for line in out.decode().splitlines():
            document = json.loads(line)
            construct_fhir_element(document["resourceType"], document)
    except ValueError as error:
        return f"{name}: {error}"
    return None


def main():
    sources = ("kinbridge-json/1.0", "county-niem/1.0", FORMAT)
    jobs = [(s, *case) for s in sources for case in fixtures(s.split("/")[0])]
    # A record type without a home in FHIR is not written.
    jobs = [job for job in jobs if (ROOT / "mappings" / FORMAT / f"{job[1]}.toml").exists()]
    report(in_parallel(written, jobs), len(jobs), "fhir-r4 under fhir.resources")


main()

"""FHIR R4 as the gateway writes it, read by fhir.resources' R4 models, as JSON and as XML.

    fhir.py FOLDER

Leaves what was written in FOLDER/documents.ndjson, for the next validator.
"""

import json
import pathlib
import sys
import threading

from fhir.resources import construct_fhir_element, get_fhir_model_class
from fhir.resources.core.utils.xml import xml_loads

from road import ROOT, fixtures, in_parallel, report, translate, verdict

FORMAT = "fhir-r4/4.0"
XML = "application/fhir+xml"
HEAD = "<?xml"
DOCUMENTS = pathlib.Path(sys.argv[1]) / "documents.ndjson"
ALONE = threading.Lock()


def as_json(text):
    """Every document of a file, by the models."""
    for line in text.splitlines():
        document = json.loads(line)
        yield construct_fhir_element(document["resourceType"], document)


def as_xml(text, kinds):
    """The same of a file of XML documents one after another, of these types."""
    for kind, rest in zip(kinds, text.split(HEAD)[1:], strict=True):
        yield xml_loads(get_fhir_model_class(kind), (HEAD + rest).strip().encode())


def written(job):
    """What the gateway writes from one good file; a failure or nothing."""
    source, record, case, path = job
    if path.suffix == ".ndjson" or verdict(source, path):
        return None
    name = f"{source} {record}/{case}"
    out, why = translate(source, FORMAT, path)
    other, why_not = translate(source, FORMAT, path, XML)
    if out is None or other is None:
        return f"{name}: not translated: {why}{why_not}"
    try:
        documents = list(as_json(out.decode()))
        kinds = [document.resource_type for document in documents]
        if list(as_xml(other.decode(), kinds)) != documents:
            return f"{name}: something else as XML"
        with ALONE, DOCUMENTS.open("a") as kept:
            for line in out.decode().splitlines():
                kept.write(json.dumps({"name": name, "document": json.loads(line)}) + "\n")
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

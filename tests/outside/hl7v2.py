"""HL7 v2 as the gateway writes it, parsed by hl7apy; its answers over MLLP, taken by hl7's client."""

import pathlib
import socket
import subprocess
import sys

import hl7
from hl7.client import MLLPClient
from hl7apy.parser import parse_message

from road import KINBRIDGE, ROOT, fixtures, in_parallel, report, translate, verdict

FORMAT = "hl7v2/2.5.1"

PARTNER = """
id = "clinic"
name = "Clinic"
role = "mhp"
mode = "test"
agreement = [
  { id = "1", kind = "contract_10850" }, { id = "2", kind = "baa" }, { id = "3", kind = "qsoa" },
  { id = "4", kind = "county_contract", with = "clinic" },
]

[[channel]]
name = "messages"
direction = "in"
format = "hl7v2/2.5.1"
records = ["person", "service-referral", "cft-meeting", "safety-item", "cans-assessment", "screening-instrument"]
service_source = "referral"
"""


def written(job):
    """What the gateway writes from one good file; a failure or nothing."""
    source, record, case, path = job
    if path.suffix == ".ndjson" or verdict(source, path):
        return None
    name = f"{source} {record}/{case}"
    out, why = translate(source, FORMAT, path)
    if out is None:
        return f"{name}: not translated: {why}"
    for text in messages(out.decode()):
        try:
            parsed = parse_message(text, find_groups=True, force_validation=False)
        except Exception as error:  # whatever another's parser says is what we want to hear
            return f"{name}: {error!r}"
        if parsed.msh.msh_12.to_er7() != "2.5.1":
            return f"{name}: another version"
        if len(hl7.parse(text)) != text.count("\r"):
            return f"{name}: segments are told apart otherwise"
    return None


def messages(text):
    """Messages of a text, each with CR behind every segment."""
    lines = [line for line in text.replace("\n", "\r").split("\r") if line]
    out = []
    for line in lines:
        if line.startswith("MSH"):
            out.append("")
        if out:
            out[-1] += line + "\r"
    return out


def free_port():
    """A port of loopback nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def acknowledged(work):
    """Every good fixture and some bad ones over MLLP: what each answer says."""
    catalog = work / "catalog" / "mappings" / "partners"
    catalog.mkdir(parents=True, exist_ok=True)
    (catalog / "clinic.toml").write_text(PARTNER)
    ports = [free_port() for _ in range(3)]
    settings = work / "kinbridge.toml"
    settings.write_text(
        f'data_dir = "{work}/data"\ncatalog = ["{work}/catalog"]\n[listen]\n'
        f'address = "127.0.0.1:{ports[0]}"\nmetrics_address = "127.0.0.1:{ports[1]}"\n'
        f'mllp_address = "127.0.0.1:{ports[2]}"\nmllp_partner = "clinic"\n')
    server = subprocess.Popen(
        [KINBRIDGE, "serve", "--config", str(settings)], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=open(work / "log", "w"), text=True)
    try:
        if not server.stdout.readline().startswith("kinbridge listens"):
            return ["the gateway did not start"], 1
        return spoken(ports[2])
    finally:
        server.terminate()
        server.wait(timeout=20)


def spoken(port):
    """Sends each fixture; AA for what the gateway takes, AE for what it has errors on."""
    failures, sent = [], 0
    for record, case, path in fixtures("hl7v2"):
        texts = messages(path.read_bytes().decode("latin-1"))
        if len(texts) != 1 or b"BHS" in path.read_bytes() or b"\\&|" not in path.read_bytes():
            continue
        wrong = verdict(FORMAT, path)
        # A connection of its own each: one that is ended tells of one message alone.
        with MLLPClient("127.0.0.1", port) as client:
            answer = hl7.parse(client.send_message(texts[0].encode("latin-1")).decode("latin-1"))
        sent += 1
        code, control = str(answer.segment("MSA")[1]), str(answer.segment("MSA")[2])
        if code != ("AE" if wrong else "AA"):
            failures.append(f"{record}/{case}: {code}, findings {wrong}")
        if control != str(hl7.parse(texts[0]).segment("MSH")[10]):
            failures.append(f"{record}/{case}: another control id")
        if wrong and not any(str(one[0]) == "ERR" for one in answer):
            failures.append(f"{record}/{case}: no ERR")
    return failures, sent


def main():
    work = pathlib.Path(sys.argv[1])
    sources = ("kinbridge-json/1.0", FORMAT)
    jobs = [(s, *case) for s in sources for case in fixtures(s.split("/")[0])]
    jobs = [job for job in jobs if (ROOT / "mappings" / FORMAT / f"{job[1]}.toml").exists()]
    failures = in_parallel(written, jobs)
    said, sent = acknowledged(work)
    report(failures + said, len(jobs) + sent, "hl7v2 under hl7apy, and MLLP under hl7's client")


main()

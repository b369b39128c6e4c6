"""What the outside checks share: the executable, the fixtures and how they are run."""

import concurrent.futures
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINBRIDGE = os.environ["KINBRIDGE"]


def fixtures(fmt):
    """Every input file of a format, with its record type and case."""
    for folder in sorted((ROOT / "fixtures" / fmt).iterdir()):
        for case in sorted(folder.iterdir()) if folder.is_dir() else []:
            for path in sorted(case.glob("input.*")):
                yield folder.name, case.name, path


def verdict(fmt, path):
    """Codes of the findings at error level the gateway has on a file."""
    run = subprocess.run(
        [KINBRIDGE, "validate", "--format", fmt, "--output", "json", str(path)],
        capture_output=True, text=True, cwd=ROOT, check=False)
    if run.returncode not in (0, 1):
        raise SystemExit(f"validate {path}: exit {run.returncode}\n{run.stderr}")
    return [f["code"] for f in json.loads(run.stdout) if f["severity"] == "error"]


def translate(source, target, path, media=None):
    """Bytes of one file in another format, or None when the gateway refuses it."""
    asked = ["--media", media] if media else []
    run = subprocess.run(
        [KINBRIDGE, "translate", "--from", source, "--to", target, *asked, str(path)],
        capture_output=True, cwd=ROOT, check=False)
    return (run.stdout, "") if run.returncode == 0 else (None, run.stderr.decode())


def in_parallel(check, jobs):
    """Runs a check on every job, one per processor at a time; what failed, in order."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [failure for failure in pool.map(check, jobs) if failure]


def report(failures, checked, what):
    """Prints the outcome and ends the program."""
    for failure in failures:
        print("FAILED", failure)
    print(f"{what}: {checked} checked, {len(failures)} failed")
    raise SystemExit(1 if failures or checked == 0 else 0)

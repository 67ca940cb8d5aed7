"""`make api-version CANDIDATE=16.2.0`: what would break with that release of the `stripe` package.

Runs the corpus, compares all that the service read with what the candidate's source says, and exits with 1 if something would
break, or if the corpus does not reach all that the service reads; with 2 if there is no such candidate.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import stripe

from tests.api_version.comparison import breaks
from tests.api_version.declared import NoTypes, Package
from tests.api_version.readers import unreached
from tests.api_version.recording import Record
from tests.architecture.source import ROOT

# The contract of the gateways against the emulator, and every event that is handled.
CORPUS = ("tests/contracts/stripe", "tests/api_version/test_corpus.py")
_OF_THEM = "emulated or by-token or test_probe or test_corpus"
_VERSION = re.compile(r"\d+(\.\d+)+\w*")


class NoCandidate(Exception):
    """There is nothing to compare with; the text says why, in a sentence."""


class CorpusFailed(Exception):
    """Its tests fail; the text is their report."""


def main(arguments: list[str]) -> int:
    version = (arguments[0] if arguments else "") or stripe.VERSION
    with tempfile.TemporaryDirectory() as scratch:
        try:
            candidate = find_candidate(version, Path(scratch))
            tell(
                f"Recording what the service reads of Stripe's objects, to compare it with stripe {version} ..."
            )
            record = run_corpus(Path(scratch))
        except NoCandidate as reason:
            tell(str(reason))
            return 2
        except CorpusFailed as report:
            tell(f"{report}\nThe corpus fails, so nothing was compared.")
            return 1
        return compare(record, version, candidate)


def compare(record: Record, version: str, candidate: Package) -> int:
    gaps = unreached(record)
    found = breaks(record.reads, installed(), candidate)
    objects = {keys[0] for keys in record.reads}
    tell(f"{len(record.reads)} members of {len(objects)} kinds of objects were read.\n")
    if gaps:
        tell("The corpus does not reach all that is read; it needs a test that does:\n")
        tell("\n".join(f"  {gap}" for gap in gaps) + "\n")
    if found:
        tell("\n\n".join(f"  {each}".replace("\n", "\n  ") for each in found) + "\n")
    would = f"{len(found)} would break" if found else "Nothing would break"
    tell(f"{would} with stripe {version}, API version {candidate.api_version}.")
    return 1 if gaps or found else 0


def installed() -> Package:
    return Package(Path(stripe.__file__).parents[1])


def find_candidate(version: str, scratch: Path) -> Package:
    if version == stripe.VERSION:
        return installed()
    if not _VERSION.fullmatch(version):
        raise NoCandidate(
            f"CANDIDATE is a version of the stripe package, such as {stripe.VERSION}, and not {version!r}."
        )
    options = "--disable-pip-version-check --no-input --quiet --timeout=20 --retries=1 --no-deps --only-binary=:all:"
    download = [sys.executable, "-m", "pip", "download", *options.split(), "--dest", str(scratch)]
    done = subprocess.run([*download, f"stripe=={version}"], capture_output=True, text=True)
    wheels = list(scratch.glob("stripe-*.whl"))
    if done.returncode or not wheels:
        raise NoCandidate(f"stripe {version} could not be downloaded: {_reason(done.stderr)}")
    folder = scratch / "candidate"
    zipfile.ZipFile(wheels[0]).extractall(folder)
    try:
        return Package(folder)
    except NoTypes:
        raise NoCandidate(f"stripe {version} does not say what Stripe's objects look like.") from None


def _reason(errors: str) -> str:
    if "from versions: none" in errors or "No matching distribution" not in errors:
        return "no package index could be reached, or it does not have the package."
    return "there is no such version."


def run_corpus(scratch: Path, tests: Sequence[str] = CORPUS) -> Record:
    # Not those of a run of tests that this may be part of, whose traffic with Stripe is recorded under the same names.
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "WIRE_LOG"))}
    written = scratch / "record.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-p", "tests.api_version.plugin", "-m", "not servers", "-k", _OF_THEM, *tests],
        cwd=ROOT,
        env=kept | {"API_VERSION_RECORD": str(written)},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise CorpusFailed(done.stdout + done.stderr)
    return Record.from_json(written.read_text())


def tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`make api-version`, with the corpus and with releases of the package that were never published."""

import zipfile
from pathlib import Path

import pytest
import stripe

from tests.api_version import __main__ as command
from tests.api_version.comparison import breaks

CORPUS = "tests/api_version/test_corpus.py"
MINIMAL = "class Event:\n    OBJECT_NAME = 'event'\n    id: str\n"


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def publish(folder: Path, version: str, source: str) -> None:
    about = f"stripe-{version}.dist-info"
    with zipfile.ZipFile(folder / f"stripe-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("stripe/_event.py", source.replace("'", '"'))
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: stripe\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


@pytest.mark.slow
def test_nothing_of_what_is_read_would_break_with_the_package_that_is_installed(capsys):
    status = command.main([])

    shown = capsys.readouterr().out
    assert status == 0, shown
    assert shown.endswith(
        f"Nothing would break with stripe {stripe.VERSION}, API version {stripe.api_version}.\n"
    )


@pytest.mark.slow
def test_a_release_that_lacks_what_is_read_fails_as_does_a_corpus_that_does_not_reach_it(
    tmp_path, published, capsys
):
    publish(published, "98.0.0", MINIMAL)
    candidate = command.find_candidate("98.0.0", tmp_path)
    record = command.run_corpus(tmp_path, [CORPUS])

    assert command.compare(record, "98.0.0", candidate) == 1

    shown = capsys.readouterr().out
    assert "event.type: gone\n      read in adapters/event_reader.py" in shown
    assert "invoice: there is no such object" in shown
    for reader in (
        "StripeInvoiceGateway.void reads Stripe's answers",
        "listed_invoice reads 'customer_email'",
    ):
        assert f"{reader}, and no run of the corpus" in shown
    assert breaks(record.reads, command.installed(), command.installed()) == []
    assert command.compare(record, stripe.VERSION, command.installed()) == 1


def test_a_corpus_that_fails_is_shown(tmp_path):
    with pytest.raises(command.CorpusFailed, match="no tests"):
        command.run_corpus(tmp_path, ["tests/api_version/packages.py"])


@pytest.mark.parametrize("version", ["newest", "16", "16.1.0 --index-url=x", "../16.1.0"])
def test_what_is_no_version_is_refused(capsys, version):
    assert command.main([version]) == 2
    assert "CANDIDATE is a version of the stripe package" in capsys.readouterr().out


def test_a_version_that_there_is_not_is_refused(published, capsys):
    publish(published, "98.0.0", MINIMAL)

    assert command.main(["97.0.0"]) == 2
    assert capsys.readouterr().out == "stripe 97.0.0 could not be downloaded: there is no such version.\n"


def test_without_a_package_index_it_says_so(published, capsys):
    assert command.main(["97.0.0"]) == 2
    assert "no package index could be reached" in capsys.readouterr().out


def test_a_release_without_types_is_refused(published, capsys):
    publish(published, "98.0.0", "class Event:\n    OBJECT_NAME = 'event'\n")

    assert command.main(["98.0.0"]) == 2
    assert capsys.readouterr().out == "stripe 98.0.0 does not say what Stripe's objects look like.\n"

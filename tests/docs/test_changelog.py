"""A release is the same in the changelog, in the package and in the documents of its API."""

import re
from configparser import ConfigParser
from datetime import date

from tests.adapters.web.breaking_changes import RELEASED
from tests.docs.pages import ROOT

SECTIONS = re.findall(r"^## \[(.+?)\](?: - (\S+))?$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)


def version() -> str:
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg")
    return config["metadata"]["version"]


def test_the_newest_release_in_the_changelog_is_the_version_of_the_package():
    (first, undated), (newest, _) = SECTIONS[:2]

    assert (first, undated) == ("Unreleased", "")
    assert newest == version()


def test_every_release_has_a_date_and_none_is_older_than_the_one_before():
    dates = [date.fromisoformat(day) for _, day in SECTIONS[1:]]

    assert dates == sorted(dates, reverse=True)


def test_the_api_of_every_release_is_kept():
    assert {path.stem for path in RELEASED.iterdir()} == {name for name, _ in SECTIONS[1:]}

"""The page of the feed names every type of change that an ERP may be told of."""

import re

from stripe_bridge.domain.changes.change import ChangeType
from tests.docs.pages import ROOT

ROW = re.compile(r"^\| `(\w+)\.` \| (.*) \|$", re.MULTILINE)


def test_every_type_but_acts_stands_in_the_table():
    page = (ROOT / "docs" / "api" / "changes.md").read_text()
    named = {f"{kind}.{name}" for kind, text in ROW.findall(page) for name in re.findall(r"`(\w+)`", text)}
    assert {each.value for each in ChangeType if not each.is_act} <= named

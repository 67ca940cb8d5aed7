"""Links on pages lead to pages."""

import re
from html import unescape

from tests.adapters.console.browser import text_of
from tests.adapters.console.scene import OWNER, a_scene

# What lists are filtered and turned over by: without end, and tried by the tests of each list.
_LEADING_ON = ("before=", "cursor=", "after=")


def test_every_link_on_every_page_leads_to_a_page():
    scene = a_scene()
    operator = scene.world.operator()
    waiting, seen, broken = [f"/console?tenant={OWNER}"], set[str](), []
    while waiting:
        path = waiting.pop()
        if path in seen or any(part in path for part in _LEADING_ON):
            continue
        seen.add(path)
        answer = operator.get(path)
        if answer.status_code in (302, 303):
            waiting.append(answer.headers["Location"])
        elif answer.status_code != 200:
            broken.append((path, answer.status_code))
        elif answer.content_type.startswith("text/html"):
            links = re.findall(r'<a [^>]*href="(/console[^"#]*)"', answer.get_data(as_text=True))
            waiting += map(unescape, links)
        answer.close()
    assert broken == []
    assert {"/console/overview?tenant=acme", "/console/changes/1?tenant=acme"} <= seen


def test_whatever_an_address_is_asked_with_is_kept_or_ignored_and_never_an_error():
    operator = a_scene().world.operator()
    for path in ("/console/overview", "/console/events/replays/1", "/console/invoices"):
        for name in ("path", "query", "self", "next"):
            answer = operator.client.get(path, query_string={name: "1"})
            assert answer.status_code == 200, (path, name, text_of(answer))

"""Everything inside the repository that a page links to exists."""

from tests.docs.pages import ROOT, Page, pages


def test_every_link_leads_to_a_file_or_a_heading():
    faults = [
        f"{page.name}: {link}" for page in pages() for link in page.links() if not leads_somewhere(page, link)
    ]
    assert not faults, "\n".join(faults)


def test_every_page_of_the_docs_can_be_reached_from_the_readme():
    known = {page.path: page for page in pages()}
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        reached.add(path)
        targets = {(path.parent / link.partition("#")[0]).resolve() for link in known[path].links()}
        waiting.extend((targets & known.keys()) - reached)
    assert sorted(page.name for page in pages() if page.path not in reached) == []


def leads_somewhere(page: Page, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.path.parent / path).resolve() if path else page.path
    return target.exists() and (not anchor or anchor in Page(target).anchors())

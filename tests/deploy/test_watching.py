"""What watches the service goes by what the service shows, and leads to what to do."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.adapters.web.world import World
from tests.docs.pages import ROOT, Page

DEPLOY = ROOT / "deploy"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
TOKEN = "metrics-token"
# Prometheus makes it itself for each address that it scrapes.
OF_PROMETHEUS = {"up"}


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """Each with the place that names it."""
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{path.name}: {panel['title']}", target["expr"]


def metrics_in(expression: str) -> set[str]:
    """What looks like a metric: any name that is neither a function, nor a label, nor part of a text."""
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\bby \([^)]*\)', "", expression)
    bare = re.sub(r"\{[^}]*\}", "", bare)
    names = re.findall(r"\b[a-z][a-z0-9_]*\b(?!\s*\()", bare)
    return set(names) - {"and", "or", "unless", "by", "le"}


@pytest.fixture(scope="module")
def shown() -> dict[str, list[dict[str, str]]]:
    """The samples of a running service, each metric with the labels of its series."""
    world = World(metrics_token=TOKEN)
    world.connect()
    world.bridge.receivers.register()
    world.put_order()
    page = world.client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    found: dict[str, list[dict[str, str]]] = {}
    for name, labels in re.findall(
        r"^([a-z_]+)(?:\{(.*)\})? ", page.get_data(as_text=True), flags=re.MULTILINE
    ):
        found.setdefault(name, []).append(dict(re.findall(r'(\w+)="([^"]*)"', labels)))
    return found


def test_every_metric_in_an_alert_or_a_dashboard_is_shown_by_a_running_service(shown: dict[str, Any]):
    faults = [
        f"{place}: {metric}"
        for place, expression in expressions()
        for metric in metrics_in(expression) - OF_PROMETHEUS
        if metric not in shown
    ]
    assert len(list(expressions())) > len(alerts()) > 0
    assert not faults, "\n".join(faults)


def test_every_label_value_that_an_alert_or_a_dashboard_names_is_shown(
    shown: dict[str, list[dict[str, str]]],
):
    """A misspelled one matches nothing, without a word."""
    named = re.compile(r'(stripe_bridge_\w+)\{(\w+)=~?"([^"]*)"')
    faults = [
        f"{place}: {metric} {label}={value}"
        for place, expression in expressions()
        for metric, label, values in named.findall(expression)
        for value in values.split("|")
        if label != "status" or not metric.startswith("stripe_bridge_request")
        if value not in {series.get(label) for series in shown.get(metric, [])}
    ]
    assert not faults, "\n".join(faults)


def test_every_metric_of_the_service_is_in_a_dashboard_or_an_alert(shown: dict[str, Any]):
    used = {metric for _, expression in expressions() for metric in metrics_in(expression)}
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in shown if not name.endswith("_created")}
    assert families - {re.sub(r"_(bucket|count|sum)$", "", name) for name in used} == set()


def test_every_alert_says_how_bad_it_is_and_leads_to_what_to_do():
    faults = []
    for rule in alerts():
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        if rule["labels"]["severity"] not in ("page", "ticket") or anchor not in Page(ROOT / page).anchors():
            faults.append(rule["alert"])
    assert not faults


def test_the_table_of_alerts_is_that_of_the_rules():
    page = Page(ROOT / "docs" / "operating.md")
    told = {
        name.strip("`"): (severity, re.search(r"\((#[\w-]+)\)", action)[1])  # type: ignore[index]  # or the test fails
        for name, severity, action in page.table_under("## Alerts")
    }
    assert told == {
        rule["alert"]: (
            rule["labels"]["severity"],
            rule["annotations"]["runbook"].removeprefix("docs/operating.md"),
        )
        for rule in alerts()
    }


def test_every_alert_has_a_case_in_which_it_is_raised_and_one_in_which_it_is_not():
    cases = yaml.safe_load((DEPLOY / "alerts_test.yml").read_text())["tests"]
    tested = {
        (check["alertname"], bool(check["exp_alerts"])) for case in cases for check in case["alert_rule_test"]
    }
    assert tested == {(rule["alert"], raised) for rule in alerts() for raised in (True, False)}


def test_the_dashboard_is_found_where_it_is_provisioned():
    provider = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/stripe-bridge.yml").read_text())
    mounted = provider["providers"][0]["options"]["path"]
    compose = Path(DEPLOY / "compose.yaml").read_text()
    assert f"./grafana/dashboards:{mounted}:ro" in compose
    assert DASHBOARDS

"""The files in deploy/ fit each other, and the service."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stripe_bridge.config import Settings
from tests.docs.pages import ROOT, Page

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("web", "worker", "migrate")
MANIFESTS = sorted(
    set((DEPLOY / "kubernetes").glob("*.yaml")) - {DEPLOY / "kubernetes" / "kustomization.yaml"}
)
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def try_env() -> dict[str, str]:
    lines = (DEPLOY / "try.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def known_settings() -> set[str]:
    return {row[0].strip("`") for row in Page(ROOT / "README.md").table_under("## Settings")}


def documents() -> list[dict[str, Any]]:
    return [each for path in MANIFESTS for each in yaml.safe_load_all(path.read_text())]


def pods() -> list[dict[str, Any]]:
    return [each["spec"]["template"]["spec"] for each in documents() if "template" in each.get("spec", {})]


def test_the_settings_for_trying_it_out_are_valid_and_belong_to_no_real_account():
    settings = Settings.from_env({**try_env(), **SERVICES["web"]["environment"]})
    assert not settings.livemode
    assert settings.stripe_api_base.endswith(":12111")
    assert settings.metrics_token


def test_compose_and_manifests_name_no_setting_that_the_service_does_not_read():
    of_compose = {name for service in OURS for name in SERVICES[service].get("environment", {})}
    of_pods = {each["name"] for pod in pods() for box in pod["containers"] for each in box.get("env", [])}
    assert of_compose | of_pods <= known_settings()
    assert of_compose


def test_emulator_and_service_of_a_trial_have_the_same_credentials_and_reach_each_other():
    command = SERVICES["emulator"]["command"]
    options = dict(zip(command[::2], command[1::2], strict=True))
    settings = try_env()
    assert options["--secret-key"] == settings["STRIPE_SECRET_KEY"]
    assert options["--client-id"] == settings["STRIPE_CLIENT_ID"]
    for address, service in (
        ("STRIPE_API_BASE", "emulator"),
        ("STRIPE_CONNECT_BASE", "emulator"),
        ("PUBLIC_URL", "proxy"),
    ):
        (host,) = re.findall(r"//([^:/]+)", settings[address])
        assert host in SERVICES[service]["networks"]["default"]["aliases"]


@pytest.mark.parametrize("service", OURS)
def test_what_runs_in_compose_has_no_rights_and_is_given_time_to_stop(service: str):
    options = SERVICES[service]
    assert options["read_only"] is True
    assert options["cap_drop"] == ["ALL"]
    assert options["security_opt"] == ["no-new-privileges:true"]
    assert int(options["stop_grace_period"].removesuffix("s")) > 15


def test_every_file_that_compose_mounts_exists():
    mounted = [
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith(".")
    ]
    assert mounted
    assert [path for path in mounted if not (DEPLOY / path).exists()] == []


def test_what_runs_in_kubernetes_has_no_rights():
    assert len(pods()) == 3
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["automountServiceAccountToken"]
        for box in pod["containers"]:
            assert box["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_the_manifests_select_what_they_label():
    labels = [
        each["spec"]["template"]["metadata"]["labels"] for each in documents() if each["kind"] == "Deployment"
    ]
    selectors = [
        each["spec"]["selector"].get("matchLabels", each["spec"]["selector"])
        for each in documents()
        if each["kind"] in ("Deployment", "PodDisruptionBudget", "Service")
    ]
    assert selectors
    assert [each for each in selectors if each not in labels] == []


def test_kustomize_applies_every_manifest():
    listed = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == [path.name for path in MANIFESTS]


def test_prometheus_scrapes_the_ports_that_are_served_under_the_names_that_alerts_go_by():
    jobs = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"]
    (web, worker) = ({**job, **job["dns_sd_configs"][0]} for job in jobs)
    assert f'job="{web["job_name"]}"' in (DEPLOY / "alerts.yml").read_text()
    assert (web["names"], worker["names"]) == (["web"], ["worker"])
    assert str(worker["port"]) == SERVICES["worker"]["environment"]["WORKER_METRICS_PORT"]
    assert f"EXPOSE {web['port']}" in (DEPLOY / "Dockerfile").read_text()


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_are_hardened_and_give_time_to_stop(unit: Path):
    lines = set(unit.read_text().splitlines())
    assert {
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "CapabilityBoundingSet=",
        "TimeoutStopSec=30",
        "Restart=always",
    } <= lines


def test_the_image_runs_as_nobody_in_particular_and_installs_by_hash():
    text = (DEPLOY / "Dockerfile").read_text()
    final = text.rpartition("\nFROM ")[2]
    assert "USER 10001:10001" in final
    assert "STOPSIGNAL SIGTERM" in final
    assert "HEALTHCHECK" in final
    installs = [line for line in re.findall(r"pip install .*", text) if "dist/*.whl" not in line]
    assert len(installs) == 2
    assert all("--require-hashes" in line for line in installs)

"""What is deployed is held against schemas, against the linters of its trade, and against the settings that read it."""

import importlib.util
import json
import re
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose
from prometheus_client import REGISTRY

from kuajie import credentials, reference
from kuajie.topology import SERVICES, WITH_DATABASE, Topology

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
PORTS = Topology(8000).ports()
Document = dict[str, Any]


def tool(name: str) -> str:
    """A command of this environment."""
    return str(Path(sys.executable).with_name(name))


def variables_of(service: str) -> set[str]:
    """What a service's process reads: its own settings and the shared ones."""
    classes = dict(reference.CLASSES)
    return {name for title in (service, "All services") for name, _ in reference.variables(classes[title])}


def required_of(service: str) -> set[str]:
    classes = dict(reference.CLASSES)
    return {
        name
        for title in (service, "All services")
        for name, field in reference.variables(classes[title])
        if field.is_required()
    }


# The image


def test_the_dockerfile_has_nothing_to_object_to() -> None:
    checked = subprocess.run(
        [tool("hadolint"), "--failure-threshold", "style", str(DEPLOY / "Dockerfile")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.stdout == ""
    assert checked.returncode == 0


def test_the_image_is_pinned_has_two_stages_and_does_not_run_as_root() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert re.findall(r"^ARG PYTHON=(.*)$", text, re.MULTILINE) == ["python:3.12.12-slim-bookworm"]
    assert re.findall(r"^FROM (.*)$", text, re.MULTILINE) == ["${PYTHON} AS build", "${PYTHON}"]
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]


def test_every_file_that_the_image_copies_is_let_through() -> None:
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    needed = {name for line in copied for name in line.split()}
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*"
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == needed
    assert all((REPOSITORY / name).exists() for name in needed)


# docker-compose.yml


def compose_text() -> str:
    """The compose file as one plain document: merges applied, variables filled in with their default or with `x`."""
    text = yaml.safe_dump(yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text()), width=1_000)
    return re.sub(r"\$\{\w+:(?:\?[^}]*|-([^}]*))\}", lambda match: match[1] or "x", text)


@pytest.fixture(scope="module")
def compose() -> Document:
    """The compose file as it reads after its merges."""
    document = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
    assert isinstance(document, dict)
    return document


def test_the_compose_file_follows_the_compose_specification() -> None:
    parsed = PyCompose.from_yaml(compose_text())
    parsed.validate()
    assert set(SERVICES) | {"postgres", "redis", "prometheus", "grafana", "fit"} <= set(parsed.service_names())


def test_the_compose_check_refuses_what_is_not_in_the_specification() -> None:
    text = compose_text().replace("stop_grace_period", "stop_grace_time")
    with pytest.raises(ValueError, match="stop_grace_time"):
        PyCompose.from_yaml(text)


def test_everything_that_a_compose_service_names_is_there(compose: Document) -> None:
    for name, service in compose["services"].items():
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name
        assert set(service["networks"]) <= set(compose["networks"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (REPOSITORY / source).exists() if source.startswith(".") else source in compose["volumes"], volume
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", service["image"]), name


def test_what_must_be_waited_for_can_say_that_it_is_there(compose: Document) -> None:
    services = compose["services"]
    for service in services.values():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed]
            else:
                assert (how["condition"], services[needed]["restart"]) == ("service_completed_successfully", "no")


@pytest.mark.parametrize("service", SERVICES)
def test_a_compose_service_is_asked_where_it_listens_and_reads_what_it_is_given(
    compose: Document, service: str
) -> None:
    composed = compose["services"][service]
    assert composed["command"] == ["kuajie", "serve", service, "--host", "0.0.0.0", "--port", str(PORTS[service])]
    assert f"http://127.0.0.1:{PORTS[service]}/readyz" in composed["healthcheck"]["test"][-1]
    extra = {"EXTRA": "intent-onnx"} if service == "intent" else {}
    assert composed["build"]["args"] == {"SERVICE": service} | extra
    assert required_of(service) <= set(composed["environment"]) <= variables_of(service)
    assert composed["read_only"] is True
    assert composed["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("service", WITH_DATABASE)
def test_a_service_with_a_database_waits_for_its_migration(compose: Document, service: str) -> None:
    composed, job = compose["services"][service], compose["services"][f"migrate-{service}"]
    assert composed["depends_on"][f"migrate-{service}"] == {"condition": "service_completed_successfully"}
    assert job["command"] == ["kuajie", "migrate", service]
    [(name, url)] = job["environment"].items()
    assert composed["environment"][name] == url
    assert f"CREATE DATABASE {url.rsplit('/', 1)[1]};" in (DEPLOY / "postgres" / "databases.sql").read_text()


def test_only_the_gateway_and_grafana_are_reached_from_outside(compose: Document) -> None:
    services = compose["services"]
    assert {name for name, service in services.items() if "ports" in service} == {"gateway", "grafana"}
    assert {name for name, service in services.items() if "edge" in service["networks"]} == {"gateway", "grafana"}
    assert compose["networks"]["inner"] == {"internal": True}


def test_only_the_fit_writes_artifacts(compose: Document) -> None:
    mounts = {
        name: volume.removeprefix("artifacts:")
        for name, service in compose["services"].items()
        for volume in service.get("volumes", [])
        if volume.startswith("artifacts:")
    }
    folder = "/var/lib/kuajie/artifacts"
    read_only = dict.fromkeys(("profile", "recommend", "intent"), f"{folder}:ro")
    assert mounts == {"fit": folder, **read_only}
    assert {compose["services"][name]["environment"]["KUAJIE_ARTIFACTS_DIR"] for name in mounts} == {folder}


def test_compose_has_no_secret_of_its_own(compose: Document) -> None:
    text = (REPOSITORY / "docker-compose.yml").read_text()
    asked = set(re.findall(r"\$\{(\w+):\?", text))
    example = (DEPLOY / "compose.env.example").read_text()
    assert asked == set(re.findall(r"^(\w+)=$", example, re.MULTILINE))
    optional = set(re.findall(r"\$\{(\w+):-", text))
    assert optional == set(re.findall(r"^# (\w+)=", example, re.MULTILINE))


@pytest.fixture
def make_secrets() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_secrets", DEPLOY / "make_secrets.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_made_secrets_are_fresh_private_and_fit_together(make_secrets: ModuleType, tmp_path: Path) -> None:
    environment = make_secrets.make(tmp_path)
    assert stat.S_IMODE(environment.stat().st_mode) == 0o600
    values = dict(line.split("=", 1) for line in environment.read_text().splitlines())
    example = (DEPLOY / "compose.env.example").read_text()
    assert set(values) == set(re.findall(r"^(\w+)=$", example, re.MULTILINE))
    [key] = json.loads((tmp_path / "deploy" / "secrets" / "gateway-keys.json").read_text())
    expected = credentials.gateway_key(values["KUAJIE_API_KEY"])
    assert key == {**expected, "key_id": "compose", "scopes": list(credentials.SCOPES)}
    with pytest.raises(FileExistsError):
        make_secrets.make(tmp_path)


# Prometheus and Grafana


def test_prometheus_asks_every_service_where_it_listens() -> None:
    scrape = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"]
    assert scrape[0]["static_configs"][0]["targets"] == [f"{service}:{port}" for service, port in PORTS.items()]


def test_the_dashboard_asks_only_for_metrics_that_exist() -> None:
    for service in SERVICES:
        importlib.import_module(f"services.{service}.app")
    there = {sample for family in REGISTRY.collect() for sample in _sample_names(family.name, family.type)}
    expressions = [target["expr"] for panel in _panels() for target in panel.get("targets", [])]
    assert len(expressions) >= 45
    assert {name for each in expressions for name in re.findall(r"kuajie_\w+", each)} <= there


def _panels() -> list[Document]:
    panels: list[Document] = json.loads((DEPLOY / "grafana" / "dashboards" / "kuajie.json").read_text())["panels"]
    return panels


def test_every_panel_has_a_unit_a_title_and_a_place_of_its_own() -> None:
    places = set()
    for panel in _panels():
        grid = panel["gridPos"]
        cells = {(grid["x"] + x, grid["y"] + y) for x in range(grid["w"]) for y in range(grid["h"])}
        assert not places & cells, panel["title"]
        places |= cells
        assert panel["type"] == "row" or panel["fieldConfig"]["defaults"]["unit"], panel["title"]
    for name in ("id", "title"):
        assert len({panel[name] for panel in _panels()}) == len(_panels())


def _sample_names(family: str, kind: str) -> Iterator[str]:
    suffixes: Mapping[str, tuple[str, ...]] = {
        "counter": ("_total",),
        "histogram": ("_bucket", "_sum", "_count"),
        "gauge": ("",),
    }
    yield from (family + suffix for suffix in suffixes.get(kind, ()))


def test_the_dashboard_finds_its_data_source() -> None:
    provisioned = yaml.safe_load((DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text())
    text = (DEPLOY / "grafana" / "dashboards" / "kuajie.json").read_text()
    assert set(re.findall(r'"type": "prometheus",\s*"uid": "(\w+)"', text)) == {
        source["uid"] for source in provisioned["datasources"]
    }

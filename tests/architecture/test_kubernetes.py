"""deploy/base, rendered and held against the Kubernetes schemas, the restricted Pod Security Standard and our settings."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from kuajie import reference
from kuajie.topology import SERVICES, WITH_DATABASE, Topology

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
BASE = DEPLOY / "base"
PORTS = Topology(8000).ports()
OLDEST, NEWEST = "1.30", "1.37"
Document = dict[str, Any]


def kustomized(folder: Path) -> list[Document]:
    """What `kubectl kustomize` makes of a folder."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl, which renders Kustomize, is not on PATH")
    rendered = subprocess.run(["kubectl", "kustomize", str(folder)], check=False, capture_output=True, text=True)
    assert rendered.returncode == 0, rendered.stderr
    return list(yaml.safe_load_all(rendered.stdout))


@pytest.fixture(scope="module")
def rendered() -> list[Document]:
    return kustomized(BASE)


def of_kind(documents: list[Document], kind: str) -> dict[str, Document]:
    return {each["metadata"]["name"]: each for each in documents if each["kind"] == kind}


def pods(documents: list[Document]) -> Iterator[tuple[str, Document]]:
    """Name and pod template of everything that runs."""
    for each in documents:
        if each["kind"] in {"Deployment", "Job"}:
            yield each["metadata"]["name"], each["spec"]["template"]
        elif each["kind"] == "CronJob":
            yield each["metadata"]["name"], each["spec"]["jobTemplate"]["spec"]["template"]


def variables_of(*titles: str) -> dict[str, bool]:
    """The variables that settings classes read, and whether they must be there."""
    classes = dict(reference.CLASSES)
    return {name: field.is_required() for title in titles for name, field in reference.variables(classes[title])}


def given(template: Document, documents: list[Document]) -> set[str]:
    """The variables that a container gets, those of its config maps included."""
    [container] = template["spec"]["containers"]
    maps = of_kind(documents, "ConfigMap")
    names = {each["name"] for each in container.get("env", [])}
    for source in container.get("envFrom", []):
        names |= set(maps[source["configMapRef"]["name"]]["data"])
    return names


@pytest.mark.parametrize("name", yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"])
def test_each_file_as_written_is_valid(name: str) -> None:
    path = BASE / name
    for document in yaml.safe_load_all(path.read_text()):
        kubernetes_validate.validate(document, NEWEST, strict=True)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_the_rendered_base_is_valid(rendered: list[Document], version: str) -> None:
    for document in rendered:
        kubernetes_validate.validate(document, version, strict=True)


def test_the_check_refuses_an_unknown_field(rendered: list[Document]) -> None:
    broken = {**of_kind(rendered, "Service")["gateway"], "specification": {}}
    with pytest.raises(kubernetes_validate.ValidationError, match="specification"):
        kubernetes_validate.validate(broken, NEWEST, strict=True)


def test_each_service_has_what_it_needs(rendered: list[Document]) -> None:
    apis = set(SERVICES)
    assert set(of_kind(rendered, "Service")) == apis
    assert set(of_kind(rendered, "HorizontalPodAutoscaler")) == apis
    assert set(of_kind(rendered, "PodDisruptionBudget")) == apis
    assert set(of_kind(rendered, "Deployment")) == apis | {f"{service}-worker" for service in WITH_DATABASE}
    assert set(of_kind(rendered, "Job")) == {f"migrate-{service}" for service in WITH_DATABASE}
    assert set(of_kind(rendered, "CronJob")) == {"fit"}


def test_the_base_holds_no_secret(rendered: list[Document]) -> None:
    assert of_kind(rendered, "Secret") == {}
    for name, template in pods(rendered):
        for variable in template["spec"]["containers"][0].get("env", []):
            secret = variable["name"].endswith(("_URL", "_KEYS", "_KEY")) and variable["name"] != "KUAJIE_URL"
            assert ("valueFrom" in variable) is secret, (name, variable["name"])


def test_every_pod_meets_the_restricted_standard_and_can_write_only_where_said(rendered: list[Document]) -> None:
    for name, template in pods(rendered):
        pod = template["spec"]
        [container] = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert pod["automountServiceAccountToken"] is False, name
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}, name
        assert set(container["resources"]["limits"]) == {"memory"}, name
        writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
        assert writable == ({"/tmp", "/var/lib/kuajie/artifacts"} if name == "fit" else {"/tmp"}), name


def test_every_deployment_is_probed_spread_and_rolled_without_a_gap(rendered: list[Document]) -> None:
    for name, deployment in of_kind(rendered, "Deployment").items():
        pod = deployment["spec"]["template"]["spec"]
        [container] = pod["containers"]
        paths = {probe: container[probe]["httpGet"]["path"] for probe in container if probe.endswith("Probe")}
        assert paths == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}, name
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0, name
        labels = deployment["spec"]["selector"]["matchLabels"]
        assert labels.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
        spread = {
            each["topologyKey"]: each["labelSelector"]["matchLabels"] for each in pod["topologySpreadConstraints"]
        }
        assert spread == {"kubernetes.io/hostname": labels, "topology.kubernetes.io/zone": labels}, name


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_listens_where_everybody_looks_for_it(rendered: list[Document], service: str) -> None:
    deployment = of_kind(rendered, "Deployment")[service]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    port = PORTS[service]
    assert container["args"] == ["kuajie", "serve", service, "--host", "0.0.0.0", "--port", str(port)]
    assert container["ports"] == [{"name": "http", "containerPort": port}]
    assert container["image"] == f"kuajie/{service}:0.1.0"
    front = of_kind(rendered, "Service")[service]["spec"]
    assert front["ports"] == [{"name": "http", "port": port, "targetPort": "http"}]
    assert front["selector"] == deployment["spec"]["selector"]["matchLabels"]
    budget = of_kind(rendered, "PodDisruptionBudget")[service]["spec"]
    assert budget["selector"]["matchLabels"] == front["selector"]
    scaler = of_kind(rendered, "HorizontalPodAutoscaler")[service]["spec"]
    assert scaler["scaleTargetRef"]["name"] == service
    assert scaler["minReplicas"] >= 2
    assert "replicas" not in deployment["spec"]


def test_the_gateway_looks_for_the_back_ends_where_they_listen(rendered: list[Document]) -> None:
    [data] = [
        each["data"] for name, each in of_kind(rendered, "ConfigMap").items() if name.startswith("kuajie-gateway")
    ]
    urls = {key: value for key, value in data.items() if key.endswith("_URL")}
    assert urls == {
        f"KUAJIE_GATEWAY_{service.upper()}_URL": f"http://{service}:{PORTS[service]}" for service in SERVICES[1:]
    }


def test_a_service_reads_all_that_it_is_given_and_is_given_all_that_it_needs(rendered: list[Document]) -> None:
    for name, deployment in of_kind(rendered, "Deployment").items():
        read = variables_of(name.removesuffix("-worker"), "All services")
        variables = given(deployment["spec"]["template"], rendered)
        assert variables <= set(read), name
        assert {variable for variable, needed in read.items() if needed} <= variables, name


def test_api_and_worker_are_told_their_roles(rendered: list[Document]) -> None:
    deployments = of_kind(rendered, "Deployment")
    for service in WITH_DATABASE:
        for name, role in ((service, "api"), (f"{service}-worker", "worker")):
            env = deployments[name]["spec"]["template"]["spec"]["containers"][0]["env"]
            roles = [each["value"] for each in env if each["name"] == f"KUAJIE_{service.upper()}_ROLES"]
            assert roles == [f'["{role}"]']


def test_a_migration_gets_its_own_database_and_nothing_else(rendered: list[Document]) -> None:
    jobs = of_kind(rendered, "Job")
    for service in WITH_DATABASE:
        template = jobs[f"migrate-{service}"]["spec"]["template"]
        assert template["spec"]["containers"][0]["args"] == ["kuajie", "migrate", service]
        assert given(template, rendered) == {f"KUAJIE_{service.upper()}_DATABASE_URL"}


def test_the_fit_reads_through_the_gateway_and_gets_no_database(rendered: list[Document]) -> None:
    template = of_kind(rendered, "CronJob")["fit"]["spec"]["jobTemplate"]["spec"]["template"]
    assert {each for each in given(template, rendered) if each.startswith("KUAJIE_")} == {
        "KUAJIE_URL",
        "KUAJIE_API_KEY",
        "KUAJIE_ARTIFACTS_DIR",
        "KUAJIE_LOG_LEVEL",
    }


def test_artifacts_have_one_writer_and_are_read_where_they_are_written(rendered: list[Document]) -> None:
    mounts = {
        name: mount
        for name, template in pods(rendered)
        for mount in template["spec"]["containers"][0]["volumeMounts"]
        if mount["name"] == "artifacts"
    }
    [config] = [
        each["data"] for name, each in of_kind(rendered, "ConfigMap").items() if name.startswith("kuajie-config")
    ]
    assert {mount["mountPath"] for mount in mounts.values()} == {config["KUAJIE_ARTIFACTS_DIR"]}
    assert [name for name, mount in mounts.items() if not mount.get("readOnly")] == ["fit"]
    readers = {"profile", "profile-worker", "recommend", "recommend-worker", "intent", "intent-worker"}
    assert set(mounts) == {"fit", *readers}
    assert of_kind(rendered, "CronJob")["fit"]["spec"]["concurrencyPolicy"] == "Forbid"


def test_only_the_gateway_reaches_a_back_end(rendered: list[Document]) -> None:
    """A model of NetworkPolicy: who may open a connection to whom, by labels and port."""
    reachable = {
        (source, target)
        for source, from_template in pods(rendered)
        for target, to_template in pods(rendered)
        if source != target and _may_connect(rendered, from_template, to_template)
    }
    assert reachable == {("gateway", service) for service in SERVICES[1:]} | {("fit", "gateway")}


def test_metrics_are_readable_from_monitoring_once_that_is_asked_for(tmp_path: Path) -> None:
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(BASE, tmp_path)],
        "components": [os.path.relpath(DEPLOY / "components" / "prometheus", tmp_path)],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    policy = of_kind(kustomized(tmp_path), "NetworkPolicy")["scrape-metrics"]
    kubernetes_validate.validate(policy, NEWEST, strict=True)
    [rule] = policy["spec"]["ingress"]
    assert [(each["port"], each["endPort"]) for each in rule["ports"]] == [(min(PORTS.values()), max(PORTS.values()))]


def _may_connect(documents: list[Document], source: Document, target: Document) -> bool:
    ports = [each["containerPort"] for each in target["spec"]["containers"][0].get("ports", [])]
    return any(
        _allowed(documents, source, target, port, "Egress") and _allowed(documents, target, source, port, "Ingress")
        for port in ports
    )


def _allowed(documents: list[Document], subject: Document, peer: Document, port: int, direction: str) -> bool:
    """Whether the policies that select `subject` let it talk with `peer`; a pod that none selects may do anything."""
    rules_key, peers_key = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    policies = [
        policy["spec"]
        for policy in of_kind(documents, "NetworkPolicy").values()
        if direction in policy["spec"]["policyTypes"] and _selects(policy["spec"]["podSelector"], subject)
    ]
    if not policies:
        return True
    return any(
        _covers(rule, port) and (peers_key not in rule or any(_is_peer(each, peer) for each in rule[peers_key]))
        for policy in policies
        for rule in policy.get(rules_key, [])
    )


def _covers(rule: Document, port: int) -> bool:
    return any(each["port"] <= port <= each.get("endPort", each["port"]) for each in rule["ports"])


def _is_peer(peer: Document, pod: Document) -> bool:
    return "podSelector" in peer and "namespaceSelector" not in peer and _selects(peer["podSelector"], pod)


def _selects(selector: Document, pod: Document) -> bool:
    labels = pod["metadata"]["labels"]
    expressions = selector.get("matchExpressions", [])
    assert {each["operator"] for each in expressions} <= {"In"}
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(each["key"]) in each["values"] for each in expressions
    )

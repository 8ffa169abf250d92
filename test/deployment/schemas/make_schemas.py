"""Makes the JSON schemas of this folder from published packages, without what tests don't need (descriptions, other kinds).

    pip install kubernetes-validate==1.37.0
    go mod download github.com/compose-spec/compose-go/v2@v2.16.2 github.com/kedacore/keda/v2@v2.21.0
    python3 make_schemas.py KUBERNETES_VALIDATE_FOLDER COMPOSE_GO_FOLDER KEDA_FOLDER
"""

import json
import re
import sys
from pathlib import Path

import yaml

KUBERNETES = "v1.37.0-local-strict"
KINDS = {
    "ConfigMap": "io.k8s.api.core.v1.ConfigMap",
    "CronJob": "io.k8s.api.batch.v1.CronJob",
    "Deployment": "io.k8s.api.apps.v1.Deployment",
    "Job": "io.k8s.api.batch.v1.Job",
    "Namespace": "io.k8s.api.core.v1.Namespace",
    "PersistentVolumeClaim": "io.k8s.api.core.v1.PersistentVolumeClaim",
    "PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
    "Secret": "io.k8s.api.core.v1.Secret",
}

here = Path(__file__).parent
kubernetes_validate, compose_go, keda = (Path(path) for path in sys.argv[1:])


def bare(schema):
    """Without descriptions and extensions. A property may itself be called `description`: that one is an object."""
    if isinstance(schema, list):
        return [bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: bare(value)
        for key, value in schema.items()
        if not (key == "description" and isinstance(value, str)) and not key.startswith("x-kubernetes-")
    }


def strict(schema):
    """A custom resource's unknown properties are dropped by the server: here they are faults, as kubectl has it."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: strict(value) for key, value in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema and schema.get("type") == "object":
        result["additionalProperties"] = False
    return result


def write(name, schema):
    (here / name).write_text(json.dumps(schema, separators=(",", ":"), sort_keys=True) + "\n")


def kubernetes():
    folder = kubernetes_validate / "kubernetes-json-schema" / KUBERNETES
    definitions = json.loads((folder / "_definitions.json").read_text())["$defs"]
    needed, queue = {}, list(KINDS.values())
    while queue:
        name = queue.pop()
        if name in needed:
            continue
        text = json.dumps(bare(definitions[name])).replace("/api/_definitions.json#/$defs/", "#/$defs/")
        text = text.replace("_definitions.json#/$defs/", "#/$defs/").replace("##", "#")
        needed[name] = json.loads(text)
        queue += re.findall(r'"#/\$defs/([^"]+)"', text)
    write("kubernetes.json", {"$defs": needed, "kinds": KINDS})


def scaled_object():
    [crd] = list(yaml.safe_load_all((keda / "config/crd/bases/keda.sh_scaledobjects.yaml").read_text()))
    [version] = crd["spec"]["versions"]
    schema = strict(bare(version["schema"]["openAPIV3Schema"]))
    schema["properties"]["metadata"] = {"type": "object"}
    write("keda-scaledobject.json", schema)


kubernetes()
scaled_object()
write("compose-spec.json", bare(json.loads((compose_go / "schema/compose-spec.json").read_text())))

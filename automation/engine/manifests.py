"""What the Kubernetes provider does for manifests without a cluster: it takes their text apart.

`ConfigFile`, `ConfigGroup` and `Directory` of the SDK's first generation ask for it while the program runs,
and register an object for each document themselves.
"""

from __future__ import annotations

import json
from typing import Final

import yaml
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto.resource_pb2 import ResourceInvokeResponse

DECODE: Final = "kubernetes:yaml:decode"


def decoded(text: str) -> ResourceInvokeResponse:
    """Return the objects of a manifest, or why it cannot be read."""
    response = ResourceInvokeResponse()
    try:
        documents = [each for each in yaml.safe_load_all(text) if each]
    except yaml.YAMLError as error:
        response.failures.add(property="text", reason=f"the manifest is no YAML: {error}")
        return response
    answer = Struct()
    # Dates stand for the texts that they were written as.
    answer.update({"result": json.loads(json.dumps(documents, default=str))})
    getattr(response, "return").CopyFrom(answer)
    return response

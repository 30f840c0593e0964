"""Property values on the wire: what the engine does to them between a program and its policies.

Works on protobuf values, so that nothing is lost that this module does not know. Rules:
sdk/go/common/resource/plugin/rpc.go and pkg/resource/deploy/source_eval.go of pulumi/pulumi.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from google.protobuf.struct_pb2 import ListValue, Struct, Value

from fleet.wire import OUTPUT, RESOURCE_REFERENCE, SECRET, SIGNATURE_KEY, UNKNOWN_SENTINELS

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def without_outputs(properties: Struct) -> Struct:
    """Replace output values by what they carry: a plain value, an unknown, a secret."""
    return _convert(properties, _lower_output)


def for_policies(properties: Struct, *, keep_internal: bool = False) -> Struct:
    """Return `properties` as policy packs receive them.

    Output values become plain, references to resources their id (a component's: its URN), and top-level
    keys that start with two underscores are left out, except for remediation, which must give them back.
    """
    lowered = _convert(properties, _lower_reference)
    if not keep_internal:
        for key in [key for key in lowered.fields if key.startswith("__")]:
            del lowered.fields[key]
    return lowered


def for_transforms(properties: Struct, dependencies: Mapping[str, Iterable[str]]) -> Struct:
    """Write unknowns and secrets as output values, and each property's dependencies into one around it."""
    result = _convert(properties, _raise_to_output)
    for key, urns in dependencies.items():
        if key not in result.fields:
            continue
        value = result.fields[key]
        if set(urns) <= set(dependencies_of(value)):
            continue
        if _signature(value) != OUTPUT:
            value = _output(value, secret=False)
        present = [item.string_value for item in value.struct_value.fields["dependencies"].list_value.values]
        merged = dict.fromkeys([*present, *urns])
        texts = ListValue(values=[Value(string_value=urn) for urn in merged])
        value.struct_value.fields["dependencies"].list_value.CopyFrom(texts)
        result.fields[key].CopyFrom(value)
    return result


def dependencies_of(value: Value) -> Iterator[str]:
    """Yield the URNs that the output values inside `value` depend on."""
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        for item in value.list_value.values:
            yield from dependencies_of(item)
    elif kind == "struct_value":
        fields = value.struct_value.fields
        if _signature(value) == OUTPUT and "dependencies" in fields:
            for urn in fields["dependencies"].list_value.values:
                yield urn.string_value
        for item in fields.values():
            yield from dependencies_of(item)


def has_unknowns(value: Value | Struct) -> bool:
    """Whether anything inside `value` is unknown; the id of a referenced resource does not count."""
    if isinstance(value, Struct):
        return any(has_unknowns(item) for item in value.fields.values())
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return any(has_unknowns(item) for item in value.list_value.values)
    if kind == "string_value":
        return value.string_value in UNKNOWN_SENTINELS
    if kind != "struct_value" or _signature(value) == RESOURCE_REFERENCE:
        return False
    if _signature(value) == OUTPUT and "value" not in value.struct_value.fields:
        return True
    return has_unknowns(value.struct_value)


def reference(urn: str) -> Value:
    """Return a reference to a resource whose id is unknown yet."""
    return _marked(RESOURCE_REFERENCE, urn=Value(string_value=urn), id=Value(string_value=UNKNOWN))


def _convert(properties: Struct, convert: Callable[[Value], Value]) -> Struct:
    return Struct(fields={key: _walk(value, convert) for key, value in properties.fields.items()})


def _walk(value: Value, convert: Callable[[Value], Value]) -> Value:
    """Rebuild `value` from the leaves up, each part as `convert` returns it."""
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return Value(list_value=ListValue(values=[_walk(item, convert) for item in value.list_value.values]))
    if kind == "struct_value":
        return convert(Value(struct_value=_convert(value.struct_value, convert)))
    return convert(value)


def _signature(value: Value) -> str:
    if value.WhichOneof("kind") != "struct_value":
        return ""
    fields = value.struct_value.fields
    return fields[SIGNATURE_KEY].string_value if SIGNATURE_KEY in fields else ""


def _lower_output(value: Value) -> Value:
    if _signature(value) != OUTPUT:
        return value
    fields = value.struct_value.fields
    carried = fields["value"] if "value" in fields else Value(string_value=UNKNOWN)
    is_secret = "secret" in fields and fields["secret"].bool_value
    return _marked(SECRET, value=carried) if is_secret else carried


def _lower_reference(value: Value) -> Value:
    if _signature(value) != RESOURCE_REFERENCE:
        return _lower_output(value)
    fields = value.struct_value.fields
    if "id" not in fields:
        return fields["urn"]
    identifier = fields["id"]
    return identifier if identifier.string_value else Value(string_value=UNKNOWN)


def _raise_to_output(value: Value) -> Value:
    if value.WhichOneof("kind") == "string_value" and value.string_value in UNKNOWN_SENTINELS:
        return _marked(OUTPUT)
    if _signature(value) != SECRET:
        return value
    return _output(value.struct_value.fields["value"], secret=True)


def _output(value: Value, *, secret: bool) -> Value:
    """Return an output value around `value`, itself an output perhaps, which is then merged."""
    output = value if _signature(value) == OUTPUT else _marked(OUTPUT, value=value)
    if secret:
        output.struct_value.fields["secret"].bool_value = True
    return output


def _marked(signature: str, **fields: Value) -> Value:
    return Value(struct_value=Struct(fields={SIGNATURE_KEY: Value(string_value=signature), **fields}))

"""Resources of an imaginary cloud, registered as any SDK registers its own."""

import pulumi


class Thing(pulumi.CustomResource):
    tagged: pulumi.Output[bool]
    address: pulumi.Output[str]

    def __init__(self, name, props=None, opts=None):
        super().__init__("cloud:index:Thing", name, {"address": None, **(props or {})}, opts)


class Provider(pulumi.ProviderResource):
    def __init__(self, name, props=None, opts=None):
        super().__init__("cloud", name, props or {}, opts)


class Box(pulumi.ComponentResource):
    def __init__(self, name, props=None, opts=None):
        super().__init__("features:index:Box", name, props or {}, opts)


class RemoteBox(pulumi.ComponentResource):
    contents: pulumi.Output[str]

    def __init__(self, name, props, opts=None):
        super().__init__("cloud:index:RemoteBox", name, {"contents": None, **props}, opts, remote=True)

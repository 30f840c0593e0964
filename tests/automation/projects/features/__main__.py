import atexit

import pulumi
from things import Box, Provider, RemoteBox, Thing

config = pulumi.Config()
token = config.require_secret("token")


def paint(args):
    """Paint every thing below the component that asks for it."""
    if args.type_ == "cloud:index:Thing":
        return pulumi.ResourceTransformResult({**args.props, "color": "red"}, args.opts)
    return None


def protect_vaults(args):
    if args.name == "vault":
        args.opts.protect = True
        return pulumi.ResourceTransformResult(args.props, args.opts)
    return None


pulumi.runtime.register_resource_transform(protect_vaults)

print("a line on standard output")
atexit.register(print, "a line at the very end")
pulumi.log.warn("a warning")

base = Thing("base", {"size": config.require_int("size"), "ratio": 2.0, "half": 0.5, "nothing": None})

outer = Box("outer", {"plain": ["a", {"b": 1}]}, pulumi.ResourceOptions(transforms=[paint]))
inner = Box("inner", opts=pulumi.ResourceOptions(parent=outer))
leaf = Thing("leaf", {"near": base.address, "owner": base}, pulumi.ResourceOptions(parent=inner))
inner.register_outputs({"leaf": leaf})

north = Provider("north", {"region": "north-2"})
later = Provider("later", {"region": base.address})
ours = Box("ours", opts=pulumi.ResourceOptions(providers=[north]))
Thing("explicit", {"size": 1}, pulumi.ResourceOptions(provider=later))
served = Thing("served", {"size": 1}, pulumi.ResourceOptions(parent=ours))

vault = Thing("vault", {"token": token, "nested": {"token": token}, "asset": pulumi.StringAsset("text")})
Thing("after", opts=pulumi.ResourceOptions(depends_on=[vault, outer]))
echo = Thing("echo", {"size": 0, "tagged": None})
remote = RemoteBox("remote", {"size": 7, "near": base.address})
hook = pulumi.ResourceHook("watch", lambda args: None, pulumi.ResourceHookOptions(on_dry_run=True))
Thing("watched", opts=pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_create=[hook])))
found = pulumi.CustomResource("cloud:index:Thing", "found", opts=pulumi.ResourceOptions(id="thing-1"))
asked = pulumi.runtime.invoke_output("cloud:index:lookup", {"name": "x"})

pulumi.export("tagged", echo.tagged)
pulumi.export("size", config.require_int("size"))
pulumi.export("address", base.address)
pulumi.export("token", token)
pulumi.export("contents", remote.contents)
pulumi.export("asked", asked)
pulumi.export("list", [1, 2.5, True, None, {"deep": base.address}])

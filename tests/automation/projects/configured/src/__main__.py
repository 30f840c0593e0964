import json
import os
import sys

import pulumi

print("the password is swordfish")
pulumi.export("values", json.loads(os.environ["PULUMI_CONFIG"]))
pulumi.export("secret_keys", json.loads(os.environ["PULUMI_CONFIG_SECRET_KEYS"]))
pulumi.export("secret", pulumi.Config().require_secret("secret"))
pulumi.export(
    "process",
    {
        "arguments": sys.argv,
        "path": sys.path[0],
        "folder": os.path.basename(os.getcwd()),
        "dry run": pulumi.runtime.is_dry_run(),
        "organization": pulumi.get_organization(),
        "project": pulumi.get_project(),
        "stack": pulumi.get_stack(),
        "root": os.path.basename(pulumi.runtime.get_root_directory()),
        "shadowed": sorted({"monitor", "values", "policy"} & set(sys.modules)),
    },
)

import os
import signal
import sys
import time

import pulumi
from deep import fail


class Thing(pulumi.CustomResource):
    def __init__(self, name, opts=None, type_="cloud:index:Thing"):
        super().__init__(type_, name, {"address": None}, opts)


mode = pulumi.Config().require("mode")
thing = Thing("first")
if mode == "raises":
    fail("the reason")
if mode == "raises-later":
    pulumi.Output.from_input(1).apply(lambda _: fail("the reason"))
if mode == "raises-in-transform":
    Thing("second", pulumi.ResourceOptions(transforms=[lambda args: fail("the reason")]))
if mode == "says-no":
    raise pulumi.RunError("the stack file is wrong")
if mode == "exits-zero":
    sys.exit(0)
if mode == "exits-three":
    sys.exit(3)
if mode == "exits-with-text":
    sys.exit("the reason")
if mode == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if mode == "twice":
    Thing("first")
if mode == "malformed":
    Thing("second", type_="nonsense")
if mode == "hangs":
    with open(os.environ["PID_FILE"], "a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(600)

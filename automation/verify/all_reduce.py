"""The program that reduces a tensor over GPUs, for the image with PyTorch in which it runs."""

from __future__ import annotations

from typing import Final

PROGRAM: Final = """\
import os
import time

import torch
import torch.distributed as distributed

distributed.init_process_group("nccl")
rank, world = distributed.get_rank(), distributed.get_world_size()
torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))

tensor = torch.full((64 * 1024 * 1024,), float(rank), device="cuda")
distributed.all_reduce(tensor)
wanted = world * (world - 1) / 2
if not bool((tensor == wanted).all()):
    raise SystemExit(f"rank {rank}: the sum is {tensor[0].item()}, not {wanted}")

rounds = 20
torch.cuda.synchronize()
began = time.perf_counter()
for _ in range(rounds):
    distributed.all_reduce(tensor)
torch.cuda.synchronize()
seconds = (time.perf_counter() - began) / rounds
if rank == 0:
    size = tensor.numel() * tensor.element_size()
    bandwidth = size / seconds * 2 * (world - 1) / world
    print(f"{world} GPUs, {size / 1e6:.0f} MB: bus bandwidth {bandwidth / 1e9:.1f} GB/s")
distributed.destroy_process_group()
"""
"""Each rank brings its number; the sum must be that of all numbers. The bandwidth is counted as nccl-tests
do, as that of the algorithm times 2(n-1)/n."""

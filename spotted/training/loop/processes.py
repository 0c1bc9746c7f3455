"""Several processes that train one network, started by torchrun: each takes its part of every batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True, slots=True)
class Processes:
    """The place of this process among those that train together.

    >>> Processes().is_first
    True
    """

    number: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and reports progress."""
        return self.number == 0

    def wrap(self, module: nn.Module, device: torch.device) -> nn.Module:
        """The module, whose gradients are averaged over the processes."""
        if self.count == 1:
            return module
        return DistributedDataParallel(module, device_ids=None if device.type == "cpu" else [device])

    def together(self, module: nn.Module, *, is_last: bool) -> AbstractContextManager[None]:
        """While parts of a batch are done: gradients add up in each process, and the last averages them."""
        if is_last or not isinstance(module, DistributedDataParallel):
            return nullcontext()
        context: AbstractContextManager[None] = module.no_sync()
        return context

    def gather(self, own: torch.Tensor) -> list[torch.Tensor]:
        """A tensor of each process, by their numbers."""
        if self.count == 1:
            return [own]
        found: list[torch.Tensor] = [own] * self.count
        distributed.all_gather_object(found, own)
        return found

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            distributed.barrier()

    def mean(self, value: torch.Tensor) -> float:
        """The mean of a number over the processes."""
        if self.count > 1:
            distributed.all_reduce(value)
        return float(value) / self.count


@contextmanager
def joined(device: str) -> Iterator[tuple[Processes, torch.device]]:
    """The processes that torchrun started, or this one by itself, and the device of this one.

    device: of torch; "cuda" is the GPU of the number that this process has on its machine. It may be entered
    again inside.
    """
    if not distributed.is_torchelastic_launched():
        yield Processes(), torch.device(device)
        return
    own = torch.device(device)
    if distributed.is_initialized():
        # joined around the whole training already
        yield _place(), torch.device("cuda", torch.cuda.current_device()) if own.type == "cuda" else own
        return
    if own.type == "cuda":
        own = torch.device("cuda", distributed.get_node_local_rank())
        torch.cuda.set_device(own)
    distributed.init_process_group("nccl" if own.type == "cuda" else "gloo")
    try:
        yield _place(), own
    finally:
        distributed.destroy_process_group()


def _place() -> Processes:
    return Processes(distributed.get_rank(), distributed.get_world_size())

from __future__ import annotations

import torch

from spotted.training.loop.processes import Processes, joined


def test_a_process_by_itself_is_the_first_of_one() -> None:
    with joined("cpu") as (processes, device):
        assert (processes, device) == (Processes(0, 1), torch.device("cpu"))
        module = torch.nn.Linear(1, 1)
        assert processes.wrap(module, device) is module
        with processes.together(module, is_last=False):
            pass
        assert processes.mean(torch.tensor(3.0)) == 3.0
        own = torch.ones(2)
        assert processes.gather(own) == [own]

"""Settings that all trainings of a folder share, so that their tables compare only what was learnt from."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import torch

from spotted.training import LoopSettings, NetworkSpec, Recipe, WarmupDecay, start_network
from spotted.training.networks import LITE0

SETTINGS_FILE = "settings.json"
MOST_EPOCHS = 30
# a rise over a fifth of the epochs, then a fall to a twentieth: the paper's course, shortened
WARM_UP_SHARE, LAST_SHARE = 0.2, 0.05
# epochs of fine-tuning in which only the centers learn (code of MiewID)
FROZEN_EPOCHS = 3
TIMED_STEPS = 4


@dataclass(frozen=True, slots=True)
class Settings:
    """Network, length and photographs of the trainings of a folder."""

    network: str = LITE0
    size: int = 128
    start: str = "imagenet"
    epochs: int = 0
    """0: chosen by the time that they take."""
    batch: int = 32
    rate: float = 8e-4
    """Highest learning rate: the paper's 0.0015 for batches of 112, by the root of the batch."""
    test_share: float = 0.4
    """Share of the animals to test with."""
    seed: int = 0
    photographs: str = ""
    """Digest of the photographs and their division."""

    @property
    def spec(self) -> NetworkSpec:
        """The network that is trained."""
        return NetworkSpec(self.network, image_size=self.size)

    def recipe(self, loop: LoopSettings, *, start: str, frozen_epochs: int = 0) -> Recipe:
        """The recipe of a training."""
        warm_up = WARM_UP_SHARE * self.epochs
        decay = LAST_SHARE ** (1.0 / (self.epochs - warm_up))
        return Recipe(
            network=self.spec,
            start=start,
            loop=loop,
            schedule=WarmupDecay(self.rate / 100.0, self.rate, warm_up, decay),
            frozen_epochs=frozen_epochs,
        )


def choose_epochs(photograph_s: float, photographs: int, minutes: float) -> int:
    """Epochs for which trainings of a number of photographs fit into a time, 1 to MOST_EPOCHS."""
    return max(1, min(MOST_EPOCHS, int(minutes * 60.0 / (photograph_s * photographs))))


def time_photograph(settings: Settings, device: str) -> float:
    """Seconds that a training takes for a photograph: processor time, or that of the clock on a GPU."""
    network = start_network(settings.spec, "random").network.to(device).train()
    images = torch.rand(settings.batch, 3, settings.size, settings.size, device=device)
    clock = time.process_time if device == "cpu" else time.perf_counter
    times = []
    for _ in range(1 + TIMED_STEPS):
        network(images).square().mean().backward()
        if device != "cpu":
            torch.cuda.synchronize(device)
        times.append(clock())
    return (times[-1] - times[0]) / TIMED_STEPS / settings.batch


def keep_settings(folder: Path, settings: Settings) -> Settings:
    """The settings of a folder, written if it has none.

    Raises click.ClickException if the folder has others, or those of other photographs; 0 epochs stand for
    any number.
    """
    path = folder / SETTINGS_FILE
    kept = read_settings(folder)
    if kept is None:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(settings), indent=2) + "\n")
        return settings
    differing = [
        f"{name} {value}"
        for name, value in asdict(kept).items()
        if value != getattr(settings, name) and (name, settings.epochs) != ("epochs", 0)
    ]
    if differing:
        raise click.ClickException(
            f"the trainings in {folder} have {', '.join(differing)}; give the same, or another folder"
        )
    return kept


def read_settings(folder: Path) -> Settings | None:
    """The settings of a folder; None if it has none yet."""
    path = folder / SETTINGS_FILE
    return Settings(**json.loads(path.read_text())) if path.is_file() else None

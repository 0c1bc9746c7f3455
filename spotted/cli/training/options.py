"""Options that the commands of training share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spotted.errors import PreconditionError

if TYPE_CHECKING:
    from spotted.training import LoopSettings, NetworkSpec

# as the library names them, which is not imported before a training begins: torch takes seconds
POOLINGS = ("gem", "default")
OPTIMISERS = ("adam", "adamw", "sgd")
PRECISIONS = ("fp32", "bf16", "fp16")
AVERAGINGS = ("none", "ema", "swa")
REQUIRED = ("torch", "torchvision", "timm", "cv2", "safetensors", "pytorch_metric_learning")
POSITIVE = click.IntRange(min=1)

Command = Callable[..., object]


@dataclass(frozen=True, slots=True)
class NetworkChoice:
    """The network that was chosen."""

    name: str
    size: int
    pooling: str
    batch_norm: bool
    patch_size: int | None
    start: str

    def spec(self) -> NetworkSpec:
        """The network in the library's words."""
        from spotted.training import NetworkSpec  # noqa: PLC0415 - imports torch

        return NetworkSpec(
            self.name,
            image_size=self.size,
            pooling=self.pooling,  # type: ignore[arg-type] # one of POOLINGS
            batch_norm=self.batch_norm,
            patch_size=self.patch_size,
        )


@dataclass(frozen=True, slots=True)
class LoopChoice:
    """The settings of the loop that were chosen."""

    epochs: int
    batch: int
    accumulation: int
    optimiser: str
    weight_decay: float
    precision: str
    average: str
    average_from: int
    workers: int
    device: str
    seed: int
    checkpoint_steps: int

    def settings(self) -> LoopSettings:
        """The settings in the library's words."""
        from spotted.training import Averaging, LoopSettings  # noqa: PLC0415 - imports torch

        return LoopSettings(
            epochs=self.epochs,
            batch_size=self.batch,
            accumulation=self.accumulation,
            optimiser=self.optimiser,  # type: ignore[arg-type] # one of OPTIMISERS
            weight_decay=self.weight_decay,
            precision=self.precision,  # type: ignore[arg-type] # one of PRECISIONS
            averaging=Averaging(self.average, from_epoch=self.average_from),  # type: ignore[arg-type] # one of AVERAGINGS
            workers=self.workers,
            device=self.device,
            seed=self.seed,
            checkpoint_steps=self.checkpoint_steps,
        )


def require_training() -> None:
    """Raise PreconditionError if a package that training needs is not installed."""
    missing = [package for package in REQUIRED if find_spec(package) is None]
    if missing:
        raise PreconditionError(
            f"{', '.join(missing)} not installed; install the extra `train`: pip install 'spotted[train]'"
        )


def run_options(command: Command) -> Command:
    """Add the folder of the run as `output` and the name of the backbone as `name`."""
    folder = click.option(
        "--output",
        "-o",
        type=click.Path(file_okay=False, path_type=Path),
        required=True,
        help="Folder of the run to write; a training that was interrupted there goes on.",
    )
    name = click.option("--name", default="", help="Name of the backbone; default: that of the folder.")
    return _decorated(command, (folder, name))


def network_options(
    *, name: str, size: int, pooling: str, batch_norm: bool, start: str
) -> Callable[[Command], Command]:
    """Add the options of a network with these defaults; the command gets a NetworkChoice as `chosen`."""

    def decorate(command: Command) -> Command:
        names = set(NetworkChoice.__dataclass_fields__) - {"name"}

        @functools.wraps(command)
        def wrapped(*, network: str, **options: object) -> object:
            own = {name: options.pop(name) for name in names}
            return command(chosen=NetworkChoice(network, **own), **options)  # type: ignore[arg-type] # as click converted them

        return _decorated(wrapped, _network_options(name, size, pooling, start, batch_norm=batch_norm))

    return decorate


def loop_options(
    *, epochs: int, batch: int, optimiser: str, weight_decay: float = 0.0
) -> Callable[[Command], Command]:
    """Add the options of the loop with these defaults; the command gets a LoopChoice as `loop`."""

    def decorate(command: Command) -> Command:
        names = set(LoopChoice.__dataclass_fields__)

        @functools.wraps(command)
        def wrapped(**options: object) -> object:
            own = {name: options.pop(name) for name in names}
            return command(loop=LoopChoice(**own), **options)  # type: ignore[arg-type] # as click converted them

        return _decorated(wrapped, _loop_options(epochs, batch, optimiser, weight_decay))

    return decorate


def _network_options(
    name: str, size: int, pooling: str, start: str, *, batch_norm: bool
) -> tuple[Callable[[Command], Command], ...]:
    return (
        click.option("--network", default=name, show_default=True, help="Name of the network in timm."),
        click.option(
            "--size", default=size, show_default=True, type=POSITIVE, help="Edge of a crop, pixels."
        ),
        click.option(
            "--pooling",
            type=click.Choice(POOLINGS),
            default=pooling,
            show_default=True,
            help="Generalised mean of the feature map (MiewID), or as the network does by itself.",
        ),
        click.option(
            "--batch-norm/--no-batch-norm",
            default=batch_norm,
            show_default=True,
            help="Normalise the vectors by the statistics of the training.",
        ),
        click.option("--patch-size", type=POSITIVE, help="Edge of a transformer's patches, pixels."),
        click.option(
            "--start",
            default=start,
            show_default=True,
            metavar="random|imagenet|PATH",
            help="First weights: random, published, a finished run, or a file of weights.",
        ),
    )


def _loop_options(
    epochs: int, batch: int, optimiser: str, weight_decay: float
) -> tuple[Callable[[Command], Command], ...]:
    return (
        _number("--epochs", epochs, "Passes over the data."),
        _number("--batch", batch, "Examples of a step."),
        _number(
            "--accumulation", 1, "Parts of a batch, one after the other, if it does not fit into memory."
        ),
        _word("--optimiser", OPTIMISERS, optimiser, "Rule of the steps."),
        click.option(
            "--weight-decay", default=weight_decay, show_default=True, type=click.FloatRange(min=0.0)
        ),
        _word("--precision", PRECISIONS, "fp32", "Numeric format of the products; bf16 on a recent GPU."),
        _word("--average", AVERAGINGS, "none", "Average of the weights: of all steps or of the last epochs."),
        _number("--average-from", 20, "swa: epochs before the first one that is averaged."),
        _number(
            "--workers", 0, "Processes that prepare batches; 0, best without a GPU: the training does.", 0
        ),
        click.option("--device", default="cpu", show_default=True, help="cpu, or cuda for a GPU."),
        _number("--seed", 0, "Seed of everything that is drawn.", 0),
        _number("--checkpoint-steps", 0, "Steps between two checkpoints; 0: one after each epoch.", 0),
    )


def _number(name: str, default: int, text: str, least: int = 1) -> Callable[[Command], Command]:
    return click.option(name, default=default, show_default=True, type=click.IntRange(min=least), help=text)


def _word(name: str, words: tuple[str, ...], default: str, text: str) -> Callable[[Command], Command]:
    return click.option(name, type=click.Choice(words), default=default, show_default=True, help=text)


def _decorated(command: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    """The command with the options in this order."""
    for option in reversed(options):
        command = option(command)
    return command

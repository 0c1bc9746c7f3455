"""Averages of a network's weights over its training, by torch.optim.swa_utils."""

from __future__ import annotations

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from spotted.training.loop.objective import Position
from spotted.training.loop.settings import Averaging
from spotted.training.networks import EmbeddingNetwork
from spotted.training.schedules import Schedule


class WeightAverage:
    """The average of a network, if one is kept."""

    def __init__(self, network: EmbeddingNetwork, settings: Averaging) -> None:
        self._settings = settings
        # the statistics of batch normalisation are averaged too, so that no pass over the data follows
        self._model: AveragedModel | None = None
        if settings.kind == "ema":
            follow = get_ema_multi_avg_fn(settings.decay)  # type: ignore[no-untyped-call] # torch leaves it untyped
            self._model = AveragedModel(network, multi_avg_fn=follow, use_buffers=True)
        elif settings.kind == "swa":
            self._model = AveragedModel(network, use_buffers=True)

    def rate(self, schedule: Schedule, epoch: float) -> float:
        """The learning rate of an epoch: that of the schedule, until epochs are averaged by swa."""
        settings = self._settings
        return (
            settings.rate if settings.kind == "swa" and epoch >= settings.from_epoch else schedule.rate(epoch)
        )

    def after_step(self, network: EmbeddingNetwork, position: Position) -> None:
        """Take in the weights after a step."""
        settings = self._settings
        if self._model is None:
            return
        at_end = position.epoch == int(position.epoch) and position.epoch > settings.from_epoch
        if settings.kind == "ema" or at_end:
            self._model.update_parameters(network)

    def best(self, network: EmbeddingNetwork) -> EmbeddingNetwork:
        """The averaged network, or the network itself if nothing was averaged."""
        if self._model is None or not int(self._model.n_averaged):
            return network
        averaged = self._model.module
        assert isinstance(averaged, EmbeddingNetwork)  # noqa: S101 - a copy of the network
        return averaged

    def state(self) -> dict[str, torch.Tensor]:
        """The tensors that a checkpoint holds of it."""
        return {} if self._model is None else self._model.state_dict()

    def load(self, state: dict[str, torch.Tensor]) -> None:
        """Restore what a checkpoint holds."""
        if self._model is not None:
            self._model.load_state_dict(state)

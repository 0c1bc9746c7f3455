"""Training of backbones: from photographs of animals to a network that the embedder serves.

Names are imported on first use, since most of them need torch.

photographs            photographs of known animals, their classes, and splits
images                 crops, their random changes, and batches
pairs                  temporal pairs of a survey, for learning without names
methods                methods without names, and baselines with names
networks               backbones of timm with pooling and normalisation
torchvision_operators  timm, also beside a torchvision that does not fit torch
starts                 first weights: random, published, or of an earlier run
losses                 the losses, as objectives of the loop
schedules              learning rates by epoch
loop                   the training loop, for any objective
evaluation             how well a network finds animals again
recipes                the recipe of `spotted train`
supervised             a backbone from photographs of known individuals
pretraining            a backbone from photographs without names
runs                   finished trainings as folders
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotted.lazy import lazy_face

if TYPE_CHECKING:
    from spotted.training.evaluation import embed_crops, measure_by_species
    from spotted.training.images import (
        Augmentation,
        Batch,
        Examples,
        PreparedCrops,
        TrainingData,
        as_is,
        prepare_crops,
    )
    from spotted.training.loop import (
        Averaging,
        LoopSettings,
        Objective,
        ParameterGroup,
        Position,
        Records,
        Step,
        run_loop,
    )
    from spotted.training.losses import ArcFaceObjective, SubCenterArcFace, dynamic_margins
    from spotted.training.networks import EmbeddingNetwork, GeneralisedMean, NetworkSpec, build_network
    from spotted.training.photographs import (
        Labels,
        Photograph,
        Split,
        SplitRule,
        label_photographs,
        photographs_of,
        read_annotated,
        split_photographs,
    )
    from spotted.training.pretraining import PretrainRecipe, pretrain_backbone
    from spotted.training.recipes import Recipe
    from spotted.training.runs import (
        RunManifest,
        SessionNames,
        SpeciesMetrics,
        is_run,
        load_network,
        read_run,
        write_card,
        write_run,
    )
    from spotted.training.schedules import Constant, Schedule, WarmupCosine, WarmupDecay
    from spotted.training.starts import Start, start_network
    from spotted.training.supervised import Progress, train_backbone
    from spotted.training.torchvision_operators import declare_missing, import_timm

__all__ = [
    "ArcFaceObjective",
    "Augmentation",
    "Averaging",
    "Batch",
    "Constant",
    "EmbeddingNetwork",
    "Examples",
    "GeneralisedMean",
    "Labels",
    "LoopSettings",
    "NetworkSpec",
    "Objective",
    "ParameterGroup",
    "Photograph",
    "Position",
    "PreparedCrops",
    "PretrainRecipe",
    "Progress",
    "Recipe",
    "Records",
    "RunManifest",
    "Schedule",
    "SessionNames",
    "SpeciesMetrics",
    "Split",
    "SplitRule",
    "Start",
    "Step",
    "SubCenterArcFace",
    "TrainingData",
    "WarmupCosine",
    "WarmupDecay",
    "as_is",
    "build_network",
    "declare_missing",
    "dynamic_margins",
    "embed_crops",
    "import_timm",
    "is_run",
    "label_photographs",
    "load_network",
    "measure_by_species",
    "photographs_of",
    "prepare_crops",
    "pretrain_backbone",
    "read_annotated",
    "read_run",
    "run_loop",
    "split_photographs",
    "start_network",
    "train_backbone",
    "write_card",
    "write_run",
]

__getattr__ = lazy_face(
    __name__,
    {
        "evaluation": ("embed_crops", "measure_by_species"),
        "images": (
            "Augmentation",
            "Batch",
            "Examples",
            "PreparedCrops",
            "TrainingData",
            "as_is",
            "prepare_crops",
        ),
        "loop": (
            "Averaging",
            "LoopSettings",
            "Objective",
            "ParameterGroup",
            "Position",
            "Records",
            "Step",
            "run_loop",
        ),
        "losses": ("ArcFaceObjective", "SubCenterArcFace", "dynamic_margins"),
        "networks": ("EmbeddingNetwork", "GeneralisedMean", "NetworkSpec", "build_network"),
        "photographs": (
            "Labels",
            "Photograph",
            "Split",
            "SplitRule",
            "label_photographs",
            "photographs_of",
            "read_annotated",
            "split_photographs",
        ),
        "pretraining": ("PretrainRecipe", "pretrain_backbone"),
        "runs": (
            "RunManifest",
            "SessionNames",
            "SpeciesMetrics",
            "is_run",
            "load_network",
            "read_run",
            "write_card",
            "write_run",
        ),
        "recipes": ("Recipe",),
        "starts": ("Start", "start_network"),
        "supervised": ("Progress", "train_backbone"),
        "schedules": ("Constant", "Schedule", "WarmupCosine", "WarmupDecay"),
        "torchvision_operators": ("declare_missing", "import_timm"),
    },
)

"""The page about a trained network: what it knows, what it was measured on, and what it is not for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spotted.training.runs.manifest import UNSTATED, RunManifest, SessionNames, SpeciesMetrics

SHOWN_LABELS = 20


def write_card(run: RunManifest) -> str:
    """The page in Markdown.

    >>> from spotted.training.networks import NetworkSpec
    >>> write_card(RunManifest("leopards", "arcface", NetworkSpec())).splitlines()[0]
    '# leopards'
    """
    return "\n".join(_lines(run)) + "\n"


def _lines(run: RunManifest) -> Iterator[str]:
    network = run.network
    yield f"# {run.name}"
    yield (
        f"A backbone that turns a photograph of one animal into a vector of {run.dimension:,} numbers, "
        f"trained with Spotted {run.spotted_version}."
    )
    yield from ("", "## Network", "| | |", "|---|---|")
    yield f"| network | {network.name}, {network.image_size} px, pooling {network.pooling} |"
    yield f"| method | {run.method} |"
    yield f"| started from | {run.start or 'random weights'} |"
    yield f"| licence of the weights | {_licence(run)} |"
    yield f"| weights | SHA-256 {run.weights_sha256} |"
    yield from ("", "## What it learnt from")
    species = ", ".join(name or "unknown species" for name in run.species) or "unknown species"
    yield f"{run.photographs:,} photographs of {run.individuals:,} animals or flanks: {species}."
    if run.session:
        yield _session(run.session)
    yield f"SHA-256 of the data: {run.data_sha256}."
    yield from ("", "## What it was measured on")
    yield from _measures(run)
    yield from ("", "## Limits")
    if run.worse_on:
        yield (
            f"It finds {', '.join(name or 'these animals' for name in run.worse_on)} first no more often "
            "than before the training: use the network that it started from for them."
        )
    yield (
        "It was measured only on the species above and on photographs like these; on other species, cameras "
        "or places it may be worse than a general backbone. It finds look-alikes and does not know whether "
        "two photographs show the same animal: let a person confirm."
    )
    yield from ("", "## Recipe", f"SHA-256 {run.recipe_sha256}", "", "| setting | value |", "|---|---|")
    yield from (f"| {name} | {value} |" for name, value in run.recipe.items())


def _licence(run: RunManifest) -> str:
    if run.licence == UNSTATED:
        return f"{UNSTATED}: not stated; ask whoever gave the photographs before you share them"
    return run.licence


def _session(session: SessionNames) -> str:
    given = f"{session.answers:,} answers of people" if session.answers else "names without the answers"
    survey = f" of the survey {session.survey_id}" if session.survey_id else ""
    return (
        f"Their names are those of session {session.session_id}{survey}: {given} (SHA-256 "
        f"{session.answers_sha256}); {session.left_out:,} photographs in doubt were left out."
    )


def _measures(run: RunManifest) -> Iterator[str]:
    if not run.metrics:
        yield "Nothing: no photographs were left to test with."
        return
    yield "Photographs that it did not learn from, each compared with all others (one-vs-all)."
    yield from ("", "| species | photographs | animals | queries | top-1 | top-5 | top-10 | top-20 | mAP |")
    yield "|---|---|---|---|---|---|---|---|---|"
    yield from _rows(run.metrics, "")
    yield from _rows(run.start_metrics, " (before the training)")


def _rows(metrics: Sequence[SpeciesMetrics], suffix: str) -> Iterator[str]:
    for each in metrics:
        top = " | ".join(f"{each.top[k]:.3f}" if k in each.top else "" for k in ("1", "5", "10", "20"))
        name = each.species or "all"
        yield (
            f"| {name}{suffix} | {each.photographs:,} | {each.individuals:,} | {each.queries:,} | {top} | "
            f"{each.mean_average_precision:.3f} |"
        )

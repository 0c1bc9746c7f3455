"""Local features stored with their detections, each set or refused on its own."""

from __future__ import annotations

from services.common.store.journal import Change
from services.common.survey.existence import missing_detection
from services.common.survey.local_parts import feature_key, feature_name, part_changes
from services.common.survey.state import SurveyState
from services.scorer.local.requests import FeatureBlock
from services.scorer.surveys import Surveys
from spotted.errors import DigestMismatchError, SpottedError
from spotted.v1 import local_features_pb2 as pb
from spotted.v1 import store_pb2, survey_pb2


def add_local_features(surveys: Surveys, block: FeatureBlock, request_id: str) -> pb.AddLocalFeaturesResponse:
    """Store features; content and journal change in one step, which is on disk when this returns.

    Raises NotFoundError for the survey, DigestMismatchError if its features were made differently.
    """
    keys = {i: feature_key(i, content) for i, content in block.features.items() if i not in block.faults}

    def decide(state: SurveyState) -> Change:
        another = _is_another(state, block)
        known = {} if another else state.local.keys
        found = [i for i in keys if i in state.detections]
        fresh = [i for i in found if known.get(i) != keys[i]]
        unknown = {i: missing_detection(block.survey_id, i) for i in keys if i not in state.detections}
        after = state.described()
        if fresh:
            after.revision += 1
            after.local_feature_count = len({*known, *fresh})
            after.local_features.CopyFrom(block.spec)
            after.local_pair_count = 0 if another else after.local_pair_count
        answer = pb.AddLocalFeaturesResponse(
            added=len(fresh),
            unchanged=len(found) - len(fresh),
            rejected=[_rejected(i, error) for i, error in {**block.faults, **unknown}.items()],
            survey=after,
        )
        if not fresh:
            return Change(b"", answer.SerializeToString())
        added = pb.LocalFeaturesAdded(detection_ids=fresh, keys=b"".join(keys[i] for i in fresh))
        if another or state.local.spec is None:
            added.spec.CopyFrom(block.spec)
        changes = part_changes(
            block.survey_id,
            dropped=state.local.keys.values() if another else [known[i] for i in fresh if i in known],
            dropped_names=state.local.score_names() if another else (),
            stored={feature_name(keys[i]): block.features[i] for i in fresh},
        )
        entry = surveys.entry(store_pb2.SurveyEvent(local_features=added))
        return Change(entry, answer.SerializeToString(), changes)

    reply = surveys.folded(block.survey_id).change(decide, scope="AddLocalFeatures", request_id=request_id)
    return pb.AddLocalFeaturesResponse.FromString(reply.value)


def _is_another(state: SurveyState, block: FeatureBlock) -> bool:
    """Whether the features replace those of another spec. Raises DigestMismatchError if they may not."""
    known = state.local.spec
    if known is None or known == block.spec:
        return False
    if not block.replace_spec and state.local.keys:
        raise DigestMismatchError(
            f"survey {block.survey_id!r} holds local features of {known.method} ({known.digest[:12]}), these "
            f"are of {block.spec.method} ({block.spec.digest[:12]}), and the two are never matched; extract "
            "all with one method and preparation, or replace those that are stored, e.g. with "
            f"`spotted embed {block.survey_id} --local {block.spec.method} --again`"
        )
    return True


def _rejected(detection_id: str, error: SpottedError) -> pb.RejectedLocalFeatures:
    return pb.RejectedLocalFeatures(
        detection_id=detection_id, error=survey_pb2.ItemError(reason=error.reason, message=str(error))
    )

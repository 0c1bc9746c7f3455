"""Handles whose methods are awaited: a survey, session, individual, operation, and the catalogue."""

from __future__ import annotations

from spotted.client.aio.methods import Bridged, awaits, awaits_handle, gives_handle, iterates
from spotted.client.catalogue.handle import CatalogueHandle
from spotted.client.individuals.handle import IndividualHandle
from spotted.client.operation_handle import OperationHandle
from spotted.client.session_handle import SessionHandle
from spotted.client.survey_handle import SurveyHandle


class AsyncOperationHandle(Bridged[OperationHandle]):
    """An operation, such as the training of a head.

    >>> import asyncio
    >>> from spotted.client.aio import AsyncSpotted
    >>> from spotted.v1 import operations_pb2
    >>> from spotted.testing import fake_services
    >>> running = operations_pb2.Operation(operation_id="op-1", state=1, progress=0.5)
    >>> reply = operations_pb2.GetOperationResponse(operation=running)
    >>> async def example(address: str) -> float:
    ...     async with AsyncSpotted(embedder=address, scorer=address, sampler=address) as spotted:
    ...         return (await spotted.operation("op-1").info()).progress
    >>> with fake_services({"GetOperation": lambda request: reply}) as blocking:
    ...     asyncio.run(example(blocking.connection.embedder.address))
    0.5
    """

    info = awaits(OperationHandle.info)
    watch = iterates(OperationHandle.watch)
    cancel = awaits(OperationHandle.cancel)


class AsyncIndividualHandle(Bridged[IndividualHandle]):
    """One individual of a session."""

    get = awaits(IndividualHandle.get)
    rename = awaits(IndividualHandle.rename)
    update = awaits(IndividualHandle.update)
    merge = awaits(IndividualHandle.merge)
    split = awaits(IndividualHandle.split)
    move_here = awaits(IndividualHandle.move_here)


class AsyncCatalogueHandle(Bridged[CatalogueHandle]):
    """The catalogue of the caller's organisation."""

    entries = iterates(CatalogueHandle.entries)
    entry = awaits(CatalogueHandle.entry)
    add = awaits(CatalogueHandle.add)
    add_session = awaits(CatalogueHandle.add_session)
    add_known_names = awaits(CatalogueHandle.add_known_names)
    name_individual = awaits(CatalogueHandle.name_individual)
    update = awaits(CatalogueHandle.update)
    merge = awaits(CatalogueHandle.merge)
    split = awaits(CatalogueHandle.split)
    remove = awaits(CatalogueHandle.remove)
    undo = awaits(CatalogueHandle.undo)
    changes = iterates(CatalogueHandle.changes)
    watch = iterates(CatalogueHandle.watch)
    match = iterates(CatalogueHandle.match)
    members_beside = iterates(CatalogueHandle.members_beside)


class AsyncSessionHandle(Bridged[SessionHandle]):
    """A session on the sampler; every method raises NotFoundError if it does not exist."""

    info = awaits(SessionHandle.info)
    update = awaits(SessionHandle.update)
    delete = awaits(SessionHandle.delete)
    next_pairs = awaits(SessionHandle.next_pairs)
    submit_labels = awaits(SessionHandle.submit_labels)
    release_leases = awaits(SessionHandle.release_leases)
    retract_labels = awaits(SessionHandle.retract_labels)
    preview_retraction = awaits(SessionHandle.preview_retraction)
    conflicts = iterates(SessionHandle.conflicts)
    progress = awaits(SessionHandle.progress)
    watch_progress = iterates(SessionHandle.watch_progress)
    individuals = iterates(SessionHandle.individuals)
    individual = gives_handle(SessionHandle.individual, AsyncIndividualHandle)
    undo_change = awaits(SessionHandle.undo_change)
    watch_individuals = iterates(SessionHandle.watch_individuals)
    labels = awaits(SessionHandle.labels)
    events = iterates(SessionHandle.events)


class AsyncSurveyHandle(Bridged[SurveyHandle]):
    """A survey on the services; every method raises NotFoundError if it does not exist."""

    info = awaits(SurveyHandle.info)
    update = awaits(SurveyHandle.update)
    delete = awaits(SurveyHandle.delete)
    upsert_cameras = awaits(SurveyHandle.upsert_cameras)
    delete_cameras = awaits(SurveyHandle.delete_cameras)
    cameras = iterates(SurveyHandle.cameras)
    add_detections = awaits(SurveyHandle.add_detections)
    detections = iterates(SurveyHandle.detections)
    detection_pages = iterates(SurveyHandle.detection_pages)
    detections_with_embeddings = awaits(SurveyHandle.detections_with_embeddings)
    update_detections = awaits(SurveyHandle.update_detections)
    detection_changes = iterates(SurveyHandle.detection_changes)
    delete_detections = awaits(SurveyHandle.delete_detections)
    add_local_features = awaits(SurveyHandle.add_local_features)
    with_local_features = awaits(SurveyHandle.with_local_features)
    match_local_features = awaits_handle(SurveyHandle.match_local_features, AsyncOperationHandle)
    local_scores = awaits(SurveyHandle.local_scores)
    score_spec = awaits(SurveyHandle.score_spec)
    candidates = iterates(SurveyHandle.candidates)
    query_candidates = awaits(SurveyHandle.query_candidates)
    score_pairs = awaits(SurveyHandle.score_pairs)
    explain_pair = awaits(SurveyHandle.explain_pair)
    score_matrix = awaits(SurveyHandle.score_matrix)
    train_head = awaits_handle(SurveyHandle.train_head, AsyncOperationHandle)
    make_head = awaits_handle(SurveyHandle.make_head, AsyncOperationHandle)
    activate_head = awaits(SurveyHandle.activate_head)
    fit_calibration = awaits(SurveyHandle.fit_calibration)
    activate_calibration = awaits(SurveyHandle.activate_calibration)
    sessions = iterates(SurveyHandle.sessions)
    session = gives_handle(SurveyHandle.session, AsyncSessionHandle)
    catalogued_surveys = awaits(SurveyHandle.catalogued_surveys)
    create_session = awaits_handle(SurveyHandle.create_session, AsyncSessionHandle)
    import_session = awaits_handle(SurveyHandle.import_session, AsyncSessionHandle)

"""The catalogue of the caller's organisation, with the changes that people make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from spotted.catalogue.facts import Member
from spotted.client.catalogue.messages import (
    added_animal,
    addition_message,
    catalogue_result,
    entry_message,
    member_messages,
)
from spotted.client.catalogue.reading import CatalogueReader
from spotted.client.catalogue.sources import batches, known_names, named_individuals, refused_individuals
from spotted.client.connection import request_id as new_request_id
from spotted.client.individuals.handle import IndividualHandle
from spotted.client.session_handle import SessionHandle
from spotted.client.survey_handle import SurveyHandle
from spotted.client.values.catalogue import (
    AddedAnimals,
    CatalogueAddition,
    CatalogueEntry,
    CatalogueResult,
    CatalogueSource,
)
from spotted.client.values.individuals import Individual
from spotted.errors import PreconditionError
from spotted.individuals.attributes import Attributes, Sex, Status
from spotted.v1 import catalogue_pb2 as pb


class CatalogueHandle(CatalogueReader):
    """The catalogue on the scorer. Changes are events with who and when, and can be undone.

    A token that may access only some surveys sees the catalogue as if the others were not there.
    `request_id`: a UUID with which the call can be repeated safely; "" for a new one.
    """

    def add(
        self,
        survey_id: str,
        animals: Sequence[CatalogueAddition],
        annotator_id: str,
        *,
        names_identify: bool = False,
        source: CatalogueSource = CatalogueSource.PERSON,
        session_id: str = "",
    ) -> AddedAnimals:
        """Add animals of a survey; each is carried out or refused by itself.

        names_identify: an animal goes to the entry of the same name, if there is exactly one.
        source, session_id: where they come from. Raises NotFoundError for the survey.
        """
        added, change_ids = [], []
        for batch in batches(animals):
            request = pb.AddCatalogueMembersRequest(
                survey_id=survey_id,
                additions=[addition_message(one) for one in batch],
                names_identify=names_identify,
                source=pb.CatalogueSource.ValueType(source),
                session_id=session_id,
                annotator_id=annotator_id,
                request_id=new_request_id(),
            )
            answer = self._catalogue.call(self._catalogue.stub.AddCatalogueMembers, request)
            # a service that answers with fewer results is of another release
            added += [added_animal(*each) for each in zip(batch, answer.results, strict=False)]
            change_ids += [answer.change_id] if answer.change_id else []
        return AddedAnimals(tuple(added), tuple(reversed(change_ids)))

    def add_session(
        self, survey_id: str, session_id: str, annotator_id: str, *, names_identify: bool = False
    ) -> AddedAnimals:
        """Add the individuals of a session that people gave a name; those added before get new members.

        Individuals that are an animal of the catalogue become members of it; one that people joined with
        several is refused.
        """
        individuals = list(SessionHandle(self._connection, survey_id, session_id).individuals())
        added = self.add(
            survey_id,
            named_individuals(individuals),
            annotator_id,
            names_identify=names_identify,
            source=CatalogueSource.SESSION,
            session_id=session_id,
        )
        return replace(added, animals=(*added.animals, *refused_individuals(individuals)))

    def add_known_names(
        self, survey_id: str, annotator_id: str, *, names_identify: bool = False
    ) -> AddedAnimals:
        """Add the animals that the files of a survey name (`Detection.individual_id`)."""
        survey = SurveyHandle(self._connection, survey_id)
        return self.add(
            survey_id,
            known_names(survey.detections()),
            annotator_id,
            names_identify=names_identify,
            source=CatalogueSource.KNOWN_NAMES,
        )

    def name_individual(
        self, survey_id: str, session_id: str, individual_id: str, entry_id: str, annotator_id: str
    ) -> CatalogueEntry:
        """State that an individual of a session is an animal of the catalogue.

        Its detections become members of the entry, and it gets the name of the entry, if that has one.
        Raises NotFoundError, PreconditionError if the catalogue refuses it.
        """
        individual = IndividualHandle(self._connection, survey_id, session_id, individual_id)
        found = individual.get()
        entry = self.entry(entry_id)
        # its own name is not that of the entry
        member = Individual(found.individual_id, found.detection_ids)
        added = self.add(
            survey_id,
            [CatalogueAddition(member, entry.entry_id)],
            annotator_id,
            source=CatalogueSource.SESSION,
            session_id=session_id,
        )
        for one in added.animals:
            if one.reason:
                raise PreconditionError(one.message)
        if entry.display_name and entry.display_name != found.display_name:
            individual.rename(entry.display_name, annotator_id)
        return self.entry(entry.entry_id)

    def update(
        self,
        entry_id: str,
        annotator_id: str,
        *,
        display_name: str | None = None,
        sex: Sex | None = None,
        status: Status | None = None,
        dead_since_s: float | None = None,
        notes: str | None = None,
        tags: Sequence[str] | None = None,
        etag: str = "",
        request_id: str = "",
    ) -> CatalogueResult:
        """Set the attributes that are given; None leaves one as it is.

        dead_since_s: UTC seconds since 1970, together with the status DEAD. etag: the one of the entry that
        the change is based on; "" to change it whatever it is now. Raises NotFoundError, ConcurrencyError.
        """
        given = {
            "display_name": display_name,
            "sex": sex,
            "status": status,
            "dead_since": dead_since_s,
            "notes": notes,
            "tags": tags,
        }
        values = Attributes(
            display_name=display_name or "",
            sex=sex or Sex.UNKNOWN,
            status=status or Status.UNKNOWN,
            dead_since_s=dead_since_s,
            notes=notes or "",
            tags=tuple(tags or ()),
        )
        request = pb.UpdateCatalogueEntryRequest(
            entry=entry_message(entry_id, values, etag),
            annotator_id=annotator_id,
            request_id=request_id or new_request_id(),
        )
        request.update_mask.paths.extend(path for path, value in given.items() if value is not None)
        answer = self._catalogue.call(self._catalogue.stub.UpdateCatalogueEntry, request)
        return catalogue_result(answer.result)

    def merge(
        self, entry_id: str, others: Sequence[str], annotator_id: str, *, request_id: str = ""
    ) -> CatalogueResult:
        """State that entries are one animal; the first keeps its id and attributes.

        Raises NotFoundError, DigestMismatchError if their vectors are not made alike.
        """
        request = pb.MergeCatalogueEntriesRequest(
            entry_id=entry_id,
            merged_entry_ids=others,
            annotator_id=annotator_id,
            request_id=request_id or new_request_id(),
        )
        answer = self._catalogue.call(self._catalogue.stub.MergeCatalogueEntries, request)
        return catalogue_result(answer.result)

    def split(
        self,
        entry_id: str,
        members: Iterable[Member],
        annotator_id: str,
        *,
        to_entry_id: str = "",
        request_id: str = "",
    ) -> CatalogueResult:
        """State that some members are another animal. to_entry_id: "" for a new entry."""
        request = pb.SplitCatalogueEntryRequest(
            entry_id=entry_id,
            members=member_messages(members),
            to_entry_id=to_entry_id,
            annotator_id=annotator_id,
            request_id=request_id or new_request_id(),
        )
        answer = self._catalogue.call(self._catalogue.stub.SplitCatalogueEntry, request)
        return catalogue_result(answer.result)

    def remove(
        self, members: Iterable[Member], annotator_id: str, *, request_id: str = ""
    ) -> CatalogueResult:
        """Take members out of the catalogue; their detections stay in the survey."""
        request = pb.RemoveCatalogueMembersRequest(
            members=member_messages(members),
            annotator_id=annotator_id,
            request_id=request_id or new_request_id(),
        )
        answer = self._catalogue.call(self._catalogue.stub.RemoveCatalogueMembers, request)
        return catalogue_result(answer.result)

    def undo(self, change_id: str, annotator_id: str, *, request_id: str = "") -> CatalogueResult:
        """Undo a change. Raises NotFoundError, PreconditionError if a later one concerns the same."""
        request = pb.UndoCatalogueChangeRequest(
            change_id=change_id, annotator_id=annotator_id, request_id=request_id or new_request_id()
        )
        answer = self._catalogue.call(self._catalogue.stub.UndoCatalogueChange, request)
        return catalogue_result(answer.result)

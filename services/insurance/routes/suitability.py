"""Suitability: the questions, a person's answers with their verdicts, the record that counts."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from services.insurance import suitability_store as store
from services.insurance.faults import QuestionnaireOutdated, invalid_fields
from services.insurance.offer_answers import QUESTIONS, SUITABILITY
from services.insurance.questionnaire import frozen_answers
from services.insurance.resources import Held, Resources
from services.insurance.suitability import Verdict, kind_verdicts, situation
from services.insurance.suitability_answers import is_current, record_of
from services.insurance.suitability_schemas import (
    Questionnaire,
    SuitabilityRecord,
    SuitabilityRequest,
    SuitabilityState,
)
from services.insurance.suitability_store import RecordRow
from services.insurance.tables import idempotency_keys, stream_tables
from services.insurance.wire_types import Kind
from services.kit.idempotency import idempotent
from services.kit.identity import Caller, requires
from services.kit.stream import Envelope, publish
from services.kit.wire import DEFAULT_LOCALE, ExternalId, Locale

router = APIRouter(tags=["suitability"])

Writer = Annotated[Caller, requires("suitability:write")]
Reader = Annotated[Caller, requires("suitability:read")]
InLocale = Annotated[Locale, Query(description="The language of the texts.")]


@router.get("/v1/suitability/questions")
async def read_questions(held: Held, caller: Reader, locale: InLocale = DEFAULT_LOCALE) -> Questionnaire:
    """The current questionnaire."""
    return held.rules.in_locale(locale)


@router.post("/v1/suitability", status_code=201, response_model=SuitabilityRecord)
async def record_answers(request: Request, body: SuitabilityRequest, held: Held, caller: Writer) -> Response:
    """Judge answers and keep the record; it counts until `expires_at` or until the next one."""
    caller.require_self(body.user_id)
    if body.questionnaire_version not in (None, held.rules.questionnaire_version):
        raise QuestionnaireOutdated("The questions have changed: ask them again.", param="questionnaire_version")
    problems = held.rules.problems(body.answers)
    if problems:
        raise invalid_fields("answers", problems)
    person = situation(frozen_answers(body.answers), held.rule_set)
    verdicts = kind_verdicts(person, held.rule_set)

    async def run() -> SuitabilityRecord:
        row = await store.add_record(
            connection,
            tenant_id=caller.tenant_id,
            user_id=body.user_id,
            questionnaire_version=held.rules.questionnaire_version,
            rule_set=held.rule_set,
            answers=body.answers,
            person=person,
            verdicts=verdicts,
            moment=held.now(),
            valid_for=timedelta(days=held.settings.suitability_valid_days),
        )
        await publish(connection, stream_tables, [_fact(row, verdicts)])
        return record_of(row, body.locale)

    async with held.db.begin() as connection:
        return await idempotent(connection, idempotency_keys, caller, request, body, run, status_code=201)


@router.get("/v1/people/{user_id}/suitability")
async def read_state(
    user_id: Annotated[ExternalId, Path()], held: Held, caller: Reader, locale: InLocale = DEFAULT_LOCALE
) -> SuitabilityState:
    """A person's newest record and whether it counts; somebody without one has the status `none`."""
    caller.require_self(user_id)
    async with held.db.connect() as connection:
        row = await store.newest_record(connection, caller.tenant_id, user_id)
    status = _status(row, held)
    return SuitabilityState(
        user_id=user_id,
        status=status,
        record=record_of(row, locale) if row is not None else None,
        links=[] if status == "valid" else [SUITABILITY, QUESTIONS],
    )


def _status(row: RecordRow | None, held: Resources) -> Literal["none", "valid", "expired"]:
    if row is None:
        return "none"
    return "valid" if is_current(row, held.rules) and row.expires_at > held.now() else "expired"


def _fact(row: RecordRow, verdicts: dict[Kind, Verdict]) -> Envelope:
    return Envelope(
        type="suitability.recorded",
        tenant_id=row.tenant_id,
        subject=row.user_id,
        occurred_at=row.recorded_at,
        received_at=row.recorded_at,
        data={
            "user_id": row.user_id,
            "record_id": row.record_id,
            "verdicts": {kind: each.outcome for kind, each in verdicts.items()},
            "expires_at": row.expires_at.isoformat(),
        },
    )

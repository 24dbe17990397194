"""Suitability records as they are shown, and as the offers' gate reads them."""

from services.insurance.offering import Standing
from services.insurance.questionnaire import SuitabilityRules, frozen_answers
from services.insurance.suitability import RuleSet, Verdict, situation
from services.insurance.suitability_schemas import KindVerdict, SuitabilityRecord
from services.insurance.suitability_store import RecordRow, verdicts_of
from services.insurance.texts import say_about, say_all
from services.kit.wire import Locale


def record_of(row: RecordRow, locale: Locale) -> SuitabilityRecord:
    """A record in the reader's language; its conclusions are those of the day it was made."""
    return SuitabilityRecord(
        record_id=row.record_id,
        user_id=row.user_id,
        questionnaire_version=row.questionnaire_version,
        rule_set_version=row.rule_set_version,
        answers=row.answers,
        risk_level=row.risk_level,
        premium_share_cap=str(row.premium_share_cap),
        verdicts={kind: _verdict(each, locale) for kind, each in verdicts_of(row).items()},
        recorded_at=row.recorded_at,
        expires_at=row.expires_at,
    )


def standing_of(row: RecordRow | None, rules: SuitabilityRules, rule_set: RuleSet) -> Standing | None:
    """What the gate reads of a record; None when there is none, or when other questions or rules were behind it."""
    if row is None or not is_current(row, rules):
        return None
    return Standing(
        situation=situation(frozen_answers(row.answers), rule_set),
        verdicts=verdicts_of(row),
        expires_at=row.expires_at,
    )


def is_current(row: RecordRow, rules: SuitabilityRules) -> bool:
    """Whether a record was made by the questions and the rules of now."""
    return (row.questionnaire_version, row.rule_set_version) == (rules.questionnaire_version, rules.rule_set_version)


def _verdict(verdict: Verdict, locale: Locale) -> KindVerdict:
    reasons = say_all(verdict.codes, locale)
    stop = verdict.outcome != "suitable"
    return KindVerdict(
        verdict=verdict.outcome,
        reason_codes=list(verdict.codes),
        reasons=reasons,
        advice=say_about("advise_against_kind", reasons, locale) if stop else None,
    )

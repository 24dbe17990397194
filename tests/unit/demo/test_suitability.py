from demo.suitability import answers_of, only_asked
from demo.world import World


def test_only_those_who_consent_to_finance_have_answered(village: World) -> None:
    answered = [p for n, p in enumerate(village.people, start=1) if answers_of(p, n, 7) is not None]
    assert 5 < len(answered) < 40
    assert all(person.consents["finance"] for person in answered)


def test_answers_agree_with_declared_facts(village: World) -> None:
    for number, person in enumerate(village.people, start=1):
        answers = answers_of(person, number, 7)
        if answers and "income_band" in person.facts:
            assert answers["income_band"] == person.facts["income_band"]


def test_a_new_child_shows_in_the_needs_that_are_named(world: World) -> None:
    numbered = enumerate(world.people, start=1)
    parents = [(n, p) for n, p in numbered if any(need.kind == "new_child" for need in p.needs)]
    answers = [found for n, p in parents if (found := answers_of(p, n, 7))]
    assert answers
    assert all({"serious_illness", "family_protection", "education"} <= set(given["needs"]) for given in answers)


def test_answers_to_questions_that_are_not_asked_are_left_out() -> None:
    questions = [
        {"id": "needs", "options": [{"value": "travel"}, {"value": "accident"}]},
        {"id": "dependants", "options": []},
        {"id": "horizon", "options": [{"value": "short"}]},
    ]
    answers = {"needs": ["travel"], "dependants": 2, "horizon": "1_3", "mood": "good"}
    assert only_asked(answers, questions) == {"needs": ["travel"], "dependants": 2}

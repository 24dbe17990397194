"""Figures of a search, also where there is nothing to take a share of."""

from training.knowledge.judging import Asked, figures

FOUND = [Asked(True, 1, 0.9), Asked(True, 2, 0.8), Asked(True, 0, 0.1)]


def test_questions_that_all_have_an_answer_have_no_share_of_wrong_ones() -> None:
    told = figures(FOUND, 0.5)
    assert (told["recall_at_1"]["value"], told["recall_at_3"]["value"], told["answered"]["value"]) == (
        0.3333,
        0.6667,
        0.6667,
    )
    nothing = {"value": None, "interval": [None, None]}
    assert (told["wrongly_answered"], told["no_answer_auroc"]) == (nothing, nothing)


def test_questions_that_have_no_answer_have_no_recall() -> None:
    told = figures([Asked(False, 0, 0.9), Asked(False, 0, 0.1)], 0.5)
    assert (told["wrongly_answered"]["value"], told["recall_at_1"]["value"]) == (0.5, None)

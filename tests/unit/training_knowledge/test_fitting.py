"""The threshold that is chosen: what answers most, among those under which few questions without an answer are quoted one."""

from training.knowledge.fitting import MOST_WRONG, _threshold
from training.knowledge.judging import Asked


def test_of_thresholds_only_those_count_that_quote_few_without_an_answer() -> None:
    answered = [Asked(True, 1, 0.5 + step / 100) for step in range(40)]
    without = [Asked(False, 0, 0.1 + step / 20) for step in range(16)]
    chosen = _threshold([*answered, *without])
    quoted = sum(each.probability >= chosen for each in without)
    assert quoted / len(without) <= MOST_WRONG
    assert quoted == 2


def test_where_no_threshold_quotes_few_the_highest_is_chosen() -> None:
    without = [Asked(False, 0, 0.9), Asked(False, 0, 0.9)]
    assert _threshold([Asked(True, 1, 0.2), Asked(True, 1, 0.4), *without]) == 0.65

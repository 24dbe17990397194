"""What may be wrong with the rows of a run, counted: none of it ends the run, all of it is told."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from training.intent.batches import Encoded
from training.intent.rows import Row


@dataclass(frozen=True, slots=True)
class Remarks:
    """Texts for training and for validation; of both, those `cut` because they fill `max_tokens` or more.

    `contradicted` texts have several labels of one task among the training rows; `seen` ones are for validation and among the training
    rows too.
    """

    training: int
    validation: int
    max_tokens: int
    cut: int
    contradicted: int
    seen: int

    @classmethod
    def of(
        cls, train: Sequence[Row], validation: Sequence[Row], read: Sequence[Encoded], *, max_tokens: int
    ) -> "Remarks":
        """`read` are the rows as token ids, cut."""
        labels: dict[tuple[str, str], set[str]] = {}
        for row in train:
            for task, label in row.labels.items():
                labels.setdefault((row.text, task), set()).add(label)
        learned = {row.text for row in train}
        return cls(
            training=len(train),
            validation=len(validation),
            max_tokens=max_tokens,
            cut=sum(len(tokens) >= max_tokens for part in read for tokens in part.tokens),
            contradicted=len({text for (text, _), names in labels.items() if len(names) > 1}),
            seen=sum(row.text in learned for row in validation),
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def told(rows: Mapping[str, Any]) -> list[str]:
    """Remarks, as they are in a report, in sentences; empty when there is nothing to say."""
    texts, most = rows["training"] + rows["validation"], rows["max_tokens"]
    said = {
        "cut": f"of {texts} texts {rows['cut']} have {most} tokens or more and are read no further: see --max-tokens",
        "contradicted": f"texts with several labels among the training rows: {rows['contradicted']}",
        "seen": f"{rows['seen']} of {rows['validation']} texts for validation are among the training rows: "
        "expect less than these figures",
    }
    return [sentence for name, sentence in said.items() if rows[name]]

"""`kuajie train embedding`: the same model, with an embedding that tells meaning apart as an encoder does that knows no intents.

The package's logits stay what they are, bit for bit.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from services.intent.trained.confidence import Floats
from services.intent.trained.embedding import MAX_TOKENS
from services.intent.trained.package import HALF, MODEL, Package, read_package
from services.intent.trained.tokens import cut, open_tokenizer
from services.intent.trained.written_form import with_role
from training.intent.batches import Encoded, in_order
from training.intent.lineage import CARD, name_of
from training.intent.network import load_encoder
from training.intent.package import draft_of, seal
from training.intent.readout import STATES, add_readout, add_states, explained, fit_readout, unit
from training.intent.reopened import UnusableBase
from training.intent.rows import Row, UnusableData
from training.intent.seeing import Progress
from training.intent.served import open_model, outputs_of

MOST = 6_000
FEWEST = 16
HELD_OUT = 8
BATCH = 32


def give_meaning(
    folder: Path, teacher: str | Path, rows: Sequence[Row], *, out: Path, progress: Progress, seed: int = 0
) -> dict[str, Any]:
    """A copy of the package in `out` whose embedding comes near that of `teacher`, a folder or a hub id.

    `explained` is the share of the variance of the teacher's embeddings on an eighth of the texts that were held out; what ships is
    fitted to all. Raises `ModelRefused` for a package that cannot be used, `UnusableBase` for a teacher, `NoEncoder`, `UnusableData`
    for too few rows, and FileExistsError when `out` is there.
    """
    if out.exists():
        raise FileExistsError(out)
    package = read_package(folder)
    if len(rows) < FEWEST:
        raise UnusableData(f"an embedding needs at least {FEWEST} texts, not {len(rows)}")
    texts = texts_of(rows, random.Random(seed))
    wanted = _taught(teacher, texts, progress)
    with draft_of(package, out) as draft:
        files = [draft / name for name in (MODEL, HALF) if (draft / name).is_file()]
        for path in files:
            add_states(path, path)
        states = _states(package, draft / MODEL, texts)
        progress("reading the package", 1.0)
        held = np.arange(len(texts)) % HELD_OUT == 0
        share = explained(fit_readout(states[~held], wanted[~held]), states[held], wanted[held])
        readout = fit_readout(states, wanted)
        for path in files:
            add_readout(path, readout)
        with (draft / CARD).open("a", encoding="utf-8") as card:
            card.write(_note(name_of(teacher), len(texts), share))
        version = seal(draft, package.description.name)
    return {"package": str(out), "version": version, "texts": len(texts), "explained": share}


def texts_of(rows: Sequence[Row], draw: random.Random) -> list[str]:
    """As many as `MOST` as an encoder is given them: half asked, a quarter passages, a quarter passages of several with one label."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        alike.setdefault((row.language, *sorted(row.labels.values())), []).append(row.text)
    drawn = [row.text for row in draw.sample(rows, min(MOST * 3 // 4, len(rows)))]
    asked = 2 * len(drawn) // 3
    groups = [group for group in alike.values() if len(group) > 1] or list(alike.values())
    joined = []
    for _ in range(len(drawn) // 3):
        group = draw.choice(groups)
        joined.append("\n".join(draw.sample(group, min(len(group), draw.randint(2, 4)))))
    return [with_role(text, "query") for text in drawn[:asked]] + [
        with_role(text, "passage") for text in drawn[asked:] + joined
    ]


def _states(package: Package, path: Path, texts: Sequence[str]) -> Floats:
    tokens = [list(cut(each, MAX_TOKENS)) for each in open_tokenizer(package).encode_batch_fast(list(texts))]
    return outputs_of(open_model(path), Encoded(tokens, {}), package.description.pad_id, [STATES])[STATES]


def _taught(teacher: str | Path, texts: Sequence[str], progress: Progress) -> Floats:
    """What the teacher makes of the texts, (texts, width): means over tokens, of unit length."""
    try:
        encoder, tokenizer = load_encoder(teacher, None)
    except (OSError, ValueError) as error:
        raise UnusableBase(f"cannot learn from {teacher}: {str(error).splitlines()[0]}") from error
    most = min(MAX_TOKENS, encoder.config.max_position_embeddings)
    tokens = tokenizer(list(texts), truncation=True, max_length=most)["input_ids"]
    found: list[Floats] = []
    places: list[int] = []
    with torch.inference_mode():
        for batch in in_order(Encoded(tokens, {}), BATCH, tokenizer.pad_token_id):
            hidden = encoder.eval()(input_ids=batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
            mask = batch.attention_mask.unsqueeze(-1).to(hidden.dtype)
            found.append(((hidden * mask).sum(1) / mask.sum(1)).numpy())
            places += batch.places
            progress("asking the teacher", len(places) / len(texts))
    return unit(np.concatenate(found))[np.argsort(places)]


def _note(teacher: str, texts: int, share: float) -> str:
    return (
        "\nIts embedding is read from the words and every third of the layers by a linear map, fitted to the embeddings that\n"
        f"`{teacher}` has of {texts} texts ({share:.2f} of their variance on texts held out). Logits are untouched by that.\n"
    )

"""A random encoder of two small layers, with a tokenizer of characters: no model file is needed. And the command line."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from kuajie import cli
from services.intent.trained.provider import Wanted
from training.intent.config import TrainConfig
from training.intent.making import Made, make_model
from training.intent.rows import Row

Command = Callable[..., tuple[int, str, str]]
HEADS = ("intent_weight", "sentiment_weight", "purchase_weight")
ON_CPU = Wanted("cpu", "CUDAExecutionProvider", 1)
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789 :?,.买退课险钱谢你好贷款"


def make_tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {token: place for place, token in enumerate([*SPECIAL, *CHARACTERS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face folder with a BERT of two layers, 32 wide."""
    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=len(SPECIAL) + len(CHARACTERS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
        pad_token_id=1,
    )
    BertModel(config).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_config() -> TrainConfig:
    return TrainConfig(
        layers=None,
        max_tokens=48,
        epochs=10,
        batch_size=8,
        learning_rate=3e-3,
        head_learning_rate=1e-2,
        average_decay=0.9,
        patience=10,
        validation_share=0.25,
        train_words=True,
        seed=7,
    )


def _texts(words: str, count: int) -> list[str]:
    return [f"{words} {'abcdefgh'[place % 8] * (1 + place % 5)}{place}" for place in range(count)]


@pytest.fixture(scope="session")
def tiny_rows() -> list[Row]:
    """Ninety texts of three labels that a glance tells apart; some know their sentiment and purchase."""
    rows = [
        Row(text, {"intent": "content.buy", "purchase": "buy", "sentiment": "positive"}, "zh")
        for text in _texts("买课", 30)
    ]
    rows += [
        Row(text, {"intent": "content.refund", "purchase": "not_buy", "sentiment": "negative"}, "zh")
        for text in _texts("退钱", 30)
    ]
    rows += [Row(text, {"intent": "out_of_scope"}, "en") for text in _texts("zzz qqq", 30)]
    return rows


@pytest.fixture(scope="session")
def made(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    out = tmp_path_factory.mktemp("made")
    return make_model(tiny_rows, base=tiny_base, out=out, config=tiny_config, progress=lambda name, share: None)


def rounding(folder: Path) -> float:
    """How far logits of a run's float32 file may be off: an embedding that is right to a millionth, times a head's weights."""
    graph = onnx.load(str(folder / "model.onnx")).graph
    heads = [numpy_helper.to_array(each) for each in graph.initializer if each.name in HEADS]
    assert len(heads) == len(HEADS)
    return 1e-6 * max(float(np.linalg.norm(head, axis=1).max()) for head in heads)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command line in this process; exit status, standard output and standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["kuajie", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        output = capsys.readouterr()
        status = ended.value.code
        assert isinstance(status, int)
        return status, output.out, output.err

    return run

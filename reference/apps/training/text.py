"""Training a language model on Penn Treebank."""

from __future__ import annotations

import difflib
import hashlib
import math
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import needle
import numpy as np

from .. import data_folder
from ..models import LanguageModel
from . import curves as drawn
from . import loop, tree
from .errors import SettingError
from .picture import Picture
from .settings import CommonSettings, at_least_1, choice, positive

MODELS = ("rnn", "lstm")


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """What `train` is told."""

    epochs: int = 5
    batch_size: int = 16  # columns of text, read side by side
    optimizer: str = "adam"
    lr: float = 0.005
    weight_decay: float = 0.0
    model: str = "lstm"  # one of MODELS
    embedding: int = 64  # numbers that a word becomes
    hidden: int = 64  # numbers in the recurrent state
    layers: int = 1
    seq_len: int = 40  # words that gradients flow back over
    clip: float | None = None  # the largest norm of the gradients; None for any
    train_file: str = "train.txt"  # of the data set's folder

    def __post_init__(self) -> None:
        super().__post_init__()
        choice("model", self.model, MODELS)
        for name in ("embedding", "hidden", "layers", "seq_len"):
            at_least_1(name, getattr(self, name))
        if self.clip is not None:
            positive("clip", self.clip)
        if Path(self.train_file).name != self.train_file:
            raise SettingError(f"train_file is {self.train_file!r}; expected a file's name, such as valid.txt.")


@dataclass(frozen=True)
class Run(loop.Outcome):
    """A finished or stopped training, and what asking the model needs."""

    model: Any
    dictionary: Any  # needle's: word2idx, idx2word
    baselines: dict[str, float]  # perplexities that take no model
    settings: Settings


def train(settings: Settings | None = None, say: Callable[[str], None] = print, prompt: str | None = None) -> Run:
    """Train a LanguageModel, telling `say` a line an epoch; see `loop.run` for how it may end.

    A `prompt` that the model is to be asked about is looked up first, so that a typing error costs no training.
    Raises SettingError, CheckpointError, and DataMissing where there is no Penn Treebank.
    """
    settings = settings or Settings()
    device = tree.device(settings.device)
    folder = data_folder.ptb(settings.data, synthetic=settings.synthetic)
    corpus = read_corpus(folder, settings.train_file, settings.limit)
    if prompt is not None:
        ids_of(corpus.dictionary, prompt)
    words = len(corpus.dictionary)
    say(
        f"{settings.model.upper()} on {len(corpus.train)} training and {len(corpus.test)} test words, "
        f"{words} different ones{' (synthetic)' if settings.synthetic else ''}, device {settings.device}"
    )
    trained, tested = (_columns(name, getattr(corpus, name), settings, device) for name in ("train", "test"))
    np.random.seed(settings.seed)
    model = LanguageModel(
        embedding_size=settings.embedding,
        output_size=words,
        hidden_size=settings.hidden,
        num_layers=settings.layers,
        seq_model=settings.model,
        seq_len=settings.seq_len,
        device=device,
    )
    optimizer = tree.optimizer(settings.optimizer, model, settings.lr, settings.weight_decay)
    loops, baselines = tree.loops(), unlearned(corpus.train, corpus.test, words)
    common = {"seq_len": settings.seq_len, "device": device}
    task = loop.Task(
        model=model,
        optimizer=optimizer,
        train_epoch=lambda loss: loops.epoch_general_ptb(
            trained, model, loss_fn=loss, opt=optimizer, clip=settings.clip, **common
        ),
        test=lambda loss: loops.evaluate_ptb(model, tested, loss_fn=loss, **common),
        train_batches=math.ceil((len(trained) - 1) / settings.seq_len),
        test_batches=math.ceil((len(tested) - 1) / settings.seq_len),
        identity={
            "model": settings.model,
            **{name: getattr(settings, name) for name in ("embedding", "hidden", "layers")},
            "dictionary": _fingerprint(corpus.dictionary.idx2word),
        },
        figures=lambda loss, accuracy: f"perplexity {perplexity(loss):.1f}, accuracy {100 * accuracy:.1f} %",
        draw=lambda history: drawn.text(history, baselines),
    )
    outcome = loop.run(task, settings, say)
    dictionary = corpus.dictionary
    return Run(**vars(outcome), model=model, dictionary=dictionary, baselines=baselines, settings=settings)


def curves(run: Run) -> Picture:
    """Perplexity, with what can be had without a model, and accuracy, by batch and epoch."""
    return drawn.text(run.history, run.baselines)


def perplexity(loss: float) -> float:
    """exp(loss): among how many equally likely words a model of this loss is at a loss, on average."""
    return math.exp(loss) if loss < 700 else math.inf  # exp(709.8) is the largest float


def unlearned(train: Sequence[int], test: Sequence[int], words: int) -> dict[str, float]:
    """Perplexities on the test text without any context, by name.

    uniform: every word is as likely, so it is the number of words. unigram: a word is as likely as it was frequent in
    the training text, every count raised by one because the test text has words that the training text has not.
    """
    counts = np.bincount(np.asarray(train, dtype=int), minlength=words) + 1
    surprise = np.log(counts.sum()) - np.log(counts)
    return {"uniform": float(words), "unigram": perplexity(float(surprise[np.asarray(test, dtype=int)].mean()))}


def ids_of(dictionary: Any, prompt: str) -> list[int]:
    """The ids of a prompt's words. Raises SettingError for a word that the dictionary has not, naming similar ones."""
    words = prompt.split()
    if not words:
        raise SettingError("The prompt is empty; expected a word or more.")
    known = dictionary.word2idx
    for word in words:
        if word not in known:
            near = difflib.get_close_matches(word, list(known), n=3)
            hint = f"; near it are {', '.join(near)}" if near else ""
            raise SettingError(f"The prompt's word {word!r} is not in the dictionary{hint}: choose another.")
    return [known[word] for word in words]


def read_corpus(folder: Path, train_file: str, limit: int | None) -> Any:
    """needle's Corpus with another file of the folder as its training text, where one is named."""
    if not (folder / train_file).is_file():
        there = ", ".join(sorted(path.name for path in folder.glob("*.txt")))
        raise SettingError(f"There is no {train_file} in {folder} to train on; expected one of {there}.")
    if train_file == "train.txt":
        return needle.data.Corpus(str(folder), limit)
    with tempfile.TemporaryDirectory() as scratch:  # Corpus reads train.txt and test.txt of a folder
        shutil.copyfile(folder / train_file, Path(scratch, "train.txt"))
        shutil.copyfile(folder / "test.txt", Path(scratch, "test.txt"))
        return needle.data.Corpus(scratch, limit)


def _columns(name: str, words: Sequence[int], settings: Settings, device: Any) -> np.ndarray:
    columns = needle.data.batchify(words, settings.batch_size, device=device, dtype="float32")
    if len(columns) < 2:
        raise SettingError(
            f"The {name} text has {len(words)} words, {len(columns)} rows of batch_size {settings.batch_size}; "
            f"expected 2 rows or more: raise limit, or lower batch_size."
        )
    return columns


def _fingerprint(words: Sequence[str]) -> str:
    """Of a dictionary: word ids mean nothing under another."""
    return f"{len(words)} words, {hashlib.sha256(chr(10).join(words).encode()).hexdigest()[:12]}"

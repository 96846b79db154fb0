"""Text from a language model: the most likely next words, and samples at a temperature."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import needle
import numpy as np

from . import tree
from .errors import SettingError
from .probabilities import softmax
from .settings import at_least_1
from .text import Run, ids_of

EOS, UNKNOWN = "<eos>", "<unk>"
WIDTH = 100  # characters a line
BAR = 30  # characters of the longest bar


def next_words(run: Run, prompt: str, count: int = 8) -> list[tuple[str, float]]:
    """The `count` most likely words after the prompt, with their probabilities."""
    at_least_1("count", count)
    probabilities = softmax(_Reader(run).read(ids_of(run.dictionary, prompt)))
    best = np.argsort(-probabilities, kind="stable")[:count]
    return [(run.dictionary.idx2word[word], float(probabilities[word])) for word in best]


def next_words_table(run: Run, prompt: str, count: int = 8) -> str:
    """The same as lines, with bars as long as each word is likely beside the first."""
    rows = next_words(run, prompt, count)
    width, most = max(len(word) for word, _ in rows), rows[0][1]
    lines = [f"  {word:{width}}  {100 * share:5.1f} %  {'━' * round(BAR * share / most)}" for word, share in rows]
    return "\n".join([f"after {prompt!r}:", *lines])


def sample(run: Run, prompt: str = "the", words: int = 40, temperature: float = 1.0, seed: int = 0) -> str:
    """The prompt and `words` more, each drawn from the model's probabilities.

    Logits are divided by the temperature first: below 1 likely words become likelier, above 1 rare ones; 0 takes the
    likeliest. `<unk>`, which stands for many rare words, is never drawn. The seed repeats a sample; NumPy's global
    generator is left alone, so that looking does not change a training.
    """
    at_least_1("words", words)
    if not 0 <= temperature < math.inf:
        raise SettingError(f"temperature is {temperature!r}; expected a number of 0 or more.")
    rng = np.random.default_rng(seed)
    ids = ids_of(run.dictionary, prompt)
    reader, never = _Reader(run), run.dictionary.word2idx.get(UNKNOWN)
    logits = reader.read(ids)
    for _ in range(words):
        if never is not None:
            logits[never] = -math.inf
        ids.append(_draw(logits, temperature, rng))
        logits = reader.read(ids[-1:])
    return _wrapped([run.dictionary.idx2word[word] for word in ids])


class _Reader:
    """The model in evaluation mode, with what it remembers of the words it has read."""

    def __init__(self, run: Run):
        self._model = run.model
        self._model.eval()
        self._device = tree.device(run.settings.device)
        self._state: Any = None

    def read(self, ids: list[int]) -> np.ndarray:
        """Read the words and give the logits (words,) of the one after them, as float64."""
        for word in ids:
            x = needle.Tensor(np.array([[word]], dtype=np.float32), device=self._device, requires_grad=False)
            logits, state = self._model(x, self._state)
            self._state = self._numbers(state)
        return logits.numpy().reshape(-1).astype(np.float64)

    def _numbers(self, state: Any) -> Any:
        """The same state without its past: or the graph of all words read would be kept."""
        if isinstance(state, tuple):
            return tuple(map(self._numbers, state))
        return needle.Tensor(state.numpy(), device=self._device, requires_grad=False)


def _draw(logits: np.ndarray, temperature: float, rng: np.random.Generator) -> int:
    if temperature == 0:
        return int(logits.argmax())
    scaled = (logits - logits.max()) / temperature  # in this order a tiny temperature gives -inf, and not inf - inf
    return int(rng.choice(len(logits), p=softmax(scaled)))


def _wrapped(words: list[str]) -> str:
    """A line for each sentence: they end where the model says <eos>."""
    sentences = " ".join(words).split(EOS)
    lines = (line for sentence in sentences if sentence.strip() for line in textwrap.wrap(sentence.strip(), WIDTH))
    return "\n".join(lines)

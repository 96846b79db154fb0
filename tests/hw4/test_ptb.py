"""Part 6: the Penn Treebank: dictionary, corpus, batchify and get_batch.

Texts are made at run time. Where the real data set is there (see oracle/real.py), a few more cases read a part of it;
they weigh next to nothing, so that no grade depends on whether the data was there.
"""

from __future__ import annotations

import numpy as np
import pytest
from checks import assert_places
from oracle import real
from oracle import text as oracle
from probes import ptb as probes

from grader.compare import assert_dtype, assert_equal, assert_same, assert_true

SYLLABLES = ["ka", "lo", "mi", "nu", "re", "sa", "ti", "vo"]


def draw_word(rng):
    """A word of one to three syllables, or one of the special words of the real text."""
    if rng.integer(0, 8) == 0:
        return rng.choice(["<unk>", "N", "$", "mr.", "'s", "u.s."])
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.integer(1, 4)))


def draw_text(rng, lines, longest=9):
    """Lines as in the real files, which begin and end with a blank."""
    words = [[draw_word(rng) for _ in range(rng.integer(1, longest))] for _ in range(lines)]
    return "".join(f" {' '.join(line)} \n" for line in words)


# -- the dictionary ----------------------------------------------------------------------------------------------


@pytest.mark.problem("ptb")
@pytest.mark.parametrize(
    "words",
    [["only"], ["the", "cat", "sat"], ["a", "b", "a", "a", "c", "b"], ["x", "x", "x"], ["The", "the", "THE", ""]],
    ids=["one", "all-new", "repeated", "always-the-same", "case-and-empty"],
)
def test_ptb_dictionary_ids(subject, words):
    """Ids count from 0 in the order of first appearance; a known word keeps its id, and adds nothing."""
    got = subject(probes.dictionary, words)
    known = list(dict.fromkeys(words))
    assert_same(got.ids, [known.index(word) for word in words], f"the ids of {words}")
    lengths = [len(set(words[:k])) for k in range(len(words) + 1)]
    assert_same(got.lengths, lengths, "the length at first and after each word")


@pytest.mark.problem("ptb")
def test_ptb_dictionary_both_ways(subject, rng):
    """idx2word lists the words by id, and word2idx maps them back."""
    words = [draw_word(rng) for _ in range(200)]
    got = subject(probes.dictionary_tables, words)
    known = list(dict.fromkeys(words))
    assert_same(got.idx2word, known, "idx2word")
    assert_same(got.word2idx, [[number, word] for number, word in enumerate(known)], "word2idx, sorted by id,")


@pytest.mark.problem("ptb")
def test_ptb_dictionary_separate(subject):
    """Each dictionary has its own words."""
    got = subject(probes.two_dictionaries, ["a", "b", "c"], ["c", "d"])
    assert_same(got.first, [0, 1, 2], "the ids in the first dictionary")
    assert_same(got.second, [0, 1], "the ids in the second dictionary")
    assert_same(got.lengths, [3, 2], "the lengths of the dictionaries")


# -- the corpus --------------------------------------------------------------------------------------------------


def check_corpus(subject, train, test, max_lines=None):
    got = subject(probes.corpus, train, test, max_lines=max_lines)
    want = oracle.corpus(train, test, max_lines)
    assert_equal(got.train, want.train, name="corpus.train")
    assert_equal(got.test, want.test, name="corpus.test")
    assert_same(got.dictionary_size, len(want.words), "the length of the dictionary")


TEXTS = {
    "one-word": ("word\n", "word\n"),
    "repeated": ("a b\nb\n", "b a\n"),
    "unseen-words-in-test": ("a b c\n", "d b\ne\n"),
    "blanks-around": (" a  b \n c \n", "  c a \n"),
    "empty-lines": ("a\n\nb\n\n", "\n\nc\n"),
    "no-line-end-at-the-end": ("a b\nc", "c\nd"),
    "eos-in-the-text": ("a <eos> b\n", "<eos>\n"),
}


@pytest.mark.problem("ptb")
@pytest.mark.parametrize(("train", "test"), TEXTS.values(), ids=TEXTS)
def test_ptb_corpus(subject, train, test):
    """Ids follow first appearance, train before test, and <eos> ends every line."""
    check_corpus(subject, train, test)


@pytest.mark.problem("ptb")
@pytest.mark.parametrize(("train_lines", "test_lines"), [(1, 1), (40, 7), (7, 40)])
def test_ptb_corpus_of_many_lines(subject, rng, train_lines, test_lines):
    """Ids follow first appearance, train before test, and <eos> ends every line."""
    check_corpus(subject, draw_text(rng, train_lines), draw_text(rng, test_lines))


@pytest.mark.problem("ptb")
@pytest.mark.parametrize("max_lines", [1, 2, 5, 6, 7, 100])
def test_ptb_corpus_max_lines(subject, rng, max_lines):
    """max_lines takes the first lines of each file and no more, and ends them with <eos> as well."""
    check_corpus(subject, draw_text(rng, 6), draw_text(rng, 3), max_lines)


@pytest.mark.problem("ptb")
def test_ptb_corpus_eos(subject, rng):
    """<eos> is a word of the dictionary like any other, with the id that it got at the end of the first line."""
    train = draw_text(rng, 5)
    got = subject(probes.corpus, train, draw_text(rng, 2))
    want = oracle.corpus(train, "").words
    assert_same(got.eos, want.index("<eos>"), "the id of <eos>")
    assert_same(got.dictionary_size_after_adding_eos, got.dictionary_size, "the length after adding <eos> again")


# -- batchify ----------------------------------------------------------------------------------------------------


@pytest.mark.problem("ptb")
@pytest.mark.parametrize(
    ("words", "batch_size"), [(26, 4), (24, 4), (7, 7), (13, 7), (33, 1), (31, 2), (100, 33), (1000, 16)]
)
def test_ptb_batchify(subject, rng, words, batch_size):
    """Columns are consecutive stretches of the text, and what does not fill a row is dropped."""
    data = rng.integers(0, 10_000, words)
    got = subject(probes.batchify, data, batch_size=batch_size)
    assert_equal(got.batches, oracle.columns(data, batch_size))


@pytest.mark.problem("ptb")
def test_ptb_batchify_type(subject):
    """The result is a NumPy array of float32."""
    got = subject(probes.batchify, np.arange(26), batch_size=4)
    assert_same(got.type, "ndarray", "the type that batchify gives")
    assert_dtype(got.batches, "float32")


# -- get_batch ---------------------------------------------------------------------------------------------------

# rows, batch, i, bptt
CHUNKS = [
    pytest.param(20, 3, 0, 5, id="start"),
    pytest.param(20, 3, 5, 5, id="second"),
    pytest.param(20, 3, 7, 4, id="between"),
    pytest.param(20, 3, 14, 5, id="last-of-full-length"),
    pytest.param(20, 3, 15, 5, id="one-short"),
    pytest.param(20, 3, 18, 5, id="one-row-left"),
    pytest.param(20, 1, 3, 6, id="one-column"),
    pytest.param(20, 7, 4, 1, id="bptt-1"),
    pytest.param(6, 4, 0, 40, id="bptt-longer-than-the-text"),
    pytest.param(33, 31, 1, 31, id="large"),
]


@pytest.mark.problem("ptb")
@pytest.mark.parametrize(("rows", "batch", "i", "bptt"), CHUNKS)
def test_ptb_get_batch(subject, rng, device, rows, batch, i, bptt):
    """X is the rows from i on; y is the rows one later, flattened row by row; the last chunk is shorter."""
    batches = rng.permutation(rows * batch)
    batches = np.array(batches, dtype=np.float32).reshape(rows, batch)
    got = subject(probes.get_batch, batches, i=i, bptt=bptt)
    X, y = oracle.chunk(batches, i, bptt)
    assert_equal(got.X, X)
    assert_equal(got.y, y)


@pytest.mark.problem("ptb")
def test_ptb_get_batch_type(subject, device):
    """X and y are tensors of float32 on the device that was asked for."""
    got = subject(probes.get_batch, np.arange(12, dtype=np.float32).reshape(4, 3), i=0, bptt=2)
    assert_true(got.are_tensors is True, "get_batch gave something else than two needle Tensors.")
    assert_places(got, device)


def check_epoch(subject, text, batch_size, bptt):
    got = subject(probes.epoch, text, batch_size=batch_size, bptt=bptt)
    batches = oracle.columns(oracle.corpus(text, text).train, batch_size)
    want = [oracle.chunk(batches, i, bptt) for i in range(0, len(batches) - 1, bptt)]
    for name, part in (("X", 0), ("y", 1)):
        found = getattr(got, name)
        assert_same(len(found) if isinstance(found, list) else None, len(want), "the number of chunks")
        for k, chunk in enumerate(want):
            assert_equal(found[k], chunk[part], name=f"{name} of chunk {k}")


@pytest.mark.problem("ptb")
@pytest.mark.parametrize(("batch_size", "bptt"), [(4, 5), (3, 7), (1, 40)])
def test_ptb_epoch(subject, rng, device, batch_size, bptt):
    """From the file to the last chunk: every row but the last is read once, every row but the first predicted once."""
    check_epoch(subject, draw_text(rng, 12), batch_size, bptt)


# -- the real text -----------------------------------------------------------------------------------------------

if real.has_ptb():

    @pytest.mark.problem("ptb", weight=real.WEIGHT)
    @pytest.mark.parametrize("max_lines", [None, 20], ids=["real", "real-20-lines"])
    def test_ptb_corpus_real(subject, max_lines):
        """The real text's ids follow first appearance, train before test, and <eos> ends every line."""
        check_corpus(subject, *real.ptb(lines=300), max_lines)

    @pytest.mark.problem("ptb", weight=real.WEIGHT)
    @pytest.mark.parametrize(("batch_size", "bptt"), [pytest.param(16, 40, id="real")])
    def test_ptb_epoch_real(subject, device, batch_size, bptt):
        """The real text, from the file to the last chunk."""
        check_epoch(subject, real.ptb(lines=300)[0], batch_size, bptt)

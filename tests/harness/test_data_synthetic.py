"""The synthetic data sets: as the real ones on the disk, and worth learning from; and where a set is looked for."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from course_apps import REFERENCE, app

synthetic_data = app("synthetic_data")
data_folder = app("data_folder")
pickles = app("data_sets.pickles")
text = app("data_sets.text")

BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic images as they are by default."""
    return synthetic_data.write_cifar10(tmp_path_factory.mktemp("data") / "cifar10")


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic text as it is by default."""
    return synthetic_data.write_ptb(tmp_path_factory.mktemp("data") / "ptb")


def batch(folder: Path, *names: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels 0 ... 1 (n, 3072) and labels (n,) of the files, read as any Python program reads the originals."""
    read = [pickle.loads((folder / name).read_bytes(), encoding="bytes") for name in names]
    pixels = np.concatenate([found[b"data"] for found in read]) / 255
    return pixels, np.concatenate([found[b"labels"] for found in read])


def words(file: Path) -> list[str]:
    """The file's words, with <eos> after each line."""
    return [word for line in file.read_text().splitlines() for word in (*line.split(), "<eos>")]


def perplexity(probabilities: np.ndarray) -> float:
    """Of words that were given these probabilities: exp of the mean of -log p."""
    return float(np.exp(-np.log(probabilities).mean()))


class TestImages:
    def test_lie_as_the_originals(self, images: Path) -> None:
        """Six batch files and batches.meta, with the originals' keys, types and shapes."""
        assert {item.name for item in images.iterdir()} == {*BATCHES, "batches.meta", "synthetic.json"}
        for name in BATCHES:
            found = pickle.loads((images / name).read_bytes(), encoding="bytes")
            assert set(found) == {b"batch_label", b"labels", b"data", b"filenames"}
            number = synthetic_data.IMAGES_PER_FILE
            assert (found[b"data"].dtype, found[b"data"].shape) == (np.uint8, (number, 3072))
            assert len(found[b"labels"]) == len(found[b"filenames"]) == number
            assert Counter(found[b"labels"]) == dict.fromkeys(range(10), number // 10)

    @pytest.mark.parametrize(("encoding", "key"), [("bytes", b"data"), ("latin1", "data")])
    def test_are_spelt_as_python_2_did(self, images: Path, encoding: str, key: object) -> None:
        """Both ways of reading the originals that are in use read these, too."""
        found = pickle.loads((images / "test_batch").read_bytes(), encoding=encoding)
        assert found[key].shape == (synthetic_data.IMAGES_PER_FILE, 3072)
        assert found[key].flags.writeable

    def test_pickles_survive_a_round_trip(self) -> None:
        """What is written is what comes back, long names and arrays of any shape included."""
        value = {
            b"a": [0, 255, 2**31 - 1],
            b"b" * 300: {b"c": b""},
            b"d": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
        }
        found = pickle.loads(pickles.dumps(value), encoding="bytes")
        np.testing.assert_array_equal(found.pop(b"d"), value.pop(b"d"))
        assert found == value

    def test_pickles_hold_nothing_else(self) -> None:
        """A value of another type is refused by name."""
        with pytest.raises(TypeError, match="float has no place"):
            pickles.dumps({b"a": 1.5})

    def test_name_their_classes(self, images: Path) -> None:
        """batches.meta tells the ten names in the order of the labels."""
        names = data_folder.label_names(images)
        assert (names[0], names[-1], len(set(names))) == ("disc", "dots", 10)

    def test_are_told_apart_by_simple_means_in_part(self, images: Path) -> None:
        """The nearest class mean of the training images is right far more often than chance, and far from always."""
        pixels, labels = batch(images, *BATCHES[:5])
        means = np.stack([pixels[labels == label].mean(axis=0) for label in range(10)])
        test_pixels, test_labels = batch(images, "test_batch")
        distances = ((test_pixels[:, None] - means) ** 2).sum(axis=2)
        assert 0.25 < (distances.argmin(axis=1) == test_labels).mean() < 0.6

    def test_are_all_different(self, images: Path) -> None:
        """No image comes twice, neither in training nor from training to test."""
        pixels, _ = batch(images, *BATCHES)
        assert len(np.unique(pixels, axis=0)) == len(pixels)


class TestText:
    def test_lies_as_the_original(self, sentences: Path) -> None:
        """Three files, a sentence a line between blanks, lower case, with N for numbers and <unk> for rare words."""
        lines = {"train": 3000, "valid": 300, "test": 300}
        for name, number in lines.items():
            content = (sentences / f"{name}.txt").read_text()
            assert content.count("\n") == number
            assert all(line.startswith(" ") and line.endswith(" ") for line in content.splitlines())
            assert {word for word in content.split() if word != word.lower()} == {"N"}
            assert {"N", "<unk>", "``", "''"} <= set(content.split())

    def test_has_a_vocabulary_of_some_hundred_words(self, sentences: Path) -> None:
        """Few enough for a small model; nearly all words of the test text are in the training text."""
        known = set(words(sentences / "train.txt"))
        assert 300 < len(known) < 700
        assert len(set(words(sentences / "test.txt")) - known) < 10

    def test_is_worth_modelling(self, sentences: Path) -> None:
        """The word before helps by far more than the frequencies of words, and these more than nothing."""
        train, test = words(sentences / "train.txt"), words(sentences / "test.txt")
        index = {word: k for k, word in enumerate(dict.fromkeys([*train, *test]))}
        ids, test_ids = (np.array([index[word] for word in text]) for text in (train, test))
        single = np.bincount(ids, minlength=len(index)) + 0.1
        single /= single.sum()
        pairs = np.zeros((len(index), len(index)))
        np.add.at(pairs, (ids[:-1], ids[1:]), 1)
        pairs = (pairs + 20 * single) / (pairs.sum(axis=1, keepdims=True) + 20)
        uniform, unigram = len(index), perplexity(single[test_ids])
        bigram = perplexity(pairs[test_ids[:-1], test_ids[1:]])
        assert unigram < uniform / 3
        assert bigram < unigram / 3

    def test_agrees_over_a_distance(self, sentences: Path) -> None:
        """In "the NOUNs in the PLACE VERB", the verb's number is that of the first noun, not of the nearer one."""
        people = {noun for topic in text.TOPICS for noun in topic.people}
        places = {place for topic in text.TOPICS for place in topic.places}
        actions = {verb for topic in text.TOPICS for verb in topic.actions}
        found = Counter()
        train = words(sentences / "train.txt")
        for noun, preposition, _, place, verb in zip(*(train[k:] for k in range(5)), strict=False):
            if preposition == "in" and place in places:
                for plural in (False, True):
                    if noun in {text.with_s(word) if plural else word for word in people}:
                        found[plural, verb in actions] += verb in actions
                        found[plural, "with s"] += verb in {text.with_s(action) for action in actions}
        assert found[True, True] > 100
        assert found[False, "with s"] > 100
        assert found[True, "with s"] == found[False, True] == 0

    def test_closes_its_quotations(self, sentences: Path) -> None:
        """Each line has as many closing quotation marks as opening ones, in that order."""
        quoted = [line for line in (sentences / "train.txt").read_text().splitlines() if "``" in line]
        assert len(quoted) > 100
        assert all(line.count("``") == line.count("''") == 1 for line in quoted)
        assert all(line.index("``") < line.index("''") for line in quoted)

    def test_says_an_before_vowels(self, sentences: Path) -> None:
        """As people do; <unk> is spelt with neither in mind."""
        train = words(sentences / "train.txt")
        followed = {
            word: {after[0] for before, after in itertools.pairwise(train) if before == word} for word in ("a", "an")
        }
        assert followed["an"] <= set("aeiou")
        assert not followed["a"] & set("aeiou")


class TestWriting:
    def test_gives_the_same_bytes_for_a_seed(self, images: Path, tmp_path: Path) -> None:
        """The same seed, the same files; another, others; and NumPy's global generator is left alone."""
        np.random.seed(1)
        expected = np.random.RandomState(1).random_sample()
        again = synthetic_data.write_cifar10(tmp_path / "again")
        other = synthetic_data.write_cifar10(tmp_path / "other", seed=1)
        assert np.random.random_sample() == expected
        assert (again / "data_batch_3").read_bytes() == (images / "data_batch_3").read_bytes()
        assert (other / "data_batch_3").read_bytes() != (images / "data_batch_3").read_bytes()

    def test_leaves_a_whole_set_alone(self, tmp_path: Path) -> None:
        """A second call writes nothing."""
        folder = synthetic_data.write_ptb(tmp_path / "ptb", train_lines=5)
        before = (folder / "train.txt").stat().st_ino
        synthetic_data.write_ptb(folder, train_lines=5)
        assert (folder / "train.txt").stat().st_ino == before

    @pytest.mark.parametrize("damage", ["truncated", "gone", "no record"])
    def test_mends_a_damaged_set(self, damage: str, tmp_path: Path) -> None:
        """A file that is cut short or gone is drawn anew, and so is all after a run that ended early."""
        folder = synthetic_data.write_ptb(tmp_path / "ptb", train_lines=5)
        content = (folder / "train.txt").read_bytes()
        if damage == "truncated":
            (folder / "train.txt").write_bytes(content[:-9])
        elif damage == "gone":
            (folder / "train.txt").unlink()
        else:
            for file in folder.iterdir():
                file.unlink()
            (folder / "synthetic.jsonx1y2").write_text("{")
        synthetic_data.write_ptb(folder, train_lines=5)
        assert (folder / "train.txt").read_bytes() == content

    def test_draws_other_sizes_anew(self, tmp_path: Path) -> None:
        """A set of another size takes the place of the one before."""
        folder = synthetic_data.write_ptb(tmp_path / "ptb", train_lines=5)
        synthetic_data.write_ptb(folder, train_lines=7)
        assert (folder / "train.txt").read_text().count("\n") == 7
        assert json.loads((folder / "synthetic.json").read_text())["settings"]["train"] == 7

    def test_never_takes_the_place_of_real_data(self, tmp_path: Path) -> None:
        """A folder with somebody's own files is refused, and they stay."""
        (tmp_path / "train.txt").write_text("mine")
        with pytest.raises(FileExistsError, match="holds files that were not written as a synthetic set"):
            synthetic_data.write_ptb(tmp_path)
        assert (tmp_path / "train.txt").read_text() == "mine"

    def test_wants_at_least_one(self, tmp_path: Path) -> None:
        """Empty files would break every reader later, and far from here."""
        with pytest.raises(ValueError, match="images_per_file is 0; expected at least 1"):
            synthetic_data.write_cifar10(tmp_path / "a", images_per_file=0)
        with pytest.raises(ValueError, match="valid_lines is 0; expected at least 1"):
            synthetic_data.write_ptb(tmp_path / "b", valid_lines=0)


class TestFinding:
    @pytest.fixture(autouse=True)
    def _nowhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Neither this machine's own data sets nor its settings."""
        monkeypatch.delenv("NEEDLE_DATA", raising=False)
        (tmp_path / "course" / "tree").mkdir(parents=True)
        monkeypatch.setattr(data_folder, "TREE", tmp_path / "course" / "tree")
        monkeypatch.chdir(tmp_path)

    def put(self, folder: Path) -> Path:
        """What the loader reads of Penn Treebank."""
        folder.mkdir(parents=True)
        for name in ("train.txt", "test.txt"):
            (folder / name).write_text("a\n")
        return folder

    def test_takes_what_it_is_given(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """`data` goes before NEEDLE_DATA, and may be the set's own folder."""
        mine = self.put(tmp_path / "mine" / "ptb")
        monkeypatch.setenv("NEEDLE_DATA", str(self.put(tmp_path / "named" / "ptb").parent))
        assert data_folder.ptb(mine.parent) == mine
        assert data_folder.ptb(str(mine)) == mine

    def test_takes_what_needle_data_names(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """NEEDLE_DATA goes before what is nearby."""
        self.put(tmp_path / "data" / "ptb")
        named = self.put(tmp_path / "named" / "ptb")
        monkeypatch.setenv("NEEDLE_DATA", str(named.parent))
        assert data_folder.ptb() == named

    @pytest.mark.parametrize("place", ["data", "course/tree/data", "course/data"])
    def test_looks_nearby(self, place: str, tmp_path: Path) -> None:
        """In the current folder, in the tree, beside the tree."""
        folder = self.put(tmp_path / place / "ptb")
        assert data_folder.ptb() == folder

    def test_says_where_it_looked(self, tmp_path: Path) -> None:
        """One sentence with the places, and both remedies."""
        with pytest.raises(data_folder.DataMissing) as caught:
            data_folder.cifar10()
        told = str(caught.value)
        assert all(str(tmp_path / place) in told for place in ("data", "course/tree/data", "course/data"))
        assert "`make data`" in told
        assert "--synthetic" in told
        assert "SYNTHETIC = True" in told
        assert isinstance(caught.value, FileNotFoundError)

    def test_says_what_is_lacking(self, tmp_path: Path) -> None:
        """A set of which a file is missing is no set, and the file is named."""
        folder = self.put(tmp_path / "data" / "ptb")
        (folder / "test.txt").unlink()
        with pytest.raises(data_folder.DataMissing, match=r"ptb has no test\.txt\."):
            data_folder.ptb()

    def test_makes_the_synthetic_set_beside_the_tree(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """In data/synthetic/, not in a folder of NEEDLE_DATA, which may be everybody's."""
        monkeypatch.setenv("NEEDLE_DATA", str(tmp_path / "named"))
        folder = data_folder.ptb(synthetic=True)
        assert folder == tmp_path / "course" / "data" / "synthetic" / "ptb"
        assert not (tmp_path / "named").exists()

    def test_reads_no_meta_that_asks_for_more(self, tmp_path: Path) -> None:
        """A batches.meta that names a function to call is refused; the function is not called."""
        ran = tmp_path / "ran"
        (tmp_path / "batches.meta").write_bytes(b"cos\nsystem\n(S'touch " + str(ran).encode() + b"'\ntR.")
        with pytest.raises(data_folder.DataMissing, match=r"no batches\.meta of CIFAR-10 .*it asks for os\.system"):
            data_folder.label_names(tmp_path)
        assert not ran.exists()


def test_the_loaders_read_both(images: Path, sentences: Path) -> None:
    """CIFAR10Dataset and Corpus of the reference take the synthetic sets as they take the real ones."""
    code = f"""
import json, sys
from needle.data import CIFAR10Dataset, Corpus
train, test = (CIFAR10Dataset({str(images)!r}, train) for train in (True, False))
corpus = Corpus({str(sentences)!r})
image, label = train[3]
print(json.dumps([len(train), len(test), image.shape, str(image.dtype), float(train.X.max()) <= 1,
                  len(corpus.train), len(corpus.dictionary)]))
"""
    environment = {**os.environ, "PYTHONPATH": str(REFERENCE / "python"), "NEEDLE_BACKEND": "np"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    number = synthetic_data.IMAGES_PER_FILE
    in_text = words(sentences / "train.txt")
    vocabulary = {*in_text, *words(sentences / "test.txt")}
    assert json.loads(run.stdout) == [
        5 * number, number, [3, 32, 32], "float32", True, len(in_text), len(vocabulary)
    ]  # fmt: skip

"""`apps/train.py` as a student runs it: options, checkpoints that go on bit for bit, Ctrl-C, and what it refuses.

Everything runs on the reference's NumPy backend, which needs no compiler, over a few small synthetic images and lines.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

EARLIER = ROOT / "tests" / "submissions" / "earlier"
IMAGES = ("cifar10", "--limit", "32", "--batch-size", "20")  # two batches an epoch, the second short
LINES = ("ptb", "--limit", "12", "--batch-size", "4", "--embedding", "6", "--hidden", "8", "--sample", "0")
BUILT = shutil.ignore_patterns("*.so", "__pycache__", ".ruff_cache")


@dataclass(frozen=True)
class Ran:
    """How a run of train.py ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Trainer:
    """A tree of our own, not compiled, and a folder for its data."""

    tree: Path
    data: Path

    def command(self, *arguments: str) -> list[str]:
        where = ("--synthetic", "--data", str(self.data), "--device", "cpu_numpy")
        return [sys.executable, str(self.tree / "apps" / "train.py"), arguments[0], *where, *arguments[1:]]

    def __call__(self, *arguments: str, cwd: Path | None = None) -> Ran:
        command = self.command(*arguments)
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=cwd or self.data, env=environment()
        )
        return Ran(done.returncode, done.stdout, done.stderr)


def environment() -> dict[str, str]:
    """Ours without what would change where data is found or what arrays are made of; warnings are errors."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("NEEDLE")}
    return {**ours, "PYTHONWARNINGS": "error", "OMP_NUM_THREADS": "1"}


def copied(tree: Path, destination: Path) -> Path:
    """A copy of the tree without what was built."""
    shutil.copytree(tree, destination, ignore=BUILT)
    for name in ("build", "data", "out"):
        shutil.rmtree(destination / name, ignore_errors=True)
    return destination


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the synthetic sets are written, once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def train(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Trainer:
    """The reference's."""
    return Trainer(copied(ROOT / "reference", tmp_path_factory.mktemp("tree") / "reference"), data)


@pytest.fixture(scope="session")
def otherwise(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Trainer:
    """A tree of the earlier edition, one-file modules and all, with today's training in it.

    Its BatchNorms are in lists, its Adam counts all steps in one number, and its loops make the loss of a class.
    """
    tree = copied(EARLIER, tmp_path_factory.mktemp("otherwise") / "student")
    for name in ("train.py", "training", "data_folder.py", "synthetic_data.py", "data_sets"):
        source = ROOT / "reference" / "apps" / name
        target = tree / "apps" / name
        shutil.copytree(source, target, ignore=BUILT) if source.is_dir() else shutil.copy(source, target)
    return Trainer(tree, data)


# -- what it does ---------------------------------------------------------------------------------------------------


def test_images_are_trained_and_looked_at(train: Trainer, tmp_path: Path) -> None:
    """A line an epoch, three pictures, a checkpoint; from any folder, with every option of the set."""
    kept, plot = tmp_path / "kept.npz", tmp_path / "curves.png"
    options = ("--epochs", "2", "--augment", "--lr", "0.002", "--weight-decay", "0", "--seed", "3", "--plot", str(plot))
    ran = train(*IMAGES, *options, "--checkpoint", str(kept), cwd=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    assert "ResNet9 on 32 training and 32 test images (synthetic), device cpu_numpy" in ran.out
    assert [line[:10] for line in ran.out.splitlines() if line.startswith("epoch")] == ["epoch 1/2 ", "epoch 2/2 "]
    for name in ("curves.png", "curves-mistakes.png", "curves-confusion.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    settings = header(kept)["settings"]
    assert (settings["augment"], settings["lr"], settings["weight_decay"], settings["seed"]) == (True, 0.002, 0.0, 3)


def test_language_model_is_trained_and_asked(train: Trainer, tmp_path: Path) -> None:
    """Perplexities, those without a model, the next words, and samples of the dictionary's words."""
    plot = tmp_path / "curves.svg"
    options = ("--model", "rnn", "--layers", "2", "--seq-len", "10", "--clip", "0.5", "--optimizer", "sgd", "--lr", "1")
    asked = ("--sample", "12", "--prompt", "the", "--train-file", "valid.txt", "--plot", str(plot))
    ran = train(*LINES, *options, *asked, "--epochs", "1", "--checkpoint", str(tmp_path / "kept.npz"))
    assert (ran.status, ran.err) == (0, "")
    assert "epoch 1/1  train: perplexity " in ran.out
    assert "without a model: uniform perplexity " in ran.out
    assert "<svg" in plot.read_text()
    words = set((train.data / "synthetic" / "ptb" / "valid.txt").read_text().split())
    words |= set((train.data / "synthetic" / "ptb" / "test.txt").read_text().split())
    samples = ran.out.split("temperature ")[1:]
    assert len(samples) == 3
    for sample in samples:
        drawn = sample.split(":\n")[1].split("The trained model")[0].split()
        assert drawn[0] == "the"
        assert set(drawn) <= words - {"<unk>"}


def test_same_seed_gives_the_same_run(train: Trainer, tmp_path: Path) -> None:
    """A seed decides everything, another seed gives another run."""
    lines = []
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        ran = train(*LINES, "--epochs", "1", "--seed", seed, "--checkpoint", str(tmp_path / name))
        lines.append(ran.out.split("epoch 1/1")[1].split("(")[0])
    assert lines[0] == lines[1] != lines[2]


def test_train_file_is_the_training_text(train: Trainer, tmp_path: Path) -> None:
    """With --train-file the named file is trained on, and the test text stays the same."""
    heads = []
    for name in ("train.txt", "valid.txt"):
        options = ("--train-file", name, "--epochs", "1", "--checkpoint", str(tmp_path / name))
        heads.append(train(*LINES, *options).out.splitlines()[0])
        lines = (train.data / "synthetic" / "ptb" / name).read_text().splitlines()[:12]
        assert f" {sum(len(line.split()) + 1 for line in lines)} training" in heads[-1]
    assert heads[0] != heads[1]


def test_help_and_docs_say_what_the_settings_are(train: Trainer) -> None:
    """Every default that --help and docs/training.md repeat is the one of Settings, and neither misses an option."""
    ask = (
        "import json, sys, train; sys.path[:0] = [str(train.TREE / 'python'), str(train.TREE)]\n"
        "from dataclasses import fields\nfrom apps.training import images, text\n"
        "both = (('cifar10', images), ('ptb', text))\n"
        "print(json.dumps({name: {f.name: f.default for f in fields(kind.Settings)"
        " if isinstance(f.default, (int, float, str))} for name, kind in both}))"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, cwd=train.tree / "apps", check=True)
    docs = (ROOT / "docs" / "training.md").read_text()
    documented = set(re.findall(r"--[a-z][a-z-]+", docs.split("## Options")[1].split("## Stopping")[0]))
    offered = set()
    for name, defaults in json.loads(done.stdout).items():
        text = " ".join(train(name, "--help").out.split("options:")[1].split())
        options = dict(re.findall(r"(--[a-z-]+)(.*?)(?= --[a-z]|$)", text))
        offered |= {*options} - {"--help"}
        for setting, default in defaults.items():
            if not isinstance(default, bool):
                assert f"default: {default})" in options[f"--{setting.replace('_', '-')}"] + ")"
    assert documented == offered


# -- checkpoints ----------------------------------------------------------------------------------------------------

KINDS = {
    "images": (*IMAGES, "--augment"),
    "lstm": (*LINES, "--layers", "2", "--seq-len", "10", "--clip", "1"),
    "sgd": (*LINES, "--optimizer", "sgd", "--lr", "2"),
}


def header(checkpoint: Path) -> dict:
    """The checkpoint's description."""
    with np.load(checkpoint, allow_pickle=False) as file:
        return json.loads(file["header"].tobytes())


def same_training(one: Path, other: Path) -> None:
    """Every number in both is the same, but for the seconds that epochs took."""
    with np.load(one, allow_pickle=False) as a, np.load(other, allow_pickle=False) as b:
        assert a.files == b.files
        for name in sorted({*a.files} - {"header", "history/epochs"}):
            assert a[name].tobytes() == b[name].tobytes(), name
        seconds = 4
        assert (np.delete(a["history/epochs"], seconds, 1) == np.delete(b["history/epochs"], seconds, 1)).all()
    assert header(one)["optimizer"] == header(other)["optimizer"]
    assert header(one)["random"] == header(other)["random"]


@pytest.mark.parametrize("kind", ["images", "lstm"])
def test_resumed_is_bit_for_bit_as_if_never_stopped(kind: str, train: Trainer, tmp_path: Path) -> None:
    """One epoch and then another from the checkpoint are the same as two at once: weights, moments, history, random."""
    at_once, in_two = str(tmp_path / "at_once.npz"), str(tmp_path / "in_two.npz")
    assert train(*KINDS[kind], "--epochs", "2", "--checkpoint", at_once).status == 0
    assert train(*KINDS[kind], "--epochs", "1", "--checkpoint", in_two).status == 0
    ran = train(*KINDS[kind], "--epochs", "2", "--checkpoint", in_two, "--resume")
    assert (ran.status, ran.err) == (0, "")
    assert f"{in_two} holds 1 finished epoch." in ran.out
    same_training(tmp_path / "at_once.npz", tmp_path / "in_two.npz")


@pytest.mark.parametrize("kind", ["images", "sgd"])
def test_other_internals_resume_bit_for_bit(kind: str, otherwise: Trainer, tmp_path: Path) -> None:
    """So it is in a tree of the earlier edition, whose classes and optimizers keep their state in other ways."""
    test_resumed_is_bit_for_bit_as_if_never_stopped(kind, otherwise, tmp_path)


# State of every kind that a checkpoint can keep, and all of it is needed to go on: Adam by id, by place, by a pair, as
# NumPy's, as needle's arrays, as a number, a tuple, and on the parameters themselves; a model that counts in arrays.
ODD_ADAM = """

class Adam(Optimizer):
    def __init__(self, params, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
        super().__init__(params)
        self.lr, self.beta1, self.beta2, self.eps, self.weight_decay = lr, beta1, beta2, eps, weight_decay
        self.steps, self.last, self.first, self.second = numpy.int64(0), (1.0, None), {}, [None] * len(self.params)
        self.rates = {}

    def step(self):
        self.steps = self.steps + 1
        power, _ = self.last
        self.last = (power * self.beta1, "so far")
        for place, w in enumerate(self.params):
            g = w.grad.numpy() + self.weight_decay * w.numpy()
            m = self.first.get(id(w), 0) * self.beta1 + g * (1 - self.beta1)
            v = g**2 * (1 - self.beta2)
            if self.second[place] is not None:
                v = v + self.second[place].numpy() * self.beta2
            self.first[id(w)] = numpy.float32(m)
            self.second[place] = NDArray(v, device=w.device)
            self.rates["rate", id(w)] = self.rates.get(("rate", id(w)), self.lr) * 0.9
            w.drift = Tensor(m * 0.1 + (w.drift.numpy() if self.steps > 1 else 0), device=w.device, requires_grad=False)
            m_hat, v_hat = m / (1 - self.last[0]), v / (1 - self.beta2 ** int(self.steps))
            step = self.rates["rate", id(w)] * (m_hat + w.drift.numpy()) / (v_hat**0.5 + self.eps)
            w.data = Tensor(w.numpy() - step, device=w.device, dtype=w.dtype)
"""
ODD_MODEL = """

class Counting(ResNet9):
    def __init__(self, device=None, dtype="float32"):
        super().__init__(device, dtype)
        self.seen = {"images": [np.zeros(1), NDArray(np.zeros(1), device=device)], "itself": self}
        self.late, self.kept, self.growing = None, {}, []

    def forward(self, x):
        if self.training:
            self.seen["images"][0] += x.shape[0]
            self.seen["images"][1][(slice(None),)] = self.seen["images"][1] + x.shape[0]
            self.late = Tensor((self.late.numpy() if self.late else np.zeros(2)) + x.shape[0], device=x.device)
            self.kept["input"] = x.detach()
            self.growing.append(x.detach())
        return super().forward(x)


ResNet9 = Counting
"""


def test_state_of_every_kind_resumes_bit_for_bit(train: Trainer, tmp_path: Path) -> None:
    """However a tree keeps its state, a resumed training is the same."""
    tree = copied(train.tree, tmp_path / "tree")
    with (tree / "python" / "needle" / "optim.py").open("a") as file:
        file.write("\nimport numpy\nfrom .backend_selection import NDArray\n" + ODD_ADAM)
    with (tree / "apps" / "models.py").open("a") as file:
        file.write("\nimport numpy as np\nfrom needle.backend_selection import NDArray\n" + ODD_MODEL)
    (tmp_path / "kept").mkdir()
    test_resumed_is_bit_for_bit_as_if_never_stopped("images", Trainer(tree, train.data), tmp_path / "kept")
    with np.load(tmp_path / "kept" / "in_two.npz", allow_pickle=False) as file:
        assert file["model/seen.images.0"] == file["model/seen.images.1"] == 64
        assert (file["model/late"] == 64).all()
        assert {name.split("/")[1].split(".")[0] for name in file.files if name.startswith("optimizer/")} == {
            *("steps", "first", "second"),
            *(f"parameter {place}" for place in range(36)),
        }


def test_unknown_optimizer_state_starts_fresh(train: Trainer, tmp_path: Path) -> None:
    """State that cannot be kept costs the state and a sentence, not the training."""
    tree = copied(train.tree, tmp_path / "tree")
    with (tree / "python" / "needle" / "optim.py").open("a") as file:
        file.write(
            "\nclass Memory:\n    pass\n\n_init = SGD.__init__\n"
            "def _with_memory(self, params, lr=0.01, momentum=0.0, weight_decay=0.0):\n"
            "    _init(self, params, lr, momentum, weight_decay)\n    self.memory = Memory()\n"
            "SGD.__init__ = _with_memory\n"
        )
    odd, arguments = Trainer(tree, train.data), (*KINDS["sgd"], "--checkpoint", str(tmp_path / "kept.npz"))
    first, second = odd(*arguments, "--epochs", "1"), odd(*arguments, "--epochs", "2", "--resume")
    assert "cannot keep the optimizer's state (memory holds a Memory): a resumed training starts it fresh." in first.out
    assert "The checkpoint has no optimizer's state: the optimizer starts fresh." in second.out
    assert (first.status, second.status) == (0, 0)


def test_earlier_checkpoint_is_never_overwritten(train: Trainer, tmp_path: Path) -> None:
    """A training that begins anew moves the older one's checkpoint aside, and says where to."""
    kept = tmp_path / "kept.npz"
    arguments = (*LINES, "--epochs", "1", "--checkpoint", str(kept))
    train(*arguments)
    before = kept.read_bytes()
    ran = train(*arguments, "--seed", "1")
    assert f"The checkpoint of an earlier training is kept as {tmp_path / 'kept-1.npz'}." in ran.out
    assert (tmp_path / "kept-1.npz").read_bytes() == before != kept.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept-1.npz", "kept.npz"]


def test_finished_checkpoint_is_not_trained_further(train: Trainer, tmp_path: Path) -> None:
    """Resumed with no more epochs than it has, a training does nothing, says so, and plots what there was."""
    arguments = (*LINES, "--epochs", "1", "--checkpoint", str(tmp_path / "kept.npz"))
    train(*arguments)
    before = (tmp_path / "kept.npz").read_bytes()
    ran = train(*arguments, "--resume", "--plot", str(tmp_path / "curves.png"))
    assert "Nothing is left to train for epochs = 1; ask for more than 1 to go on." in ran.out
    assert (tmp_path / "curves.png").exists()
    assert (tmp_path / "kept.npz").read_bytes() == before


@pytest.mark.parametrize(
    "option", [(IMAGES, "--augment"), (IMAGES, "--weight-decay=0.5"), (LINES, "--clip=0.001"), (LINES, "--seq-len=7")]
)
def test_option_decides_how_is_trained(option: tuple[tuple[str, ...], str], train: Trainer, tmp_path: Path) -> None:
    """With the same seed the figures of the last of two epochs are others than without the option."""
    common = (*option[0], "--epochs", "2", "--checkpoint", str(tmp_path / "kept.npz"))
    plain, chosen = train(*common), train(*common, option[1])
    assert (plain.status, chosen.status) == (0, 0)
    losses = [re.search(r"epoch 2/2  train: (.*?)  \(", ran.out) for ran in (plain, chosen)]
    assert None not in losses
    assert losses[0][1] != losses[1][1]


def test_other_settings_are_said_when_resumed(train: Trainer, tmp_path: Path) -> None:
    """They are no fault, but nobody should take curves of two kinds for one; the same settings are not mentioned."""
    kept = ("--checkpoint", str(tmp_path / "kept.npz"))
    assert train(*LINES, *kept, "--epochs", "1").status == 0
    ran = train(*LINES, *kept, "--epochs", "2", "--lr", "0.01", "--clip", "1", "--resume")
    assert (ran.status, ran.err) == (0, "")
    assert "\nNot as before: lr was 0.005, now 0.01, clip was None, now 1.0.\n" in ran.out
    ran = train(*LINES, *kept, "--epochs", "3", "--lr", "0.01", "--clip", "1", "--resume")
    assert "Not as before" not in ran.out


def test_ctrl_c_keeps_the_last_finished_epoch(train: Trainer, tmp_path: Path) -> None:
    """The sentence counts what is kept and gives the command that goes on, which does."""
    kept = tmp_path / "kept.npz"
    # A shell that runs pytest in the background may have told its children to ignore Ctrl-C.
    process = subprocess.Popen(
        train.command(*LINES, "--epochs", "100000", "--checkpoint", str(kept)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert any(line.startswith("epoch 2/") for line in lines)
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    with np.load(kept, allow_pickle=False) as file:
        done = len(file["history/epochs"])
    assert done >= 1
    assert f"kept in {kept}." in rest
    assert f"The {done} finished epoch" in rest
    command = rest.split("Go on with: python ")[1].split()
    assert command[-1] == "--resume"
    command[command.index("100000")] = str(done + 1)
    again = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, env=environment())
    assert again.returncode == 0, again.stderr
    assert f"epoch {done + 1}/{done + 1}" in again.stdout


# -- what it says when it cannot ------------------------------------------------------------------------------------

# what is asked -> what the one sentence says
REFUSED = {
    ("cifar10", "--epochs", "0"): "epochs is 0; expected a whole number of at least 1.",
    ("cifar10", "--batch-size", "-3"): "batch_size is -3; expected a whole number of at least 1.",
    ("cifar10", "--limit", "0"): "limit is 0; expected a whole number of at least 1.",
    ("cifar10", "--lr", "nan"): "lr is nan; expected a number above 0.",
    ("cifar10", "--lr", "fast"): "argument --lr: invalid float value: 'fast'",
    ("cifar10", "--weight-decay", "-1"): "weight_decay is -1.0; expected a number of 0 or more.",
    ("cifar10", "--seed", "-1"): "seed is -1; expected a whole number from 0 to 4294967295.",
    ("cifar10", "--device", "tpu"): "device is 'tpu'; expected cpu, cuda or cpu_numpy.",
    ("cifar10", "--device", "cpu"): "is not compiled: run `make -C reference` in ",
    ("cifar10", "--device", "cuda"): "or this machine has no GPU: run `make -C reference` ",
    ("cifar10", "--plot", "curves.jpeg"): "The plot curves.jpeg has no known ending; expected .png, .svg or .pdf.",
    ("cifar10", "--plot", "nowhere/a.png"): "There is no folder nowhere for the plot a.png; make it, or name another.",
    ("cifar10", "--model", "lstm"): "unrecognized arguments: --model lstm",
    ("ptb", "--model", "gru"): "model is 'gru'; expected rnn or lstm.",
    ("ptb", "--clip", "0"): "clip is 0.0; expected a number above 0.",
    ("ptb", "--sample", "-5"): "--sample is -5; expected 0 or more words.",
    ("ptb", "--prompt", "the zzyzx"): "The prompt's word 'zzyzx' is not in the dictionary",
    ("ptb", "--train-file", "all.txt"): "to train on; expected one of test.txt, train.txt, valid.txt.",
    ("ptb", "--train-file", "../train.txt"): "train_file is '../train.txt'; expected a file's name, such as valid.txt.",
    ("ptb", "--limit", "1", "--batch-size", "99"): "expected 2 rows or more: raise limit, or lower batch_size.",
    ("mnist",): "invalid choice: 'mnist'",
}


# Runs train.py's main for each list of arguments in one process: starting one takes longer than being refused.
ASK_ALL = """
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
import train
answers = []
for arguments in json.load(sys.stdin):
    with contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            status = train.main(arguments)
        except SystemExit as ended:
            status = ended.code
    answers.append([status, err.getvalue()])
print(json.dumps(answers), file=sys.stderr)
"""


@pytest.fixture(scope="session")
def refusals(train: Trainer) -> dict[tuple[str, ...], tuple[int, str]]:
    """Exit status and message for each of REFUSED."""
    asked = json.dumps([train.command(*arguments)[2:] for arguments in REFUSED])
    command = [sys.executable, "-c", ASK_ALL, str(train.tree / "apps")]
    done = subprocess.run(
        command, input=asked, capture_output=True, text=True, check=False, cwd=train.data, env=environment()
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stderr)
    return {arguments: tuple(answer) for arguments, answer in zip(REFUSED, answers, strict=True)}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_bad_value_is_one_sentence(
    arguments: tuple[str, ...], refusals: dict[tuple[str, ...], tuple[int, str]]
) -> None:
    """It names the setting, its value and what was expected; no traceback, no usage, status 2."""
    status, err = refusals[arguments]
    assert REFUSED[arguments] in err
    assert (status, err[:7], err.count("\n")) == (2, "error: ", 1)


def test_missing_data_names_both_remedies(train: Trainer, tmp_path: Path) -> None:
    """Without data the sentence says how to download it, and how to do without."""
    command = [argument for argument in train.command("ptb") if argument != "--synthetic"]
    command[command.index(str(train.data))] = str(tmp_path)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert done.returncode == 1
    assert done.stderr.startswith("error: Penn Treebank was not found in ")
    assert done.stderr.count("\n") == 1
    assert "make data" in done.stderr
    assert "--synthetic" in done.stderr


@pytest.mark.parametrize("content", [None, b"no pickle"])
def test_names_of_classes_are_looked_up_before_the_training(
    content: bytes | None, train: Trainer, tmp_path: Path
) -> None:
    """A batches.meta that is missing or damaged costs no epoch."""
    synthetic = train.data / "synthetic" / "cifar-10-batches-py"
    assert train(*IMAGES, "--epochs", "1").status == 0  # writes the synthetic set
    folder = shutil.copytree(synthetic, tmp_path / "cifar-10-batches-py")
    (folder / "batches.meta").unlink()
    if content is not None:
        (folder / "batches.meta").write_bytes(content)
    command = [argument for argument in train.command(*IMAGES) if argument != "--synthetic"]
    done = subprocess.run(
        [*command, "--data", str(tmp_path)], capture_output=True, text=True, check=False, env=environment()
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "batches.meta" in done.stderr
    assert "`make data`" in done.stderr


@pytest.fixture(scope="session")
def kept(train: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a small language model."""
    path = tmp_path_factory.mktemp("kept") / "kept.npz"
    assert train(*LINES, "--epochs", "1", "--checkpoint", str(path)).status == 0
    return path


OTHERS = {
    "hidden": ((*LINES, "--hidden", "9"), "its hidden is 8, and here it is 9"),
    "kind": ((*LINES, "--model", "rnn"), "its model is lstm, and here it is rnn"),
    "images": (IMAGES, "its model is lstm, and here it is ResNet9"),
    "dictionary": ((*LINES, "--limit", "13"), "its dictionary is "),
}


@pytest.mark.parametrize("other", OTHERS)
def test_checkpoint_of_another_training_is_refused(other: str, train: Trainer, kept: Path) -> None:
    """One sentence says what differs, and the checkpoint stays as it is."""
    before = kept.read_bytes()
    arguments, difference = OTHERS[other]
    ran = train(*arguments, "--epochs", "2", "--resume", "--checkpoint", str(kept))
    assert ran.status == 1
    assert ran.err.startswith(f"error: The checkpoint {kept} is of another training: {difference}")
    assert ran.err.count("\n") == 1
    assert kept.read_bytes() == before


CHANGES = {
    "shape": ("conv_bn(16, 32, 3, 2)", "conv_bn(16, 32, 5, 2)", "modules.0.weight has shape (3, 3, 16, 32), and here"),
    "layer": (
        "nn.ReLU(),\n            nn.Linear(128, 10",
        "nn.Linear(128, 10",
        "alone has the parameter model.modules.",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_checkpoint_of_another_model_is_refused(change: str, train: Trainer, tmp_path: Path) -> None:
    """A model that was changed since does not take the old one's weights; the sentence names the first difference."""
    old, new, difference = CHANGES[change]
    arguments = (*IMAGES, "--epochs", "1", "--checkpoint", str(tmp_path / "kept.npz"))
    assert train(*arguments).status == 0
    tree = copied(train.tree, tmp_path / "tree")
    models = (tree / "apps" / "models.py").read_text()
    assert old in models
    (tree / "apps" / "models.py").write_text(models.replace(old, new))
    ran = Trainer(tree, train.data)(*arguments, "--resume")
    assert (ran.status, ran.err.count("\n")) == (1, 1)
    assert difference in ran.err


def with_header(content: bytes, header: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    """The checkpoint with that header in place of its own."""
    arrays = dict(np.load(io.BytesIO(content)))
    arrays["header"] = np.frombuffer(header, dtype=np.uint8)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as file:
        for name, array in arrays.items():
            with file.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array)
    return made.getvalue()


def header_of(content: bytes) -> bytes:
    """The checkpoint's own header."""
    return np.load(io.BytesIO(content))["header"].tobytes()


def too_large() -> bytes:
    """An .npz of a few bytes whose only array says that it has 10**18 numbers."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file, file.open("header.npy", "w") as member:
        about = {"descr": "<f8", "fortran_order": False, "shape": (10**18,)}
        np.lib.format.write_array_header_1_0(member, about)
    return made.getvalue()


DAMAGE = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "text": lambda content: b"these are no weights",
    "flipped": lambda content: content[:4000] + bytes(byte ^ 255 for byte in content[4000:4100]) + content[4100:],
    "no header": lambda content: with_header(content, b'{"format": 1, "identity": null}'),
    "too deep": lambda content: with_header(content, b"[" * 100_000),
    "unpacks to more": lambda content: with_header(content, header_of(content), zipfile.ZIP_DEFLATED),
    "too large": lambda content: too_large(),
    "pickle": lambda content: b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93.",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_checkpoint_is_refused(damage: str, train: Trainer, kept: Path, tmp_path: Path) -> None:
    """Whatever has happened to the file, one sentence names it, and nothing in it is unpickled."""
    path = tmp_path / "damaged.npz"
    path.write_bytes(DAMAGE[damage](kept.read_bytes()))
    ran = train(*LINES, "--resume", "--checkpoint", str(path))
    assert ran.status == 1
    assert ran.err.startswith(f"error: {path} is no checkpoint of a training, or damaged (")
    assert ran.err.count("\n") == 1


def test_missing_checkpoint_is_said(train: Trainer, tmp_path: Path) -> None:
    """Resuming from nothing is refused, before any training."""
    ran = train(*LINES, "--resume", "--checkpoint", str(tmp_path / "none.npz"))
    assert (ran.status, ran.err.count("\n")) == (1, 1)
    assert ran.err.startswith(f"error: There is no checkpoint {tmp_path / 'none.npz'}; train without resuming first")


def test_unwritable_checkpoint_is_said_before_training(train: Trainer, tmp_path: Path) -> None:
    """A folder, or a place below a file, costs no epoch."""
    (tmp_path / "file").write_text("")
    for path, why in ((tmp_path, "Is a directory"), (tmp_path / "file" / "kept.npz", "File exists")):
        ran = train(*LINES, "--checkpoint", str(path))
        assert ran.status == 1
        assert ran.err == f"error: The checkpoint {path} cannot be written ({why}); name another file.\n"
        assert "epoch" not in ran.out


def test_diverging_training_stops(train: Trainer, tmp_path: Path) -> None:
    """A loss that is no number any more ends the training with a sentence and status 1."""
    options = ("--optimizer", "sgd", "--lr", "1e30", "--epochs", "3", "--checkpoint", str(tmp_path / "kept.npz"))
    ran = train(*IMAGES, *options)
    assert (ran.status, ran.err) == (1, "")
    assert "the steps are too large; try a smaller lr, or clip the gradients. It was in epoch 1." in ran.out
    assert "No epoch was finished, so nothing was kept." in ran.out


def test_stub_is_named(train: Trainer, tmp_path: Path) -> None:
    """In a tree with work left, the sentence is the stub's."""
    tree = copied(train.tree, tmp_path / "tree")
    models = tree / "apps" / "models.py"
    stub = '        raise NotImplementedError("LanguageModel.__init__ is yours to write (apps/models.py)")\n'
    text = models.read_text()
    place = text.index("        network = nn.RNN")
    models.write_text(text[:place] + stub + text[place:])
    ran = Trainer(tree, train.data)(*LINES)
    assert (ran.status, ran.err) == (1, "error: LanguageModel.__init__ is yours to write (apps/models.py)\n")

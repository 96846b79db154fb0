"""Trains ResNet9 on CIFAR-10, or a language model on Penn Treebank, with your needle.

    python apps/train.py cifar10                        # ten epochs; checkpoint and figures as they come
    python apps/train.py ptb --plot curves.png
    python apps/train.py cifar10 --limit 512 --epochs 2 --synthetic   # seconds, on any machine

`python apps/train.py cifar10 --help` lists the options. The notebook's last part does the same, and shows more.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from training import images, text

TREE = Path(__file__).resolve().parents[1]
STOPPED = 130  # what shells report of a program that was ended by Ctrl-C: 128 + SIGINT
TEMPERATURES = (0.5, 0.8, 1.0)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        """Exit 2."""
        self.exit(2, f"error: {message} (`{self.prog} --help` lists the options)\n")


def main(arguments: list[str] | None = None) -> int:
    """Train as the command line says. 0: done; 1: it could not be; 2: bad usage; 130: stopped by Ctrl-C."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = vars(_parser().parse_args(arguments))
    sys.path[:0] = [str(TREE / "python"), str(TREE)]
    sys.stdout.reconfigure(line_buffering=True)  # a log that is looked into meanwhile should have the last epoch
    try:
        return _train(options, arguments)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return STOPPED


def _train(options: dict[str, Any], arguments: list[str]) -> int:
    # Here and not above: they need needle, which is found only now, and --help should not wait for it.
    from apps.data_folder import DataMissing
    from apps.training.errors import SettingError, TrainingError

    try:
        return (_cifar10 if options.pop("what") == "cifar10" else _ptb)(options, arguments)
    except (TrainingError, DataMissing) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, SettingError) else 1
    except NotImplementedError as stub:  # a part that is yet to be written says which
        print(f"error: {stub}", file=sys.stderr)
        return 1


def _cifar10(options: dict[str, Any], arguments: list[str]) -> int:
    from apps.training import images, looking

    plot = _plot(options)
    run = images.train(images.Settings(**options))
    if run.interrupted:
        return _stopped(run, arguments)
    if plot:
        predictions = looking.predict(run)
        _save(images.curves(run), plot)
        _save(looking.mistakes(run, predictions), plot.with_stem(f"{plot.stem}-mistakes"))
        _save(looking.confusion(run, predictions), plot.with_stem(f"{plot.stem}-confusion"))
    return _ended(run)


def _ptb(options: dict[str, Any], arguments: list[str]) -> int:
    from apps.training import sampling, text
    from apps.training.errors import SettingError

    words, prompt, plot = options.pop("sample"), options.pop("prompt"), _plot(options)
    if words < 0:
        raise SettingError(f"--sample is {words}; expected 0 or more words.")
    run = text.train(text.Settings(**options), prompt=prompt)
    if run.interrupted:
        return _stopped(run, arguments)
    print("without a model: " + ", ".join(f"{name} perplexity {value:.1f}" for name, value in run.baselines.items()))
    if plot:
        _save(text.curves(run), plot)
    if words and not run.stopped:
        if prompt is None:
            prompt = "the" if "the" in run.dictionary.word2idx else run.dictionary.idx2word[0]
        print(sampling.next_words_table(run, prompt))
        for temperature in TEMPERATURES:
            print(f"temperature {temperature}:")
            print(sampling.sample(run, prompt, words, temperature, seed=run.settings.seed))
    return _ended(run)


def _plot(options: dict[str, Any]) -> Path | None:
    """The file for the curves, looked at before hours of training."""
    from apps.training.picture import check_target

    plot = options.pop("plot")
    if plot is not None:
        check_target(plot)
    return plot


def _save(picture: Any, path: Path) -> None:
    picture.save(path)
    print(f"wrote {path}")


def _stopped(run: images.Run | text.Run, arguments: list[str]) -> int:
    if run.checkpoint:
        again = arguments if "--resume" in arguments else [*arguments, "--resume"]
        print(f"Go on with: {shlex.join(['python', sys.argv[0], *again])}")
    return STOPPED


def _ended(run: images.Run | text.Run) -> int:
    if run.stopped:
        return 1
    if run.checkpoint:
        print(f"The trained model is kept in {run.checkpoint}; more --epochs with --resume go on from it.")
    return 0


def _parser() -> Parser:
    parser = Parser(prog="train.py", description="Train a model of this tree, with its own needle.")
    what = parser.add_subparsers(dest="what", required=True, metavar="cifar10|ptb", parser_class=Parser)
    _cifar10_options(what.add_parser("cifar10", help="ResNet9 on CIFAR-10", argument_default=argparse.SUPPRESS))
    _ptb_options(what.add_parser("ptb", help="a language model on Penn Treebank", argument_default=argparse.SUPPRESS))
    return parser


def _cifar10_options(parser: argparse.ArgumentParser) -> None:
    _common_options(parser, "images", epochs=10, batch_size=128, lr=0.001, weight_decay=0.001)
    parser.add_argument(
        "--augment",
        action=argparse.BooleanOptionalAction,
        help="mirror and shift the training images at random (default: --no-augment)",
    )


def _ptb_options(parser: argparse.ArgumentParser) -> None:
    _common_options(parser, "lines", epochs=5, batch_size=16, lr=0.005, weight_decay=0.0)
    add = parser.add_argument
    add("--model", help="rnn or lstm (default: lstm)")
    add("--embedding", type=int, metavar="N", help="numbers that a word becomes (default: 64)")
    add("--hidden", type=int, metavar="N", help="numbers in the recurrent state (default: 64)")
    add("--layers", type=int, metavar="N", help="recurrent layers (default: 1)")
    add("--seq-len", type=int, metavar="N", help="words that gradients flow back over (default: 40)")
    add("--clip", type=float, metavar="NORM", help="scale larger gradients down to this norm (default: do not)")
    add("--train-file", metavar="NAME", help="train on this file of the data set (default: train.txt)")
    add("--sample", type=int, metavar="N", default=30, help="write N words at the end (default: 30; 0 for none)")
    add("--prompt", metavar="WORDS", default=None, help="that they begin with (default: the)")


def _common_options(
    parser: argparse.ArgumentParser, items: str, *, epochs: int, batch_size: int, lr: float, weight_decay: float
) -> None:
    """Left out, an option takes the default of Settings, which the help repeats."""
    name = parser.prog.split()[-1]
    add = parser.add_argument
    add("--device", help="cpu, cuda or cpu_numpy (default: cpu)")
    add("--epochs", type=int, metavar="N", help=f"in all, with those resumed from (default: {epochs})")
    add("--limit", type=int, metavar="N", help=f"only the first N {items}, of training and test each (default: all)")
    add("--synthetic", action="store_true", help="small synthetic data, which needs no download")
    add("--data", metavar="DIR", help="the data folder (default: $NEEDLE_DATA, else data/ here or beside the tree)")
    add("--batch-size", type=int, metavar="N", help=f"default: {batch_size}")
    add("--optimizer", help="adam or sgd (default: adam)")
    add("--lr", type=float, metavar="X", help=f"the optimizer's step size (default: {lr})")
    add("--weight-decay", type=float, metavar="X", help=f"default: {weight_decay}")
    add("--seed", type=int, metavar="N", help="of the weights, the order and the augmentation (default: 0)")
    kept = str(TREE / "out" / f"{name}.npz")
    shown = kept.replace("%", "%%")  # argparse expands what it shows
    add("--checkpoint", metavar="FILE", default=kept, help=f"written after every epoch (default: {shown})")
    add("--resume", action="store_true", help="go on from the checkpoint")
    add("--plot", type=Path, metavar="FILE", default=None, help="draw the curves at the end: .png, .svg or .pdf")


if __name__ == "__main__":
    sys.exit(main())

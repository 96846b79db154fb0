"""The parts of `apps/training` that need no needle: recording, history, smoothing, what is seen, settings."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from course_apps import app

curves, history, picture = app("training.curves"), app("training.history"), app("training.picture")
errors, probabilities, progress = app("training.errors"), app("training.probabilities"), app("training.progress")
recorder, settings = app("training.recorder"), app("training.settings")

LOGITS = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 5.0]])
LABELS = np.array([0.0, 1.0, 0.0], np.float32)


def tensor(array: Any) -> Any:
    """What a loss function sees of a needle Tensor."""
    return SimpleNamespace(numpy=lambda: np.asarray(array))


def recorded(loss: Any) -> tuple[Any, list[Any]]:
    """What the recording loss gives for a loss of that value, and the batches that it told of."""
    seen: list[Any] = []
    return recorder.RecordingLoss(lambda logits, y: tensor(loss), seen.append)(tensor(LOGITS), tensor(LABELS)), seen


@pytest.mark.parametrize("loss", [0.5, np.float32(0.5), np.array(0.5), np.array([0.5]), np.array([[0.5]])])
def test_batch_is_recorded_whatever_the_shape_of_the_loss(loss: Any) -> None:
    """Loss, share of right predictions and number of examples are those of the batch; trees differ in shapes."""
    _, seen = recorded(loss)
    assert seen == [history.Batch(0.5, 2 / 3, 3)]


def test_loss_passes_through_untouched() -> None:
    """The student's loop gets the very object that its loss is."""
    loss = tensor(1.0)
    got = recorder.RecordingLoss(lambda logits, y: loss, lambda batch: None)(tensor(LOGITS), tensor(LABELS))
    assert got is loss


def test_recording_loss_passes_for_a_class() -> None:
    """A loop that makes the loss of a class, `loss_fn()`, gets the recording one."""
    loss = recorder.RecordingLoss(lambda logits, y: tensor(1.0), lambda batch: None)
    assert loss() is loss


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_loss_that_is_no_number_stops_the_training(loss: float) -> None:
    """It is said at once: no later step could mend it."""
    with pytest.raises(errors.Diverged, match="the steps are too large"):
        recorded(loss)


def test_loss_of_several_numbers_is_refused() -> None:
    """A loss that was not averaged over the batch is the student's bug, and no number is made of it."""
    with pytest.raises(ValueError, match="reshape"):
        recorded(np.ones(3))


@pytest.mark.parametrize("value", [0.25, np.float32(0.25), np.array([0.25]), tensor([0.25])])
def test_what_a_loop_returns_is_a_number(value: Any) -> None:
    """Trees return averages as floats, NumPy's numbers, arrays of one, or tensors."""
    assert recorder.number(value) == 0.25


def test_average_counts_examples() -> None:
    """A short last batch counts as much as its examples."""
    average = recorder.Average()
    average.add(history.Batch(1.0, 1.0, 3))
    average.add(history.Batch(5.0, 0.0, 1))
    assert (average.loss, average.accuracy, average.examples) == (2.0, 0.75, 4)


def a_history() -> Any:
    """Two epochs of two batches, and one batch of a third."""
    batches = [history.Batch(float(k), k / 10, 8 - k % 2) for k in range(5)]
    return history.History(
        batches, [history.Epoch(2.0, 0.1, 3.0, 0.2, 1.5, 2), history.Epoch(1.0, 0.3, 2.0, 0.4, 1.25, 2)]
    )


def test_history_survives_being_arrays() -> None:
    """What a checkpoint keeps of a history is all of it."""
    before = a_history()
    assert history.History.from_arrays(*before.arrays()) == before
    empty = history.History()
    assert history.History.from_arrays(*empty.arrays()) == empty


def test_history_of_another_shape_is_refused() -> None:
    """Arrays with other columns are no history."""
    with pytest.raises(ValueError, match=r"epochs have shape \(1, 5\); expected \(n, 6\)"):
        history.History.from_arrays(np.ones((1, 3)), np.ones((1, 5)))


def test_unfinished_batches_are_left_out() -> None:
    """A checkpoint has whole epochs only, or a resumed history would count batches twice."""
    assert len(a_history().finished().batches) == 4


def test_batches_lie_on_the_axis_of_epochs() -> None:
    """Each epoch takes one unit, an unfinished one as much of it as it has of the last one's batches."""
    np.testing.assert_allclose(curves.batch_places(a_history()), [0.5, 1, 1.5, 2, 2.5])
    assert len(curves.batch_places(history.History())) == 0


def test_smoothing_keeps_a_straight_line() -> None:
    """It looks both ways, so it does not lag: a line stays, but for its end."""
    line = np.arange(300.0)
    np.testing.assert_allclose(curves.smoothed(line, np.ones(300))[:-10], line[:-10])


def test_smoothing_counts_examples() -> None:
    """A short batch's outlier weighs little; few batches are not smoothed at all."""
    values, sizes = np.zeros(301), np.full(301, 100.0)
    values[-1], sizes[-1] = 50.0, 1.0
    assert 0 < curves.smoothed(values, sizes)[-1] < 0.1
    np.testing.assert_allclose(curves.smoothed([3.0, 1.0, 2.0], [1, 1, 1]), [3, 1, 2])


HISTORIES = {
    "empty": history.History(),
    "one batch": history.History([history.Batch(2.0, 0.0, 3)]),
    "two epochs": a_history(),
    "huge losses": history.History([history.Batch(1e30, 0.0, 3)] * 3),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_curves_are_drawn_of_any_history(name: str) -> None:
    """Also of what a training that was stopped at once leaves behind."""
    what = HISTORIES[name]
    for drawn in (curves.images(what), curves.text(what, {"uniform": 100.0, "unigram": 50.0})):
        png, size = drawn._repr_png_()
        assert png.startswith(b"\x89PNG")
        assert size["width"] > size["height"] > 100


def test_softmax_of_large_logits() -> None:
    """Nothing overflows, and rows sum to 1."""
    got = probabilities.softmax(np.array([[1000.0, 1000.0], [-1000.0, 0.0]]))
    np.testing.assert_allclose(got, [[0.5, 0.5], [0, 1]])


def test_bar_is_silent_where_nobody_watches(capfd: pytest.CaptureFixture[str]) -> None:
    """A log gets no bar; a terminal would."""
    with progress.Bars().bar("epoch 1/1", 2, lambda average: "") as add:
        add(history.Batch(1.0, 0.5, 2))
    assert capfd.readouterr() == ("", "")


def test_bar_rewrites_its_line_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """All its states go to one display, the last one empty: an exported page keeps no trace of it."""
    shown: list[str] = []
    handle = SimpleNamespace(
        display=lambda data, raw: shown.append(data["text/plain"]),
        update=lambda data, raw: shown.append(data["text/plain"]),
    )
    monkeypatch.setattr("IPython.display.DisplayHandle", lambda: handle)
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    with progress.Bars().bar("epoch 1/1", 1, lambda average: f"loss {average.loss:.1f}") as add:
        add(history.Batch(1.5, 0.5, 2))
    assert any("epoch 1/1:   0%" in line for line in shown)
    assert shown[-1] == ""


def test_live_curves_are_drawn_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook the last state is always shown, and before that no more often than is cheap."""
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda drawn, display_id: shown.append(drawn))
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    live = progress.LiveCurves(lambda: "curves")
    for _ in range(100):
        live.batch_done()
    assert shown == []
    live.finish()
    assert shown == ["curves"]


def test_live_curves_are_only_for_notebooks() -> None:
    """Elsewhere nothing is drawn."""
    live = progress.LiveCurves(lambda: pytest.fail("drawn"))
    live.batch_done()
    live.finish()


def test_settings_refuse_truth_values_as_numbers() -> None:
    """`epochs=True` is a slip, not one epoch."""
    with pytest.raises(errors.SettingError, match="epochs is True; expected a whole number of at least 1"):
        settings.CommonSettings(epochs=True, batch_size=1, optimizer="adam", lr=1.0, weight_decay=0.0)


def test_resume_needs_a_checkpoint() -> None:
    """In the notebook both can be said apart."""
    with pytest.raises(errors.SettingError, match="resume needs a checkpoint"):
        settings.CommonSettings(epochs=1, batch_size=1, optimizer="adam", lr=1, weight_decay=0, resume=True)


def test_plot_needs_a_known_ending(tmp_path: Any) -> None:
    """It is said before the training, not after."""
    picture.check_target(tmp_path / "curves.PNG")
    with pytest.raises(errors.SettingError, match="has no known ending; expected"):
        picture.check_target(tmp_path / "curves.jpeg")

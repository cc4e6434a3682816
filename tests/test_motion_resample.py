"""The same seconds in other frames, and a stretch of them."""

import numpy as np
import pytest

from poseloom.errors import BadInput
from poseloom.motion import quat, skeleton
from poseloom.motion.resample import cut, resample
from poseloom.motion.types import Motion


def turning(frames=31, fps=30.0, rate_rad_s=1.3) -> Motion:
    """The body turns about Z at a constant rate while it walks along X at 2 m/s."""
    body = skeleton.standard()
    time_s = np.arange(frames) / fps
    lrot = np.tile(quat.IDENTITY, (frames, len(body), 1))
    lrot[:, 0] = quat.from_axis_angle(np.tile([0.0, 0.0, 1.0], (frames, 1)), rate_rad_s * time_s)
    root = np.stack([2.0 * time_s, 0.0 * time_s, 0.0 * time_s + 1.0], axis=1)
    return Motion(body, lrot, root, fps, contact=np.tile((np.arange(frames) % 2)[:, None], (1, 6)))


@pytest.mark.parametrize("fps", [12.0, 24.0, 25.0, 29.97, 30.0, 50.0, 60.0, 119.88])
def test_a_steady_turn_stays_the_same_turn_at_any_rate(fps):
    source, made = turning(), resample(turning(), fps)
    time_s = np.arange(len(made)) / fps
    assert made.fps == fps
    assert 0.0 <= (len(source) - 1) / source.fps - time_s[-1] < 1.0 / fps  # all of it, and nothing invented
    expected = quat.from_axis_angle(np.tile([0.0, 0.0, 1.0], (len(made), 1)), 1.3 * time_s)
    assert quat.angle(made.lrot[:, 0], expected).max() < 1e-3
    assert np.abs(made.root[:, 0] - 2.0 * time_s).max() < 1e-5


def test_frames_that_fall_on_source_frames_are_those_frames():
    source = turning()
    np.testing.assert_allclose(resample(source, 60.0).lrot[::2], source.lrot, atol=1e-7)
    np.testing.assert_array_equal(resample(source, 60.0).contact[::2], source.contact)
    np.testing.assert_array_equal(resample(source, 30.0).lrot, source.lrot)


def test_one_frame_stays_one_frame():
    assert len(resample(turning(1), 24.0)) == 1


def test_a_cut_is_that_stretch_in_frames_or_seconds():
    source = turning()
    np.testing.assert_array_equal(cut(source, "10", "20").root, source.root[10:20])
    np.testing.assert_array_equal(cut(source, "0.5s").lrot, source.lrot[15:])
    np.testing.assert_array_equal(cut(source, end="1s").root, source.root[:30])
    assert len(cut(source)) == len(source)


@pytest.mark.parametrize("start, end", [("40", None), ("10", "10"), ("soon", None), (None, "-3")])
def test_a_cut_that_leaves_nothing_is_refused(start, end):
    with pytest.raises(BadInput):
        cut(turning(), start, end)

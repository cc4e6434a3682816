"""Estimators, and keypoints drawn."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from clips import numbered, write
from PIL import Image

from poseloom import cli, overlay, pose
from poseloom.errors import BadInput, Cancelled, PoseloomError, Unavailable, UnknownMethod
from poseloom.media import open_clip, write_video
from poseloom.motion.layouts import BLAZEPOSE, LAYOUTS, layout
from poseloom.motion.types import Keypoints
from poseloom.progress import silent

pytest.importorskip("mediapipe", reason="the default estimator")


@pytest.fixture(scope="module")
def estimate():
    return pose.load("mediapipe")()


@pytest.fixture(scope="module")
def squats(data, estimate) -> Keypoints:
    (person,) = estimate(open_clip(data / "media" / "pose_squats.mp4"), silent)
    return person


@pytest.fixture(scope="module")
def still(data, estimate) -> Keypoints:
    (person,) = estimate(open_clip(data / "media" / "pose.jpg"), silent)
    return person


def of(person: Keypoints, name: str) -> np.ndarray:
    return person.xyz[:, BLAZEPOSE.index(name)]


# --- layouts -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_whole(name):
    points = layout(name)
    assert len(set(points.names)) == len(points)
    assert {n for edge in points.edges for n in edge} <= set(points.names) and points.fine <= set(points.names)
    mirror = np.array(points.mirror())
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(points)))
    edges = {frozenset(pair) for pair in points.pairs()}
    assert edges == {frozenset((mirror[a], mirror[b])) for a, b in points.pairs()}, "both sides have the same lines"


def test_blazepose_is_in_mediapipes_order():
    from mediapipe.python.solutions.pose import PoseLandmark

    ours = [n.replace("toe_", "foot_index_") for n in BLAZEPOSE.names]
    theirs = []
    for point in PoseLandmark:
        side, _, rest = point.name.lower().partition("_")
        if side == "mouth":
            theirs.append(f"mouth_{rest[0]}")
        else:
            theirs.append(f"{rest}_{side[0]}" if rest else side)
    assert ours == theirs


# --- the default estimator -----------------------------------------------------------------


def test_a_still_is_seen_where_mediapipes_own_test_sees_it(still, data):
    """Their record is of the Tasks API with another crop: within 10 px on average, 20 px at worst (667 px high)."""
    record = json.loads((data / "media" / "pose_jpg_mediapipe_expected_landmarks.json").read_text())
    theirs = np.array(record["landmarks"])[:, :2] * still.size
    error_px = np.linalg.norm(still.xy[0] - theirs, axis=1)
    assert error_px.mean() < 10.0 and error_px.max() < 20.0
    assert still.xy.shape == (1, 33, 2) and still.size == (1000, 667)


def test_a_video_is_seen_as_blazepose_saw_it_before(squats, data):
    """Against BlazePose's own record of the clip, which is smoothed in time, as ours is not: picture of 720 x 1280."""
    theirs = np.array(json.loads((data / "media" / "pose_squats.full.json").read_text()))[..., :2]
    error_px = np.linalg.norm(squats.xy - theirs, axis=-1)
    assert len(squats) == 65 and squats.fps == 5.0 and squats.layout == "blazepose"
    assert np.median(error_px) < 8.0 and error_px.mean() < 10.0
    body = [BLAZEPOSE.index(f"{n}_{s}") for n in ("shoulder", "hip", "knee", "ankle") for s in "lr"]
    assert np.percentile(error_px[:, body], 95) < 15.0


def test_with_mediapipes_smoothing_it_comes_nearer_to_that_record(data):
    from poseloom.pose.mediapipe import MediaPipe, Options

    theirs = np.array(json.loads((data / "media" / "pose_squats.full.json").read_text()))[..., :2]
    (person,) = MediaPipe(Options(smooth=True))(open_clip(data / "media" / "pose_squats.mp4"), silent)
    error_px = np.linalg.norm(person.xy - theirs, axis=-1)
    assert error_px.mean() < 5.0 and error_px.max() < 25.0


def test_world_points_are_in_house_axes(squats, still):
    """x to the picture's right, y away from the camera, z up, hip-centred, in metres."""
    hips = (of(squats, "hip_l") + of(squats, "hip_r")) / 2
    assert np.abs(hips).max() < 0.02
    standing = 0
    assert of(squats, "nose")[standing, 2] - of(squats, "heel_l")[standing, 2] > 1.2
    assert 0.2 < of(squats, "shoulder_l")[standing, 0] - of(squats, "shoulder_r")[standing, 0] < 0.5
    # she faces the camera: nose before ears, toes before heels
    assert (of(squats, "nose")[:, 1] < of(squats, "ear_l")[:, 1]).all()
    assert (of(squats, "toe_l")[:, 1] < of(squats, "heel_l")[:, 1]).mean() > 0.95
    # a squat: the hips come down towards the heels, the knees forward
    height = of(squats, "hip_l")[:, 2] - of(squats, "heel_l")[:, 2]
    low = int(np.argmin(height))
    assert height[low] < 0.75 * height[standing]
    assert of(squats, "knee_l")[low, 1] < of(squats, "hip_l")[low, 1] - 0.15
    # his arms are held out to both sides, level
    span = of(still, "wrist_l")[0] - of(still, "wrist_r")[0]
    assert span[0] > 1.0 and abs(span[2]) < 0.2


def test_a_phone_on_its_side_and_4k_give_the_same_points(tmp_path, data, estimate, squats):
    """Stored lying with a rotation flag, or three times as large: within 1 % of the picture's height."""
    seen = [frame.rgb for frame in open_clip(data / "media" / "pose_squats.mp4", end="3")]
    lying = write(tmp_path / "lying.mp4", [np.rot90(rgb, -1) for rgb in seen], fps=5, rotation=90, crf=12)
    large = [rgb.repeat(3, axis=0).repeat(3, axis=1) for rgb in seen]
    large = write_video(tmp_path / "größe 4K.mp4", large, 5)
    for path, scale in ((lying, 1), (large, 3)):
        clip = open_clip(path)
        (person,) = estimate(clip, silent)
        assert clip.size == person.size == (720 * scale, 1280 * scale)
        error = np.linalg.norm(person.xy / scale - squats.xy[:3], axis=-1)
        assert error.mean() < 12.8, path.name
        np.testing.assert_allclose(person.xyz[:, BLAZEPOSE.index("nose")], squats.xyz[:3, 0], atol=0.15)


def test_one_frame_is_enough(tmp_path, data, estimate, squats):
    (frame,) = open_clip(data / "media" / "pose_squats.mp4", end="1")
    (person,) = estimate(open_clip(write_video(tmp_path / "one.mp4", [frame.rgb], 5)), silent)
    assert len(person) == 1 and np.linalg.norm(person.xy[0] - squats.xy[0], axis=-1).mean() < 12.8


def test_frames_without_a_person_are_nan_and_zero(tmp_path, data, estimate):
    seen = [frame.rgb for frame in open_clip(data / "media" / "pose_squats.mp4", end="6")]
    empty = [np.full_like(seen[0], 128)] * 6
    path = write_video(tmp_path / "part.mp4", [*empty, *seen, *empty], 5)
    clip = open_clip(path, start="2")
    (person,) = estimate(clip, silent)
    there = np.zeros(16, bool)
    there[4:10] = True
    np.testing.assert_array_equal(np.isfinite(person.xy).all(axis=(1, 2)), there)
    np.testing.assert_array_equal(np.isfinite(person.xyz).all(axis=(1, 2)), there)
    assert np.isnan(person.xy[~there]).all() and (person.score[~there] == 0).all()
    assert (person.score[there].mean(axis=1) > 0.5).all()
    assert person.start_s == clip.start_s == pytest.approx(0.4) and person.fps == clip.fps


def test_a_cut_to_another_place_loses_no_frame(tmp_path, data, estimate):
    seen = [frame.rgb for frame in open_clip(data / "media" / "pose_squats.mp4", end="4")]
    wide = [np.full((640, 1600, 3), 128, np.uint8) for _ in range(8)]
    for i, picture in enumerate(wide):  # half as large, far left, then far right
        picture[:, slice(0, 360) if i < 4 else slice(1240, 1600)] = seen[i % 4][::2, ::2]
    (person,) = estimate(open_clip(write_video(tmp_path / "cut.mp4", wide, 5)), silent)
    hips_px = person.xy[:, BLAZEPOSE.index("hip_l"), 0]
    assert (hips_px[:4] < 360).all() and (hips_px[4:] > 1240).all()


def test_nobody_at_all_is_bad_input(tmp_path, estimate):
    write(tmp_path / "bars.mp4", map(numbered, range(5)))
    with pytest.raises(BadInput, match="any of the 5 frames of bars.mp4") as caught:
        estimate(open_clip(tmp_path / "bars.mp4"), silent)
    assert caught.value.code == "no_person" and caught.value.hint


def test_progress_rises_and_cancels(data, estimate):
    clip = open_clip(data / "media" / "pose_squats.mp4", end="8")
    heard = []
    estimate(clip, lambda fraction, text: heard.append(fraction))
    assert heard == sorted(heard) and heard[0] == 0.0 and heard[-1] == 1.0 and len(heard) >= 8

    def stop(fraction, text):
        if fraction > 0.4:
            raise Cancelled()

    with pytest.raises(Cancelled):
        estimate(clip, stop)


def test_the_error_stream_stays_clean(data):
    code = """
import sys
from poseloom import pose
from poseloom.media import open_clip
pose.load("mediapipe")()(open_clip(sys.argv[1], end="3"), lambda fraction, text: None)
print("ours", file=sys.stderr)
"""
    clip = data / "media" / "pose_squats.mp4"
    done = subprocess.run([sys.executable, "-c", code, clip], capture_output=True, text=True, check=True)
    assert done.stderr == "ours\n" and done.stdout == ""


def test_an_unknown_estimator_names_the_known_ones():
    with pytest.raises(UnknownMethod, match='No estimator "mediapip"; known: .*mediapipe'):
        pose.load("mediapip")


def test_a_missing_package_names_the_line_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe.python.solutions.pose", None)
    with pytest.raises(Unavailable) as caught:
        pose.load("mediapipe")()
    assert "mediapipe" in caught.value.message and '-c constraints/main.txt -e ".[pose]"' in caught.value.hint


_PEAK = """
import resource, sys
from poseloom import pose
from poseloom.media import open_clip
(person,) = pose.load("mediapipe")()(open_clip(sys.argv[1]), lambda fraction, text: None)
print(len(person), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_clip(tmp_path, data):
    """500 frames of 720 x 1280 are 1.4 GB as pictures; ten times the frames may cost 40 MB more."""
    pytest.importorskip("resource")
    some = [frame.rgb for frame in open_clip(data / "media" / "pose_squats.mp4", end="10")]
    peaks = {}
    for count in (50, 500):
        path = write_video(tmp_path / f"{count}.mp4", (some[i % 10] for i in range(count)), 25)
        done = subprocess.run([sys.executable, "-c", _PEAK, path], capture_output=True, text=True, check=True)
        frames, peaks[count] = map(int, done.stdout.split())
        assert frames == count
    assert peaks[500] - peaks[50] < 40, f"peak memory in MB: {peaks}"


# --- drawn ---------------------------------------------------------------------------------


def changed(before, after) -> np.ndarray:
    return np.abs(after.astype(int) - before).max(axis=-1) > 40


def test_points_are_drawn_where_they_are_and_in_the_colour_of_their_side(still, data):
    (frame,) = open_clip(data / "media" / "pose.jpg")
    before = frame.rgb.copy()
    drawn = overlay.draw(frame.rgb, still.xy[0], still.score[0], BLAZEPOSE, opacity=1.0)
    np.testing.assert_array_equal(frame.rgb, before, "the picture given is left as it is")
    for name in ("wrist_l", "elbow_l", "knee_l", "wrist_r", "elbow_r", "knee_r"):
        x, y = np.round(still.xy[0, BLAZEPOSE.index(name)]).astype(int)
        np.testing.assert_array_equal(drawn[y, x], overlay.COLOURS[name[-1]])
    y, x = np.nonzero(changed(before, drawn))
    low, high = still.xy[0].min(axis=0), still.xy[0].max(axis=0)
    assert x.min() > low[0] - 15 and x.max() < high[0] + 15 and y.min() > low[1] - 15 and y.max() < high[1] + 15
    assert 0.002 < changed(before, drawn).mean() < 0.05


def test_what_is_unseen_is_not_drawn(still):
    rgb = np.full((667, 1000, 3), 90, np.uint8)
    for xy, score in [
        (np.full((33, 2), np.nan), np.ones(33)),
        (still.xy[0], np.full(33, 0.1)),
        (still.xy[0] + 50_000, np.ones(33)),
    ]:
        np.testing.assert_array_equal(overlay.draw(rgb, xy, score, BLAZEPOSE), rgb)
    faint = overlay.draw(rgb, still.xy[0], still.score[0], BLAZEPOSE, opacity=0.3)
    strong = overlay.draw(rgb, still.xy[0], still.score[0], BLAZEPOSE, opacity=1.0)
    assert np.abs(faint.astype(int) - 90).max() < 0.4 * np.abs(strong.astype(int) - 90).max()


def test_an_overlay_is_a_video_like_the_clip(tmp_path, data, squats):
    clip = open_clip(data / "media" / "pose_squats.mp4", start="20", end="30")
    person = Keypoints("blazepose", squats.xy[20:28], None, squats.score[20:28], clip.size, clip.fps, clip.start_s)
    heard = []
    path = overlay.write_overlay(tmp_path / "overlay.mp4", clip, [person], lambda share, text: heard.append(share))
    drawn = open_clip(path)
    assert (drawn.size, drawn.fps, drawn.frame_count) == (clip.size, clip.fps, 10)
    share = [changed(a.rgb, b.rgb).mean() for a, b in zip(clip, drawn)]
    assert len(share) == 10 and min(share[:8]) > 0.002 and max(share) < 0.05
    assert max(share[8:]) < 0.001, "nobody is drawn where nobody was sought"
    assert heard == sorted(heard) and len(heard) >= 10
    with pytest.raises(PoseloomError, match="belong to a clip of 720 x 1280"):
        overlay.write_overlay(tmp_path / "other.mp4", open_clip(data / "media" / "pose.jpg"), [person])
    assert [p.name for p in tmp_path.iterdir()] == ["overlay.mp4"]


def test_an_overlay_of_a_picture_is_a_picture(tmp_path, data, capsys):
    picture = data / "media" / "pose.jpg"
    words = ["pose", str(picture), "--progress", "none"]
    assert cli.main([*words, "--out", str(tmp_path / "k.json"), "--overlay", str(tmp_path / "seen.png")]) == 0
    drawn, (frame,) = np.array(Image.open(tmp_path / "seen.png")), open_clip(picture)
    differs = (np.abs(drawn.astype(int) - frame.rgb).max(axis=2) > 8).mean()
    assert drawn.shape == frame.rgb.shape and 0.001 < differs < 0.1
    # what cannot be written is said before anything is
    for media, name in ((picture, "seen.gif"), (data / "media" / "pose_squats.mp4", "seen2.png")):
        assert cli.main(["pose", str(media), "--out", str(tmp_path / "l.json"), "--overlay", str(tmp_path / name)]) == 2
        assert "cannot be written" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["k.json", "seen.png"]

"""Clips: an exact clock, upright pictures, clear errors, and memory that does not grow."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
from clips import BLUE, GREEN, RED, WHITE, corners, number_of, numbered, write, write_sound
from hypothesis import given, settings
from hypothesis import strategies as st

from poseloom import cores
from poseloom.errors import BadInput
from poseloom.media import on_clock, open_clip, parse_time, write_video

pytest.importorskip("av", reason="media needs PyAV")

CONTAINERS = [("mp4", "libx264"), ("mkv", "libx264"), ("avi", "mpeg4"), ("ts", "libx264")]


def numbers(clip) -> list:
    return [number_of(frame.rgb) for frame in clip]


def code_of(action) -> str:
    """The code of the BadInput that `action` raises; it must say what, and what to do."""
    with pytest.raises(BadInput) as caught:
        action()
    assert caught.value.exit_code == 2
    assert caught.value.message.endswith(".") and caught.value.hint.endswith(".")
    return caught.value.code


# --- the clock -----------------------------------------------------------------------------


@pytest.mark.parametrize("ending, codec", CONTAINERS)
@pytest.mark.parametrize("fps", [24, 30000 / 1001, 60])
def test_a_steady_video_comes_back_frame_by_frame(tmp_path, ending, codec, fps):
    clip = open_clip(write(tmp_path / f"a.{ending}", map(numbered, range(50)), fps=fps, codec=codec))
    frames = list(clip)
    assert [number_of(f.rgb) for f in frames] == list(range(50))
    assert clip.fps == pytest.approx(fps, rel=1e-5) and clip.frame_count == pytest.approx(50, abs=1)
    np.testing.assert_allclose([f.time_s for f in frames], np.arange(50) / clip.fps, atol=1e-9)
    assert numbers(clip) == list(range(50)), "a clip can be read again"
    assert clip.warnings == []


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.integers(1, 120), min_size=1, max_size=40),
    fps=st.floats(1.0, 120.0),
    start_s=st.floats(0.0, 0.5),
)
def test_every_tick_shows_the_nearest_frame(gaps, fps, start_s):
    times = np.cumsum([0, *gaps]) / 1000.0
    lengths = np.diff(times, append=times[-1] + 0.04)
    ticks = list(on_clock(zip(times, lengths, range(len(times))), start_s, None, fps))
    for k, (time_s, shown) in enumerate(ticks):
        assert time_s == pytest.approx(start_s + k / fps)
        assert abs(times[shown] - time_s) <= np.abs(times - time_s).min() + 1e-9
    # the clock covers the clip: no tick is missing at its end, none hangs over
    end_s = start_s + len(ticks) / fps
    assert end_s <= max(times[-1] + 0.04 + 1.0 / fps, start_s + 1e-9)
    assert end_s >= times[-1] + 0.04 - 0.25 / fps - 0.01 - 1e-9 or start_s > times[-1]


def test_a_variable_rate_does_not_drift(tmp_path):
    rng = np.random.default_rng(5)
    times_ms = np.cumsum(rng.integers(15, 60, 200))
    times_ms -= times_ms[0]
    path = write(tmp_path / "phone.mp4", map(numbered, range(200)), times_ms=times_ms)
    for fps in (24.0, 30.0, 50.0):
        frames = list(open_clip(path, fps=fps))
        assert len(frames) == pytest.approx(times_ms[-1] / 1000 * fps, abs=3)
        for f in frames:
            nearest = np.abs(times_ms / 1000.0 - f.time_s).min()
            assert abs(times_ms[number_of(f.rgb)] / 1000.0 - f.time_s) <= nearest + 0.001


def test_a_screen_recording_runs_at_its_average_rate(tmp_path):
    """Long still stretches and a few quick frames: not at the 60 fps that the quick ones hint at."""
    gaps_ms = np.tile([250, 400, 17, 16, 300, 250], 20)
    times_ms = np.cumsum([0, *gaps_ms])
    path = write(tmp_path / "screen.mp4", map(numbered, range(len(times_ms))), times_ms=times_ms)
    assert open_clip(path).fps == pytest.approx(1000 / gaps_ms.mean(), rel=0.02)


@pytest.mark.skipif(cores.mine() < 2, reason="needs two cores")
def test_where_one_core_is_left_frames_are_decoded_on_one_thread(tmp_path):
    path = write(tmp_path / "a.mp4", map(numbered, range(20)))
    clip, threads, shown = open_clip(path), {}, {}
    for count in (1, 2):
        with cores.at_most(count):
            before = psutil.Process().num_threads()
            looks = [(psutil.Process().num_threads() - before, number_of(frame.rgb)) for frame in clip]
        threads[count], shown[count] = max(more for more, _ in looks), [number for _, number in looks]
    assert threads[1] <= 0 < threads[2]  # less where one of another test ends
    assert shown[1] == shown[2] == list(range(20))


def test_a_late_start_does_not_decode_what_lies_before(tmp_path):
    for ending in ("mp4", "mkv"):
        path = write(tmp_path / f"a.{ending}", map(numbered, range(400)), fps=25, g=25)
        clip = open_clip(path, start="14s")
        time_s, _, _ = next(clip.source.frames(clip.start_s, None, []))
        assert 12.9 < time_s <= 14.0


def test_another_rate_leaves_out_or_repeats_frames(tmp_path):
    path = write(tmp_path / "a.mp4", map(numbered, range(40)), fps=30)
    assert numbers(open_clip(path, fps=15)) == list(range(0, 40, 2))
    doubled = numbers(open_clip(path, fps=60))
    assert len(doubled) == 80 and doubled[::2] == list(range(40))


@pytest.mark.parametrize("ending, codec", [*CONTAINERS, ("h264", "libx264")])
def test_a_stretch_is_the_same_frames_as_in_the_whole(tmp_path, ending, codec):
    path = write(tmp_path / f"a.{ending}", map(numbered, range(300)), fps=25, codec=codec, g=40, bf=2)
    for start, end, first, last in [
        ("12", "20", 12, 20),
        ("1.5s", "2s", 38, 50),
        ("133", "134", 133, 134),
        ("10s", None, 250, 300),
        (None, "0.2s", 0, 5),
    ]:
        clip = open_clip(path, start=start, end=end)
        frames = list(clip)
        assert [number_of(f.rgb) for f in frames] == list(range(first, last)), (start, end)
        assert frames[0].index == 0 and frames[0].time_s == pytest.approx(first / 25) == pytest.approx(clip.start_s)
        assert clip.frame_count == last - first or ending in ("ts", "h264")
        assert clip.warnings == []


@pytest.mark.parametrize("text, seconds", [("12", 0.5), ("0", 0.0), ("1.5s", 1.5), ("2s", 2.0), (".25s", 0.25)])
def test_times(text, seconds):
    assert parse_time(text, 24.0) == seconds


@pytest.mark.parametrize("text", ["1.5", "-3", "s", "1:30", "abc", "", "1e3s"])
def test_what_is_no_time(text):
    assert code_of(lambda: parse_time(text, 24.0)) == "bad_time"


# --- upright -------------------------------------------------------------------------------


def corner_names(rgb) -> list:
    colours = {"red": RED, "green": GREEN, "blue": BLUE, "white": WHITE}
    names = []
    for y, x in ((0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75)):
        seen = rgb[int(y * rgb.shape[0]), int(x * rgb.shape[1])].astype(int)
        names.append(min(colours, key=lambda name: np.abs(seen - colours[name]).sum()))
    return names


@pytest.mark.parametrize("hflip", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_phone_held_any_way_gives_upright_pictures(tmp_path, degrees, hflip):
    """The flag turns counter-clockwise, as np.rot90 does, and mirrors what then is seen."""
    path = write(tmp_path / "phone.mp4", [corners()] * 3, rotation=degrees, hflip=hflip)
    clip = open_clip(path)
    upright = np.rot90(corners(), degrees // 90)[:, :: -1 if hflip else 1]
    frames = list(clip)
    assert len(frames) == 3
    assert frames[0].rgb.shape == upright.shape and clip.size == upright.shape[1::-1]
    assert corner_names(frames[0].rgb) == corner_names(upright)


@pytest.mark.parametrize("orientation", [None, *range(1, 9)])
@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_pictures_are_turned_as_their_exif_says(tmp_path, ending, orientation):
    image, ops = pytest.importorskip("PIL.Image"), pytest.importorskip("PIL.ImageOps")
    exif = image.Exif()
    if orientation:
        exif[0x0112] = orientation
    path = tmp_path / f"a.{ending}"
    image.fromarray(corners()).save(path, exif=exif, quality=95)
    (frame,) = open_clip(path)
    upright = np.asarray(ops.exif_transpose(image.open(path)).convert("RGB"))
    assert corner_names(frame.rgb) == corner_names(upright)


# --- pictures ------------------------------------------------------------------------------


def save_pictures(folder, names):
    image = pytest.importorskip("PIL.Image")
    folder.mkdir(exist_ok=True)
    for i, name in enumerate(names):
        image.fromarray(numbered(i)).save(folder / name)


def test_one_picture_is_a_clip_of_one_frame(tmp_path):
    save_pictures(tmp_path, ["50% off_%04d.png"])
    clip = open_clip(tmp_path / "50% off_%04d.png")
    (frame,) = clip
    assert clip.frame_count == 1 and clip.size == (160, 96) and (frame.index, frame.time_s) == (0, 0.0)
    np.testing.assert_array_equal(frame.rgb, numbered(0))


def test_pictures_play_in_natural_order(tmp_path):
    folder = tmp_path / "shot"
    save_pictures(folder, [f"shot_{i}.png" for i in range(12)])
    (folder / "notes.txt").write_text("not a picture")
    for path in (folder, folder / "shot_*.png", folder / "shot_%d.png"):
        clip = open_clip(path, fps=12)
        assert numbers(clip) == list(range(12)) and clip.frame_count == 12 and clip.fps == 12.0
    assert numbers(open_clip(folder, start="3", end="6")) == [3, 4, 5]
    assert numbers(open_clip(folder / "shot_?.png")) == list(range(10))


def test_pictures_of_two_sizes_are_refused(tmp_path):
    image = pytest.importorskip("PIL.Image")
    save_pictures(tmp_path, ["a.png"])
    image.fromarray(numbered(1, 320, 96)).save(tmp_path / "b.png")
    assert code_of(lambda: list(open_clip(tmp_path))) == "sizes_differ"


# --- bad input -----------------------------------------------------------------------------


def test_bad_files_are_named(tmp_path):
    (tmp_path / "notes.mp4").write_text("dear diary " * 500)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "folder").mkdir()
    write_sound(tmp_path / "song.m4a")
    expected = {
        "notes.mp4": "not_a_video",
        "empty.mp4": "empty_file",
        "song.m4a": "no_video",
        "folder": "no_pictures",
        "none_%04d.png": "no_pictures",
        "gone.mp4": "no_file",
    }
    for name, code in expected.items():
        assert code_of(lambda path=tmp_path / name: open_clip(path)) == code, name


def test_bad_ranges_are_named(tmp_path):
    path = write(tmp_path / "a.mp4", map(numbered, range(30)), fps=30)
    for start, end in [("20", "10"), ("10", "10"), ("2s", None), ("30", None), (None, "0")]:
        assert code_of(lambda s=start, e=end: open_clip(path, start=s, end=e)) == "empty_range", (start, end)
    for fps in (0.0, -5.0, float("nan"), 1e6):
        assert code_of(lambda f=fps: open_clip(path, fps=f)) == "bad_fps"
    assert len(list(open_clip(path, start="25", end="90"))) == 5, "an end beyond the clip is its end"


def test_of_a_truncated_video_what_is_there_is_read_and_said(tmp_path):
    noise = np.random.default_rng(0).integers(0, 40, (120, 96, 160, 3), dtype=np.uint8)
    pictures = [np.maximum(numbered(i), noise[i]) for i in range(120)]
    for name, options in {"a.mp4": {"movflags": "faststart"}, "a.mkv": {}}.items():
        whole = write(tmp_path / name, pictures, **options).read_bytes()
        cut = tmp_path / f"cut_{name}"
        cut.write_bytes(whole[: len(whole) // 2])
        clip = open_clip(cut)
        seen = numbers(clip)
        assert 30 < len(seen) < 90 and seen == list(range(len(seen))), name
        assert any("cut off" in w and cut.name in w for w in clip.warnings), (name, clip.warnings)


def test_a_video_without_its_index_is_named(tmp_path):
    whole = write(tmp_path / "a.mp4", map(numbered, range(60))).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    assert code_of(lambda: open_clip(tmp_path / "cut.mp4")) == "truncated_video"


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts"])
def test_damage_in_the_middle_is_said_and_time_goes_on(tmp_path, ending):
    """Not so in .avi, which writes no times down: there what is lost is missing."""
    noise = np.random.default_rng(0).integers(0, 60, (120, 96, 160, 3), dtype=np.uint8)
    pictures = [np.maximum(numbered(i), noise[i]) for i in range(120)]
    options = {"movflags": "faststart"} if ending == "mp4" else {}
    path = write(tmp_path / f"a.{ending}", pictures, g=12, bf=0, **options)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 12] = bytes(len(data) // 12)
    path.write_bytes(data)
    clip = open_clip(path)
    seen = numbers(clip)
    assert len(seen) == 120 and seen[0] == 0 and seen[-1] == 119, "the clock runs on over the gap"
    assert seen == sorted(seen), "no garbled frame is shown"
    assert any("damaged" in w for w in clip.warnings)
    stretch = open_clip(path, end="100")
    assert len(list(stretch)) == 100 and any("damaged" in w for w in stretch.warnings)


def test_nothing_is_fetched_from_a_network(tmp_path):
    """A file may be a playlist in disguise; the address it names is never asked."""
    asked = []

    def listen():
        with contextlib.suppress(OSError):  # closed at the end of the test
            while True:
                visitor, address = listener.accept()
                asked.append(address)
                visitor.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=listen, daemon=True).start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/a.ts"
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{address}\n#EXT-X-ENDLIST\n"
        (tmp_path / "list.m3u8").write_text(playlist)
        assert code_of(lambda: open_clip(tmp_path / "list.m3u8")) in ("not_a_video", "no_video", "nothing_decoded")
        listener.shutdown(socket.SHUT_RDWR)
    assert asked == []


def test_one_frame_and_4k(tmp_path):
    clip = open_clip(write(tmp_path / "one.mp4", [numbered(7)]))
    assert clip.frame_count == 1 and numbers(clip) == [7]
    clip = open_clip(write(tmp_path / "4k.mp4", [numbered(i, 3840, 2160) for i in range(3)], preset="ultrafast"))
    assert clip.size == (3840, 2160) and numbers(clip) == [0, 1, 2]


# --- writing -------------------------------------------------------------------------------


def test_written_video_comes_back(tmp_path):
    y, x = np.mgrid[0:120, 0:200]
    pictures = [np.stack([x, y * 2, (x + y + 5 * i) // 2], -1).astype(np.uint8) for i in range(20)]
    path = write_video(tmp_path / "out.mp4", pictures, 30000 / 1001)
    clip = open_clip(path)
    frames = list(clip)
    assert len(frames) == 20 and clip.fps == pytest.approx(30000 / 1001) and clip.size == (200, 120)
    worst = max(np.abs(f.rgb.astype(int) - p.astype(int)).mean() for f, p in zip(frames, pictures))
    assert worst < 3.0, f"mean colour error {worst:.1f} of 255"
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_odd_sides_are_cut_to_even(tmp_path):
    path = write_video(tmp_path / "out.mp4", [np.zeros((31, 65, 3), np.uint8)] * 2, 10)
    assert open_clip(path).size == (64, 30)


def test_nothing_half_written_stays(tmp_path):
    def broken():
        yield numbered(0)
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_video(tmp_path / "out.mp4", broken(), 10)
    assert code_of(lambda: write_video(tmp_path / "out.mp4", [], 10)) == "no_frames"
    assert code_of(lambda: write_video(tmp_path / "out.txt", [numbered(0)], 10)) == "bad_ending"
    assert code_of(lambda: write_video(tmp_path / "no" / "out.mp4", [numbered(0)], 10)) == "cannot_write"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
def test_a_full_disk_is_said(tmp_path):
    (tmp_path / "out.mp4.part").symlink_to("/dev/full")
    noise = np.random.default_rng(0).integers(0, 255, (30, 256, 256, 3), dtype=np.uint8)
    assert code_of(lambda: write_video(tmp_path / "out.mp4", noise, 10)) == "cannot_write"
    assert list(tmp_path.iterdir()) == []


# --- memory --------------------------------------------------------------------------------

_PEAK = """
import sys, resource
from poseloom.media import open_clip
count = sum(1 for _ in open_clip(sys.argv[1]))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_clip(tmp_path):
    """1,000 frames of 1280 x 720 are 2.6 GB as pictures; a clip ten times as long may cost 25 MB more."""
    pytest.importorskip("resource")
    peaks = {}
    for count in (100, 1000):
        pictures = (numbered(i, 1280, 720) for i in range(count))
        path = write(tmp_path / f"{count}.mp4", pictures, preset="ultrafast")
        done = subprocess.run([sys.executable, "-c", _PEAK, path], capture_output=True, text=True, check=True)
        frames, peaks[count] = map(int, done.stdout.split())
        assert frames == count
    assert peaks[1000] - peaks[100] < 25, f"peak memory in MB: {peaks}"

"""`train`: clips packed into one file, and the networks that we ship, trained on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import packing, paths
from ..errors import BadInput
from ..inbetween import lstm
from ..inbetween.data import Pack
from ..motion.files import write_bytes
from ..progress import part
from ..registry import package
from ..terminal import progress, say


def train(chosen) -> int:
    return {"pack": _pack, "lifter": _lifter, "inbetween": _inbetween, "render": _render}[chosen.action](chosen)


def _pack(chosen) -> int:
    out = paths.outputs([chosen.folder], chosen.out, (".npz",), ".npz", chosen.overwrite)[0]
    made, left_out = _packed(chosen, Path(chosen.folder))
    _save(chosen, made, left_out, out)
    return 0


def _save(chosen, made: Pack, left_out: list, out: Path) -> None:
    made.save(out)
    sentence = f"{out}: {len(made.names)} clips, {int(made.start[-1])} frames at 30 fps."
    say(chosen.progress, "\n  ".join([sentence, *left_out]), clips=len(made.names), left_out=left_out)


def _packed(chosen, folder: Path):
    if not folder.is_dir():
        raise BadInput("no_such_folder", f"There is no folder {folder}.", "Give a folder of .bvh files.")
    subjects = None if chosen.subjects == "all" else tuple(chosen.subjects.split(","))
    held = sorted(set(subjects or ()) & set(packing.TEST))
    if held:
        raise BadInput("held_out", f"Subject {held[0]} is kept for tests.", "Leave it out of --subjects.")
    with progress(chosen.progress, "Packing") as report:
        return packing.pack(folder, subjects, report)


def _arrays(path, made_by: str = "poseloom train pack") -> dict:
    """The arrays of a .npz; BadInput where it is none."""
    try:
        with np.load(path, allow_pickle=False) as z:
            return {key: z[key] for key in z.files}
    except (OSError, ValueError) as error:
        raise BadInput("bad_pack", f"{path} cannot be read: {error}.", f"Make it by {made_by}.") from error


def _lifter(chosen) -> int:
    data, out = Path(chosen.data), Path(chosen.out)
    if data.is_dir():
        out.mkdir(parents=True, exist_ok=True)
        _save(chosen, *_packed(chosen, data), out / "clips.npz")
        data = out / "clips.npz"
    pack = _arrays(data)
    needed = {"lrot", "root", "offsets", "start", "names"}
    if not needed <= set(pack):
        raise BadInput("bad_pack", f"{data} has no {min(needed - set(pack))}.", "Make it by poseloom train pack.")
    _check_names(data, map(str, pack["names"]))
    subjects = sorted({str(name).partition("_")[0] for name in pack["names"]}, key=lambda name: (len(name), name))
    training = package("poseloom.pose.train", "Training", "train")
    options = training.TrainOptions(
        minutes=chosen.minutes, stretch=chosen.stretch or float("inf"), device=chosen.device, seed=chosen.seed
    )
    pairs, valid = ([_arrays(path) for path in some] for some in (chosen.pairs, chosen.validate))
    with progress(chosen.progress, "Training") as report:
        net = training.train(pack, out, options, pairs, valid, report)
    training.export(net, out / "model.onnx")
    (out / "CARD.md").write_text(training.card(out, options, subjects, pairs, valid), encoding="utf-8")
    size = (out / "model.onnx").stat().st_size
    say(chosen.progress, f"{out / 'model.onnx'}: {size / 1e6:.1f} MB.", model=str(out / "model.onnx"), bytes=size)
    return 0


def _inbetween(chosen) -> int:
    """Three parts in seven of the time go to each of the networks that fill holes, the rest to the one that goes on.

    With --from, half of it to each of the first two; the one that goes on is kept as it is there.
    """
    training = package("poseloom.inbetween.train", "Training", "train")
    ahead = package("poseloom.inbetween.train_ahead", "Training", "train")
    network = package("poseloom.inbetween.train_network", "Training", "train")
    data, out, (model, onward) = Path(chosen.data), Path(chosen.out), lstm.files_of(chosen.begin or "")
    begun = network.loaded(model) if chosen.begin else {}
    out.mkdir(parents=True, exist_ok=True)
    _check_begun(out, chosen.begin or "")
    if data.is_dir():
        _save(chosen, *_packed(chosen, data), out / "clips.npz")
        data = out / "clips.npz"
    clips = pack = _clips(data)
    held = None
    each_twentieth = set(clips.names[10::20])  # where clips are too few for that, nothing is measured
    if each_twentieth:
        pack, held = clips.only(lambda name: name not in each_twentieth), clips.only(each_twentieth.__contains__)
    run, stretch, share = {"device": chosen.device, "seed": chosen.seed}, chosen.stretch or float("inf"), 1 / 2 if begun else 3 / 7
    with progress(chosen.progress, "Training") as report:
        for done, (start, recipe) in enumerate(training.RECIPES.items()):
            options = replace(recipe, hidden=chosen.hidden, minutes=share * chosen.minutes, stretch=share * stretch, **run)
            if begun:
                options = replace(options, rate=training.TUNING_RATE)
            now = part(report, share * done, share * (done + 1))
            training.train(pack, out / start, options, held, begun.get(start), now)
        if begun:
            write_bytes(out / "ahead.onnx", onward.read_bytes())
        else:
            options = ahead.AheadOptions(minutes=chosen.minutes / 7, stretch=stretch / 7, **run)
            ahead.export(ahead.train(pack, out, options, part(report, 6 / 7, 1.0)), out / "ahead.onnx")
    network.export(dict(network.restore(out / start / "state.pt") for start in training.RECIPES), out / "model.onnx")
    card = training.card(out, chosen.seed, chosen.device, pack.names, packing.of_cmu(pack.names), chosen.begin or "")
    (out / "CARD.md").write_text(card, encoding="utf-8")
    size = (out / "model.onnx").stat().st_size
    say(chosen.progress, f"{out / 'model.onnx'}: {size / 1e6:.1f} MB.", model=str(out / "model.onnx"), bytes=size)
    return 0


def _check_begun(out: Path, begin: str) -> None:
    """A folder is gone on with as it was begun: from the same networks, or from none."""
    note = out / "from.txt"
    was = note.read_text(encoding="utf-8") if note.is_file() else ""
    if was != begin and any(out.glob("*/state.pt")):
        how = f"from {was}: say --from {was}" if was else "from nothing: leave out --from"
        raise BadInput("begun_otherwise", f"The training in {out} was begun {how}.", "Or give another --out.")
    write_bytes(note, begin.encode())


def _render(chosen) -> int:
    packs, out = [_pictures(path) for path in chosen.data], Path(chosen.out)
    training = package("poseloom.render.train", "Training", "train")
    export = package("poseloom.render.train_export", "Training", "train")
    options = training.TrainOptions(
        size=packs[0]["rgb"].shape[1], minutes=chosen.minutes, stretch=chosen.stretch or float("inf"), device=chosen.device,
        seed=chosen.seed, teacher=chosen.teacher,
    )  # fmt: skip
    if chosen.teacher and not (Path(chosen.teacher) / "unet" / "config.json").is_file():
        raise BadInput("no_such_file", f"--teacher {chosen.teacher} has no unet.", "Give the folder checkpoint of another training.")
    with progress(chosen.progress, "Training") as report:
        net = training.train(packs, out, options, report)
    export.onnx_files(net, out)
    export.checkpoint(net, out / "checkpoint")
    for card in (out / "CARD.md", out / "checkpoint" / "README.md"):
        card.write_text(export.card(out, options, packs), encoding="utf-8")
    size = sum((out / name).stat().st_size for name in ("guide.onnx", "denoiser.onnx"))
    say(chosen.progress, f"{out}: guide.onnx and denoiser.onnx, {size / 1e6:.1f} MB; samples.png; checkpoint for diffusers.",
        model=str(out), bytes=size)  # fmt: skip
    return 0


def _pictures(path) -> dict:
    made_by = "backend/studio/embed_pictures.py"
    data = _arrays(path, made_by)
    needed = {"rgb", "region", "rest", "xy", "away", "seen", "character", "clip", "clip_names", "seed"}
    if not needed <= set(data):
        raise BadInput("bad_pack", f"{path} has no {min(needed - set(data))}.", f"Make it by {made_by}.")
    _check_names(path, map(str, data["clip_names"][data["clip"]]))
    return data


def _clips(data: Path) -> Pack:
    arrays = _arrays(data)
    needed = {"lrot", "root", "contact", "offsets", "start", "names"}
    if not needed <= set(arrays):
        raise BadInput("bad_pack", f"{data} has no {min(needed - set(arrays))}.", "Make it by poseloom train pack.")
    clips = Pack.load(data)
    _check_names(data, clips.names)
    return clips


def _check_names(data, names) -> None:
    held = packing.held_out(names)
    if held:
        raise BadInput("held_out", f"{data} holds subject {held[0]} of CMU's, kept for tests.", "Make it anew without.")

"""The process in which mmpose sees: run by the Python of its own environment, it needs nothing of Poseloom's.

    PYTHON mmpose_worker.py CONFIG.py CHECKPOINT.pth      answers on its standard output until its input ends
    PYTHON mmpose_worker.py --check                       imports all that is needed

Both ways a message is a line of JSON, {"arrays": [[name, shape], ...], ...}, then the arrays as they lie in memory,
float32, or uint8 for "rgb".  First comes {"points": K, "whole": bool} or {"error": sentence, "code": word}; then for each
{"rgb": (H,W,3), "boxes": (N,4) x y x y} one {"xy": (M,K,2), "score": (M,K)}; `whole`: of everyone, whatever the boxes.
"""

from __future__ import annotations

import json
import os
import sys
import types
from importlib.machinery import ModuleSpec


def prepare() -> None:
    """What mmpose needs to be imported beside a torch without CUDA and without mmcv's compiled operators."""
    import torch

    torch.set_num_threads(1)
    try:
        import torchvision  # noqa: F401
    except RuntimeError:  # its wheel cannot load operators for CUDA, and declares them too late
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        _declare(torch)
    if "mmcv._ext" not in sys.modules:
        stub = types.ModuleType("mmcv._ext")
        stub.__spec__ = ModuleSpec("mmcv._ext", None)

        def lacking(name: str):
            if name.startswith("__"):
                raise AttributeError(name)

            def operator(*_, **__):
                raise RuntimeError(f"mmcv's operator {name} is not there")

            return operator

        stub.__getattr__ = lacking
        sys.modules["mmcv._ext"] = stub


def _declare(torch) -> None:
    prepare.library = torch.library.Library("torchvision", "DEF")  # kept: it goes with its last reference
    prepare.library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    prepare.library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


class Refused(Exception):
    def __init__(self, code: str, sentence: str):
        super().__init__(sentence)
        self.code = code


def load(config: str, checkpoint: str):
    """The model with its weights; Refused where they do not belong together.  No pickled object but plain values is made."""
    import pickle

    import torch
    from mmengine.config import Config
    from mmpose.apis import init_model
    from mmpose.utils import register_all_modules

    register_all_modules()
    read = Config.fromfile(config)
    if "model" not in read:
        raise Refused("not_a_config", f"{config} is no config of mmpose: it has no model.")
    for part in (read.model, read.model.get("backbone") or {}):
        part.pop("init_cfg", None)  # it would fetch what the checkpoint brings
    model = init_model(read, None, device="cpu")
    try:
        kept = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise Refused(
            "not_weights",
            f"{checkpoint} holds something else than plain weights ({first[:160]}): keep its state_dict and meta.dataset_meta alone.",
        ) from error
    weights = kept.get("state_dict", kept) if isinstance(kept, dict) else {}
    own = model.state_dict()
    fits = {k: v for k, v in weights.items() if k in own and getattr(v, "shape", None) == own[k].shape}
    if len(fits) < 0.9 * len(own):
        raise Refused(
            "other_checkpoint", f"{checkpoint} does not belong to {config}: {len(fits)} of the {len(own)} weights fit."
        )
    model.load_state_dict(fits, strict=False)
    meta = kept.get("meta", {}).get("dataset_meta") if isinstance(kept, dict) else None
    if meta:
        model.dataset_meta = meta
    return model.eval()


def points_of(model) -> int:
    meta = model.dataset_meta or {}
    # of heads that give more than one channel a point, the channels say too much
    return int(getattr(model.head, "num_keypoints", None) or getattr(model.head, "out_channels", None) or meta["num_keypoints"])


def look(model, whole: bool, rgb, boxes):
    """(xy (M,K,2), score (M,K)) float32."""
    import numpy as np
    from mmpose.apis import inference_bottomup, inference_topdown

    bgr = np.ascontiguousarray(rgb[..., ::-1])
    if whole:
        found = inference_bottomup(model, bgr)
    else:
        found = inference_topdown(model, bgr, boxes, bbox_format="xyxy") if len(boxes) else []
    count = points_of(model)
    xy = [np.reshape(one.pred_instances.keypoints, (-1, count, 2)) for one in found]
    score = [np.reshape(one.pred_instances.keypoint_scores, (-1, count)) for one in found]
    empty = np.zeros((0, count, 2), np.float32)
    return np.concatenate([empty, *xy]).astype(np.float32), np.concatenate([empty[..., 0], *score]).astype(np.float32)


def send(pipe, values: dict, **arrays) -> None:
    pipe.write(json.dumps({**values, "arrays": [[name, list(a.shape)] for name, a in arrays.items()]}).encode() + b"\n")
    for a in arrays.values():
        pipe.write(a.tobytes())
    pipe.flush()


def receive(pipe):
    """The next message as a dictionary, arrays among the values; None at the end."""
    import numpy as np

    line = pipe.readline()
    if not line:
        return None
    values = json.loads(line)
    for name, shape in values.pop("arrays"):
        kind = np.uint8 if name == "rgb" else np.float32
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        values[name] = np.frombuffer(pipe.read(size), kind).reshape(shape)
    return values


def main(words: list) -> int:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    prepare()
    if words == ["--check"]:
        import mmpose.apis  # noqa: F401

        return 0
    import logging

    logging.disable(logging.INFO)
    try:
        model = load(*words)
    except Refused as error:
        send(answers, {"error": str(error), "code": error.code})
        return 2
    except Exception as error:  # a config is a program: anything may go wrong in it
        send(answers, {"error": f"{words[0]} makes no model of mmpose: {type(error).__name__}: {error}", "code": "not_a_config"})
        return 2
    whole = type(model).__name__ != "TopdownPoseEstimator"
    send(answers, {"points": points_of(model), "whole": whole})
    questions = os.fdopen(0, "rb")
    while (asked := receive(questions)) is not None:
        xy, score = look(model, whole, asked["rgb"], asked["boxes"])
        send(answers, {}, xy=xy, score=score)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What it is worth to tune the LSTM to one's own clips: every other clip of a test subject tunes it, the rest measure.

    python tests/benchmarks/tuning.py [--json FILE] [--subject 29] [--minutes 30] [--out FOLDER] [--data FOLDER]

The way of `poseloom train inbetween --from shipped`, which refuses the test subjects; needs torch and onnx.  What is in
--out already is trained on.  Validation subjects tell what it forgets.  Ratios are to interpolation, by the protocol.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from inbetween import ROOT, by, packs

from poseloom.inbetween import protocol, train, train_network
from poseloom.inbetween.data import Pack
from poseloom.inbetween.lstm import MODEL, Lstm
from poseloom.terminal import progress


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write one flat object {figure: number}")
    parser.add_argument("--subject", default="29")
    parser.add_argument("--minutes", type=float, default=30.0, help="for both networks; default: %(default)s")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "tuned", metavar="FOLDER")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="CMU's clips, unpacked")
    chosen = parser.parse_args()
    training, tested = packs(chosen.data, "test")
    clips = sorted(name for name in tested.names if name.split("_")[0] == chosen.subject)
    own, others = (tested.only(set(some).__contains__) for some in (clips[::2], clips[1::2]))
    print(f"tuned on {', '.join(own.names)} ({_minutes(own):.1f} minutes), measured on the other {len(others.names)}")
    tuned = _tuned(own, chosen.out / chosen.subject, chosen.minutes)
    figures = {}
    for what, pack in (("own", others), ("validation", packs(chosen.data, "validation")[1])):
        windows, stats = protocol.windows(pack), protocol.statistics(training)
        base = protocol.score(protocol.interpolation, windows, stats)
        for name, model in (("shipped", MODEL), ("tuned", tuned)):
            ratios = protocol.ratios(protocol.score(by(Lstm(model)), windows, stats), base)
            figures.update({f"{name}_{what}_{key}": value for key, value in ratios.items()})
            print(f"{what:10} {name:8}", *(f"{key} {value:.3f}" for key, value in ratios.items() if key.startswith("l2")), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")


def _minutes(pack: Pack) -> float:
    return float(pack.start[-1]) / 1800.0


def _tuned(pack: Pack, out: Path, minutes: float) -> Path:
    nets = {}
    for start, begun in train_network.loaded(MODEL).items():
        options = replace(train.RECIPES[start], minutes=minutes / 2, rate=train.TUNING_RATE)
        with progress("auto", f"Tuning {start}") as report:
            nets[start] = train.train(pack, out / start, options, begin=begun, report=report)
    train_network.export(nets, out / "model.onnx")
    return out / "model.onnx"


if __name__ == "__main__":
    main()

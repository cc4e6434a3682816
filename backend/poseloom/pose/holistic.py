"""Body, hands and face by MediaPipe: BlazePose finds the body, its points tell where hands and face are looked for."""

from __future__ import annotations

from contextlib import closing

import numpy as np

from ..motion.points import FACE, HANDS, HOLISTIC, PUPILS
from ..motion.types import Keypoints
from ..registry import package
from . import graphs
from .graphs import Roi, quiet_stderr, solution
from .mediapipe import MediaPipe, keypoints

LAYOUT = "holistic139"
# of each hand: wrist, pinky and index of BlazePose, and the room around them
_OF_HAND = ((15, 17, 19), (16, 18, 20))
_WIDE, _SHIFT = 5.4, -0.1
_OF_FACE = tuple(range(11))
# the points of MediaPipe's mesh that lie at the 68 of iBUG, and the pupils, left and right
_MESH = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
_IRISES = (473, 468)
_EYE_CORNERS = 0.088  # metres between the outer corners of an adult's eyes
_MOST = 6  # hands that are looked for in a picture without a body
_SEEN = 0.5  # from this visibility of BlazePose's points on, hand or face is looked for
_HAND = """
input_stream: "image"
input_stream: "roi"
input_side_packet: "model_complexity"
output_stream: "landmarks"
output_stream: "world"
output_stream: "handedness"
node {
  calculator: "HandRecropByRoiCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:roi"
  output_stream: "HAND_ROI_FROM_RECROP:near"
}
node {
  calculator: "HandLandmarkCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:near"
  input_side_packet: "MODEL_COMPLEXITY:model_complexity"
  output_stream: "LANDMARKS:landmarks"
  output_stream: "WORLD_LANDMARKS:world"
  output_stream: "HANDEDNESS:handedness"
}
"""
_FACE = """
input_stream: "image"
input_stream: "marks"
input_side_packet: "refine"
output_stream: "landmarks"
node {
  calculator: "FaceLandmarksFromPoseCpu"
  input_stream: "IMAGE:image"
  input_stream: "FACE_LANDMARKS_FROM_POSE:marks"
  input_side_packet: "REFINE_LANDMARKS:refine"
  output_stream: "FACE_LANDMARKS:landmarks"
}
"""


class Holistic(MediaPipe):
    """Layout "holistic139": BlazePose's points, 62 of the face that it lacks, pupils, 21 of each hand.

    xyz of hands from MediaPipe's own metres, hung on BlazePose's wrists; of the face from its mesh, by the usual
    distance of eyes, about BlazePose's.  A hand scores low where it is rather the other one.  A single picture of
    hands alone shows people without a body, each with at most one left and one right hand, xyz about its own middle.
    """

    layout = LAYOUT

    def _parts(self):
        return closing(Parts())

    def _without_body(self, clip, frames: int) -> list[Keypoints]:
        people = hands_alone(next(iter(clip)).rgb) if frames == 1 else []
        if not people:
            return super()._without_body(clip, frames)
        return [keypoints(self.layout, [row], clip, number) for number, row in enumerate(people, 1)]


class Parts:
    """Hands and face of a person whose BlazePose points are known."""

    def __init__(self):
        with quiet_stderr():
            self._hand = solution(_HAND, params={}, side_inputs={"model_complexity": 1})
            self._face = solution(_FACE, params={}, side_inputs={"refine": True})
            blank = np.zeros((64, 64, 3), np.uint8)
            self._hand.process({"image": blank, "roi": Roi(np.array([32.0, 32.0]), 64.0, 0.0).message((64, 64))})

    def close(self) -> None:
        self._hand.close()
        self._face.close()

    def __call__(self, rgb: np.ndarray, row: np.ndarray) -> np.ndarray:
        """(139, 6) of row (33, 6): x y px, x y z m, score."""
        out = _unseen()
        out[: len(row)] = row
        face = self._look_at_face(rgb, row)
        if face is not None:
            out[[HOLISTIC.index(name) for name in (*FACE, *PUPILS)]] = face
        for side, marks in enumerate(_OF_HAND):
            if row[marks[0], 5] >= _SEEN:
                out[_of_side(side)] = self._look_at_hand(rgb, row, side)
        return out

    def _look_at_hand(self, rgb, row, side) -> np.ndarray:
        size = np.array([rgb.shape[1], rgb.shape[0]])
        wrist, pinky, index = row[list(_OF_HAND[side]), :2]
        middle = (2.0 * index + pinky) / 3.0
        x, y = middle - wrist
        length = float(np.hypot(x, y))
        turn = np.pi / 2 - np.arctan2(-y, x)
        away = _SHIFT * _WIDE * length * np.array([-np.sin(turn), np.cos(turn)])
        seen = self._hand.process({"image": rgb, "roi": Roi(middle + away, _WIDE * length, turn).message(size)})
        if seen.landmarks is None or length < 1.0:
            return np.array([np.nan] * 5 + [0.0])
        points = _hand(seen.landmarks, seen.world, seen.handedness, side, size)
        points[:, 2:5] += row[_OF_HAND[side][0], 2:5] - points[0, 2:5]
        return points

    def _look_at_face(self, rgb, row):
        from mediapipe.framework.formats import landmark_pb2

        size = np.array([rgb.shape[1], rgb.shape[0]])
        if row[0, 5] < _SEEN:
            return None
        marks = [
            landmark_pb2.NormalizedLandmark(x=x / size[0], y=y / size[1], visibility=1.0, presence=1.0)
            for x, y in row[_OF_FACE, :2]
        ]
        seen = self._face.process({"image": rgb, "marks": landmark_pb2.NormalizedLandmarkList(landmark=marks)})
        if seen.landmarks is None:
            return None
        mesh = np.array([(p.x, p.y, p.z) for p in seen.landmarks.landmark]) * [size[0], size[1], size[0]]
        wide = np.linalg.norm(mesh[263] - mesh[33])
        metres = (mesh[:, [0, 2, 1]] * [1.0, 1.0, -1.0]) * _EYE_CORNERS / max(wide, 1e-6)
        # BlazePose's eyes and mouth, and where the mesh has them
        metres += (row[[2, 5, 9, 10], 2:5] - metres[[159, 386, 291, 61]]).mean(axis=0)
        rows = [*_MESH, *_IRISES]
        score = np.full(len(rows), row[_OF_FACE, 5].mean())
        return np.hstack([mesh[rows, :2], metres[rows], score[:, None]])


def hands_alone(rgb: np.ndarray) -> list[np.ndarray]:
    """Rows (139, 6) of people of whom only hands are in the picture, the largest first; a second left one is another's."""
    size = np.array([rgb.shape[1], rgb.shape[0]])
    solution = package("mediapipe.python.solutions.hands", 'The estimator "holistic"', "pose")
    with quiet_stderr(), solution.Hands(static_image_mode=True, max_num_hands=_MOST) as finder:
        seen = finder.process(rgb)
    found = []
    for marks in zip(seen.multi_hand_landmarks or (), seen.multi_hand_world_landmarks or (), seen.multi_handedness or ()):
        side = int(_is_side(marks[2], 1) > 0.5)
        found.append((side, _hand(*marks, side, size)))
    people: list[np.ndarray] = []
    for side, hand in sorted(found, key=lambda pair: -np.ptp(pair[1][:, :2], axis=0).max()):
        person = next((one for one in people if not one[_of_side(side), 5].any()), None)
        if person is None:
            person = _unseen()
            people.append(person)
        person[_of_side(side)] = hand
    return people


def _unseen() -> np.ndarray:
    return np.array([[np.nan] * 5 + [0.0]] * len(HOLISTIC))


def _of_side(side: int) -> list[int]:
    return [HOLISTIC.index(name) for name in HANDS[21 * side : 21 * side + 21]]


def _hand(landmarks, world, handedness, side: int, size) -> np.ndarray:
    """(21, 6): x y px, x y z m about the hand's middle, score."""
    points = graphs.points(landmarks.landmark, world.landmark)
    points[:, :2] *= size
    # a hand seen from the front tells its side badly: only one that is surely the other side's is doubted
    points[:, 5] = 1.0 - (1.0 - _is_side(handedness, side)) ** 3
    return points


def _is_side(handedness, side: int) -> float:
    """How sure it is, 0..1, that a hand is a left (0) or right one; MediaPipe takes pictures to be mirrored."""
    best = handedness.classification[0]
    return best.score if (best.label == "Right") == (side == 0) else 1.0 - best.score

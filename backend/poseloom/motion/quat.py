"""Unit quaternions, w x y z, over any leading axes.  Hamilton product, active rotations."""

from __future__ import annotations

import numpy as np

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])
_CONJUGATE = np.array([1.0, -1.0, -1.0, -1.0])
_TINY = 1e-12


def normalise(q):
    """Unit length along the last axis; a zero quaternion becomes the identity."""
    q = np.asarray(q, dtype=np.float64)
    size = length(q)[..., None]
    unit = q / np.maximum(size, _TINY)
    return unit if (size > _TINY).all() else np.where(size > _TINY, unit, IDENTITY)


def multiply(a, b):
    """a after b: rotate(multiply(a, b), v) == rotate(a, rotate(b, v))."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != b.ndim and 1 in (a.ndim, b.ndim):  # one of them by many: a matrix product
        return a @ _linear(b, 1.0) if b.ndim == 1 else b @ _linear(a, -1.0)
    aw, ax, ay, az = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
    bw, bx, by, bz = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
    w = aw * bw - ax * bx - ay * by - az * bz
    out = np.empty(w.shape + (4,))
    out[..., 0] = w
    out[..., 1] = aw * bx + ax * bw + ay * bz - az * by
    out[..., 2] = aw * by - ax * bz + ay * bw + az * bx
    out[..., 3] = aw * bz + ax * by - ay * bx + az * bw
    return out


def _linear(q, side):
    """The matrix (4,4) that rows q' are multiplied by to give q' q, or with side -1 q q'."""
    w, x, y, z = q
    i, j, k = side * x, side * y, side * z
    return np.array([[w, x, y, z], [-x, w, -k, j], [-y, k, w, -i], [-z, -j, i, w]])


def inverse(q):
    """The conjugate, which for unit quaternions undoes the rotation."""
    return np.asarray(q, np.float64) * _CONJUGATE


def rotate(q, v):
    """Vectors (..., 3) turned by q (..., 4)."""
    q, v = np.asarray(q, np.float64), np.asarray(v, np.float64)
    w, u = q[..., 0], q[..., 1:]
    if v.ndim == 1 and q.ndim > 1:  # one vector, many turns: a matrix product
        x, y, z = 2.0 * v
        t = u @ np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    else:
        t = cross(u, v)
        t *= 2.0
    out = v + w[..., None] * t
    out += cross(u, t)
    return out


def length(v):
    """Length (...) of vectors or quaternions over the last axis; several times as quick as numpy's norm for few."""
    return np.sqrt(dot(v, v))


def dot(a, b):
    """Scalar product (...) over the last axis, likewise."""
    total = a[..., 0] * b[..., 0]
    for i in range(1, a.shape[-1]):
        total = total + a[..., i] * b[..., i]
    return total


def cross(a, b):
    """a x b over the last axis (..., 3); several times as quick as numpy's for few vectors."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    x = ay * bz - az * by
    out = np.empty(x.shape + (3,))
    out[..., 0], out[..., 1], out[..., 2] = x, az * bx - ax * bz, ax * by - ay * bx
    return out


def from_axis_angle(axis, angle_rad):
    """Turn by `angle_rad` (...) about `axis` (..., 3), of any length but zero."""
    axis = np.asarray(axis, np.float64)
    axis = axis / np.maximum(length(axis)[..., None], _TINY)
    half = np.asarray(angle_rad, np.float64)[..., None] / 2.0
    half, axis = np.broadcast_arrays(half, axis)
    return np.concatenate([np.cos(half[..., :1]), axis * np.sin(half)], axis=-1)


def log(q):
    """Rotation vector (..., 3), radians, the short way round (|v| <= pi)."""
    q = np.asarray(q, np.float64)
    q = np.where(q[..., :1] < 0.0, -q, q)
    sine = length(q[..., 1:])[..., None]
    angle = 2.0 * np.arctan2(sine, q[..., :1])
    scale = np.where(sine > 1e-9, angle / np.maximum(sine, _TINY), 2.0)
    return q[..., 1:] * scale


def exp(v):
    """The quaternion of a rotation vector (..., 3), radians: undoes `log`."""
    v = np.asarray(v, np.float64)
    angle = length(v)[..., None]
    scale = np.where(angle > 1e-9, np.sin(angle / 2.0) / np.maximum(angle, _TINY), 0.5)
    return np.concatenate([np.cos(angle / 2.0), v * scale], axis=-1)


def angle(a, b):
    """Angle in radians (...) of the rotation between a and b, 0..pi."""
    return length(log(multiply(inverse(a), b)))


def to_matrix(q):
    """Rotation matrices (..., 3, 3)."""
    q = np.asarray(q, np.float64)
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def from_matrix(m):
    """Quaternions of rotation matrices (..., 3, 3), by the largest of four terms (Shepperd 1978)."""
    m = np.asarray(m, np.float64)
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    a, b, c = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    d, e, f = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    options = np.stack(
        [
            np.stack([1 + m00 + m11 + m22, a, b, c], axis=-1),
            np.stack([a, 1 + m00 - m11 - m22, d, e], axis=-1),
            np.stack([b, d, 1 - m00 + m11 - m22, f], axis=-1),
            np.stack([c, e, f, 1 - m00 - m11 + m22], axis=-1),
        ],
        axis=-2,
    )
    diagonal = np.diagonal(options, axis1=-2, axis2=-1)
    best = np.argmax(diagonal, axis=-1)[..., None, None]
    return normalise(np.take_along_axis(options, best, axis=-2)[..., 0, :])


def from_euler(angles_rad, order: str):
    """Intrinsic Euler angles (..., n), applied in the order written: "zxy" is Rz·Rx·Ry.

    This is the order of BVH channels.  Blender's rotation mode "XYZ" is "zyx" here, with the
    angles reversed.
    """
    half = np.ascontiguousarray(np.moveaxis(np.asarray(angles_rad, np.float64) * 0.5, -1, 0))
    cosines, sines = np.cos(half), np.sin(half)
    still = np.zeros(half.shape[1:])
    q = [still + 1.0, still, still, still]
    for n, letter in enumerate(order.lower()):
        i = "xyz".index(letter) + 1
        j = i % 3 + 1
        k = j % 3 + 1
        c, s = cosines[n], sines[n]
        # multiply by a rotation about one axis, which has only two terms
        w, x, y, z = q[0], q[i], q[j], q[k]
        q[0], q[i], q[j], q[k] = w * c - x * s, x * c + w * s, y * c + z * s, z * c - y * s
    return np.stack(q, axis=-1)


def to_euler(q, order: str):
    """Intrinsic Tait–Bryan angles (..., 3) in radians; undoes `from_euler` for three distinct axes.

    The middle angle lies in -pi/2..pi/2; at its ends the last angle is 0.
    """
    i, j, k = ("xyz".index(letter) for letter in order.lower())
    parity = 1.0 if (j - i) % 3 == 1 else -1.0
    m = to_matrix(q)
    sine = np.clip(parity * m[..., i, k], -1.0, 1.0)
    locked = np.abs(sine) > 1.0 - 1e-10
    first = np.arctan2(-parity * m[..., j, k], m[..., k, k])
    last = np.arctan2(-parity * m[..., i, j], m[..., i, i])
    first = np.where(locked, np.arctan2(parity * m[..., k, j], m[..., j, j]), first)
    last = np.where(locked, 0.0, last)
    return np.stack([first, np.arcsin(sine), last], axis=-1)


def between(a, b):
    """The shortest rotation that takes direction a (..., 3) to direction b (..., 3)."""
    a, b = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    a = a / np.maximum(length(a)[..., None], _TINY)
    b = b / np.maximum(length(b)[..., None], _TINY)
    w = 1.0 + dot(a, b)[..., None]
    q = np.concatenate([w, cross(a, b)], axis=-1)
    opposite = w <= 1e-9
    if opposite.any():
        # half a turn about any axis across a
        across = np.cross(a, np.where(np.abs(a[..., :1]) < 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
        q = np.where(opposite, np.concatenate([np.zeros_like(w), across], axis=-1), q)
    return normalise(q)


def from_two_vectors(primary, secondary, along=(0.0, 1.0, 0.0), beside=(1.0, 0.0, 0.0)):
    """The rotation that takes `along` to `primary` and `beside` as near to `secondary` as it can.

    All (..., 3); `along` and `beside` must not be parallel, nor `primary` and `secondary`.
    """
    return from_matrix(frame(primary, secondary) @ np.swapaxes(frame(along, beside), -1, -2))


def frame(primary, secondary):
    """Orthonormal columns (..., 3, 3): primary, secondary made square to it, and their cross."""
    primary, secondary = np.broadcast_arrays(
        np.asarray(primary, np.float64), np.asarray(secondary, np.float64)
    )
    x = primary / np.maximum(length(primary)[..., None], _TINY)
    y = secondary - dot(secondary, x)[..., None] * x
    y = y / np.maximum(length(y)[..., None], _TINY)
    return np.stack([x, y, cross(x, y)], axis=-1)


def slerp(a, b, t):
    """From a (t = 0) to b (t = 1) at constant angular speed, the short way; t is (...)."""
    a = np.asarray(a, np.float64)
    step = log(multiply(inverse(a), b))
    return multiply(a, exp(step * np.asarray(t, np.float64)[..., None]))


def unroll(q):
    """Signs chosen so that neighbours along axis 0 lie in the same half: curves without jumps."""
    q = np.array(q, np.float64)
    if len(q) < 2:
        return q
    flip = dot(q[1:], q[:-1]) < 0.0
    if not flip.any():
        return q
    sign = np.where(np.cumsum(flip, axis=0) % 2 == 1, -1.0, 1.0)
    q[1:] *= sign[..., None]
    return q


def swing_twist(q, axis):
    """q = multiply(swing, twist), twist about `axis` (..., 3); swing's axis is square to it."""
    q = np.asarray(q, np.float64)
    axis = np.asarray(axis, np.float64)
    axis = axis / np.maximum(length(axis)[..., None], _TINY)
    along = dot(q[..., 1:], axis)[..., None] * axis
    twist = normalise(np.concatenate([q[..., :1], along], axis=-1))
    return multiply(q, inverse(twist)), twist

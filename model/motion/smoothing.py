# SPDX-License-Identifier: GPL-3.0-or-later
"""Zero-phase smoothing of a raw motion. The raw motion is kept, so any strength can be chosen again later."""

import numpy as np
from numpy.typing import NDArray

from .motion import Motion
from .rotations import axis_angle_from_matrix, matrix_from_axis_angle

WIDEST_S = 0.12
"""Standard deviation in seconds of the window at strength 1."""
REACH = 2.5
"""Where the window is cut off, in standard deviations."""
FRAMES_AT_ONCE = 1024


def smooth(motion: Motion, rest: NDArray[np.floating], strength: float) -> Motion:
    """The motion with rotations and translation smoothed in time; strength 0 (as it is) to 1, rest (24, 3) metres.

    Every frame is replaced by the value at its own time of a parabola fitted to its neighbours under a Gaussian
    window (local regression): symmetric in time, so nothing lags, and a parabola keeps the height of a peak that an
    average would cut off. Rotations are fitted in the tangent space at the frame's own rotation.
    """
    sigma = WIDEST_S * float(np.clip(strength, 0.0, 1.0)) ** 2
    if sigma <= 0 or len(motion) < 3:
        return motion
    neighbours, kernel = local_regression(motion.time_s, sigma)
    local = motion.local_rotations()
    trans = np.asarray(motion.trans, np.float64)
    smoothed = np.empty_like(local)
    for start in range(0, len(motion), FRAMES_AT_ONCE):
        part = slice(start, start + FRAMES_AT_ONCE)
        centre = local[part, None]
        offsets = axis_angle_from_matrix(np.swapaxes(centre, -1, -2) @ local[neighbours[part]])
        step = np.einsum("tw,twjc->tjc", kernel[part], offsets)
        smoothed[part] = local[part] @ matrix_from_axis_angle(step)
    return motion.with_pose(smoothed, np.einsum("tw,twc->tc", kernel, trans[neighbours]), rest)


def local_regression(time_s: NDArray[np.floating], sigma_s: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Indices (T, W) of each frame's neighbours and the weights (T, W) that give the fitted value at the frame.

    The weights of a frame sum to 1 and reproduce any parabola exactly; times (T,) in seconds may be uneven.
    """
    time_s = np.asarray(time_s, np.float64)
    T = len(time_s)
    steps = np.diff(time_s)
    reach = int(np.ceil(REACH * sigma_s / max(float(np.median(steps)) if T > 1 else 1.0, 1e-6)))
    reach = min(max(reach, 1), T - 1)
    raw = np.arange(T)[:, None] + np.arange(-reach, reach + 1)
    inside = (raw >= 0) & (raw < T)
    neighbours = np.clip(raw, 0, T - 1)
    dt = (time_s[neighbours] - time_s[:, None]) / sigma_s
    weight = np.where(inside, np.exp(-0.5 * dt**2), 0.0)
    basis = np.stack([np.ones_like(dt), dt, dt**2], -1)
    normal = np.einsum("twa,tw,twb->tab", basis, weight, basis)
    # Where a window holds fewer than three frames a parabola is not determined: lean towards a constant.
    normal += np.diag([0.0, 1e-9, 1e-9]) * np.trace(normal, axis1=-2, axis2=-1)[:, None, None]
    solved = np.linalg.solve(normal, np.broadcast_to(np.eye(3)[:, :1], (T, 3, 1)))[..., 0]
    return neighbours, np.einsum("ta,twa,tw->tw", solved, basis, weight)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of methods over shots, and the one table in which they stand beside each other."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..motion.smoothing import smoothed_in_time
from . import metrics
from .shots import FEET, LIMBS, Answer, Shot

SMOOTHED_S = 0.035
"""The width of the window, about that of the strength with which the product's form begins."""
ALL = "all"
UNITS = {
    "mpjpe": "mm", "pa_mpjpe": "mm", "mpjpe_23": "mm", "pa_mpjpe_23": "mm", "mpvpe": "mm", "mpvpe_smpl": "mm",
    "accel": "m/s²", "accel_smoothed": "m/s²", "jitter": "m/s³", "foot_slide": "cm/s", "up_error": "°",
    "contact_f1": "", "answered": "%",
}  # fmt: skip
MEANING = (
    "mpjpe, pa_mpjpe: 12 limb joints (shoulders, elbows, wrists, hips, knees, ankles), mid-hip aligned without scale, "
    "PA: similarity of each frame; _23: all keypoints; mpvpe: vertices of the coarse mesh, mid-hip aligned; _smpl: of "
    "SMPL in the fitted pose, pelvis aligned; accel: second difference of the limb joints' error, unbiased; _smoothed: "
    "after smoothing by a window of 35 ms (standard deviation); jitter: third difference of the predicted limbs; "
    "foot_slide: speed of predicted heels and toes in the camera's frame while the reference says that they rest; "
    "up_error: away from the ground; contact_f1: at 0.5; answered: of the frames with a truth"
)


class Scores:
    """Metrics of one method over any number of shots: each value weighs as much as what it was a mean of."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, list[tuple[float, int]]]] = {}

    def add(self, shot: Shot, answer: Answer) -> None:
        """Measure one answer."""
        for name, scored in measured(shot, answer).items():
            for group in (ALL, shot.group):
                self._values.setdefault(group, {}).setdefault(name, []).append(scored)

    def means(self, group: str = ALL) -> dict[str, float]:
        """Metrics by name over a group of shots; one that nothing determines is left out."""
        return {name: float(v @ w / w.sum()) for name, (v, w) in self._known(group).items()}

    def standard_errors(self) -> dict[str, float]:
        """How sure the means over all shots are, shots being independent of each other; left out for a single shot."""
        known = {name: (v, w) for name, (v, w) in self._known(ALL).items() if len(v) > 1}
        return {
            name: float(np.sqrt(len(v) / (len(v) - 1) * (w**2 @ (v - v @ w / w.sum()) ** 2)) / w.sum())
            for name, (v, w) in known.items()
        }

    def _known(self, group: str) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Values and weights of each metric that some shot determines."""
        found = {}
        for name, scored in self._values.get(group, {}).items():
            known = np.array([s for s in scored if s[1] > 0 and np.isfinite(s[0])], np.float64).reshape(-1, 2)
            if len(known):
                found[name] = known[:, 0], known[:, 1]
        return found

    @property
    def groups(self) -> list[str]:
        """The groups there are, apart from that of all shots."""
        return [group for group in self._values if group != ALL]


def measured(shot: Shot, answer: Answer) -> dict[str, tuple[float, int]]:
    """Each metric that shot and answer allow, and its weight: of how many frames or steps it is a mean."""
    limbs, truth = answer.joints[:, list(LIMBS)], shot.joints[:, list(LIMBS)]
    frames = int(np.isfinite(truth).all((1, 2)).sum())
    smooth = smoothed_in_time(limbs, shot.time_s, SMOOTHED_S)
    found = {
        "mpjpe": (metrics.mpjpe_mm(limbs, truth), frames),
        "pa_mpjpe": (metrics.pa_mpjpe_mm(limbs, truth), frames),
        "accel": (metrics.acceleration_error_m_s2(limbs, truth, shot.fps), frames - 2),
        "accel_smoothed": (metrics.acceleration_error_m_s2(smooth, truth, shot.fps), frames - 2),
        "jitter": (metrics.jitter_m_s3(limbs, shot.fps), len(limbs) - 3),
    }
    if shot.missed is not None:
        found["answered"] = 100 * frames / max(frames + shot.missed, 1), frames + shot.missed
    if np.isfinite(shot.joints).all():
        found["mpjpe_23"] = metrics.mpjpe_mm(answer.joints, shot.joints), frames
        found["pa_mpjpe_23"] = metrics.pa_mpjpe_mm(answer.joints, shot.joints), frames
    if shot.mesh is not None and answer.mesh is not None:
        found["mpvpe"] = metrics.mpjpe_mm(answer.mesh, shot.mesh), frames
    if shot.own is not None and answer.own is not None:
        known = np.isfinite(truth).all((1, 2))
        found["mpvpe_smpl"] = metrics.mpjpe_mm(answer.own.vertices()[known], shot.own.vertices()[known]), frames
    if shot.contacts is not None:
        feet = answer.joints[:, list(FEET)] + answer.place[:, None]
        found["foot_slide"] = metrics.foot_slide_cm_s(feet, shot.contacts, shot.fps)
        if answer.contacts is not None:
            found["contact_f1"] = metrics.f1(answer.contacts > 0.5, shot.contacts)
    if shot.up is not None and answer.up is not None:
        found["up_error"] = metrics.angle_deg(answer.up, shot.up), frames
    return found


def with_spread(rows: Mapping[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """The rows, and for each group of runs of one network ("name #1", "name #2") their mean and their spread.

    The spread is the standard deviation over the runs, with N - 1.
    """
    runs: dict[str, list[dict[str, float]]] = {}
    for name, row in rows.items():
        if match := re.fullmatch(r"(.*) #\d+(.*)", name):
            runs.setdefault("".join(match.groups()), []).append(row)
    joined = dict(rows)
    for name, several in runs.items():
        values = {key: np.array([run[key] for run in several]) for key in several[0]}
        joined[f"{name}, mean of {len(several)}"] = {key: float(v.mean()) for key, v in values.items()}
        joined[f"{name}, spread of {len(several)}"] = {key: float(v.std(ddof=1)) for key, v in values.items()}
    return joined


def below(rows: Mapping[str, Mapping[str, float]], reference: str) -> dict[str, dict[str, float]]:
    """By how many percent each row's joint errors are below those of the reference row; nothing without that row."""
    against = rows.get(reference, {})
    names = [name for name in ("mpjpe", "pa_mpjpe") if name in against]
    return {
        method: {name: 100 * (1 - row[name] / against[name]) for name in names}
        for method, row in rows.items()
        if names and method != reference and "spread of" not in method
    }


def printed(rows: Mapping[str, Mapping[str, float]]) -> str:
    """The table: one line a method, one column a metric that any of them has."""
    names = [name for name in UNITS if any(name in row for row in rows.values())]
    width = max(map(len, rows))
    lines = [" " * width + "".join(f"{name:>16}" for name in names)]
    lines.append(" " * width + "".join(f"{UNITS[name]:>16}" for name in names))
    for method, row in rows.items():
        cells = (f"{row[name]:16.2f}" if name in row else f"{'-':>16}" for name in names)
        lines.append(f"{method:{width}}" + "".join(cells))
    return "\n".join(lines)


def rounded(rows: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """The rows as JSON holds them."""
    return {method: {name: round(value, 3) for name, value in row.items()} for method, row in rows.items()}

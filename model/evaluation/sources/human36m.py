# SPDX-License-Identifier: GPL-3.0-or-later
"""Human3.6M (Ionescu et al., PAMI 2014), for those who hold its licence, in the form in which PMCE and others read it.

annotations/Human36M_subjectN_{data,camera,joint_3d}.json and images/FILE_NAME: 17 joints in millimetres in the world,
a camera without distortion. Protocol 2: subjects 9 and 11, without one sequence whose truth is off.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..shots import SourceError
from .camera import Camera
from .footage import Reference, View, view_of_pictures

FPS = 50.0
SUBJECTS = (9, 11)
BROKEN = (11, 2, 2, 1)
"""Subject, action, subaction, camera."""
JOINTS = [11, 14, 12, 15, 13, 16, 4, 1, 5, 2, 6, 3]
"""The limb joints, in the order of LIMBS, among the 17."""


def sequences(folder: Path, step: int = 2) -> Iterator[tuple[View, list[Reference]]]:
    """Each sequence of the test subjects from each camera, every step-th frame. Raises SourceError."""
    for subject in SUBJECTS:
        data, cameras, joints = (_read(folder, subject, part) for part in ("data", "camera", "joint_3d"))
        grouped: dict[tuple[int, int, int], list[dict[str, Any]]] = {}
        for image in data["images"]:
            key = int(image["action_idx"]), int(image["subaction_idx"]), int(image["cam_idx"])
            if (subject, *key) != BROKEN and int(image["frame_idx"]) % step == 0:
                grouped.setdefault(key, []).append(image)
        for (action, subaction, number), images in sorted(grouped.items()):
            images.sort(key=lambda image: int(image["frame_idx"]))
            frames = [int(image["frame_idx"]) for image in images]
            measured = joints[str(action)][str(subaction)]
            world = np.array([measured[str(frame)] for frame in frames], np.float64)[:, JOINTS]
            camera = _camera(f"S{subject} camera {number}", cameras[str(number)])
            time_s = np.array(frames) / FPS
            files = [folder / "images" / image["file_name"] for image in images]
            yield view_of_pictures(camera, files, time_s), [Reference(time_s, camera.seen(world / 1000))]


def _read(folder: Path, subject: int, part: str) -> Any:
    file = folder / "annotations" / f"Human36M_subject{subject}_{part}.json"
    if not file.is_file():
        raise SourceError(f"there is no {file}")
    return json.loads(file.read_text(encoding="utf-8"))


def _camera(name: str, told: dict[str, Any]) -> Camera:
    rotation, translation, focal, centre = (np.array(told[key], np.float64) for key in ("R", "t", "f", "c"))
    matrix = np.array([[focal[0], 0, centre[0]], [0, focal[1], centre[1]], [0, 0, 1]])
    return Camera(name, matrix, rotation=rotation, translation=translation.reshape(3) / 1000)

# SPDX-License-Identifier: GPL-3.0-or-later
"""BVH as a text, and CMU's library as the usual converter leaves it."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.training.convert import acclaim, bvh
from model.training.convert.mapping import mapped_clip
from model.training.convert.recording import ConvertError, Recording
from tests.model.training.convert.written import TPOSE, figure, write_acclaim, write_bvh


@pytest.mark.parametrize("order", ["ZXY", "XYZ", "YZX"])
def test_hierarchy_and_channels_are_read(tmp_path: Path, order: str) -> None:
    moved = figure()
    write_bvh(tmp_path / "a.bvh", moved, fps=120, order=order, position_last=order == "XYZ")
    recording = bvh.read(tmp_path / "a.bvh")
    assert recording.fps == 120
    turn, place = moved.world()
    rotations, positions = recording.world()
    for joint, name in enumerate(moved.names):
        number = recording.names.index(name)
        np.testing.assert_allclose(rotations[:, number], turn[joint].as_matrix(), atol=1e-5)
        np.testing.assert_allclose(positions[:, number] / 100, place[:, joint], atol=1e-5)


def _as_converters_do(recording: Recording) -> str:
    """An ASF and AMC's bones as BVH: thorax and wrist bones lost, a frame without rotations before the others."""
    long = {short: name for name, short in bvh.ACCLAIM_NAMES.items()}
    offsets = recording.offsets.copy()
    for joint, name in enumerate(recording.names):
        if name in ("lowerneck", "lclavicle", "rclavicle", "lhand", "rhand", "lthumb", "rthumb"):
            offsets[joint] = 0
    lines, order = ["HIERARCHY"], []

    def write(joint: int) -> None:
        name = recording.names[joint]
        order.append(joint)
        end = name.endswith(" end")
        lines.append("End Site" if end else f"{'JOINT' if joint else 'ROOT'} {long.get(name, name)}")
        lines.extend(["{", "OFFSET {:.6f} {:.6f} {:.6f}".format(*offsets[joint])])
        if not end:
            place = "" if joint else "Xposition Yposition Zposition "
            lines.append(f"CHANNELS {3 if joint else 6} {place}Zrotation Yrotation Xrotation")
        for child, parent in enumerate(recording.parents):
            if parent == joint:
                write(child)
        lines.append("}")

    write(0)
    columns = [np.concatenate([np.zeros((1, 3)), recording.root])]
    for joint in order:
        if not recording.names[joint].endswith(" end"):
            angles = Rotation.from_matrix(recording.local[:, joint]).as_euler("ZYX", True)
            columns.append(np.concatenate([np.zeros((1, 3)), angles]))
    values = np.concatenate(columns, 1)
    lines += ["MOTION", f"Frames: {len(values)}", "Frame Time: .0083333"]
    return "\n".join([*lines, *(" ".join(f"{v:.4f}" for v in row) for row in values)])


def test_cmu_from_bvh_is_cmu_from_the_original(tmp_path: Path) -> None:
    write_acclaim(tmp_path, "07_01", frames=40)
    original = acclaim.read(tmp_path / "07_01.amc")
    (tmp_path / "07_01.bvh").write_text(_as_converters_do(original))
    recording = bvh.read(tmp_path / "07_01.bvh")
    assert recording.begins_in_zero_pose()
    assert recording.fps == 120
    a = mapped_clip(recording.part(1), recording.zero_pose(), TPOSE)
    b = mapped_clip(original, original.zero_pose(), TPOSE)
    assert len(a) == len(b)
    np.testing.assert_allclose(a.joints, b.joints, atol=3e-3)
    np.testing.assert_allclose(a.local, b.local, atol=0.03)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("HIERARCHY", "SOMETHING", "no BVH"),
        ("MOTION", "", "no BVH"),
        ("Frames: 60", "Frames: 61", "not what its header says"),
        ("Frames: 60", "Frames: many", "not what its header says"),
        ("Frame Time: 0.0333333", "Frame Time: 0", "not what its header says"),
        ("CHANNELS 3 Zrotation Xrotation Yrotation", "CHANNELS 2 Zrotation Xrotation", "numbers a frame"),
        ("Xposition", "Xplace", "channels that are not known"),
        ("OFFSET", "OFSET", "hierarchy is not complete"),
        ("OFFSET 0.0", "OFFSET x.0", "numbers expected"),
        ("}\nMOTION", "MOTION", "hierarchy is not complete"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    write_bvh(tmp_path / "a.bvh", figure())
    text = (tmp_path / "a.bvh").read_text()
    assert old in text
    (tmp_path / "a.bvh").write_text(text.replace(old, new, 1))
    with pytest.raises(ConvertError, match=complaint):
        bvh.read(tmp_path / "a.bvh")


def test_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    write_bvh(tmp_path / "a.bvh", figure())
    text = (tmp_path / "a.bvh").read_text()
    (tmp_path / "a.bvh").write_text(text.rsplit(" ", 1)[0] + " nan\n")
    with pytest.raises(ConvertError, match="not finite"):
        bvh.read(tmp_path / "a.bvh")


def test_other_frame_rates_are_interpolated(tmp_path: Path) -> None:
    """A steady turn about one axis and a steady walk stay steady from 50 to 30 frames a second."""
    moved = figure(frames=51)
    angle = np.linspace(0, 90, 51)
    local = [Rotation.identity(51)] * 24
    local[18] = Rotation.from_rotvec(np.deg2rad(angle)[:, None] * [0, 1, 0])
    write_bvh(tmp_path / "a.bvh", type(moved)(moved.names, local, angle[:, None] * [0, 0, 0.01]), fps=50)
    slower = bvh.read(tmp_path / "a.bvh").at(30)
    assert len(slower) == 31
    elbow = slower.names.index("left_elbow")
    np.testing.assert_allclose(
        Rotation.from_matrix(slower.local[:, elbow]).as_euler("YXZ", True)[:, 0], np.linspace(0, 90, 31), atol=1e-2
    )
    np.testing.assert_allclose(slower.root[:, 2], np.linspace(0, 90, 31), atol=1e-4)

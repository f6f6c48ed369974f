# SPDX-License-Identifier: GPL-3.0-or-later
"""SMPL's joints on other hierarchies: bones in their places, rotations as they went in."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.motion.motion import forward_kinematics
from model.motion.skeleton import JOINTS
from model.training.convert import acclaim, bvh
from model.training.convert.clip import Clip, J
from model.training.convert.mapping import AIMS, mapped_clip
from model.training.convert.names import find_joints
from model.training.convert.recording import ConvertError
from tests.model.training.convert.written import STILL, TPOSE, Figure, figure, write_acclaim, write_bvh

MIXAMO = {
    "pelvis": "Hips", "hip": "UpLeg", "knee": "Leg", "ankle": "Foot", "foot": "ToeBase", "spine1": "Spine",
    "spine2": "Spine1", "spine3": "Spine2", "neck": "Neck", "head": "Head", "collar": "Shoulder", "shoulder": "Arm",
    "elbow": "ForeArm", "wrist": "Hand", "hand": "HandMiddle1",
}  # fmt: skip
UNREAL = {
    "pelvis": "pelvis", "hip": "thigh", "knee": "calf", "ankle": "foot", "foot": "ball", "spine1": "spine_01",
    "spine2": "spine_02", "spine3": "spine_03", "neck": "neck_01", "head": "head", "collar": "clavicle",
    "shoulder": "upperarm", "elbow": "lowerarm", "wrist": "hand", "hand": "middle_01",
}  # fmt: skip
MAX = {
    "pelvis": "", "hip": "Thigh", "knee": "Calf", "ankle": "Foot", "foot": "Toe0", "spine1": "Spine",
    "spine2": "Spine1", "spine3": "Spine2", "neck": "Neck", "head": "Head", "collar": "Clavicle",
    "shoulder": "UpperArm", "elbow": "Forearm", "wrist": "Hand", "hand": "Finger2",
}  # fmt: skip
POSER = {
    "pelvis": "hip", "hip": "Thigh", "knee": "Shin", "ankle": "Foot", "foot": "Toes", "spine1": "abdomen",
    "spine2": "abdomen2", "spine3": "chest", "neck": "neck", "head": "head", "collar": "Collar", "shoulder": "Shldr",
    "elbow": "ForeArm", "wrist": "Hand", "hand": "Mid1",
}  # fmt: skip
CLASSIC = {
    "pelvis": "Hips", "hip": "Hip", "knee": "Knee", "ankle": "Ankle", "foot": "Toe", "spine1": "Chest",
    "spine2": "Chest2", "spine3": "Chest3", "neck": "Neck", "head": "Head", "collar": "Collar",
    "shoulder": "Shoulder", "elbow": "Elbow", "wrist": "Wrist", "hand": "Wrist_2",
}  # fmt: skip
MOVING = [joint for joint, name in enumerate(JOINTS) if name not in STILL]


def names(tool: dict[str, str], left: str, right: str) -> tuple[str, ...]:
    """What a tool calls SMPL's joints; left and right have a place for the name without its side."""
    full = {}
    for name in JOINTS:
        side, _, part = name.rpartition("_")
        full[name] = {"left": left, "right": right, "": "{}"}[side].format(tool[part])
    return tuple(full[name] for name in JOINTS)


def converted(path: Path, scale: float | None = None, first: bool = False) -> Clip:
    recording = bvh.read(path)
    rest = recording.part(0, 1) if first else recording.zero_pose()
    return mapped_clip(recording.part(1 if first else 0), rest, TPOSE, scale)


def turned(clip: Clip) -> np.ndarray:
    """Rotations (T, 24, 3, 3) in the world."""
    return forward_kinematics(clip.local, TPOSE)[0]


def check(clip: Clip, moved: Figure) -> None:
    """Joints of the limbs where they were, all joints turned as they were, to what the file's digits allow."""
    turn, place = moved.world()
    ours = turned(clip)
    for joint in MOVING:
        error = (Rotation.from_matrix(ours[:, joint]).inv() * turn[joint]).magnitude()
        assert np.rad2deg(error).max() < 0.05, JOINTS[joint]
    outside = [joint for joint, name in enumerate(JOINTS) if name not in ("spine1", "spine2", "spine3")]
    apart = np.linalg.norm(clip.joints - place, axis=-1)[:, outside]
    np.testing.assert_allclose(apart, 0, atol=1e-3)


@pytest.mark.parametrize(
    ("called", "order", "unit_m"),
    [
        (names(MIXAMO, "Left{}", "Right{}"), "ZYX", 0.01),
        (tuple(f"mixamorig:{name}" for name in names(MIXAMO, "Left{}", "Right{}")), "XYZ", 1.0),
        (names(UNREAL, "{}_l", "{}_r"), "YXZ", 0.001),
        (tuple(f"Bip01 {name}".strip() for name in names(MAX, "L {}", "R {}")), "ZXY", 0.0254),
        (names(POSER, "l{}", "r{}"), "XZY", 0.01),
        (names(CLASSIC, "Left{}", "Right{}"), "YZX", 0.01),
        (tuple(name.replace("left", "L").replace("right", "R") for name in JOINTS), "ZXY", 1.0),
    ],
    ids=["motionbuilder", "mixamo", "unreal", "max", "poser", "classic", "smpl"],
)
def test_whatever_the_tool_rotations_come_out_as_they_went_in(
    tmp_path: Path, called: tuple[str, ...], order: str, unit_m: float
) -> None:
    """On the free body's own bones nothing needs adapting, so the rotations are the ones that were written."""
    moved = figure(called, seed=len(order + called[0]))
    write_bvh(tmp_path / "a.bvh", moved, unit_m=unit_m, order=order)
    check(converted(tmp_path / "a.bvh"), moved)


def test_z_up_and_positions_after_rotations(tmp_path: Path) -> None:
    moved = figure(names(MIXAMO, "Left{}", "Right{}"))
    write_bvh(tmp_path / "a.bvh", moved, z_up=True, position_last=True)
    check(converted(tmp_path / "a.bvh"), moved)


def test_a_first_frame_in_tpose_is_the_rest_of_a_hierarchy_whose_zero_pose_is_none(tmp_path: Path) -> None:
    rests = list(Rotation.random(24, random_state=3))
    moved = figure(names(MIXAMO, "Left{}", "Right{}"))
    write_bvh(tmp_path / "a.bvh", moved, rests=rests, tpose_first=True)
    check(converted(tmp_path / "a.bvh", first=True), moved)
    with pytest.raises(ConvertError, match="nobody stands"):
        converted(tmp_path / "a.bvh")


def test_where_feet_and_forearms_bear_nothing_their_ends_will_do() -> None:
    called = [name for name in names(MIXAMO, "{}.L", "{}.R") if name.split(".")[0] not in ("Hand", "ToeBase")]
    ends = ["ForeArm.L end", "ForeArm.R end", "Foot.L end", "Foot.R end"]
    found = find_joints([*called, *ends])
    assert [found[part] - len(called) for part in ("left wrist", "right wrist", "left ball", "right ball")] == [
        0,
        1,
        2,
        3,
    ]


def test_missing_joints_are_named(tmp_path: Path) -> None:
    called = [name.replace("LeftLeg", "LeftSomething") for name in names(MIXAMO, "Left{}", "Right{}")]
    write_bvh(tmp_path / "a.bvh", figure(tuple("Top" if name == "Head" else name for name in called)))
    with pytest.raises(ConvertError, match="for: head, left knee "):
        converted(tmp_path / "a.bvh")


def test_nobody_is_four_metres_tall(tmp_path: Path) -> None:
    moved = figure(names(MIXAMO, "Left{}", "Right{}"))
    write_bvh(tmp_path / "a.bvh", moved, unit_m=0.01)
    with pytest.raises(ConvertError, match="--scale"):
        converted(tmp_path / "a.bvh", scale=0.025)
    small, usual = converted(tmp_path / "a.bvh", scale=0.008), converted(tmp_path / "a.bvh")
    np.testing.assert_allclose(small.joints[:, 1:], usual.joints[:, 1:] * 0.8, atol=1e-9)


def test_cmu_joints_are_where_the_method_puts_them(tmp_path: Path) -> None:
    """Each is a point of a bone, which SciPy's rotations of the same bones give."""
    posed = write_acclaim(tmp_path, "07_01")
    recording = acclaim.read(tmp_path / "07_01.amc")
    clip = mapped_clip(recording, recording.zero_pose(), TPOSE)
    hips = (posed.begin["lfemur"] + posed.begin["rfemur"]) / 2
    up = TPOSE[0] - (TPOSE[1] + TPOSE[2]) / 2
    v = posed.vector
    expected = {
        "pelvis": hips + posed.turn["root"].apply(up),
        "spine1": posed.point("root", 0.35 * v["lowerback"]),
        "spine2": posed.begin["thorax"],
        "spine3": posed.point("thorax", 0.6 * v["thorax"]),
        "neck": posed.point("thorax", v["thorax"] + v["lowerneck"]),
        "head": posed.begin["head"],
    }
    for side in ("left", "right"):
        s = side[0]
        expected |= {
            f"{side}_hip": posed.begin[f"{s}femur"], f"{side}_knee": posed.begin[f"{s}tibia"],
            f"{side}_ankle": posed.begin[f"{s}foot"], f"{side}_foot": posed.begin[f"{s}toes"],
            f"{side}_collar": posed.point("thorax", v["thorax"] + 0.4 * v[f"{s}clavicle"]),
            f"{side}_shoulder": posed.begin[f"{s}humerus"], f"{side}_elbow": posed.begin[f"{s}radius"],
            f"{side}_wrist": posed.point(f"{s}wrist", 0.6 * v[f"{s}wrist"]),
            f"{side}_hand": (posed.end(f"{s}hand") + posed.end(f"{s}fingers")) / 2,
        }  # fmt: skip
    for name in JOINTS:
        np.testing.assert_allclose(clip.joints[:, J[name]], expected[name], atol=1e-4, err_msg=name)


def test_cmu_rotations_are_the_bones_own_after_a_constant(tmp_path: Path) -> None:
    """The constant is the least rotation from the T-pose's bone to the skeleton's, here by an axis and an angle."""
    posed = write_acclaim(tmp_path, "07_01")
    recording = acclaim.read(tmp_path / "07_01.amc")
    clip = mapped_clip(recording, recording.zero_pose(), TPOSE)
    rotations = turned(clip)
    for name, bone in (("left_hip", "lfemur"), ("right_knee", "rtibia"), ("right_shoulder", "rhumerus"),
                       ("right_ankle", "rfoot")):  # fmt: skip
        a, b = TPOSE[J[AIMS[name]]] - TPOSE[J[name]], posed.vector[bone]
        axis = np.cross(a, b)
        angle = np.arctan2(np.linalg.norm(axis), a @ b)
        constant = Rotation.from_rotvec(axis / max(np.linalg.norm(axis), 1e-12) * angle)
        error = (posed.turn[bone] * constant).inv() * Rotation.from_matrix(rotations[:, J[name]])
        assert error.magnitude().max() < 1e-3, name
    for name, aim in AIMS.items():
        drawn = rotations[:, J[name]] @ (TPOSE[J[aim]] - TPOSE[J[name]])
        drawn /= np.linalg.norm(drawn, axis=-1, keepdims=True)
        bone = clip.joints[:, J[aim]] - clip.joints[:, J[name]]
        bone /= np.linalg.norm(bone, axis=-1, keepdims=True)
        np.testing.assert_allclose(drawn, bone, atol=1e-9, err_msg=name)
    assert clip.error_m().mean() < 5e-3  # The back bends, where SMPL's bones are rigid.

# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rig is which, by names and chains, and by structure where the names say nothing. No Blender needed."""

import numpy as np
import pytest
from reel_to_rig.addon.retarget.bone_maps import detect
from reel_to_rig.addon.retarget.bone_maps.structure import by_structure

from model.motion.rotations import matrix_from_quaternion
from tests.addon.retarget.corpus.rigs import Rig, make
from tests.addon.retarget.corpus.skeletons import LINES

NAMES = sorted(LINES)
UNCLEAR = {
    "asf": {"left_wrist", "right_wrist"},  # two bones between elbow and fingers, and nothing says which is the hand
    "biped": {"spine"},  # legs hang from its spine, and shoulders from its neck
}


def rig_of(name: str, arms_deg: float = 40.0) -> Rig:
    return make(name, arms_deg, np.random.default_rng(NAMES.index(name)))


@pytest.mark.parametrize("name", NAMES)
def test_the_right_family_and_no_wrong_bone(name: str) -> None:
    rig = rig_of(name)
    match = detect(rig.parents, rig.heads)
    assert match
    assert match.bone_map.family == rig.family
    found = match.bone_map.roles()
    twists = {role: bone for role, bone in found.items() if " twist " in role}
    assert {role: bone for role, bone in found.items() if role not in twists} == {
        role: bone for role, bone in rig.roles.items() if " twist " not in role
    }
    assert set(twists.values()) == {bone for role, bone in rig.roles.items() if " twist " in role}
    assert all(role.split(" twist ")[0] in found for role in twists)
    assert match.confidence > 0.9


@pytest.mark.parametrize("prefix", ["", "mixamorig1:", "mixamorig_", "Armature|mixamorig:", "Character01:"])
def test_mixamo_under_any_name_space(prefix: str) -> None:
    rig = rig_of("mixamo")

    def renamed(bone: str) -> str:
        return bone.replace("mixamorig:", prefix)

    match = detect({renamed(bone): above and renamed(above) for bone, above in rig.parents.items()})
    assert match
    assert match.bone_map.family == "Mixamo"
    assert match.bone_map.roles() == {role: renamed(bone) for role, bone in rig.roles.items()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("arms_deg", [0.0, 55.0])
def test_structure_finds_the_limbs_of_a_rig_whose_names_mean_nothing(name: str, arms_deg: float) -> None:
    """However it is turned in its armature; and left is left."""
    rig = rig_of(name, arms_deg)
    rng = np.random.default_rng(5)
    order = rng.permutation(len(rig.parents))
    alias = {bone: f"b{number}" for bone, number in zip(rig.parents, order, strict=True)}
    turn = matrix_from_quaternion(rng.normal(size=4))
    parents = {alias[bone]: above and alias[above] for bone, above in rig.parents.items()}
    heads = {alias[bone]: 100 * turn @ head for bone, head in rig.heads.items()}
    match = detect(parents, heads)
    assert match
    assert match.bone_map.family == "Unknown names"
    for side in ("left", "right"):
        for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist", "collar"):
            role = f"{side}_{joint}"
            if role not in UNCLEAR.get(name, ()):
                assert match.bone_map.joints[role] == alias[rig.roles[role]], role
    assert match.bone_map.joints["head"] == alias[rig.roles["head"]]
    trunk = {alias[bone] for role, bone in rig.roles.items() if role.startswith("spine")}
    assert set(match.bone_map.spine) == trunk or "spine" in UNCLEAR.get(name, ())
    assert match.confidence > 0.6


def test_structure_wants_a_person() -> None:
    rig = rig_of("unreal")
    armless = {bone: above for bone, above in rig.parents.items() if "arm" not in bone and "hand" not in bone}
    assert by_structure(armless, rig.heads) is None
    rope = {f"b{k}": f"b{k - 1}" if k else None for k in range(20)}
    assert by_structure(rope, {bone: np.array([0, 0, float(k)]) for k, bone in enumerate(rope)}) is None
    spider: dict[str, str | None] = {"body": None, "head": "body"}
    heads = {"body": np.zeros(3), "head": np.array([0, 0.2, 0])}
    for leg in range(8):
        for part in range(4):
            spider[f"{leg} {part}"] = f"{leg} {part - 1}" if part else "body"
            heads[f"{leg} {part}"] = (part + 1) * np.array([np.cos(leg), np.sin(leg), 0.0])
    assert detect(spider, heads) is None


def test_a_right_name_in_a_wrong_chain_does_not_count() -> None:
    rig = rig_of("unreal")
    parents = dict(rig.parents) | {"calf_l": "pelvis", "neck_01": "thigh_r"}
    match = detect(parents, rig.heads)
    assert match
    assert match.bone_map.family == "Unreal Mannequin"
    assert {"left_knee", "neck"} <= set(match.missing)
    assert "calf_l" not in match.bone_map.roles().values()

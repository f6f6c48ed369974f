# SPDX-License-Identifier: GPL-3.0-or-later
from reel_to_rig.addon.retarget.bone_maps import FAMILIES, detect
from reel_to_rig.addon.retarget.bone_maps.bone_map import BoneMap, Source
from reel_to_rig.addon.retarget.bone_maps.rigify import RIGIFY
from reel_to_rig.addon.retarget.bone_maps.smpl import SMPL

from model.motion.skeleton import JOINTS, PARENTS

TAKE: dict[str, str | None] = {
    joint: JOINTS[parent] if parent >= 0 else None for joint, parent in zip(JOINTS, PARENTS, strict=True)
}


def test_a_takes_armature_is_known() -> None:
    match = detect(TAKE)
    assert match
    assert match.bone_map is SMPL
    assert match.missing == ()


def test_bones_between_the_mapped_ones_do_not_matter() -> None:
    parents = dict(TAKE)
    parents |= {f"twist {joint}": parent for joint, parent in TAKE.items()}
    parents |= {joint: f"twist {joint}" for joint in JOINTS if TAKE[joint]}
    match = detect(parents)
    assert match
    assert match.missing == ()


def test_bones_that_are_absent_or_hang_elsewhere_are_named() -> None:
    parents = dict(TAKE)
    del parents["left_hand"]
    parents["right_elbow"] = "spine3"  # still under the root, but not under its upper arm
    match = detect(parents)
    assert match
    assert set(match.missing) == {"left_hand", "right_elbow"}


def test_names_alone_are_not_enough() -> None:
    assert detect({}) is None
    assert detect(dict.fromkeys(JOINTS)) is None
    assert detect({"Bone": None, "Bone.001": "Bone"}) is None


def test_every_joint_of_a_map_is_a_joint_and_no_bone_stands_twice() -> None:
    for bone_map in FAMILIES:
        bones = [*bone_map.joints.values(), *bone_map.spine, *bone_map.neck]
        assert set(bone_map.joints) <= set(JOINTS)
        assert len(bones) == len(set(bones))
        assert bone_map.root in bones
        assert not set(bones) & set(bone_map.still)
        assert len(bone_map.sources()) == len(bones)


def test_chains_are_spread_over_the_takes_spine() -> None:
    def spine(count: int) -> list[Source]:
        bones = tuple(f"spine {k}" for k in range(count))
        sources = BoneMap("made up", "hips", {"pelvis": "hips"}, bones, ("neck",)).sources()
        return [sources[bone] for bone in bones]

    pelvis, first, second, third = (JOINTS.index(name) for name in ("pelvis", "spine1", "spine2", "spine3"))
    assert spine(1) == [Source(third)]
    assert spine(2) == [Source(first, second, 0.5), Source(third)]
    assert spine(3) == [Source(first), Source(second), Source(third)]
    assert spine(6)[0] == Source(pelvis, first, 0.5)
    assert spine(6)[1] == Source(first)


def test_rigify_takes_command_of_all_four_limbs() -> None:
    switched = [bone for bone, settings in RIGIFY.settings.items() if settings.get("IK_FK") == 1.0]
    assert sorted(switched) == ["thigh_parent.L", "thigh_parent.R", "upper_arm_parent.L", "upper_arm_parent.R"]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, chains and files; rigs of every family are in corpus/."""

from pathlib import Path

import pytest
from reel_to_rig.addon.retarget.bone_maps import detect, families
from reel_to_rig.addon.retarget.bone_maps.bone_map import BoneMap, IkLimb, Source, from_roles
from reel_to_rig.addon.retarget.bone_maps.files import read, write
from reel_to_rig.addon.retarget.bone_maps.fit import canonical, fit

from model.motion.skeleton import JOINTS, PARENTS

TAKE: dict[str, str | None] = {
    joint: JOINTS[parent] if parent >= 0 else None for joint, parent in zip(JOINTS, PARENTS, strict=True)
}


def test_a_takes_armature_is_known() -> None:
    match = detect(TAKE)
    assert match
    assert (match.bone_map.family, match.missing, match.confidence) == ("Take", (), 1.0)


def test_bones_between_the_mapped_ones_do_not_matter() -> None:
    parents = dict(TAKE)
    parents |= {f"twist {joint}": parent for joint, parent in TAKE.items()}
    parents |= {joint: f"twist {joint}" for joint in JOINTS if TAKE[joint]}
    match = detect(parents)
    assert match
    assert match.missing == ()


def test_bones_that_are_absent_or_hang_elsewhere_are_named_and_not_used() -> None:
    parents = dict(TAKE)
    del parents["left_hand"]
    parents["right_elbow"] = "spine3"  # still under the root, but not under its upper arm
    match = detect(parents)
    assert match
    assert set(match.missing) == {"left_hand", "right_elbow"}
    assert "right_elbow" not in match.bone_map.joints
    assert match.bone_map.joints["right_wrist"] == "right_wrist"
    assert match.confidence < 1


def test_names_alone_are_not_enough() -> None:
    assert detect({}) is None
    assert detect(dict.fromkeys(JOINTS)) is None
    assert detect({"Bone": None, "Bone.001": "Bone"}) is None


def test_writers_of_files_may_change_how_a_name_is_spelt() -> None:
    for name in ("mixamorig1:LeftUpLeg", "LeftUpLeg", "left_up_leg", "Left Up.Leg", "ＬｅｆｔＵｐＬｅｇ"):
        assert canonical(name) == "leftupleg"
    respelt = {name.upper(): parent and parent.upper() for name, parent in TAKE.items()}
    match = detect(respelt)
    assert match
    assert match.bone_map.joints["left_elbow"] == "LEFT_ELBOW"


def test_every_file_is_sound_and_no_bone_stands_twice() -> None:
    for family in families():
        bone_map = family.bone_map
        bones = [*bone_map.joints.values(), *bone_map.spine, *bone_map.neck]
        assert len(bones) == len(set(bones)), bone_map.family
        assert {"pelvis", "head", "left_hip", "right_wrist"} <= set(bone_map.joints), bone_map.family
        assert not set(bones) & set(bone_map.still)
        assert len(set(map(canonical, bone_map.roles().values()))) >= len(bones), bone_map.family


def test_chains_are_spread_over_the_takes_spine() -> None:
    def spine(count: int) -> list[Source]:
        bones = tuple(f"spine {k}" for k in range(count))
        sources = BoneMap("made up", {"pelvis": "hips"}, bones, ("neck",)).sources()
        return [sources[bone] for bone in bones]

    pelvis, first, second, third = (JOINTS.index(name) for name in ("pelvis", "spine1", "spine2", "spine3"))
    assert spine(1) == [Source(third)]
    assert spine(2) == [Source(first, second, 0.5), Source(third)]
    assert spine(3) == [Source(first), Source(second), Source(third)]
    assert spine(6)[0] == Source(pelvis, first, 0.5)
    assert spine(6)[1] == Source(first)


def test_rigify_takes_command_of_all_four_limbs() -> None:
    (rigify,) = (family.bone_map for family in families() if family.bone_map.family == "Rigify")
    limbs = ["thigh_parent.L", "thigh_parent.R", "upper_arm_parent.L", "upper_arm_parent.R"]
    assert sorted(bone for bone, settings in rigify.settings.items() if settings.get("IK_FK") == 1.0) == limbs
    assert sorted(bone for bone, settings in rigify.ik_settings.items() if settings["IK_FK"] == 0.0) == limbs
    stiff = ("thigh_ik.R", "MCH-shin_ik.R")
    assert rigify.ik["right_hip"] == IkLimb("foot_ik.R", "thigh_ik_target.R", "toe_ik.R", stiff)


def test_a_map_survives_being_written_and_being_taken_apart_into_roles(tmp_path: Path) -> None:
    for family in families():
        write(tmp_path / "own.toml", family.bone_map)
        assert read(tmp_path / "own.toml").bone_map == family.bone_map
        again = from_roles(family.bone_map.family, family.bone_map.roles())
        assert again.roles() == family.bone_map.roles()
    odd = BoneMap('a "quoted" \\ name', {"pelvis": "häuptling\t1", "left_hip": "ヒップ.L"}, spine=("[x]",))
    write(tmp_path / "odd.toml", odd)
    assert read(tmp_path / "odd.toml").bone_map == odd


@pytest.mark.parametrize(
    "text",
    ["", "family = 3", 'family = "x"\n[joints]\nnose = "n"', 'family = "x"\njoints = 3', "not toml at all", "\0"],
)
def test_files_that_are_no_bone_maps_are_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"broken\.toml"):
        read(file)


def test_a_map_of_the_users_own_comes_first(tmp_path: Path) -> None:
    write(
        tmp_path / "own.toml",
        BoneMap("Mine", {joint: joint for joint in TAKE if "spine" not in joint and joint != "neck"}),
    )
    own = read(tmp_path / "own.toml")
    match = detect(TAKE, own=[own])
    assert match
    assert match.bone_map.family == "Mine"
    assert fit(own, {"pelvis": None}).confidence < 0.1

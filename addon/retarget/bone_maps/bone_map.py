# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone of a rig stands for which joint. No bpy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ....model.motion.skeleton import JOINTS

SPINE = ("pelvis", "spine1", "spine2", "spine3")
NECK = ("spine3", "neck")
CHAINS = {*SPINE[1:], *NECK[1:]}
SIDES = ("left", "right")
LIMBS = (("collar", "shoulder", "elbow", "wrist", "hand"), ("hip", "knee", "ankle", "foot"))
TWISTED = tuple(f"{side}_{joint}" for joint in ("shoulder", "elbow", "hip", "knee") for side in SIDES)
"""Joints whose limb may have helper bones along it that share its twist."""

TIPPED = tuple(f"{side}_{joint}" for joint in ("wrist", "ankle") for side in SIDES)
"""Joints whose limb may end where a bone begins that gets no keys: a finger, the toes."""

HELD = -1
"""Stands for no joint: a bone that travels, or carries others, and keeps its rest orientation."""


@dataclass(frozen=True)
class Source:
    """What a bone takes its motion from: a joint, turned by a share (0..1) towards another; by their numbers.

    A helper is one of the bones along a limb that share its twist.
    """

    joint: int
    towards: int = 0
    share: float = 0.0
    helper: bool = False


@dataclass(frozen=True)
class IkLimb:
    """The IK controls of a limb: the goal at its end, the pole beside its bend, and what turns the toes.

    `stiff` are the bones between that would stretch for the goal, and need not.
    """

    goal: str
    pole: str
    toe: str = ""
    stiff: tuple[str, ...] = ()


@dataclass(frozen=True)
class BoneMap:
    """The bones of a rig, or of a family of rigs.

    `joints` names the bone of a joint of SMPL. `spine`, from the lowest above the pelvis to the chest, and `neck` are
    chains of any length. `twist` names the helper bones along a joint's limb, `tips` a bone that marks where its limb
    ends and gets no keys itself. `root` is the bone that carries all of these and travels (empty: that of the pelvis),
    `ground` one above it that stands on the ground. `settings` are custom properties of bones that must have a value
    for the bones to be in command; `still` are bones that must stay at rest. `ik` are a limb's IK controls, by its
    first joint, and `ik_settings` are the settings that put those in command. The bones of a `loose` map are controls,
    whose limbs and spine need not hang from one another.
    """

    family: str
    joints: Mapping[str, str]
    spine: tuple[str, ...] = ()
    neck: tuple[str, ...] = ()
    root: str = ""
    ground: str = ""
    twist: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    tips: Mapping[str, str] = field(default_factory=dict[str, str])
    settings: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    still: tuple[str, ...] = ()
    ik: Mapping[str, IkLimb] = field(default_factory=dict[str, IkLimb])
    ik_settings: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    loose: bool = False

    @property
    def traveller(self) -> str:
        """The bone that travels; empty if the map has none."""
        return self.root or self.joints.get("pelvis", "")

    def sources(self) -> dict[str, Source]:
        """What each bone takes its motion from; chains are spread evenly over the take's."""
        found = {bone: Source(JOINTS.index(joint)) for joint, bone in self.joints.items()}
        for bones, joints in ((self.spine, SPINE), (self.neck, NECK)):
            for number, bone in enumerate(bones, start=1):
                below, rest = divmod(number * (len(joints) - 1), len(bones))
                joint = JOINTS.index(joints[below])
                share = rest / len(bones)
                found[bone] = Source(joint, JOINTS.index(joints[below + 1]), share) if share else Source(joint)
        for joint, bones in self.twist.items():
            if joint in self.joints:
                found |= {bone: Source(JOINTS.index(joint), helper=True) for bone in bones}
        if self.traveller and self.traveller not in found:
            found[self.traveller] = Source(HELD)
        return found

    def roles(self) -> dict[str, str]:
        """The bone of each role that has one: joints, "spine 1", "left_elbow twist 1", "left_wrist tip", "root"."""
        found = {joint: self.joints[joint] for joint in JOINTS if joint in self.joints}
        for chain, bones in (("spine", self.spine), ("neck", self.neck)):
            found |= {f"{chain} {number}": bone for number, bone in enumerate(bones, start=1)}
        for joint, bones in self.twist.items():
            found |= {f"{joint} twist {number}": bone for number, bone in enumerate(bones, start=1)}
        found |= {f"{joint} tip": bone for joint, bone in self.tips.items()}
        found |= {role: bone for role, bone in (("root", self.root), ("ground", self.ground)) if bone}
        return found


def from_roles(family: str, roles: Mapping[str, str]) -> BoneMap:
    """The map with these bones, as BoneMap.roles() names them; roles without a bone and unknown ones are left out."""
    filled = {role: bone for role, bone in roles.items() if bone}

    def chain(stem: str) -> tuple[str, ...]:
        return tuple(filled[role] for role in (f"{stem} {number}" for number in range(1, 10)) if role in filled)

    twist = {joint: chain(f"{joint} twist") for joint in TWISTED}
    return BoneMap(
        family=family,
        joints={joint: filled[joint] for joint in JOINTS if joint in filled and joint not in CHAINS},
        spine=chain("spine"),
        neck=chain("neck"),
        root=filled.get("root", ""),
        ground=filled.get("ground", ""),
        twist={joint: bones for joint, bones in twist.items() if bones},
        tips={joint: filled[f"{joint} tip"] for joint in TIPPED if f"{joint} tip" in filled},
    )


def above(bone_map: BoneMap) -> Iterator[tuple[str, str]]:
    """Pairs of joints, the lower first, whose bones must hang one from the other; links that are absent are skipped."""
    for side in SIDES:
        for limb in LIMBS:
            present = [joint for joint in (f"{side}_{name}" for name in limb) if joint in bone_map.joints]
            yield from zip(present[1:], present, strict=False)

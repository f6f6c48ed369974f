# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a family of rigs: which bone stands for which joint. No bpy."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ....model.motion.skeleton import JOINTS

SPINE = ("pelvis", "spine1", "spine2", "spine3")
NECK = ("spine3", "neck")
ABOVE = {
    "left_knee": "left_hip", "left_ankle": "left_knee", "left_foot": "left_ankle",
    "right_knee": "right_hip", "right_ankle": "right_knee", "right_foot": "right_ankle",
    "left_elbow": "left_shoulder", "left_wrist": "left_elbow", "left_hand": "left_wrist",
    "right_elbow": "right_shoulder", "right_wrist": "right_elbow", "right_hand": "right_wrist",
}  # fmt: skip
"""For each joint of a limb the one above it, whose bone must be among the ancestors of its own."""


@dataclass(frozen=True)
class Source:
    """What a bone takes its motion from: a joint, turned by a share (0..1) towards another; by their numbers."""

    joint: int
    towards: int = 0
    share: float = 0.0


@dataclass(frozen=True)
class BoneMap:
    """The bones of a family of rigs.

    `joints` names the bone of a joint of SMPL. `spine`, from the lowest above the pelvis to the chest, and `neck` are
    chains of any length. `root` is the one of these bones that carries all others and travels. `settings` are custom
    properties of bones that must have a value for the bones to be in command; `still` are bones that must stay at rest.
    """

    family: str
    root: str
    joints: Mapping[str, str]
    spine: tuple[str, ...]
    neck: tuple[str, ...]
    settings: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    still: tuple[str, ...] = ()

    def sources(self) -> dict[str, Source]:
        """What each bone takes its motion from; chains are spread evenly over the take's."""
        found = {bone: Source(JOINTS.index(joint)) for joint, bone in self.joints.items()}
        for bones, joints in ((self.spine, SPINE), (self.neck, NECK)):
            for number, bone in enumerate(bones, start=1):
                below, rest = divmod(number * (len(joints) - 1), len(bones))
                joint = JOINTS.index(joints[below])
                share = rest / len(bones)
                found[bone] = Source(joint, JOINTS.index(joints[below + 1]), share) if share else Source(joint)
        return found

    def missing(self, parents: Mapping[str, str | None]) -> tuple[str, ...]:
        """The bones that a rig lacks, or has in another place; parents: the name of each of its bones' parent."""
        expected = {bone: self.root for bone in self.sources() if bone != self.root}
        expected |= {
            self.joints[low]: self.joints[high] for low, high in ABOVE.items() if {low, high} <= set(self.joints)
        }
        wrong = [bone for bone, above in expected.items() if above not in _ancestors(bone, parents)]
        return tuple(wrong if self.root in parents else [self.root, *wrong])


def _ancestors(bone: str, parents: Mapping[str, str | None]) -> set[str]:
    found: set[str] = set()
    above = parents.get(bone)
    while above is not None:
        found.add(above)
        above = parents.get(above)
    return found

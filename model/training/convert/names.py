# SPDX-License-Identifier: GPL-3.0-or-later
"""Which joint of a hierarchy is which: by its name, in the habits of the usual tools."""

import re
from collections.abc import Sequence

from .recording import ConvertError

LIMBS = {
    "hip": ("upleg", "upperleg", "thigh", "femur", "hip"),
    "knee": ("lowleg", "lowerleg", "shin", "tibia", "calf", "knee", "leg"),
    "ankle": ("ankle", "foot"),
    "ball": ("toebase", "toes", "toe", "toe0", "ball", "foot"),
    "collar": ("clavicle", "collar", "shoulder"),
    "shoulder": ("humerus", "upperarm", "uparm", "arm", "shldr", "shoulder"),
    "elbow": ("radius", "lowerarm", "lowarm", "forearm", "elbow"),
    "wrist": ("wrist", "hand"),
    "hand": ("handmiddle1", "middle1", "middle01", "finger2", "hand"),
}
"""Names of each joint without its side, the surest first; a name that an earlier part took is not taken again."""
TRUNK = {"neck": ("upperneck", "neck", "neck1", "neck01"), "head": ("head",)}
ORDER = ("hip", "knee", "ankle", "ball", "shoulder", "collar", "elbow", "wrist", "hand")
"""Whether a shoulder is the joint or the collar bone is known once the upper arm is found."""
MAY_LACK = ("collar", "hand")
BONE_BEFORE = {"ball": "ankle", "wrist": "elbow"}
"""Where these have no joint of their own, the end of the bone before will do."""
PREFIXES = re.compile(r"^(mixamorig\d*|bip0?1|valvebiped)")


def find_joints(names: Sequence[str]) -> dict[str, int]:
    """Numbers of "left hip", "right knee", "neck" and so on among names; "left collar" and "left hand" may be absent.

    Knows CMU, Mixamo, MotionBuilder, Daz, Unreal, Unity, 3ds Max and SMPL's names. Raises ConvertError that names
    the joints that are not there.
    """
    at = {_plain(name): joint for joint, name in reversed(list(enumerate(names)))}
    found: dict[str, int] = {}
    for part, known in TRUNK.items():
        for name in known:
            if name in at:
                found.setdefault(part, at[name])
    for side in ("left", "right"):
        for part in ORDER:
            for name in LIMBS[part]:
                spellings = (side + name, side[0] + name, name + side, name + side[0])
                joint = next((at[spelling] for spelling in spellings if spelling in at), None)
                if joint is not None and joint not in found.values():
                    found[f"{side} {part}"] = joint
                    break
        for part, before in BONE_BEFORE.items():
            bone = found.get(f"{side} {before}")
            if bone is not None and f"{names[bone]} end" in names:
                found.setdefault(f"{side} {part}", names.index(f"{names[bone]} end"))
    wanted = [*TRUNK, *(f"{side} {part}" for part in ORDER if part not in MAY_LACK for side in ("left", "right"))]
    missing = [part for part in wanted if part not in found]
    if missing:
        raise ConvertError(f"no joint by a known name for: {', '.join(missing)} (it has {', '.join(names)})")
    return found


def _plain(name: str) -> str:
    """A name without what tools put before it, in small letters and digits only."""
    letters = re.sub(r"[^a-z0-9]", "", name.rsplit(":", 1)[-1].lower())
    return PREFIXES.sub("", letters)

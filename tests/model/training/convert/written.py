# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings that tests write as files, and where every bone then is, by SciPy's rotations."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.files import load_body
from model.motion.skeleton import JOINTS, PARENTS

CMU_UNIT_M = 0.0254 / 0.45
BODY = load_body(None)
TPOSE = (BODY.J_regressor @ BODY.v_template).double().numpy()


@dataclass(frozen=True)
class Bone:
    """A joint and the vector to its end, in the file's unit; the frame it turns in (degrees) and the axes it has."""

    name: str
    parent: str
    vector: tuple[float, float, float]
    axis: tuple[float, float, float] = (0, 0, 0)
    dof: str = "xyz"


def cmu_bones() -> list[Bone]:
    """A skeleton like those of CMU's library, in its unit, its two sides not quite alike."""
    bones = [
        Bone("lowerback", "root", (0.02, 2.05, -0.15)), Bone("upperback", "lowerback", (0.01, 2.06, -0.05)),
        Bone("thorax", "upperback", (0.0, 2.07, 0.02)), Bone("lowerneck", "thorax", (0.02, 1.55, 0.16)),
        Bone("upperneck", "lowerneck", (0.03, 1.57, -0.1)), Bone("head", "upperneck", (0.01, 1.6, -0.05)),
    ]  # fmt: skip
    for side, s, size in (("l", 1, 1.0), ("r", -1, 1.02)):
        bones += [
            Bone(f"{side}hipjoint", "root", (s * 1.62, -1.8, 0.63), dof=""),
            Bone(f"{side}femur", f"{side}hipjoint", (s * 2.6 * size, -7.1 * size, 0), (0, 0, s * 20)),
            Bone(f"{side}tibia", f"{side}femur", (s * 2.5 * size, -6.9 * size, 0), (0, 0, s * 20), "x"),
            Bone(f"{side}foot", f"{side}tibia", (s * 0.22, -0.6, 2.1), (-90, 0, s * 20), "xz"),
            Bone(f"{side}toes", f"{side}foot", (0, 0, 1.1), (-90, 0, s * 20), "x"),
            Bone(f"{side}clavicle", "thorax", (s * 3.5, 0.8, -0.2), dof="yz"),
            Bone(f"{side}humerus", f"{side}clavicle", (s * 4.9 * size, 0, 0), (180, -s * 30, -s * 90)),
            Bone(f"{side}radius", f"{side}humerus", (s * 3.4 * size, 0, 0), (180, -s * 30, -s * 90), "x"),
            Bone(f"{side}wrist", f"{side}radius", (s * 1.7 * size, 0, 0), (0, s * 90, s * 90), "y"),
            Bone(f"{side}hand", f"{side}wrist", (s * 0.7, 0, 0), (0, s * 90, s * 90), "xz"),
            Bone(f"{side}fingers", f"{side}hand", (s * 0.55, 0, 0), (0, s * 90, s * 90), "x"),
            Bone(f"{side}thumb", f"{side}wrist", (s * 0.5, 0, 0.5), (-90, s * 45, 0), "xz"),
        ]
    return bones


@dataclass(frozen=True)
class Posed:
    """Where bones begin (T, 3), metres, and how they are turned from their rest, by name."""

    begin: dict[str, np.ndarray]
    turn: dict[str, Rotation]
    vector: dict[str, np.ndarray]

    def point(self, carrier: str, offset: np.ndarray) -> np.ndarray:
        """A point (T, 3) carried by a bone, at an offset (3,) in metres from its beginning at rest."""
        return self.begin[carrier] + self.turn[carrier].apply(offset)

    def end(self, bone: str) -> np.ndarray:
        return self.point(bone, self.vector[bone])


def waves(frames: int, fps: float, channels: int, seed: int, degrees: float = 25.0) -> np.ndarray:
    """Smooth angles (T, channels) in degrees."""
    random = np.random.default_rng(seed)
    time_s = np.arange(frames)[:, None] / fps
    pace, phase = random.uniform(0.2, 0.7, channels), random.uniform(0, 6, channels)
    return degrees * np.sin(2 * np.pi * pace * time_s + phase)


def write_acclaim(folder: Path, stem: str, frames: int = 240, seed: int = 0) -> Posed:
    """SUBJECT.asf and SUBJECT_TRIAL.amc, 120 frames a second, degrees."""
    bones = cmu_bones()
    lines = [
        ":version 1.10", ":name someone", ":units", "  mass 1.0", "  length 0.45", "  angle deg", ":documentation",
        "   two bones: a begin and an end", ":root", "   order TX TY TZ RX RY RZ", "   axis XYZ", "   position 0 0 0",
        "   orientation 0 0 0", ":bonedata",
    ]  # fmt: skip
    for number, bone in enumerate(bones, 1):
        length = float(np.linalg.norm(bone.vector))
        direction = " ".join(f"{x / length:.9g}" for x in bone.vector)
        lines += ["  begin", f"     id {number}", f"     name {bone.name}", f"     direction {direction}"]
        lines += [f"     length {length:.9g}", "     axis {} {} {} XYZ".format(*bone.axis)]
        if bone.dof:
            lines += ["    dof " + " ".join(f"r{axis}" for axis in bone.dof), "    limits (-160.0 20.0)"]
            lines += ["           (-70.0 70.0)"] * (len(bone.dof) - 1)
        lines.append("  end")
    lines += [":hierarchy", "  begin"]
    for parent in ("root", *(bone.name for bone in bones)):
        children = [bone.name for bone in bones if bone.parent == parent]
        if children:
            lines.append("    " + " ".join([parent, *children]))
    (folder / f"{stem.partition('_')[0]}.asf").write_text("\n".join([*lines, "  end", ""]))

    angles = waves(frames, 120, 6 + sum(len(bone.dof) for bone in bones), seed)
    angles[:, :3] = [0, 17, 5] + angles[:, :3] * 0.05
    rows = []
    for frame, values in enumerate(angles):
        left = [f"{value:.6f}" for value in values]
        rows += [str(frame + 1), "root " + " ".join(left[:6])]
        left = left[6:]
        for bone in bones:
            if bone.dof:
                rows.append(f"{bone.name} " + " ".join(left[: len(bone.dof)]))
                left = left[len(bone.dof) :]
    header = ["#!OML:ASF somewhere", ":FULLY-SPECIFIED", ":DEGREES"]
    (folder / f"{stem}.amc").write_text("\n".join([*header, *rows, ""]))

    begin, turn = {"root": angles[:, :3] * CMU_UNIT_M}, {"root": Rotation.from_euler("xyz", angles[:, 3:6], True)}
    vector, column = {"root": np.zeros(3)}, 6
    for bone in bones:
        by_axis = np.zeros((frames, 3))
        for axis in bone.dof:
            by_axis[:, "xyz".index(axis)] = angles[:, column]
            column += 1
        frame = Rotation.from_euler("xyz", bone.axis, True)
        begin[bone.name] = begin[bone.parent] + turn[bone.parent].apply(vector[bone.parent])
        turn[bone.name] = turn[bone.parent] * frame * Rotation.from_euler("xyz", by_axis, True) * frame.inv()
        vector[bone.name] = np.array(bone.vector) * CMU_UNIT_M
    return Posed(begin, turn, vector)


@dataclass(frozen=True)
class Figure:
    """The free body's bones under other names: a hierarchy that needs no adaptation, with motion in it.

    local (T, 24): rotations relative to the parent; root (T, 3) metres, Y up.
    """

    names: tuple[str, ...]
    local: list[Rotation]
    root: np.ndarray

    def world(self) -> tuple[list[Rotation], np.ndarray]:
        """Rotations (24) of T and positions (T, 24, 3) metres, Y up."""
        turn, place = [self.local[0]], [self.root]
        for joint in range(1, 24):
            parent = PARENTS[joint]
            place.append(place[parent] + turn[parent].apply(TPOSE[joint] - TPOSE[parent]))
            turn.append(turn[parent] * self.local[joint])
        return turn, np.stack(place, 1)


STILL = ("spine1", "spine2", "left_foot", "right_foot", "left_hand", "right_hand")
"""What a figure does not turn: spines that differ from tool to tool, and joints that have nothing to turn."""


def figure(names: tuple[str, ...] = JOINTS, frames: int = 60, fps: float = 30.0, seed: int = 0) -> Figure:
    angles = waves(frames, fps, 72, seed).reshape(frames, 24, 3)
    angles[:, [JOINTS.index(name) for name in STILL]] = 0
    root = np.array([0.3, 0.95, -0.2]) + waves(frames, fps, 3, seed + 1, 0.05)
    return Figure(names, [Rotation.from_euler("xyz", angles[:, joint], True) for joint in range(24)], root)


def write_bvh(
    path: Path, moved: Figure, fps: float = 30.0, unit_m: float = 0.01, order: str = "ZXY", z_up: bool = False,
    rests: list[Rotation] | None = None, tpose_first: bool = False, position_last: bool = False,
) -> None:  # fmt: skip
    """The figure as a .bvh. With `rests` (24), each joint's axes in the T-pose, its zero pose may be anything."""
    world = Rotation.from_euler("x", 90 if z_up else 0, True)
    rests = rests or [world.inv()] * 24
    kinds = [f"{axis}rotation" for axis in order]
    places = ["Xposition", "Yposition", "Zposition"]
    lines = ["HIERARCHY"]

    def write(joint: int, depth: int) -> None:
        indent, parent = "  " * depth, PARENTS[joint]
        offset = np.zeros(3)
        if parent >= 0:
            offset = rests[parent].inv().apply(TPOSE[joint] - TPOSE[parent]) / unit_m
        channels = kinds if joint else kinds + places if position_last else places + kinds
        lines.extend([f"{indent}{'JOINT' if joint else 'ROOT'} {moved.names[joint]}", f"{indent}{{"])
        lines.append(f"{indent}  OFFSET {offset[0]:.8f} {offset[1]:.8f} {offset[2]:.8f}")
        lines.append(f"{indent}  CHANNELS {len(channels)} {' '.join(channels)}")
        children = [child for child in range(24) if PARENTS[child] == joint]
        for child in children:
            write(child, depth + 1)
        if not children:
            lines.extend([f"{indent}  End Site", f"{indent}  {{", f"{indent}    OFFSET 0 {1 / unit_m / 50} 0"])
            lines.append(f"{indent}  }}")
        lines.append(f"{indent}}}")

    write(0, 0)
    order_of_joints = [_joint(line, moved.names) for line in lines if line.split()[0] in ("ROOT", "JOINT")]
    local, root = moved.local, moved.root
    if tpose_first:
        local = [Rotation.concatenate([Rotation.identity(1), rotation]) for rotation in local]
        root = np.concatenate([root[:1], root])
    columns = []
    for joint in order_of_joints:
        before = rests[PARENTS[joint]].inv() if joint else world
        rotation = (before * local[joint] * rests[joint]).as_euler(order, True)
        place = world.apply(root) / unit_m
        columns += [rotation] if joint else [rotation, place] if position_last else [place, rotation]
    values = np.concatenate(columns, 1)
    lines += ["MOTION", f"Frames: {len(values)}", f"Frame Time: {1 / fps:.7f}"]
    lines += [" ".join(f"{value:.6f}" for value in row) for row in values]
    path.write_text("\n".join(lines) + "\n")


def _joint(line: str, names: tuple[str, ...]) -> int:
    return names.index(line.split(maxsplit=1)[1])

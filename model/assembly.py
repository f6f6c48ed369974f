# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts together what the stages found: a Motion in the world, and the body that it moves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .body.fit import Fit
from .body.model import BodyModel
from .body.points import BodyPoints, pose_points, sole_matrix
from .body.transfer import betas_like
from .camera.path import CameraPath
from .camera.world import World, place_in_world
from .motion.gaps import filled
from .motion.motion import Motion, forward_kinematics
from .motion.rotations import axis_angle_from_matrix
from .motion.skeleton import JOINT_KEYPOINTS
from .people import Observations
from .recovery import Recovery


@dataclass(frozen=True)
class Shot:
    """A motion and the body that it moves, in T-pose at the person's betas: vertices (V, 3), joints (24, 3), metres."""

    motion: Motion
    body: BodyModel
    vertices: NDArray[np.float32]
    joints: NDArray[np.float32]

    @property
    def height_m(self) -> float:
        """Of the body in the T-pose."""
        return float(np.ptp(self.vertices[:, 1]))

    @property
    def camera_height_m(self) -> float:
        """Above the floor, in the first frame."""
        return float(-(self.motion.camera_rotation[0].T @ self.motion.camera_translation[0])[2])

    @property
    def faces(self) -> NDArray[np.int32]:
        return self.body.faces.numpy().astype(np.int32)


def assemble(
    seen: Observations,
    recovery: Recovery,
    fit: Fit,
    body: BodyModel,
    own_body: BodyModel | None,
    camera_matrix: NDArray[np.float64],
    fps: float,
    camera: CameraPath | None = None,
    pitch_deg: float | None = None,
    world: World | None = None,
) -> Shot:
    """Place a fit in the world; `own_body`, a body that the user brought, takes the place of the free body.

    `camera` says how it moved (None: it did not), pitch_deg how far it looks down at first, if that is known. `world`
    is where everything stands, if that is known already.
    """
    T = len(seen.time_s)
    camera = camera or CameraPath.at_rest(T)
    # Whatever follows is seen with the eyes of a camera that looks where this one looked at first.
    local = fit.local.double().numpy().copy()
    local[:, 0] = camera.rotation.swapaxes(1, 2) @ local[:, 0]
    pelvis, up = (camera.from_first(x.double().numpy()) for x in (fit.pelvis, recovery.up))
    local, pelvis = filled(local, pelvis, seen.time_s, seen.observed)

    soles = BodyPoints(body, sole_matrix(body)).shaped(fit.betas[None])
    free_rest = soles.joints[0].double().numpy()
    rotations, joints = forward_kinematics(local, free_rest)
    joints = joints - joints[:, :1] + pelvis[:, None]
    points = pose_points(soles, torch.from_numpy(rotations).float()[None], torch.from_numpy(joints).float()[None])[0]
    world = world or place_in_world(
        points.double().numpy(), pelvis, up, recovery.contacts.double().numpy(), seen.time_s, seen.observed,
        camera.centre, pitch_deg,
    )  # fmt: skip

    betas = fit.betas if own_body is None else betas_like(own_body, torch.from_numpy(free_rest).float())
    used = body if own_body is None else own_body
    shaped = used.shaped(betas[None])
    vertices, rest = (x[0].numpy().astype(np.float32) for x in shaped)
    local[:, 0] = world.rotation.T @ local[:, 0]
    trans = world.placed(pelvis) - rest[0]
    motion = Motion(
        poses=axis_angle_from_matrix(local).reshape(T, 72).astype(np.float32),
        trans=trans.astype(np.float32),
        betas=betas.numpy().astype(np.float32),
        mocap_framerate=fps,
        time_s=seen.time_s,
        observed=seen.observed,
        confidence=(seen.keypoints[:, JOINT_KEYPOINTS, 2] * seen.observed[:, None]).astype(np.float32),
        joints=(forward_kinematics(local, rest)[1] + trans[:, None]).astype(np.float32),
        contacts=world.contacts.astype(np.float32),
        keypoints=seen.keypoints.astype(np.float32),
        camera_matrix=camera_matrix,
        camera_rotation=camera.rotation @ world.rotation,
        camera_translation=(camera.rotation @ world.translation[..., None])[..., 0],
        body="free" if own_body is None else "smpl",
    )
    return Shot(motion, used, vertices, rest)


def body_arrays(shot: Shot) -> dict[str, Any]:
    """What a host program needs to show the body: T-pose, canonical frame (Y up, facing +Z), metres."""
    return {
        "vertices": shot.vertices,
        "joints": shot.joints,
        "faces": shot.faces,
        "weights": shot.body.weights.numpy().astype(np.float32),
    }


def posed_vertices(shot: Shot) -> Callable[[int], NDArray[np.float32]]:
    """A function from a frame's index to the body's vertices (V, 3) in the world."""
    local = torch.from_numpy(shot.motion.local_rotations()).float()
    trans = torch.from_numpy(shot.motion.trans)
    betas = torch.from_numpy(shot.motion.betas)[None]

    def at(frame: int) -> NDArray[np.float32]:
        with torch.inference_mode():
            return shot.body(local[frame, None], betas, trans[frame, None]).vertices[0].numpy()

    return at

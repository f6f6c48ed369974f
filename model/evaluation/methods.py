# SPDX-License-Identifier: GPL-3.0-or-later
"""The methods that are compared: each says of a shot where the joints and, if it can, the vertices are."""

from collections.abc import Iterator
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..body.fit import BodyFitter, steady_place
from ..body.model import BodyModel, pose_joints
from ..body.points import BodyPoints, pose_points
from ..body.transfer import betas_like
from ..camera.aim import aim
from ..motion.gaps import filled
from ..network.lifter import Given
from ..network.registry import COARSE_LEVEL
from ..network.two_stage import Recovered, TwoStage
from ..recovery import Recovery, recover
from .joint_fit import JointFitter
from .own_body import OwnBody
from .shots import HIP, Answer, Shot

DETECTOR = "BlazePose world landmarks"
LIFTER = "lifter alone"
NETWORK = "whole network"
LIFTER_BODY = "body fitted to the lifter's joints"
BODY = "body fitted to the network's mesh"


def compared(network: TwoStage, shot: Shot, fitters: "Fitters") -> Iterator[tuple[str, Answer]]:
    """The detector's own 3D, the network's stages as the product runs them, and the network with less to go by."""
    if shot.world is not None:
        yield DETECTOR, detected(shot)
    lifted, whole = stages(network, shot)
    yield LIFTER, answer(shot, lifted)
    yield LIFTER_BODY, fitters.to_joints(shot, lifted)
    yield NETWORK, answer(shot, whole)
    yield BODY, fitters.to_mesh(shot, whole)
    if shot.features is not None:
        yield "network, features withheld", answer(shot, stages(network, shot, features=False)[1])
    if shot.world is not None:
        yield "network, world landmarks withheld", answer(shot, stages(network, shot, world=False)[1])
    if shot.features is not None and shot.world is not None:
        yield "network, keypoints only", answer(shot, stages(network, shot, world=False, features=False)[1])


def detected(shot: Shot) -> Answer:
    """What the detector itself says in 3D, seen along each frame's direction to the person: it knows a crop only."""
    if shot.world is None:
        raise ValueError("the detector said nothing in 3D")
    turn = aim(shot.rays[:, None], shot.confidence[:, None]).rotation
    return _placed(shot, shot.world @ turn)


def stages(network: TwoStage, shot: Shot, *, world: bool = True, features: bool = True) -> tuple[Recovery, Recovery]:
    """What the first stage says alone, without vertices, and the whole network, over a shot as the product runs it.

    World landmarks and image features may be withheld.
    """
    found = recover(
        cast(TwoStage, _BothStages(network)), shot.rays, shot.confidence, shot.time_s, lambda _: None,
        world=Given(shot.world, shot.observed) if world and shot.world is not None else None,
        feature=Given(shot.features, shot.observed) if features and shot.features is not None else None,
    )  # fmt: skip
    refined, lifted = found.joints.chunk(2, 1)
    return found._replace(mesh=found.mesh[:, :0], joints=lifted), found._replace(joints=refined)


def answer(shot: Shot, found: Recovery) -> Answer:
    """What the network says, placed where the keypoints are seen."""
    hip = found.joints[:, HIP, None]
    mesh = _numpy(found.mesh - hip) if found.mesh.shape[1] else None
    return _placed(shot, found.joints)._replace(mesh=mesh, up=_numpy(found.up), contacts=_numpy(found.contacts))


class Fitters:
    """Fits the body, as the product does, to what the network says; made once for a body."""

    def __init__(self, body: BodyModel) -> None:
        down = body.levels[COARSE_LEVEL].down.to_dense()
        self._vertices, self._points = len(down), BodyPoints(body, torch.cat([down, body.keypoint_regressor]))
        self._mesh_fitter, self._joint_fitter = BodyFitter(body, COARSE_LEVEL), JointFitter(body)

    def to_mesh(self, shot: Shot, found: Recovery) -> Answer:
        """What an animator gets."""
        return self._fitted(shot, found, self._mesh_fitter, found.mesh)

    def to_joints(self, shot: Shot, found: Recovery) -> Answer:
        """What an animator would get if there were no vertices."""
        return self._fitted(shot, found, self._joint_fitter, found.joints)

    def _fitted(self, shot: Shot, found: Recovery, fitter: BodyFitter, surface: Tensor) -> Answer:
        with torch.inference_mode():
            fit = fitter.fit(surface, found.joints, shot.rays, shot.confidence, shot.time_s, None, lambda _: None)
            # As in a capture, frames in which nobody was seen lie between those in which somebody was.
            seen = shot.observed.numpy()
            placed = filled(_numpy(fit.local), _numpy(fit.pelvis), shot.time_s, seen)
            local, pelvis = (torch.from_numpy(values).float() for values in placed)
            shaped = self._points.shaped(fit.betas[None])
            rotations, bones = pose_joints(local, shaped.joints[0])
            points = pose_points(shaped, rotations[None], (bones - bones[:, :1] + pelvis[:, None])[None])[0]
            own = shot.own and OwnBody(shot.own.body, local, betas_like(shot.own.body, shaped.joints[0]))
        mesh, joints = points[:, : self._vertices], points[:, self._vertices :]
        hip = joints[:, HIP, None]
        parts = joints - hip, hip[:, 0], mesh - hip, found.up, found.contacts
        return Answer(*map(_numpy, parts), own=own)


class _BothStages:
    """A network that says its first stage's joints beside the refined ones."""

    def __init__(self, network: TwoStage) -> None:
        self.lift, self.nearest, self.config, self._whole = network.lift, network.nearest, network.config, network

    def recover(self, joints: Tensor, context: Tensor) -> Recovered:
        found = self._whole.recover(joints, context)
        return Recovered(found.mesh, torch.cat([found.joints, joints], 1))


def _placed(shot: Shot, joints: Tensor) -> Answer:
    """Joints put where they are seen; their depth is steadied as the product does."""
    joints = joints - joints[:, HIP, None]
    return Answer(_numpy(joints), _numpy(steady_place(joints.float(), shot.rays, shot.confidence, shot.time_s)))


def _numpy(values: Tensor) -> NDArray[np.float64]:
    return values.double().numpy()

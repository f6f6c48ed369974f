# SPDX-License-Identifier: GPL-3.0-or-later
"""The network over a whole shot: overlapping windows in, one answer for every frame out."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .camera.aim import aim
from .motion.skeleton import KEYPOINT_MIRROR
from .motion.smoothing import smoothed_in_time
from .network.lifter import Given, Lifted
from .network.two_stage import TwoStage

WINDOW = 64
HIGHEST_FPS = 60.0
"""What the network was trained on; footage of a higher rate is taken apart into interleaved shots of a lower one."""
BATCH = 8
FUSED, FUSED_WITHIN_S = 0.15, 0.1
"""How much of what the detector's own 3D says otherwise is believed, after it was smoothed over that time: late fusion.
The network knows the detector's 3D, and yet the mean errs 0.8 % less on the held-out people it was chosen on."""


class Recovery(NamedTuple):
    """What the network says of T frames; metres, camera axes (OpenCV), mid-hip at the origin."""

    mesh: Tensor
    """(T, V, 3) the body's coarse level"""
    joints: Tensor
    """(T, 23, 3) the keypoints in 3D"""
    up: Tensor
    """(T, 3) away from the ground, unit length"""
    contacts: Tensor
    """(T, 4) probabilities"""


def recover(
    network: TwoStage,
    rays: Tensor,
    confidence: Tensor,
    time_s: np.ndarray,
    report: Callable[[int], None],
    batch: int = BATCH,
    world: Given | None = None,
    feature: Given | None = None,
) -> Recovery:
    """Run the network over rays (T, 23, 2) and confidence (T, 23) at times (T,) in seconds.

    world (T, 23, 3) in metres and feature (T, 1152) are what else the detector says, where (T,) it does. It knows a
    crop only, not where in the picture that lies, so its axes are those of the windows' cameras: taken as the
    camera's they are off by as much as the person is off the axis (170 mm of error became 196 on rendered people).
    Every frame is lifted in two windows or more, whose answers are blended, and gets its mesh from the window in
    whose middle it is. `report` is called with the number of frames done and may raise Cancelled;
    `batch` windows are computed at a time.
    """
    T = len(rays)
    device = network.nearest.device
    times = torch.from_numpy(np.asarray(time_s)).float()
    joints, up, contacts = torch.zeros(T, 23, 3), torch.zeros(T, 3), torch.zeros(T, 4)
    weight, most = torch.zeros(T), torch.zeros(T)
    context = torch.zeros(T, network.config.width)
    view = torch.zeros(T, 3, 3)
    done = 0
    for frames in _batches(_windows(time_s), batch):
        window = aim(rays[frames], confidence[frames])
        with torch.inference_mode():
            lifted = _lifted_both_ways(
                network, window.keypoints.to(device), window.size.log().to(device), times[frames].to(device),
                _part(world, frames, device), _part(feature, frames, device),
            )  # fmt: skip
        back = window.rotation.mT
        centred = 1 - (torch.linspace(-1, 1, frames.shape[1]).abs() if frames.shape[1] > 1 else torch.zeros(1)) * 0.99
        for k, index in enumerate(frames):
            turn = back[k]
            joints[index] += centred[:, None, None] * (lifted.joints[k].cpu() @ turn.T)
            up[index] += centred[:, None] * (torch.nn.functional.normalize(lifted.up[k].cpu(), dim=-1) @ turn.T)
            contacts[index] += centred[:, None] * lifted.contacts[k].cpu().sigmoid()
            weight[index] += centred
            nearer = index[centred > most[index]]
            context[nearer] = lifted.context[k].cpu()[centred > most[index]]
            view[nearer] = turn
            most[index] = torch.maximum(most[index], centred)
        done = max(done, int(frames.max()) // 2)
        report(done)
    joints /= weight[:, None, None]
    if world is not None:
        otherwise = world.where[:, None, None] * (world.values.float() @ view.mT - joints)
        joints += FUSED * smoothed_in_time(otherwise, np.asarray(time_s), FUSED_WITHIN_S)
    mesh, refined = [], []
    # A processor's caches hold the features of one window's frames, not of eight.
    for part in torch.arange(T).split(WINDOW if device.type == "cpu" else batch * WINDOW):
        with torch.inference_mode():
            seen = network.recover((joints[part] @ view[part]).to(device), context[part].to(device))
        mesh.append(seen.mesh.cpu() @ view[part].mT)
        refined.append(seen.joints.cpu() @ view[part].mT)
        report((T + int(part[-1]) + 1) // 2)
    return Recovery(
        torch.cat(mesh), torch.cat(refined), torch.nn.functional.normalize(up, dim=-1), contacts / weight[:, None]
    )


def _lifted_both_ways(
    network: TwoStage, keypoints: Tensor, size: Tensor, time_s: Tensor, world: Given | None, feature: Given | None
) -> Lifted:
    """Windows lifted as they are and as in a mirror: the mean of both, which errs less than either.

    The context is that of the windows as they are. A feature has no mirror image.
    """
    other, flip, count = list(KEYPOINT_MIRROR), keypoints.new_tensor([-1.0, 1, 1]), len(size)

    def both(points: Tensor) -> Tensor:
        return torch.cat([points, points[:, :, other] * flip])

    found = network.lift(
        both(keypoints), size.repeat(2), time_s.repeat(2, 1),
        world and Given(both(world.values), world.where.repeat(2, 1)),
        feature and Given(feature.values.repeat(2, 1, 1), torch.cat([feature.where, torch.zeros_like(feature.where)])),
    )  # fmt: skip
    return Lifted(
        (found.joints[:count] + found.joints[count:, :, other] * flip) / 2,
        found.context[:count],
        (found.contacts[:count] + found.contacts[count:, :, [2, 3, 0, 1]]) / 2,
        (found.up[:count] + found.up[count:] * flip) / 2,
    )


def _part(given: Given | None, frames: Tensor, device: torch.device) -> Given | None:
    """An input's frames (B, W)."""
    return given and Given(given.values[frames].float().to(device), given.where[frames].to(device))


def _windows(time_s: np.ndarray) -> Iterator[Tensor]:
    """Indices of frames (W,), half overlapping, at most HIGHEST_FPS apart, that cover the shot."""
    T = len(time_s)
    fps = (T - 1) / max(float(time_s[-1] - time_s[0]), 1e-6) if T > 1 else 1.0
    stride = max(1, int(np.ceil(fps / HIGHEST_FPS - 0.05)))
    for offset in range(min(stride, T)):
        frames = torch.arange(offset, T, stride)
        last = max(len(frames) - WINDOW, 0)
        for start in [*range(0, last, WINDOW // 2), last]:
            yield frames[start : start + WINDOW]


def _batches(windows: Iterator[Tensor], most: int) -> Iterator[Tensor]:
    """Up to `most` windows of the same length, stacked (B, W)."""
    waiting: list[Tensor] = []
    for window in windows:
        if waiting and (len(waiting) == most or len(window) != len(waiting[0])):
            yield torch.stack(waiting)
            waiting = []
        waiting.append(window)
    if waiting:
        yield torch.stack(waiting)

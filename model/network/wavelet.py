# SPDX-License-Identifier: GPL-3.0-or-later
"""Discrete wavelet transform over time, and the extractor of latent information in the frequency domain (LIFD).

Source: *Latent-Info and Low-Dimensional Learning for Human Mesh Recovery and Parallel Optimization*, arXiv 2510.18267.
"""

from typing import Literal

import pywt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import Attention, RotaryTime

Axis = Literal["time", "channel"]


class Wavelet(nn.Module):
    """Orthogonal wavelet transform of `levels` levels along time, filters from PyWavelets, periodic at the ends.

    Where the number of frames is even, a level is an orthogonal matrix: its inverse is its transpose and energy is
    kept. An odd number is made even by repeating the last frame.
    """

    bank: Tensor

    def __init__(self, name: str = "haar", levels: int = 1) -> None:
        super().__init__()
        wavelet = pywt.Wavelet(name)  # pyright: ignore[reportAttributeAccessIssue]  (a compiled class)
        if not wavelet.orthogonal:
            raise ValueError(f"{name} is not an orthogonal wavelet")
        if levels < 1:
            raise ValueError(f"a wavelet transform has at least one level, not {levels}")
        self.levels = levels
        # Correlation with the reconstruction filters is convolution with the decomposition filters.
        self.register_buffer("bank", torch.tensor([wavelet.rec_lo, wavelet.rec_hi]), persistent=False)

    def matrix(self, frames: int) -> Tensor:
        """One level as an orthogonal matrix (frames, frames): upper half to the low band, lower half to the high."""
        rows = torch.zeros(2, frames // 2, frames, dtype=self.bank.dtype, device=self.bank.device)
        for tap in range(self.bank.shape[1]):
            columns = (2 * torch.arange(frames // 2, device=self.bank.device) + tap) % frames
            rows[:, torch.arange(frames // 2), columns] += self.bank[:, tap, None]
        return rows.reshape(frames, frames)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Bands of x (B, T, C), as PyWavelets orders them: the low one, then the high ones, coarse to fine.

        The finest is (B, ⌈T/2⌉, C), the next of half as many frames, and so on; the low one is as long as the coarsest.
        """
        high: list[Tensor] = []
        for _ in range(self.levels):
            x = even(x)
            x, detail = (self.matrix(x.shape[1]) @ x).chunk(2, 1)
            high.insert(0, detail)
        return [x, *high]

    def inverse(self, bands: list[Tensor], frames: int) -> Tensor:
        """The signal (B, frames, C) that `forward` split into these bands."""
        x, *high = bands
        for detail, finer in zip(high, [*high[1:], None], strict=True):
            x = self.matrix(2 * detail.shape[1]).T @ torch.cat([x, detail], 1)
            x = x[:, : frames if finer is None else finer.shape[1]]
        return x


class LatentInfoExtractor(nn.Module):
    """LIFD: attention over the low band (global motion), convolution over the high ones (local detail).

    Both are residual behind a gate that starts at zero, so at initialisation the extractor is the identity. The paper
    does not say along which axis the transform runs: `time`, or `channel` (one level only), where each band has all
    frames and half the channels.
    """

    def __init__(
        self,
        width: int,
        attention_width: int,
        heads: int,
        wavelet: str = "haar",
        levels: int = 1,
        axis: Axis = "time",
    ) -> None:
        super().__init__()
        if axis == "channel" and (levels > 1 or width % 2):
            raise ValueError(f"over the channels there is one level, of an even number; not {levels} of {width}")
        self.axis: Axis = axis
        self.wavelet = Wavelet(wavelet, levels)
        width = width // 2 if axis == "channel" else width
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, attention_width, heads)
        self.time = RotaryTime(attention_width // heads)
        self.local = nn.Sequential(
            nn.Conv1d(width, width, 3, padding=1, groups=width),
            nn.Conv1d(width, attention_width, 1),
            nn.GELU(),
            nn.Conv1d(attention_width, width, 1),
        )
        self.low_gate = nn.Parameter(torch.zeros(width))
        self.high_gate = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, time_s: Tensor) -> Tensor:
        """x (B, T, width) at times (B, T) in seconds → the hybrid feature of the same shape."""
        if self.axis == "channel":
            low, high = (band.mT for band in self.wavelet(x.mT))
            low, high = self._global(low, time_s), self._local(high)
            return self.wavelet.inverse([low.mT, high.mT], x.shape[2]).mT
        low, *high = self.wavelet(x)
        for _ in high:
            time_s = F.avg_pool1d(even(time_s), 2)
        return self.wavelet.inverse([self._global(low, time_s), *map(self._local, high)], x.shape[1])

    def _global(self, low: Tensor, time_s: Tensor) -> Tensor:
        y = self.norm(low)
        return low + self.low_gate * self.attention(y, y, rotate=self.time(time_s))

    def _local(self, high: Tensor) -> Tensor:
        return high + self.high_gate * self.local(high.mT).mT


def even(x: Tensor) -> Tensor:
    """x (B, T, ...) with its last frame repeated where T is odd."""
    return torch.cat([x, x[:, -1:]], 1) if x.shape[1] % 2 else x

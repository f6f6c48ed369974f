# SPDX-License-Identifier: GPL-3.0-or-later
"""Discrete wavelet transform over time, and the extractor of latent information in the frequency domain (LIFD).

Source: *Latent-Info and Low-Dimensional Learning for Human Mesh Recovery and Parallel Optimization*, arXiv 2510.18267.
"""

import pywt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import Attention, RotaryTime


class Wavelet(nn.Module):
    """One orthogonal analysis and synthesis step along time, with filters from PyWavelets, periodic at the ends.

    For an even number of frames the transform is an orthogonal matrix, so its inverse is its transpose and energy is
    kept; an odd number is made even by repeating the last frame.
    """

    bank: Tensor

    def __init__(self, name: str = "haar") -> None:
        super().__init__()
        wavelet = pywt.Wavelet(name)  # pyright: ignore[reportAttributeAccessIssue]  (a compiled class)
        if not wavelet.orthogonal:
            raise ValueError(f"{name} is not an orthogonal wavelet")
        # Correlation with the reconstruction filters is convolution with the decomposition filters.
        self.register_buffer("bank", torch.tensor([wavelet.rec_lo, wavelet.rec_hi]), persistent=False)

    def matrix(self, frames: int) -> Tensor:
        """The orthogonal matrix (frames, frames) whose upper half gives the low band, lower half the high band."""
        rows = torch.zeros(2, frames // 2, frames, dtype=self.bank.dtype, device=self.bank.device)
        for tap in range(self.bank.shape[1]):
            columns = (2 * torch.arange(frames // 2, device=self.bank.device) + tap) % frames
            rows[:, torch.arange(frames // 2), columns] += self.bank[:, tap, None]
        return rows.reshape(frames, frames)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Low and high band, each (B, ⌈T/2⌉, C), of x (B, T, C)."""
        if x.shape[1] % 2:
            x = torch.cat([x, x[:, -1:]], 1)
        bands = self.matrix(x.shape[1]) @ x
        half = x.shape[1] // 2
        return bands[:, :half], bands[:, half:]

    def inverse(self, low: Tensor, high: Tensor, frames: int) -> Tensor:
        """The signal (B, frames, C) that `forward` split into low and high."""
        bands = torch.cat([low, high], 1)
        return (self.matrix(bands.shape[1]).T @ bands)[:, :frames]


class LatentInfoExtractor(nn.Module):
    """LIFD: attention over the low band (global motion), convolution over the high band (local detail).

    Both branches are residual behind a gate that starts at zero, so at initialisation the extractor is the identity.
    """

    def __init__(self, width: int, attention_width: int, heads: int, wavelet: str = "haar") -> None:
        super().__init__()
        self.wavelet = Wavelet(wavelet)
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
        low, high = self.wavelet(x)
        if time_s.shape[1] % 2:
            time_s = torch.cat([time_s, time_s[:, -1:]], 1)
        pair_time = F.avg_pool1d(time_s[:, None], 2)[:, 0]
        y = self.norm(low)
        low = low + self.low_gate * self.attention(y, y, rotate=self.time(pair_time))
        high = high + self.high_gate * self.local(high.transpose(1, 2)).transpose(1, 2)
        return self.wavelet.inverse(low, high, x.shape[1])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts shared by the networks: attention of reduced width, feed-forward layers, time as a rotation."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class RotaryTime(nn.Module):
    """Rotary encoding of time in seconds: attention sees differences in time, whatever the frame rate."""

    frequencies: Tensor

    def __init__(self, head_width: int, shortest_s: float = 0.05, longest_s: float = 8.0) -> None:
        super().__init__()
        periods = torch.logspace(math.log10(shortest_s), math.log10(longest_s), head_width // 2)
        self.register_buffer("frequencies", 2 * math.pi / periods, persistent=False)

    def forward(self, time_s: Tensor) -> tuple[Tensor, Tensor]:
        """Cosine and sine (B, 1, T, head_width / 2) for times (B, T) in seconds."""
        phase = (time_s[:, None, :, None] * self.frequencies).float()
        return phase.cos(), phase.sin()


def _turn(x: Tensor, rotate: tuple[Tensor, Tensor]) -> Tensor:
    a, b = x.chunk(2, -1)
    cosine, sine = rotate
    return torch.cat([a * cosine - b * sine, a * sine + b * cosine], -1)


class Attention(nn.Module):
    """Multi-head attention whose queries, keys and values are reduced to `inner` channels before they meet."""

    def __init__(self, width: int, inner: int, heads: int) -> None:
        super().__init__()
        if inner % heads:
            raise ValueError(f"attention width {inner} is not a multiple of {heads} heads")
        self.heads = heads
        self.query = nn.Linear(width, inner)
        self.key_value = nn.Linear(width, 2 * inner)
        self.out = nn.Linear(inner, width)

    def forward(
        self,
        x: Tensor,
        other: Tensor,
        query_embedding: Tensor | None = None,
        key_embedding: Tensor | None = None,
        rotate: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Let x (B, N, width) look at other (B, M, width) → (B, N, width).

        Embeddings (N or M, width) are added where queries and keys are formed, not to the values.
        """
        q = self.query(x if query_embedding is None else x + query_embedding)
        k, v = self.key_value(other).chunk(2, -1)
        if key_embedding is not None:
            k = k + F.linear(key_embedding, self.key_value.weight[: k.shape[-1]])
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (q, k, v))
        if rotate is not None:
            q, k = _turn(q, rotate), _turn(k, rotate)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.out(y.transpose(1, 2).flatten(2))


class FeedForward(nn.Sequential):
    """Two layers with GELU between."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


class StochasticDepth(nn.Module):
    """In training, leaves out what a layer adds for a share of the batch (Huang et al., 2016)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.share == 0:
            return x
        kept = torch.rand(len(x), *[1] * (x.ndim - 1), device=x.device) >= self.share
        return x * kept / (1 - self.share)


class Block(nn.Module):
    """Pre-norm transformer block over the second axis."""

    def __init__(self, width: int, heads: int, ratio: int, drop: float = 0.0) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, width, heads)
        self.feed_forward = FeedForward(width, ratio * width)
        self.drop = StochasticDepth(drop)

    def forward(self, x: Tensor, rotate: tuple[Tensor, Tensor] | None = None) -> Tensor:
        y = self.norm1(x)
        x = x + self.drop(self.attention(y, y, rotate=rotate))
        return x + self.drop(self.feed_forward(self.norm2(x)))


class AdaptiveNorm(nn.Module):
    """LayerNorm whose scale and shift come from a context vector (AdaLN); plain LayerNorm at initialisation."""

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.modulate = nn.Linear(context, 2 * width)
        nn.init.zeros_(self.modulate.weight)
        nn.init.zeros_(self.modulate.bias)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """x (B, N, width), context (B, context) → (B, N, width)."""
        scale, shift = self.modulate(context)[:, None].chunk(2, -1)
        return F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift

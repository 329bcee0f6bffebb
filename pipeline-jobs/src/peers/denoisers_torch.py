"""The peer of `bench step --case unet_step --case dit_s8_step`: PyTorch, on two threads.

usage: OMP_WAIT_POLICY=PASSIVE python3 denoisers_torch.py [STEPS]

The same networks on the same shapes: a conditional U-Net on latents [8, 4, 16, 16] (64 and 128
channels) and DiT-S with patches of 8 on latents [8, 4, 32, 32], both under texts of 32 tokens of
width 128 of which 8 are padding. A step is forward, mean squared error and backward. Prints one
line of JSON for each: parameters (to compare with the plan's), and milliseconds.
"""

import json
import math
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

BATCH, TOKENS, TEXT = 8, 32, 128


class Attention(nn.Module):
    def __init__(self, width, source, heads, bias):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=bias)
        self.to_k = nn.Linear(source, width, bias=bias)
        self.to_v = nn.Linear(source, width, bias=bias)
        self.to_out = nn.Linear(width, width)

    def forward(self, x, source, penalty=None):
        def split(rows):
            return rows.view(rows.shape[0], rows.shape[1], self.heads, -1).transpose(1, 2)

        query, key, value = split(self.to_q(x)), split(self.to_k(source)), split(self.to_v(source))
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        if penalty is not None:
            scores = scores + penalty
        mixed = scores.softmax(-1) @ value
        return self.to_out(mixed.transpose(1, 2).flatten(2))


class Residual(nn.Module):
    def __init__(self, width_in, width_out, time_width):
        super().__init__()
        self.norm1 = nn.GroupNorm(32, width_in, eps=1e-5)
        self.conv1 = nn.Conv2d(width_in, width_out, 3, padding=1)
        self.time_emb_proj = nn.Linear(time_width, width_out)
        self.norm2 = nn.GroupNorm(32, width_out, eps=1e-5)
        self.conv2 = nn.Conv2d(width_out, width_out, 3, padding=1)
        same = width_in == width_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(width_in, width_out, 1)

    def forward(self, x, t):
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time_emb_proj(t)[:, :, None, None]
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class Transformer(nn.Module):
    def __init__(self, width, heads, dimension):
        super().__init__()
        inner = heads * dimension
        self.norm = nn.GroupNorm(32, width, eps=1e-6)
        self.proj_in = nn.Conv2d(width, inner, 1)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(inner) for _ in range(3))
        self.attn1 = Attention(inner, inner, heads, False)
        self.attn2 = Attention(inner, TEXT, heads, False)
        self.geglu = nn.Linear(inner, 8 * inner)
        self.out = nn.Linear(4 * inner, inner)
        self.proj_out = nn.Conv2d(inner, width, 1)

    def forward(self, x, text, penalty):
        h = self.proj_in(self.norm(x))
        shape = h.shape
        h = h.flatten(2).transpose(1, 2)
        u = self.norm1(h)
        h = h + self.attn1(u, u)
        h = h + self.attn2(self.norm2(h), text, penalty)
        values, gates = self.geglu(self.norm3(h)).chunk(2, dim=-1)
        h = h + self.out(values * F.gelu(gates))
        return x + self.proj_out(h.transpose(1, 2).reshape(shape))


class UNet(nn.Module):
    side, time = 16, 64

    def __init__(self):
        super().__init__()
        e = 4 * self.time

        def residual(a, b):
            return Residual(a, b, e)

        def transformer():
            return Transformer(128, 4, 32)

        self.embed = nn.Sequential(nn.Linear(self.time, e), nn.SiLU(), nn.Linear(e, e), nn.SiLU())
        self.conv_in = nn.Conv2d(4, 64, 3, padding=1)
        self.down0 = nn.ModuleList([residual(64, 64), residual(64, 64)])
        self.downsampler = nn.Conv2d(64, 64, 3, stride=2, padding=1)
        self.down1 = nn.ModuleList([residual(64, 128), residual(128, 128)])
        self.down1_text = nn.ModuleList([transformer(), transformer()])
        self.mid0, self.mid_text, self.mid1 = residual(128, 128), transformer(), residual(128, 128)
        self.up1 = nn.ModuleList([residual(256, 128), residual(256, 128), residual(192, 128)])
        self.up1_text = nn.ModuleList([transformer() for _ in range(3)])
        self.upsampler = nn.Conv2d(128, 128, 3, padding=1)
        self.up0 = nn.ModuleList([residual(192, 64), residual(128, 64), residual(128, 64)])
        self.norm_out = nn.GroupNorm(32, 64, eps=1e-5)
        self.conv_out = nn.Conv2d(64, 4, 3, padding=1)

    def forward(self, x, features, text, penalty):
        t = self.embed(features)
        h = self.conv_in(x)
        kept = [h]
        for block in self.down0:
            h = block(h, t)
            kept.append(h)
        h = self.downsampler(h)
        kept.append(h)
        for block, attend in zip(self.down1, self.down1_text):
            h = attend(block(h, t), text, penalty)
            kept.append(h)
        h = self.mid1(self.mid_text(self.mid0(h, t), text, penalty), t)
        for block, attend in zip(self.up1, self.up1_text):
            h = attend(block(torch.cat([h, kept.pop()], 1), t), text, penalty)
        h = self.upsampler(F.interpolate(h, scale_factor=2, mode="nearest"))
        for block in self.up0:
            h = block(torch.cat([h, kept.pop()], 1), t)
        return self.conv_out(F.silu(self.norm_out(h)))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.modulation = nn.Linear(width, 6 * width)
        self.norm = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.attn1 = Attention(width, width, heads, True)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.attn2 = Attention(width, TEXT, heads, False)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x, c, text, penalty):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c)[:, None].chunk(6, dim=-1)
        u = self.norm(x) * (1 + scale1) + shift1
        x = x + gate1 * self.attn1(u, u)
        x = x + self.attn2(self.norm2(x), text, penalty)
        return x + gate2 * self.mlp(self.norm(x) * (1 + scale2) + shift2)


class Dit(nn.Module):
    side, time, patch, width = 32, 256, 8, 384

    def __init__(self):
        super().__init__()
        width, grid = self.width, self.side // self.patch
        self.patches = nn.Conv2d(4, width, self.patch, stride=self.patch)
        self.register_buffer("positions", torch.randn(1, grid * grid, width))
        self.embed = nn.Sequential(
            nn.Linear(self.time, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.blocks = nn.ModuleList([Block(width, 6) for _ in range(12)])
        self.norm = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.modulation = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, self.patch**2 * 4)

    def forward(self, x, features, text, penalty):
        c = self.embed(features)
        h = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        for block in self.blocks:
            h = block(h, c, text, penalty)
        shift, scale = self.modulation(c)[:, None].chunk(2, dim=-1)
        h = self.out(self.norm(h) * (1 + scale) + shift)
        grid, p = self.side // self.patch, self.patch
        h = h.view(BATCH, grid, grid, p, p, 4).permute(0, 5, 1, 3, 2, 4)
        return h.reshape(BATCH, 4, self.side, self.side)


def measure(name, model, steps):
    sample = torch.randn(BATCH, 4, model.side, model.side)
    target = torch.randn(BATCH, 4, model.side, model.side)
    features = torch.randn(BATCH, model.time)
    text = torch.randn(BATCH, TOKENS, TEXT)
    penalty = torch.zeros(BATCH, 1, 1, TOKENS)
    penalty[..., TOKENS - TOKENS // 4 :] = -1e9
    times = []
    for step in range(steps + 5):
        start = time.perf_counter()
        for parameter in model.parameters():
            parameter.grad = None
        F.mse_loss(model(sample, features, text, penalty), target).backward()
        if step >= 5:
            times.append((time.perf_counter() - start) * 1e3)
    result = {
        "case": name,
        "parameters": sum(p.numel() for p in model.parameters()),
        "median_ms": statistics.median(times),
        "best_ms": min(times),
        "torch": torch.__version__,
    }
    print(json.dumps(result), flush=True)


def main(steps):
    torch.set_num_threads(2)
    torch.manual_seed(1)
    measure("unet_step", UNet(), steps)
    measure("dit_s8_step", Dit(), steps)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)

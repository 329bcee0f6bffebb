"""The peer of `bench step`: training steps in PyTorch.

usage: steps_torch.py STEPS THREADS CASE...

Knows `unet_step`, `dit_s8_step` and `clip_b32_step` and leaves out other cases. The same networks
on the same shapes: a conditional U-Net on latents [8, 4, 16, 16] (64 and 128 channels) and DiT-S
with patches of 8 on latents [8, 4, 32, 32], both under texts of 32 tokens of width 128 of which 8
are padding; CLIP with the towers of ViT-B/32 on 8 pairs. A step is forward, loss and backward.
Prints one line of JSON for each: parameters (to compare with the plan's), and milliseconds.
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


class Tower(nn.Module):
    """Layers of a transformer that normalises before attention."""

    def __init__(self, width, heads, count):
        super().__init__()
        self.norm1 = nn.ModuleList([nn.LayerNorm(width) for _ in range(count)])
        self.attention = nn.ModuleList(
            [Attention(width, width, heads, True) for _ in range(count)]
        )
        self.norm2 = nn.ModuleList([nn.LayerNorm(width) for _ in range(count)])
        self.fc1 = nn.ModuleList([nn.Linear(width, 4 * width) for _ in range(count)])
        self.fc2 = nn.ModuleList([nn.Linear(4 * width, width) for _ in range(count)])

    def forward(self, x, penalty=None):
        layers = zip(self.norm1, self.attention, self.norm2, self.fc1, self.fc2)
        for norm1, attention, norm2, fc1, fc2 in layers:
            u = norm1(x)
            x = x + attention(u, u, penalty)
            u = fc1(norm2(x))
            x = x + fc2(u * torch.sigmoid(1.702 * u))
        return x


class Clip(nn.Module):
    words, length, pixels, patch = 49408, 77, 224, 32

    def __init__(self):
        super().__init__()
        places = (self.pixels // self.patch) ** 2 + 1
        self.patches = nn.Conv2d(3, 768, self.patch, stride=self.patch, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(768) * 768**-0.5)
        self.picture_positions = nn.Parameter(torch.randn(places, 768) * 768**-0.5)
        self.pre_norm, self.post_norm = nn.LayerNorm(768), nn.LayerNorm(768)
        self.picture_tower = Tower(768, 12, 12)
        self.picture_projection = nn.Linear(768, 512, bias=False)
        self.tokens = nn.Embedding(self.words, 512)
        self.text_positions = nn.Parameter(torch.randn(self.length, 512) * 0.01)
        self.text_tower, self.final_norm = Tower(512, 8, 12), nn.LayerNorm(512)
        self.text_projection = nn.Linear(512, 512, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        causal = torch.full((self.length, self.length), -math.inf).triu(1)
        self.register_buffer("causal", causal)

    def forward(self, pictures, ids, ends):
        x = self.patches(pictures).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(len(x), 1, -1), x], 1)
        x = self.picture_tower(self.pre_norm(x + self.picture_positions))
        pictures = F.normalize(self.picture_projection(self.post_norm(x[:, 0])), dim=-1)
        x = self.text_tower(self.tokens(ids) + self.text_positions, self.causal)
        x = self.final_norm(x)[torch.arange(len(x)), ends]
        texts = F.normalize(self.text_projection(x), dim=-1)
        return self.logit_scale.exp() * texts @ pictures.T


def denoiser(model):
    sample = torch.randn(BATCH, 4, model.side, model.side)
    target = torch.randn(BATCH, 4, model.side, model.side)
    features = torch.randn(BATCH, model.time)
    text = torch.randn(BATCH, TOKENS, TEXT)
    penalty = torch.zeros(BATCH, 1, 1, TOKENS)
    penalty[..., TOKENS - TOKENS // 4 :] = -1e9
    return model, lambda: F.mse_loss(model(sample, features, text, penalty), target)


def clip():
    model = Clip()
    pictures = torch.randn(BATCH, 3, model.pixels, model.pixels)
    ids = torch.randint(model.words - 1, (BATCH, model.length))
    ends = torch.randint(1, model.length, (BATCH,))
    ids[torch.arange(BATCH), ends] = model.words - 1
    pairs = torch.arange(BATCH)

    def loss():
        logits = model(pictures, ids, ends)
        return (F.cross_entropy(logits, pairs) + F.cross_entropy(logits.T, pairs)) / 2

    return model, loss


CASES = {
    "unet_step": lambda: denoiser(UNet()),
    "dit_s8_step": lambda: denoiser(Dit()),
    "clip_b32_step": clip,
}


def measure(name, steps):
    model, loss = CASES[name]()
    times = []
    for step in range(steps + 5):
        start = time.perf_counter()
        for parameter in model.parameters():
            parameter.grad = None
        loss().backward()
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


def main(steps, threads, names):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    for name in names:
        if name in CASES:
            measure(name, steps)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])

"""Makes the files that UNetParityTest and TextEncoderParityTest read: small networks with random
weights, and what PyTorch computes with them.

usage: python3 parity.py FOLDER        (model-zoo/src/test/resources/parity)

The networks are written from the descriptions of diffusers' UNet2DConditionModel and of Hugging
Face's CLIPTextModel, with the names of their parameters. Weights and inputs are random float32;
PyTorch (1.13 made the files) computes with them in float64, on one thread, and results are rounded
to float32. The loss is the mean square of result - target; gradients are of it.
"""

import math
import pathlib
import sys

import torch
import torch.nn.functional as F

import safetensors_file

BATCH = 2


class Weights:
    """Parameters that are made when they are first asked for."""

    def __init__(self, seed):
        self.random = torch.Generator().manual_seed(seed)
        self.tensors = {}

    def draw(self, *shape, scale=1.0, mean=0.0):
        numbers = torch.randn(*shape, generator=self.random) * scale + mean
        return numbers.double().requires_grad_()

    def get(self, name, *shape, scale=1.0, mean=0.0):
        if name not in self.tensors:
            self.tensors[name] = self.draw(*shape, scale=scale, mean=mean)
        return self.tensors[name]

    def linear(self, name, x, out, bias=True):
        width = x.shape[-1]
        weight = self.get(name + ".weight", out, width, scale=(3 * width) ** -0.5)
        return F.linear(x, weight, self.get(name + ".bias", out, scale=0.1) if bias else None)

    def conv(self, name, x, out, kernel, stride=1):
        width = x.shape[1]
        scale = (3 * width * kernel * kernel) ** -0.5
        weight = self.get(name + ".weight", out, width, kernel, kernel, scale=scale)
        bias = self.get(name + ".bias", out, scale=0.1)
        return F.conv2d(x, weight, bias, stride=stride, padding=kernel // 2)

    def affine(self, name, width):
        weight = self.get(name + ".weight", width, scale=0.2, mean=1.0)
        return weight, self.get(name + ".bias", width, scale=0.2)

    def group_norm(self, name, x, groups, epsilon):
        return F.group_norm(x, groups, *self.affine(name, x.shape[1]), eps=epsilon)

    def layer_norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], *self.affine(name, x.shape[-1]), eps=1e-5)


def attend(query, key, value, heads, penalty):
    """Rows [B, T, D] and [B, S, D] -> [B, T, D]; the penalty is added to the scores."""

    def split(rows):
        return rows.unflatten(-1, (heads, -1)).transpose(1, 2)

    query, key, value = split(query), split(key), split(value)
    scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
    mixed = (scores + penalty).softmax(-1) @ value
    return mixed.transpose(1, 2).flatten(2)


class UNet:
    """UNet2DConditionModel with class_embed_type="projection": transformers where `attention` says
    so, and in the middle."""

    widths, attention, layers = [4, 6, 4], [True, False, True], 1
    channels, heads, groups = 3, 2, 2

    def __init__(self, weights, text, penalty, scale_shift):
        self.weights, self.text, self.penalty, self.scale_shift = weights, text, penalty, scale_shift

    def residual(self, name, x, t, out):
        w = self.weights
        h = w.conv(name + ".conv1", F.silu(w.group_norm(name + ".norm1", x, self.groups, 1e-5)), out, 3)
        if self.scale_shift:
            t = w.linear(name + ".time_emb_proj", F.silu(t), 2 * out)[:, :, None, None]
            scale, shift = t.chunk(2, dim=1)
            h = w.group_norm(name + ".norm2", h, self.groups, 1e-5) * (1 + scale) + shift
        else:
            h = h + w.linear(name + ".time_emb_proj", F.silu(t), out)[:, :, None, None]
            h = w.group_norm(name + ".norm2", h, self.groups, 1e-5)
        h = w.conv(name + ".conv2", F.silu(h), out, 3)
        return h + (x if x.shape[1] == out else w.conv(name + ".conv_shortcut", x, out, 1))

    def cross(self, name, rows, source, penalty):
        w, width = self.weights, rows.shape[-1]
        query = w.linear(name + ".to_q", rows, width, bias=False)
        key = w.linear(name + ".to_k", source, width, bias=False)
        value = w.linear(name + ".to_v", source, width, bias=False)
        mixed = attend(query, key, value, self.heads, penalty)
        return w.linear(name + ".to_out.0", mixed, width)

    def transformer(self, name, x):
        w, width = self.weights, x.shape[1]
        h = w.conv(name + ".proj_in", w.group_norm(name + ".norm", x, self.groups, 1e-6), width, 1)
        h = h.flatten(2).transpose(1, 2)
        block = name + ".transformer_blocks.0"
        u = w.layer_norm(block + ".norm1", h)
        h = h + self.cross(block + ".attn1", u, u, 0)
        h = h + self.cross(block + ".attn2", w.layer_norm(block + ".norm2", h), self.text, self.penalty)
        u = w.linear(block + ".ff.net.0.proj", w.layer_norm(block + ".norm3", h), 8 * width)
        values, gates = u.chunk(2, dim=-1)
        h = h + w.linear(block + ".ff.net.2", values * F.gelu(gates), width)
        h = h.transpose(1, 2).reshape(x.shape)
        return x + w.conv(name + ".proj_out", h, width, 1)

    def predict(self, x, timesteps, pooled):
        w, widths = self.weights, self.widths
        half = widths[0] // 2
        frequencies = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float64) / half)
        angles = timesteps.double()[:, None] * frequencies
        t = torch.cat([angles.cos(), angles.sin()], -1)
        t = self.embedding("time_embedding", t) + self.embedding("class_embedding", pooled)
        h = w.conv("conv_in", x, widths[0], 3)
        kept = [h]
        for level, width in enumerate(widths):
            block = f"down_blocks.{level}"
            for i in range(self.layers):
                h = self.residual(f"{block}.resnets.{i}", h, t, width)
                if self.attention[level]:
                    h = self.transformer(f"{block}.attentions.{i}", h)
                kept.append(h)
            if level < len(widths) - 1:
                h = w.conv(f"{block}.downsamplers.0.conv", h, width, 3, stride=2)
                kept.append(h)
        h = self.residual("mid_block.resnets.0", h, t, widths[-1])
        h = self.transformer("mid_block.attentions.0", h)
        h = self.residual("mid_block.resnets.1", h, t, widths[-1])
        for i, width in enumerate(reversed(widths)):
            level = len(widths) - 1 - i
            for j in range(self.layers + 1):
                h = torch.cat([h, kept.pop()], 1)
                h = self.residual(f"up_blocks.{i}.resnets.{j}", h, t, width)
                if self.attention[level]:
                    h = self.transformer(f"up_blocks.{i}.attentions.{j}", h)
            if level > 0:
                h = F.interpolate(h, size=kept[-1].shape[-2:], mode="nearest")
                h = w.conv(f"up_blocks.{i}.upsamplers.0.conv", h, width, 3)
        h = F.silu(w.group_norm("conv_norm_out", h, self.groups, 1e-5))
        return w.conv("conv_out", h, self.channels, 3)

    def embedding(self, name, x):
        width = 4 * self.widths[0]
        h = F.silu(self.weights.linear(name + ".linear_1", x, width))
        return self.weights.linear(name + ".linear_2", h, width)


def text_states(w, ids, vocabulary=11, width=8, inner=12, layers=2, heads=2, positions=9):
    """CLIPTextModel's last_hidden_state."""
    length = ids.shape[1]
    root = "text_model."
    words = w.get(root + "embeddings.token_embedding.weight", vocabulary, width)
    places = w.get(root + "embeddings.position_embedding.weight", positions, width)
    x = words[ids] + places[:length]
    later = torch.full((length, length), -math.inf, dtype=torch.float64).triu(1)
    for i in range(layers):
        layer = f"{root}encoder.layers.{i}."
        u = w.layer_norm(layer + "layer_norm1", x)
        q, k, v = (w.linear(f"{layer}self_attn.{part}_proj", u, width) for part in "qkv")
        x = x + w.linear(layer + "self_attn.out_proj", attend(q, k, v, heads, later), width)
        u = w.linear(layer + "mlp.fc1", w.layer_norm(layer + "layer_norm2", x), inner)
        x = x + w.linear(layer + "mlp.fc2", u * torch.sigmoid(1.702 * u), width)
    return w.layer_norm(root + "final_layer_norm", x)


def arrays(weights, inputs, result, target):
    """Everything by name; gradients of parameters and of the inputs that have one."""
    loss = ((result - target) ** 2).mean()
    loss.backward()
    found = {"target": target, "result": result, "loss": loss.reshape(1)}
    for name, tensor in inputs.items():
        found["input." + name] = tensor
        if tensor.requires_grad:
            found["input_gradient." + name] = tensor.grad
    for name, tensor in weights.tensors.items():
        found["weight." + name] = tensor
        found["gradient." + name] = tensor.grad
    return {
        name: (t.detach().float() if t.is_floating_point() else t.int()).numpy()
        for name, t in found.items()
    }


def unet(seed, side, scale_shift=False, text_width=6, tokens=3):
    weights = Weights(seed)
    text = weights.draw(BATCH, tokens, text_width)
    mask = torch.ones(BATCH, tokens, dtype=torch.float64)
    mask[0, 1:] = 0
    penalty = torch.where(mask > 0, 0.0, -1e9)[:, None, None, :].double()
    inputs = {
        "sample": weights.draw(BATCH, UNet.channels, side, side),
        "timesteps": torch.tensor([17, 901]),
        "text": text,
        "mask": mask,
        "pooled": weights.draw(BATCH, text_width),
    }
    model = UNet(weights, text, penalty, scale_shift)
    result = model.predict(inputs["sample"], inputs["timesteps"], inputs["pooled"])
    return arrays(weights, inputs, result, weights.draw(*result.shape).detach())


def text_encoder(seed, tokens=6):
    weights = Weights(seed)
    ids = torch.randint(0, 11, (BATCH, tokens), generator=weights.random)
    states = text_states(weights, ids)
    return arrays(weights, {"ids": ids}, states, weights.draw(*states.shape).detach())


def write(path, named):
    safetensors_file.write(path, dict(sorted(named.items())))


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = pathlib.Path(sys.argv[1])
    write(folder / "unet.safetensors", unet(seed=1, side=9))
    write(folder / "unet_scale_shift.safetensors", unet(seed=3, side=9, scale_shift=True))
    write(folder / "text_encoder.safetensors", text_encoder(seed=2))

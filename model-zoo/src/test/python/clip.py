"""What CLIP computes, by PyTorch: makes model-zoo/src/test/resources/clip.

usage: python3 clip.py DIR

Writes directories as Hugging Face's CLIPModel has them, with small random weights, and what a model
of that architecture makes of fixed inputs: embeddings, the symmetric contrastive loss over the
batch, and its gradients. The architecture is written down here anew (Radford 2021,
arXiv:2103.00020, and the names of the tensors), so it owes nothing to the code that it checks.

    plain/      one file of float32; quick_gelu; texts end with eos_token_id
    sharded/    two files of float16 and an index; gelu; the historical eos_token_id 2, so that a
                text ends at its largest token; position_ids among the tensors
    */expected.safetensors    pixel_values, input_ids, image_embeds, text_embeds, loss, and
                              "gradient:" + name of every parameter
"""

import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

import safetensors_file


def shapes(config):
    """Every parameter's shape, by Hugging Face's names."""
    text, vision = config["text_config"], config["vision_config"]
    found = {"logit_scale": ()}

    def layers(root, tower):
        width, inner = tower["hidden_size"], tower["intermediate_size"]
        for i in range(tower["num_hidden_layers"]):
            layer = f"{root}.encoder.layers.{i}"
            for part in ("k_proj", "v_proj", "q_proj", "out_proj"):
                found[f"{layer}.self_attn.{part}.weight"] = (width, width)
                found[f"{layer}.self_attn.{part}.bias"] = (width,)
            for norm in ("layer_norm1", "layer_norm2"):
                found[f"{layer}.{norm}.weight"] = (width,)
                found[f"{layer}.{norm}.bias"] = (width,)
            found[f"{layer}.mlp.fc1.weight"] = (inner, width)
            found[f"{layer}.mlp.fc1.bias"] = (inner,)
            found[f"{layer}.mlp.fc2.weight"] = (width, inner)
            found[f"{layer}.mlp.fc2.bias"] = (width,)

    width = text["hidden_size"]
    found["text_model.embeddings.token_embedding.weight"] = (text["vocab_size"], width)
    found["text_model.embeddings.position_embedding.weight"] = (
        text["max_position_embeddings"],
        width,
    )
    layers("text_model", text)
    found["text_model.final_layer_norm.weight"] = (width,)
    found["text_model.final_layer_norm.bias"] = (width,)
    found["text_projection.weight"] = (config["projection_dim"], width)
    width, patch = vision["hidden_size"], vision["patch_size"]
    grid = vision["image_size"] // patch
    found["vision_model.embeddings.class_embedding"] = (width,)
    found["vision_model.embeddings.patch_embedding.weight"] = (
        width,
        vision["num_channels"],
        patch,
        patch,
    )
    found["vision_model.embeddings.position_embedding.weight"] = (grid * grid + 1, width)
    for norm in ("pre_layrnorm", "post_layernorm"):
        found[f"vision_model.{norm}.weight"] = (width,)
        found[f"vision_model.{norm}.bias"] = (width,)
    layers("vision_model", vision)
    found["visual_projection.weight"] = (config["projection_dim"], width)
    return found


class Clip:
    """The model as functions of a dictionary of weights, in double."""

    def __init__(self, config, weights):
        self.config, self.weights = config, weights

    def linear(self, name, x):
        return F.linear(x, self.weights[name + ".weight"], self.weights.get(name + ".bias"))

    def norm(self, name, x, tower):
        weight, bias = self.weights[name + ".weight"], self.weights[name + ".bias"]
        return F.layer_norm(x, weight.shape, weight, bias, tower["layer_norm_eps"])

    def layers(self, root, x, tower, mask):
        heads = tower["num_attention_heads"]
        for i in range(tower["num_hidden_layers"]):
            layer = f"{root}.encoder.layers.{i}"
            u = self.norm(layer + ".layer_norm1", x, tower)
            query, key, value = (
                self.linear(f"{layer}.self_attn.{part}", u).unflatten(-1, (heads, -1)).transpose(1, 2)
                for part in ("q_proj", "k_proj", "v_proj")
            )
            scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
            if mask is not None:
                scores = scores + mask
            mixed = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
            x = x + self.linear(layer + ".self_attn.out_proj", mixed)
            h = self.linear(layer + ".mlp.fc1", self.norm(layer + ".layer_norm2", x, tower))
            h = h * torch.sigmoid(1.702 * h) if tower["hidden_act"] == "quick_gelu" else F.gelu(h)
            x = x + self.linear(layer + ".mlp.fc2", h)
        return x

    def images(self, pixels):
        vision, w = self.config["vision_config"], self.weights
        patches = F.conv2d(
            pixels, w["vision_model.embeddings.patch_embedding.weight"], stride=vision["patch_size"]
        )
        x = patches.flatten(2).transpose(1, 2)
        first = w["vision_model.embeddings.class_embedding"].expand(x.shape[0], 1, -1)
        x = torch.cat([first, x], 1) + w["vision_model.embeddings.position_embedding.weight"]
        x = self.norm("vision_model.pre_layrnorm", x, vision)
        x = self.layers("vision_model", x, vision, None)
        x = self.norm("vision_model.post_layernorm", x[:, 0], vision)
        return F.normalize(self.linear("visual_projection", x), dim=-1)

    def texts(self, ids):
        text, w = self.config["text_config"], self.weights
        length = ids.shape[1]
        x = w["text_model.embeddings.token_embedding.weight"][ids]
        x = x + w["text_model.embeddings.position_embedding.weight"][:length]
        mask = torch.full((length, length), -math.inf, dtype=x.dtype).triu(1)
        x = self.norm("text_model.final_layer_norm", self.layers("text_model", x, text, mask), text)
        end = text["eos_token_id"]
        at = ids.argmax(-1) if end == 2 else (ids == end).int().argmax(-1)
        return F.normalize(self.linear("text_projection", x[torch.arange(len(x)), at]), dim=-1)

    def loss(self, images, texts):
        logits = self.weights["logit_scale"].exp() * images @ texts.T
        labels = torch.arange(len(images))
        return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


def config(activation, end, image_size):
    common = {"layer_norm_eps": 1e-5, "hidden_act": activation, "attention_dropout": 0.0}
    return {
        "architectures": ["CLIPModel"],
        "initializer_factor": 1.0,
        "logit_scale_init_value": 2.6592,
        "model_type": "clip",
        "projection_dim": 12,
        "text_config": {
            **common,
            "vocab_size": 40,
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "max_position_embeddings": 10,
            "eos_token_id": end,
        },
        "vision_config": {
            **common,
            "hidden_size": 18,
            "intermediate_size": 20,
            "num_hidden_layers": 2,
            "num_attention_heads": 3,
            "num_channels": 3,
            "image_size": image_size,
            "patch_size": 4,
        },
    }


def make(directory, settings, kind, shards):
    os.makedirs(directory, exist_ok=True)
    weights = {}
    for name, shape in shapes(settings).items():
        values = torch.randn(shape) * (0.3 if len(shape) > 1 else 0.2)
        if "norm" in name and name.endswith("weight"):
            values = values + 1
        if name == "logit_scale":
            values = torch.tensor(2.0)
        weights[name] = values.numpy().astype(kind)
    doubles = {
        name: torch.tensor(array, dtype=torch.float64, requires_grad=True)
        for name, array in weights.items()
    }
    side, length = settings["vision_config"]["image_size"], 7
    pixels = torch.randn(3, 3, side, side)
    end = settings["text_config"]["eos_token_id"]
    last = 39 if end == 2 else end
    ids = torch.randint(4, 39, (3, length))
    for row, at in enumerate((3, 6, 5)):
        ids[row, at], ids[row, at + 1 :] = last, 0
    ids[2, 6] = last  # a second end counts for nothing
    model = Clip(settings, doubles)
    images, texts = model.images(pixels.double()), model.texts(ids)
    loss = model.loss(images, texts)
    loss.backward()
    expected = {
        "pixel_values": pixels.numpy(),
        "input_ids": ids.numpy().astype("int32"),
        "image_embeds": images.detach().numpy().astype("float32"),
        "text_embeds": texts.detach().numpy().astype("float32"),
        "loss": loss.detach().numpy().astype("float32"),
    }
    for name, tensor in doubles.items():
        expected["gradient:" + name] = tensor.grad.numpy().astype("float32")
    safetensors_file.write(os.path.join(directory, "expected.safetensors"), expected, {})
    with open(os.path.join(directory, "config.json"), "w") as file:
        json.dump(settings, file, indent=2)
        file.write("\n")
    metadata = {"format": "pt"}
    if shards == 1:
        safetensors_file.write(os.path.join(directory, "model.safetensors"), weights, metadata)
        return
    weights["text_model.embeddings.position_ids"] = np.arange(10)[None]
    weights["vision_model.embeddings.position_ids"] = np.arange((side // 4) ** 2 + 1)[None]
    names, places = list(weights), {}
    size = (len(names) + shards - 1) // shards
    for shard in range(shards):
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        part = {name: weights[name] for name in names[shard * size : (shard + 1) * size]}
        safetensors_file.write(os.path.join(directory, file), part, metadata)
        places.update({name: file for name in part})
    total = sum(array.nbytes for array in weights.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
    with open(os.path.join(directory, "model.safetensors.index.json"), "w") as file:
        json.dump(index, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    torch.manual_seed(1)  # with which no gradient is a small difference of large numbers
    make(os.path.join(sys.argv[1], "plain"), config("quick_gelu", 39, 12), "float32", 1)
    make(os.path.join(sys.argv[1], "sharded"), config("gelu", 2, 14), "float16", 2)

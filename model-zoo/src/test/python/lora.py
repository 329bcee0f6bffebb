"""What LoRA on CLIP computes, by PyTorch: makes model-zoo/src/test/resources/lora.

usage: python3 lora.py CLIP DIR        (model-zoo/src/test/resources/clip/plain and .../lora)

Writes adapters as PEFT does, with random weights, for the CLIP that clip.py wrote, and what the
model makes of fixed inputs with them: y = W x + b + scale B A x (Hu 2021, arXiv:2106.09685), with
scale = lora_alpha / r, or lora_alpha / sqrt(r) with use_rslora.

    attention/  target_modules is a list
    pattern/    target_modules is a regular expression; use_rslora
    */adapter_config.json, */adapter_model.safetensors
    */expected.safetensors    pixel_values, input_ids, image_embeds, text_embeds, loss, and
                              "gradient:" + key of every tensor of the adapter
    both.safetensors          image_embeds, text_embeds of 0.5 attention + 0.25 pattern
"""

import json
import math
import os
import re
import sys

import torch
import torch.nn.functional as F

import clip
import safetensors_file

ROOT = "base_model.model."


class Lora(clip.Clip):
    """The model with adapters: (factor, tensors by key) each, in double."""

    def __init__(self, config, weights, adapters):
        super().__init__(config, weights)
        self.adapters = adapters

    def linear(self, name, x):
        y = super().linear(name, x)
        for factor, tensors in self.adapters:
            a = tensors.get(f"{ROOT}{name}.lora_A.weight")
            if a is not None:
                y = y + factor * F.linear(F.linear(x, a), tensors[f"{ROOT}{name}.lora_B.weight"])
        return y


def settings(base, **own):
    """What PEFT writes."""
    return {
        "alpha_pattern": {},
        "auto_mapping": {
            "base_model_class": "CLIPModel",
            "parent_library": "transformers.models.clip.modeling_clip",
        },
        "base_model_name_or_path": base,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        "layers_pattern": None,
        "layers_to_transform": None,
        "loftq_config": {},
        "lora_dropout": 0.1,
        "megatron_config": None,
        "megatron_core": "megatron.core",
        "modules_to_save": None,
        "peft_type": "LORA",
        "rank_pattern": {},
        "revision": None,
        "task_type": None,
        "use_dora": False,
        **own,
    }


def targets(settings, weights):
    """Names and shapes of the linear layers that have adapters."""
    wanted = settings["target_modules"]
    for name, weight in weights.items():
        module = name[: -len(".weight")]
        if isinstance(wanted, str):
            found = re.fullmatch(wanted, module)
        else:
            found = any(module == end or module.endswith("." + end) for end in wanted)
        if name.endswith(".weight") and found:
            yield module, weight.shape


def make(directory, settings, weights):
    os.makedirs(directory, exist_ok=True)
    rank, arrays = settings["r"], {}
    for module, (out, width) in sorted(targets(settings, weights)):
        arrays[f"{ROOT}{module}.lora_A.weight"] = (torch.randn(rank, width) * width**-0.5).numpy()
        arrays[f"{ROOT}{module}.lora_B.weight"] = (torch.randn(out, rank) * 0.3).numpy()
    safetensors_file.write(
        os.path.join(directory, "adapter_model.safetensors"), arrays, {"format": "pt"}
    )
    with open(os.path.join(directory, "adapter_config.json"), "w") as file:
        file.write(json.dumps(settings, indent=2, sort_keys=True))
    scale = settings["lora_alpha"] / (math.sqrt(rank) if settings["use_rslora"] else rank)
    return scale, {key: torch.tensor(array).double().requires_grad_() for key, array in arrays.items()}


def main(base, directory):
    with open(os.path.join(base, "config.json")) as file:
        config = json.load(file)
    weights = {
        name: torch.tensor(array).double()
        for name, array in safetensors_file.read(os.path.join(base, "model.safetensors")).items()
    }
    inputs = safetensors_file.read(os.path.join(base, "expected.safetensors"))
    pixels, ids = inputs["pixel_values"], inputs["input_ids"]

    def embeddings(adapters):
        model = Lora(config, weights, adapters)
        images, texts = model.images(torch.tensor(pixels).double()), model.texts(torch.tensor(ids).long())
        embeds = {
            "image_embeds": images.detach().numpy().astype("float32"),
            "text_embeds": texts.detach().numpy().astype("float32"),
        }
        return embeds, model.loss(images, texts)

    torch.manual_seed(1)
    made = []
    for name, own in {
        "attention": {
            "r": 2,
            "lora_alpha": 3,
            "target_modules": ["q_proj", "k_proj", "v_proj", "self_attn.out_proj"],
            "use_rslora": False,
        },
        "pattern": {
            "r": 3,
            "lora_alpha": 1.5,
            "target_modules": r"(vision_model\..*\.(fc1|v_proj)|text_projection)",
            "use_rslora": True,
        },
    }.items():
        out = os.path.join(directory, name)
        scale, tensors = make(out, settings("../clip/plain", **own), weights)
        made.append((scale, tensors))
        expected, loss = embeddings([(scale, tensors)])
        loss.backward()
        expected = {
            "pixel_values": pixels,
            "input_ids": ids,
            **expected,
            "loss": loss.detach().numpy().astype("float32"),
        }
        for key, tensor in tensors.items():
            expected["gradient:" + key] = tensor.grad.numpy().astype("float32")
        safetensors_file.write(os.path.join(out, "expected.safetensors"), expected)
    (first, attention), (second, pattern) = made
    both, _ = embeddings([(0.5 * first, attention), (0.25 * second, pattern)])
    safetensors_file.write(os.path.join(directory, "both.safetensors"), both)


main(*sys.argv[1:])

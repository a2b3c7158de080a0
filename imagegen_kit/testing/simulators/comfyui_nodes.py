"""ComfyUI's standard nodes as data: what each takes and gives. Source: ``nodes.py`` of ComfyUI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SAMPLERS = (
    "euler",
    "euler_ancestral",
    "heun",
    "dpm_2",
    "dpmpp_2m",
    "dpmpp_2m_sde",
    "dpmpp_sde",
    "lcm",
    "ddim",
    "uni_pc",
)
SCHEDULERS = ("normal", "karras", "exponential", "sgm_uniform", "simple", "ddim_uniform", "beta")
CHECKPOINTS = ("v1-5-pruned-emaonly-fp16.safetensors", "sd_xl_base_1.0.safetensors")
SCALING = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")


@dataclass(frozen=True, slots=True)
class Input:
    """One input: a type of its own (MODEL, IMAGE …) comes over a link; numbers may have bounds, ``choices`` a list.

    ``file`` names a picture that must have been uploaded.
    """

    kind: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    file: bool = False

    @property
    def linked(self) -> bool:
        """Whether the value can only come from another node."""
        return self.kind not in ("INT", "FLOAT", "STRING", "COMBO")


@dataclass(frozen=True, slots=True)
class Node:
    """One class of nodes. ``output`` marks those whose pictures are kept."""

    inputs: Mapping[str, Input]
    gives: tuple[str, ...] = ()
    output: bool = False


def _whole(least: int, most: int) -> Input:
    return Input("INT", least, most)


def _share() -> Input:
    return Input("FLOAT", 0.0, 1.0)


def _one_of(*choices: str) -> Input:
    return Input("COMBO", choices=choices)


def _link(kind: str) -> Input:
    return Input(kind)


TEXT = Input("STRING")
SIDE = _whole(16, 16384)
FILE = Input("COMBO", file=True)
_SAMPLING = {
    "model": _link("MODEL"),
    "steps": _whole(1, 10000),
    "cfg": Input("FLOAT", 0.0, 100.0),
    "sampler_name": _one_of(*SAMPLERS),
    "scheduler": _one_of(*SCHEDULERS),
    "positive": _link("CONDITIONING"),
    "negative": _link("CONDITIONING"),
    "latent_image": _link("LATENT"),
}
_ADVANCED = {
    "add_noise": _one_of("enable", "disable"),
    "noise_seed": _whole(0, 2**64 - 1),
    "start_at_step": _whole(0, 10000),
    "end_at_step": _whole(0, 10000),
    "return_with_leftover_noise": _one_of("disable", "enable"),
}
_EMPTY = Node({"width": SIDE, "height": SIDE, "batch_size": _whole(1, 4096)}, ("LATENT",))
_SCALE = {
    "image": _link("IMAGE"),
    "upscale_method": _one_of(*SCALING),
    "width": _whole(0, 16384),
    "height": _whole(0, 16384),
    "crop": _one_of("disabled", "center"),
}
_INPAINT = {
    "pixels": _link("IMAGE"),
    "vae": _link("VAE"),
    "mask": _link("MASK"),
    "grow_mask_by": _whole(0, 64),
}

NODES: Mapping[str, Node] = {
    "CheckpointLoaderSimple": Node({"ckpt_name": _one_of(*CHECKPOINTS)}, ("MODEL", "CLIP", "VAE")),
    "CLIPTextEncode": Node({"text": TEXT, "clip": _link("CLIP")}, ("CONDITIONING",)),
    "CLIPSetLastLayer": Node({"clip": _link("CLIP"), "stop_at_clip_layer": _whole(-24, -1)}, ("CLIP",)),
    "ConditioningZeroOut": Node({"conditioning": _link("CONDITIONING")}, ("CONDITIONING",)),
    "FluxGuidance": Node(
        {"conditioning": _link("CONDITIONING"), "guidance": Input("FLOAT", 0.0, 100.0)}, ("CONDITIONING",)
    ),
    "KSampler": Node({**_SAMPLING, "seed": _whole(0, 2**64 - 1), "denoise": _share()}, ("LATENT",)),
    "KSamplerAdvanced": Node({**_SAMPLING, **_ADVANCED}, ("LATENT",)),
    "EmptyLatentImage": _EMPTY,
    "EmptySD3LatentImage": _EMPTY,
    "VAEDecode": Node({"samples": _link("LATENT"), "vae": _link("VAE")}, ("IMAGE",)),
    "VAEEncode": Node({"pixels": _link("IMAGE"), "vae": _link("VAE")}, ("LATENT",)),
    "VAEEncodeForInpaint": Node(_INPAINT, ("LATENT",)),
    "SetLatentNoiseMask": Node({"samples": _link("LATENT"), "mask": _link("MASK")}, ("LATENT",)),
    "LoadImage": Node({"image": FILE}, ("IMAGE", "MASK")),
    "LoadImageMask": Node({"image": FILE, "channel": _one_of("alpha", "red", "green", "blue")}, ("MASK",)),
    "ImageScale": Node(_SCALE, ("IMAGE",)),
    "SaveImage": Node({"images": _link("IMAGE"), "filename_prefix": TEXT}, output=True),
    "PreviewImage": Node({"images": _link("IMAGE")}, output=True),
}

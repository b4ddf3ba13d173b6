"""Where official weights lie, and what their authors say that they give."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

__all__ = ["AVERAGED", "WEIGHTS", "Weights", "hash_note"]

_VIM = "hustvl/Vim, README"
_VMAMBA = "MzeroMiko/VMamba, assets/performance.md"
_VIDEO = "OpenGVLab/VideoMamba, videomamba/video_sm/MODEL_ZOO.md"
_V0, _V2 = (f"https://github.com/MzeroMiko/VMamba/releases/download/%23{v}cls" for v in ("v0", "v2"))
AVERAGED = "model_ema"
_ALIYUN = "https://pjlab-gvm-data.oss-cn-shanghai.aliyuncs.com/videomamba"


@dataclass(frozen=True)
class Weights:
    """An official checkpoint: its address (the page of its repository for Hugging Face), the name of its file, the
    accuracy that its authors give (% of the first guesses on `data`), and where they do.

    averaged: the figure is of the averaged weights, which the file holds as AVERAGED beside the last ones. sha256: of
    the file, where somebody recorded it, and who; "" where we know of none. We could not download any.
    """

    page: str
    file: str
    top1: float
    source: str
    data: str = "ImageNet-1K"
    averaged: bool = False
    sha256: str = ""
    recorded: str = ""

    @property
    def address(self) -> str:
        """Of the file itself."""
        if self.page.startswith("https://huggingface.co/"):
            return f"{self.page}/resolve/main/{self.file}"
        return f"{self.page}/{self.file}"


def _vim(size: str, file: str, top1: float, sha256: str = "", recorded: str = "") -> Weights:
    page = f"https://huggingface.co/hustvl/Vim-{size}-midclstok"
    return Weights(page, f"vim_{file}acc.pth", top1, _VIM, sha256=sha256, recorded=recorded)


def _vmamba(release: str, file: str, top1: float, averaged: bool = True) -> Weights:
    return Weights(release, f"{file}.pth", top1, _VMAMBA, averaged=averaged)


def _video(letter: str, top1: float) -> Weights:
    # Of 8 frames, four times from three crops.
    return Weights(_ALIYUN, f"videomamba_{letter}16_k400_f8_res224.pth", top1, _VIDEO, "Kinetics-400, 8x3x4 frames")


# By the name of the model that reads them.
WEIGHTS: Mapping[str, Weights] = MappingProxyType(
    {
        "vim_tiny": _vim("tiny", "t_midclstok_76p1", 76.1),
        "vim_small": _vim(
            "small",
            "s_midclstok_80p5",
            80.5,
            "aae4583e2def6389b66cfaf292cfade47a873182a39adbec19ec55b730ea9fe3",
            "a note in a public repository, for revision babc4440 of the page",
        ),
        "vim_base": _vim("base", "b_midclstok_81p9", 81.9),
        "vim_tiny_stride8": _vim("tiny", "t_midclstok_ft_78p3", 78.3),
        "vim_small_stride8": _vim("small", "s_midclstok_ft_81p6", 81.6),
        "vmamba_tiny_s1l8": _vmamba(_V2, "vssm1_tiny_0230s_ckpt_epoch_264", 82.6),
        "vmamba_small_s1l20": _vmamba(_V2, "vssm1_small_0229s_ckpt_epoch_240", 83.3),
        "vmamba_base_s1l20": _vmamba(_V2, "vssm1_base_0229s_ckpt_epoch_225", 83.8),
        "vmamba_tiny_s2l5": _vmamba(_V2, "vssm_tiny_0230_ckpt_epoch_262", 82.5),
        "vmamba_small_s2l15": _vmamba(_V2, "vssm_small_0229_ckpt_epoch_222", 83.6),
        "vmamba_base_s2l15": _vmamba(_V2, "vssm_base_0229_ckpt_epoch_237", 83.9),
        "vmamba_tiny_v0": _vmamba(_V0, "vssmtiny_dp01_ckpt_epoch_292", 82.2, averaged=False),
        "vmamba_small_v0": _vmamba(_V0, "vssmsmall_dp03_ckpt_epoch_238", 83.5),
        "vmamba_base_v0": _vmamba(_V0, "vssmbase_dp06_ckpt_epoch_241", 83.7),
        "videomamba_tiny": _video("t", 76.9),
        "videomamba_small": _video("s", 79.3),
        "videomamba_middle": _video("m", 80.6),
    }
)


def hash_note(model: str, path: Path) -> str:
    """That a file which is called as a model's official weights are has another sha256 than was recorded of them; ""
    for one that has it, and where none was recorded."""
    weights = WEIGHTS.get(model)
    if weights is None or not weights.sha256 or path.name != weights.file:
        return ""
    with path.open("rb") as stream:
        own = hashlib.file_digest(stream, "sha256").hexdigest()
    if own == weights.sha256:
        return ""
    return (
        f"{path.name} has the sha256 {own[:12]}…, and {weights.sha256[:12]}… was recorded of the official file "
        f"({weights.recorded}): it may be damaged, or another one of the same name"
    )

from __future__ import annotations

import subprocess
import sys

import pytest

from spotted.errors import PreconditionError
from spotted.training.torchvision_operators import declare_missing, import_timm

# a torchvision whose compiled library does not fit torch, whatever is installed here
BROKEN = """
import torch
loaded = torch.ops.load_library
def refuse(path):
    if "torchvision" in str(path):
        raise OSError("undefined symbol")
    return loaded(path)
torch.ops.load_library = refuse
"""
IMPORT = """
from spotted.training.torchvision_operators import declare_missing, import_timm
timm = import_timm("this test")
assert declare_missing()
import torchvision
print(timm.create_model("test_resnet", num_classes=0).num_features)
"""


def test_timm_is_imported_beside_a_torchvision_that_does_not_fit() -> None:
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", BROKEN + IMPORT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


def test_timm_is_imported_with_what_is_installed() -> None:
    assert import_timm("this test").is_model("efficientnetv2_rw_m")
    assert declare_missing() == declare_missing()


@pytest.mark.parametrize("extra", ["train", "export"])
def test_a_missing_timm_is_named_with_its_extra(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(PreconditionError, match=rf"the lion needs timm.*the extra `{extra}`: pip install"):
        import_timm("the lion", extra=extra)

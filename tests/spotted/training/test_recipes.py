from __future__ import annotations

import json
from dataclasses import replace

from spotted.training.loop.settings import LoopSettings
from spotted.training.recipes import Recipe


def test_settings_are_all_values_by_name() -> None:
    settings = replace(Recipe(), flanks_apart=("leopard",), loop=LoopSettings(epochs=3)).settings()
    assert settings["loop.epochs"] == 3
    assert settings["loop.averaging.kind"] == "none"
    assert settings["schedule.peak"] == 1.5e-3
    assert settings["flanks_apart"] == ["leopard"]
    assert not any(name.startswith("network") for name in settings)
    assert json.loads(json.dumps(settings)) == settings

"""The operator commands of services.upkeep: backup, restore, upgrade, token, certificate and form-cluster.

Each is imported from services.upkeep.commands on first use. This is the only module of the library that
imports services; `spotted batch embed` imports one by its name.
"""

from __future__ import annotations

from spotted.lazy import lazy_face

__getattr__ = lazy_face(
    "services.upkeep.commands",
    {
        "backup": ("backup",),
        "restore": ("restore_files",),
        "upgrade": ("upgrade",),
        "token": ("token",),
        "certificate": ("certificate",),
        "form_cluster": ("form",),
    },
)

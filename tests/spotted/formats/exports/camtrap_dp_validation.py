"""Camtrap DP packages judged by frictionless and the schemas of Camtrap DP 1.0.2 (MIT, beside this file)."""

from __future__ import annotations

import json
from pathlib import Path

SCHEMAS = Path(__file__).with_name("camtrap-dp-1.0.2")
URL = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2/"


def faults(directory: Path) -> list[str]:
    """What is wrong with a package; nothing is fetched."""
    # two seconds of processor time to import, which reading the tests would take in every worker
    import frictionless  # noqa: PLC0415
    import jsonschema  # noqa: PLC0415

    descriptor = json.loads((directory / "datapackage.json").read_text())
    profile = json.loads((SCHEMAS / "camtrap-dp-profile.json").read_text())
    # references to schemas of others, on the net: frictionless knows the first, the second is that of GeoJSON
    profile["allOf"] = [part for part in profile["allOf"] if "$ref" not in part]
    del profile["allOf"][0]["properties"]["spatial"]["$ref"]
    found = [error.message for error in jsonschema.Draft4Validator(profile).iter_errors(descriptor)]
    for resource in descriptor["resources"]:
        schema = resource.get("schema")
        if isinstance(schema, str):
            resource["schema"] = json.loads((SCHEMAS / schema.removeprefix(URL)).read_text())
    descriptor["profile"] = "data-package"
    package = frictionless.Package.from_descriptor(descriptor, basepath=str(directory))
    report = package.validate()
    return found + [f"{where}: {note}" for where, note in report.flatten(["title", "message"])]

"""The structure that a reader can rely on: which folder may import which, and what each must have.

The rules name folders, never modules: a new module is held to the rules of its folder, and a new folder has
to be entered here before anything may import it.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BASE = {"arrays", "errors", "counting", "outliers", "period_outliers"}
SURVEY = BASE | {"survey"}
SCORES = SURVEY | {"scoring", "calibration"}
# what the rooms of `spotted` may import, lowest first; the science is what takes arrays and returns arrays
SCIENCE: dict[str, set[str]] = {
    "errors": set(),
    "arrays": set(),
    "counting": {"arrays"},
    "outliers": {"arrays"},
    "period_outliers": {"arrays"},
    "survey": BASE,
    "geodesy": BASE,
    "boxes": BASE,
    "journeys": SURVEY,
    "calibration": SURVEY | {"lazy"},
    "scoring": SURVEY | {"calibration", "lazy"},
    "local_features": BASE | {"lazy"},
    "ranking": SCORES | {"lazy"},
    "matching": SCORES | {"ranking", "local_features", "lazy"},
    "heads": BASE | {"lazy"},
    "facts": BASE,
    "constraints": BASE | {"facts"},
    "individuals": BASE | {"constraints", "facts"},
    "catalogue": BASE,
    "sampling": SURVEY | {"constraints", "facts"},
    "sampling.strategies": SURVEY | {"constraints", "sampling", "calibration", "facts"},
    "simulation": SURVEY | {"constraints", "sampling", "facts"},
    "evaluation": SCORES | {"ranking"},
    "reports": SCORES | {"ranking", "evaluation", "journeys"},
}
EDGE: dict[str, set[str]] = {
    "lazy": set(),
    "object_stores": {"errors"},
    "interrupts": set(),
    "formats": SURVEY | {"boxes"},
    "training": SCORES | {"ranking", "evaluation", "reports", "formats", "boxes", "heads", "lazy"},
    "local": {"errors", "lazy"},
    "messages": SCORES | {"v1"},
    "event_parts": {"errors", "v1"},
    "client": SCORES
    | {
        "v1",
        "messages",
        "event_parts",
        "facts",
        "ranking",
        "constraints",
        "individuals",
        "catalogue",
        "heads",
        "local",
        "formats",
        "lazy",
    },
    "console": {"errors", "client"},
    "testing": SCORES
    | {
        "v1",
        "messages",
        "event_parts",
        "ranking",
        "constraints",
        "facts",
        "individuals",
        "client",
        "local",
        "local_features",
        "catalogue",
    },
    "batch": SCORES
    | {"ranking", "matching", "local_features", "client", "formats", "object_stores", "boxes", "lazy"},
}
# programs that put everything together
PROGRAMS = {"cli", "demo", "__main__"}
COMMON: dict[str, set[str]] = {
    "memory": set(),
    "local_methods": set(),
    "settings": {"memory"},
    "telemetry": {"settings"},
    "store": {"settings", "telemetry"},
    "rpc": {"settings", "telemetry", "store"},
    "access": {"memory", "settings", "telemetry", "store", "rpc"},
    "survey": {"settings", "telemetry", "store", "rpc"},
    "session": {"settings", "telemetry", "store", "rpc"},
    "vectors": {"settings", "telemetry", "store", "survey"},
    "server": {"memory", "settings", "telemetry", "store", "rpc", "access", "survey"},
    "process": {"memory", "settings", "telemetry", "store", "rpc", "access", "survey"},
}
SCIENCE_MAY = {"numpy", "scipy", "sklearn", "torch", "spotted"}
# rows are multiplied by the quickest product that is installed
RANKING_MAY = SCIENCE_MAY | {"numkong"}
# keypoints are found and matched by libraries in C, which take arrays as well
LOCAL_MAY = SCIENCE_MAY | {"cv2", "onnxruntime"}
# a turned box is interpolated by Pillow, from an array to an array
BOXES_MAY = SCIENCE_MAY | {"PIL"}
# reports draw and render; they are science in what they may know of Spotted, not in their tools
REPORTS_MAY = SCIENCE_MAY | {"matplotlib", "jinja2", "PIL"}
THIRD_PARTY_OF = {
    "ranking": RANKING_MAY,
    "reports": REPORTS_MAY,
    "local_features": LOCAL_MAY,
    "boxes": BOXES_MAY,
}
FORBIDDEN_IN_SCIENCE = {"os", "time", "pathlib", "logging", "socket", "subprocess", "datetime", "random"}
TORCH_ROOMS = {"heads", "sampling.strategies", "ranking"}
LONGEST_MODULE = 300
LONGEST_BODY = 40
MOST_FILES = 20
SERVICES = ("embedder", "scorer", "sampler")
NEVER = re.compile(r"\b(utils?|manager|helper)\b")


def modules(*parts: str) -> Iterator[Path]:
    for part in parts:
        for path in sorted((ROOT / part).rglob("*.py")):
            if "v1" not in path.relative_to(ROOT).parts:
                yield path


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def text_of(path: Path) -> str:
    return path.read_text()


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file, which many cases look at and none changes."""
    return ast.parse(text_of(path))


@cache
def known() -> frozenset[str]:
    return frozenset(dotted(path) for path in (ROOT / "spotted").rglob("*.py")) | frozenset(
        dotted(path) for path in modules("services")
    )


@cache
def imports(path: Path) -> frozenset[str]:
    """Imports of a file, inside functions too: the module for Spotted's own, the dotted name for others."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inside & known() or {node.module}
    return frozenset(found)


def room(module: str) -> str:
    """The room of a module of ours: its first folder or file below `spotted` or `services.common`."""
    parts = module.split(".")
    if parts[:3] == ["spotted", "sampling", "strategies"]:
        return "sampling.strategies"
    if parts[:2] == ["services", "common"]:
        return parts[2] if len(parts) > 2 else ""
    return parts[1] if len(parts) > 1 else ""


def rooms_imported(path: Path, package: str) -> set[str]:
    ours = {name for name in imports(path) if name == package or name.startswith(f"{package}.")}
    return {room(name) for name in ours} - {room(dotted(path)), ""}


@pytest.mark.parametrize("path", list(modules("spotted")), ids=relative)
def test_rooms_import_only_what_stands_below_them(path: Path) -> None:
    own = room(dotted(path))
    if own in PROGRAMS | {""}:
        return
    rules = SCIENCE | EDGE
    assert own in rules, f"{own} is new: enter what it may import"
    assert rooms_imported(path, "spotted") <= rules[own]


@pytest.mark.parametrize("path", list(modules("services/common")), ids=relative)
def test_what_services_share_imports_only_what_stands_below_it(path: Path) -> None:
    own = room(dotted(path)) if path.parent.name != "services" else ""
    if own and own != "common":
        assert rooms_imported(path, "services.common") <= COMMON[own]


@pytest.mark.parametrize("path", list(modules("spotted")), ids=relative)
def test_science_knows_only_arrays(path: Path) -> None:
    own = room(dotted(path))
    if own not in SCIENCE:
        return
    roots = {name.split(".")[0] for name in imports(path)}
    third_party = {root for root in roots if root not in sys.stdlib_module_names}
    assert third_party <= THIRD_PARTY_OF.get(own, SCIENCE_MAY)
    assert own == "reports" or not roots & FORBIDDEN_IN_SCIENCE
    assert "torch" not in roots or own in TORCH_ROOMS


@pytest.mark.parametrize("path", list(modules("spotted")), ids=relative)
def test_the_library_does_not_know_the_services(path: Path) -> None:
    reached = {name for name in imports(path) if name.split(".")[0] == "services"}
    # the command line runs the operator's commands in its own process
    assert not reached or relative(path) == "spotted/cli/operate.py"


@pytest.mark.parametrize("path", list(modules("services")), ids=relative)
def test_services_do_not_import_each_other(path: Path) -> None:
    own = path.relative_to(ROOT / "services").parts[0]
    others = {name.split(".")[1] for name in imports(path) if name.startswith("services.")}
    assert others <= {own, "common"}


CORE_OF_EMBEDDER = [*modules("services/embedder/inference"), *modules("services/embedder/images")]


@pytest.mark.parametrize("path", CORE_OF_EMBEDDER, ids=relative)
def test_the_core_of_the_embedder_knows_no_messages(path: Path) -> None:
    edge = {name for name in imports(path) if name == "services.embedder.wire" or name.endswith("_pb2")}
    assert not edge


@pytest.mark.parametrize("path", CORE_OF_EMBEDDER, ids=relative)
def test_the_core_of_the_embedder_imports_no_metrics_store_or_server(path: Path) -> None:
    below = ("services.embedder.images", "services.embedder.inference", "services.embedder.reports")
    allowed = (*below, "services.common.memory", "services.common.local_methods")
    ours = {name for name in imports(path) if name.startswith("services.")}
    assert not {name for name in ours if not name.startswith(allowed)}


def test_the_core_of_the_embedder_runs_with_few_packages() -> None:
    """Other model servers that run the same model install these, besides themselves."""
    code = (
        "import json, sys, services.embedder.images, services.embedder.inference;"
        "loaded = {name: getattr(module, '__file__', '') for name, module in sys.modules.items()};"
        "print(json.dumps([name for name, file in loaded.items() if 'site-packages' in (file or '')]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    packages = {name.split(".")[0] for name in json.loads(done.stdout) if not name.startswith("_")}
    assert packages <= {"numpy", "onnxruntime", "PIL", "simplejpeg"}


def circles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """The sets of nodes that reach each other, by what each reaches."""
    reached: dict[str, set[str]] = {}
    for node in graph:
        seen: set[str] = set()
        ahead = set(graph[node])
        while ahead:
            one = ahead.pop()
            seen.add(one)
            ahead |= graph.get(one, set()) - seen
        reached[node] = seen
    return [{b for b in reached[a] if a in reached.get(b, set())} for a in reached if a in reached[a]]


def test_files_do_not_import_each_other_in_circles() -> None:
    faces = {dotted(path) for path in modules("spotted", "services") if path.name == "__init__.py"}
    graph = {
        dotted(path): set(imports(path) & known()) - {dotted(path)}
        for path in modules("spotted", "services")
        if dotted(path) not in faces
    }
    assert not circles(graph)


def test_folders_do_not_import_each_other_in_circles() -> None:
    """Files that stand beside folders are rooms of their own, as folders are."""

    def place(module: str) -> str:
        folder = ROOT / module.replace(".", "/")
        return module if folder.is_dir() else module.rpartition(".")[0]

    for parent in (path.parent for path in modules("spotted", "services") if path.name == "__init__.py"):
        prefix = dotted(parent) + "."
        graph: dict[str, set[str]] = {}
        for path in parent.rglob("*.py"):
            if "v1" in path.parts or (path.parent == parent and path.name == "__init__.py"):
                continue
            own = prefix + dotted(path).removeprefix(prefix).split(".")[0]
            targets = {
                prefix + name.removeprefix(prefix).split(".")[0]
                for name in imports(path) & known()
                if name.startswith(prefix)
            }
            graph.setdefault(own, set()).update(targets - {own})
        assert not circles(graph), place(dotted(parent))


@pytest.mark.parametrize(
    "path", [p for p in modules("spotted", "services") if p.name == "__init__.py"], ids=relative
)
def test_a_package_says_what_it_is_and_lists_its_rooms(path: Path) -> None:
    described = ast.get_docstring(parsed(path))
    assert described
    # the words before the gap of a line such as "rooms, more   what they are"
    heads = [line.split("  ")[0] for line in described.splitlines() if "  " in line.strip()]
    listed = {word for head in heads for word in re.split(r",\s*", head)}
    rooms = {p.stem for p in path.parent.glob("*.py")} - {"__init__", "__main__"}
    rooms |= {p.name for p in path.parent.iterdir() if (p / "__init__.py").is_file()}
    assert rooms <= listed, f"not listed: {sorted(rooms - listed)}"


@pytest.mark.parametrize(
    "package", sorted(name for name in known() if (ROOT / name.replace(".", "/")).is_dir())
)
def test_a_face_exports_what_it_names(package: str) -> None:
    tree = parsed(ROOT / package.replace(".", "/") / "__init__.py")
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith(f"{package}.")
        and node.module != "spotted.lazy"
        for alias in node.names
    }
    exported = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and [t.id for t in node.targets if isinstance(t, ast.Name)] == ["__all__"]
    ]
    if imported and package not in {"spotted.cli", "services.upkeep"}:
        assert exported
        assert imported <= set(exported[0])


@pytest.mark.parametrize("path", list(modules("spotted", "services")), ids=relative)
def test_no_function_has_the_name_of_its_module(path: Path) -> None:
    if relative(path).startswith(("spotted/cli/", "services/upkeep/commands/")):
        return  # a command and its file are one thing
    names = {node.name for node in parsed(path).body if isinstance(node, ast.FunctionDef)}
    assert path.stem not in names


@pytest.mark.parametrize("path", list(modules("spotted", "services")), ids=relative)
def test_only_the_settings_and_process_modules_read_the_environment(path: Path) -> None:
    if relative(path) in {
        "services/common/process.py",
        "services/embedder/__main__.py",
        "services/embedder/training/__main__.py",
        "services/review/__main__.py",
        "spotted/local/processes.py",
    }:
        return
    assert "os.environ" not in text_of(path)
    assert "getenv" not in text_of(path)


@pytest.mark.parametrize("path", list(modules("spotted", "services")), ids=relative)
def test_modules_and_bodies_fit_a_glance(path: Path) -> None:
    assert len(text_of(path).splitlines()) <= LONGEST_MODULE
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body and body[-1].end_lineno else 0
            assert lines <= LONGEST_BODY, f"{node.name} has {lines} lines"


def test_a_folder_holds_one_idea() -> None:
    for path in modules("spotted", "services"):
        if path.name == "__init__.py":
            files = [p for p in path.parent.glob("*.py") if not p.name.startswith("__")]
            assert len(files) <= MOST_FILES, f"{relative(path.parent)} has {len(files)} files"


@pytest.mark.parametrize("path", list(modules("spotted", "services")), ids=relative)
def test_modules_are_named_by_their_idea(path: Path) -> None:
    assert not NEVER.search(path.stem)


def fresh(code: str) -> str:
    """The output of a new interpreter."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


FORBID = (
    "import sys, importlib\n"
    "class Forbid:\n"
    "    def find_spec(self, name, path=None, target=None):\n"
    "        if name.split('.')[0] in {forbidden!r} or name in {forbidden!r}:\n"
    "            raise AssertionError(name)\n"
    "sys.meta_path.insert(0, Forbid())\n"
)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_without_what_few_calls_need(service: str) -> None:
    # scipy imports its parts on first use (`scipy.special.expit`), some of which take a second
    parts = ("cluster", "linalg", "optimize", "sparse", "spatial", "special", "stats")
    forbidden = {"torch", "torchvision", "timm", "sklearn"} | {f"scipy.{part}" for part in parts}
    fresh(FORBID.format(forbidden=forbidden) + f"importlib.import_module('services.{service}.__main__')\n")


def test_pairs_are_found_and_methods_named_without_torch() -> None:
    fresh(FORBID.format(forbidden={"torch"}) + "import spotted.training.methods, spotted.training.pairs\n")


def test_file_formats_load_neither_grpc_nor_protobuf() -> None:
    forbidden = {"grpc", "google.protobuf", "spotted.v1", "torch"}
    fresh(FORBID.format(forbidden=forbidden) + "import spotted.formats\n")


# imports each room as if it were the first; what is forbidden is never loaded, so none hides it from the next
EACH_ROOM = (
    "failures = {{}}\n"
    "for room in {rooms!r}:\n"
    "    for loaded in [name for name in sys.modules if name.split('.')[0] == 'spotted']:\n"
    "        del sys.modules[loaded]\n"
    "    try:\n"
    "        importlib.import_module('spotted.' + room)\n"
    "    except Exception as error:\n"
    "        failures[room] = repr(error)\n"
    "import json\n"
    "print(json.dumps(failures))\n"
)


@pytest.fixture(scope="module")
def failures() -> dict[str, str]:
    """What kept each room of the science from being imported without gRPC and torch."""
    forbidden = {"grpc", "google.protobuf", "spotted.v1", "torch"}
    code = FORBID.format(forbidden=forbidden) + EACH_ROOM.format(rooms=sorted(SCIENCE))
    found: dict[str, str] = json.loads(fresh(code))
    return found


@pytest.mark.parametrize("name", sorted(SCIENCE))
def test_science_loads_neither_grpc_nor_torch(name: str, failures: dict[str, str]) -> None:
    assert name not in failures, failures[name]


def test_the_front_door_opens_without_what_stands_behind_it() -> None:
    forbidden = {"grpc", "google.protobuf", "numpy", "matplotlib", "torch", "scipy", "sklearn"}
    fresh(FORBID.format(forbidden=forbidden) + "import spotted\n")


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_load_only_what_they_print(option: str) -> None:
    forbidden = {"grpc", "google.protobuf", "numpy", "matplotlib", "torch", "scipy", "sklearn"}
    code = f"sys.argv[1:] = [{option!r}]\nfrom spotted.cli import main\nmain()\n"
    assert "potted" in fresh(FORBID.format(forbidden=forbidden) + code)


def has_functions(path: Path) -> bool:
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not all(isinstance(line, ast.Expr) for line in node.body)  # a protocol's method has no body
        for node in ast.walk(parsed(path))
    )


@pytest.mark.parametrize(
    "path", [p for p in modules("spotted", "services") if not p.name.startswith("__")], ids=relative
)
def test_a_module_has_a_test_file_that_imports_it(path: Path) -> None:
    if not has_functions(path):
        return
    mirror = ROOT / "tests" / path.relative_to(ROOT).parent / f"test_{path.name}"
    assert mirror.is_file()
    assert dotted(path) in imports(mirror) or any(
        name.startswith(f"{dotted(path)}.") for name in imports(mirror)
    )


def test_every_test_file_mirrors_a_module() -> None:
    unknown = []
    for part in ("spotted", "services"):
        for path in (ROOT / "tests" / part).rglob("test_*.py"):
            folder = path.relative_to(ROOT / "tests").parent
            name = path.stem.removeprefix("test_")
            # test_x.py, or test_x_aspect.py if one module has several
            names = [name[:end] for end, letter in enumerate(name + "_") if letter == "_"]
            candidates = [ROOT / folder / f for n in names for f in (n, f"{n}.py", f"__{n}__.py", f"{n}_.py")]
            if not any(c.exists() for c in candidates):
                unknown.append(relative(path))
    assert not unknown

"""Generate spotted/v1 and docs/api.md from protos/; with --check, prove that the committed ones are fresh."""

from __future__ import annotations

import argparse
import filecmp
import importlib.resources
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from google.protobuf import descriptor_pb2, unknown_fields
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
PACKAGE = Path("spotted/v1")
PAGE = Path("docs/api.md")
# number of spotted.v1.least_role
LEAST_ROLE = 50101
# field numbers of google/protobuf/descriptor.proto, by which comments are found
MESSAGES, ENUMS, SERVICES, FIELDS, VALUES, METHODS, SYNTAX = 4, 5, 6, 2, 2, 2, 12


def main() -> int:
    """Generate into the tree, or compare the tree with a fresh generation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the tree is stale")
    if not parser.parse_args().check:
        generate(ROOT)
        return 0
    with tempfile.TemporaryDirectory() as fresh:
        generate(Path(fresh))
        stale = list(differences(Path(fresh)))
    for path in stale:
        print(f"{path} is stale; run `make stubs` and commit it")
    return 1 if stale else 0


def generate(target: Path) -> None:
    """Write the stubs and the page below a directory."""
    (target / PACKAGE).mkdir(parents=True, exist_ok=True)
    (target / PAGE).parent.mkdir(parents=True, exist_ok=True)
    (target / PACKAGE / "__init__.py").write_text('"""Generated from protos/spotted/v1 by `make stubs`."""\n')
    description = target / PACKAGE / "contract.bin"
    outputs = [f"--{kind}_out={target}" for kind in ("python", "grpc_python")]
    typed = [f"--{kind}_out=quiet:{target}" for kind in ("mypy", "mypy_grpc")]
    described = ["--include_source_info", f"--descriptor_set_out={description}"]
    sources = sorted(str(p.relative_to(PROTOS)) for p in PROTOS.rglob("*.proto"))
    shipped = str(importlib.resources.files("grpc_tools") / "_proto")
    status = protoc.main(["", f"-I{PROTOS}", f"-I{shipped}", *outputs, *typed, *described, *sources])
    if status:
        raise SystemExit(status)
    files = descriptor_pb2.FileDescriptorSet.FromString(description.read_bytes()).file
    description.unlink()
    for file in files:
        if not file.service:
            for ending in ("_pb2_grpc.py", "_pb2_grpc.pyi"):
                (target / file.name.replace(".proto", ending)).unlink(missing_ok=True)
    (target / PAGE).write_text("\n".join(page(files)) + "\n")


def differences(fresh: Path) -> Iterator[Path]:
    """The generated files that differ from the committed ones, or stand on one side only."""
    generated = {p.relative_to(fresh) for p in fresh.rglob("*") if p.is_file()}
    committed = {p.relative_to(ROOT) for p in (ROOT / PACKAGE).glob("*.py*")} | {PAGE}
    for path in sorted(generated | committed):
        here, there = ROOT / path, fresh / path
        if not (here.is_file() and there.is_file() and filecmp.cmp(here, there, shallow=False)):
            yield path


def page(files: Sequence[descriptor_pb2.FileDescriptorProto]) -> Iterator[str]:
    """The lines of the contract's page: per file its services, messages and enums with their comments."""
    yield "# The contract"
    yield ""
    yield "Generated from `protos/spotted/v1` by `make stubs`; do not edit."
    roles = {
        value.number: value.name.removeprefix("ROLE_").lower()
        for file in files
        for enum in file.enum_type
        if enum.name == "Role"
        for value in enum.value
    }
    for file in files:
        comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
        yield from ("", f"## {file.name}", "", *prose(comments.get((SYNTAX,), "")))
        for i, service in enumerate(file.service):
            yield from ("", f"### {service.name}", "", *prose(comments[SERVICES, i]), "")
            yield from ("| rpc | least role | takes | answers | |", "|---|---|---|---|---|")
            for j, method in enumerate(service.method):
                takes = kind(method.input_type, streaming=method.client_streaming)
                answers = kind(method.output_type, streaming=method.server_streaming)
                text = cell(comments[SERVICES, i, METHODS, j])
                yield f"| `{method.name}` | {least_role(method, roles)} | {takes} | {answers} | {text} |"
        for i, message in enumerate(file.message_type):
            yield from ("", f"### {message.name}", "", *prose(comments[MESSAGES, i]))
            if message.field:
                yield from ("", "| field | type | |", "|---|---|---|")
            for j, field in enumerate(message.field):
                text = cell(comments[MESSAGES, i, FIELDS, j])
                yield f"| `{field.name}` = {field.number} | {field_kind(field)} | {text} |"
        for i, enum in enumerate(file.enum_type):
            yield from ("", f"### {enum.name}", "", *prose(comments[ENUMS, i]), "")
            yield from ("| value | |", "|---|---|")
            for j, value in enumerate(enum.value):
                yield f"| `{value.name}` = {value.number} | {cell(comments[ENUMS, i, VALUES, j])} |"


def least_role(method: descriptor_pb2.MethodDescriptorProto, roles: Mapping[int, str]) -> str:
    """The least role that an rpc takes, which stands in an option that only our own stubs would know."""
    options = unknown_fields.UnknownFieldSet(method.options)
    numbers = (options[i] for i in range(len(options)))
    return next(roles[int(str(field.data))] for field in numbers if field.field_number == LEAST_ROLE)


def prose(comment: str) -> list[str]:
    """A comment as paragraphs."""
    return [line.removeprefix(" ").rstrip() for line in comment.rstrip().splitlines()]


def cell(comment: str) -> str:
    """A comment as one table cell."""
    return " ".join(comment.split()).replace("|", "\\|")


def kind(full_name: str, *, streaming: bool = False) -> str:
    """A message or enum by its short name, linked if it belongs to the contract."""
    short = full_name.rsplit(".", 1)[-1]
    ours = full_name.startswith(".spotted.v1.")
    text = f"[{short}](#{short.lower()})" if ours else f"`{full_name.removeprefix('.')}`"
    return f"stream of {text}" if streaming else text


def field_kind(field: descriptor_pb2.FieldDescriptorProto) -> str:
    """A field's type as a reader says it."""
    if field.type_name.endswith("Entry"):
        return "map of string to double"
    scalar = descriptor_pb2.FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    text = kind(field.type_name) if field.type_name else scalar
    if field.label == descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED:
        return f"repeated {text}"
    return f"optional {text}" if field.proto3_optional else text


if __name__ == "__main__":
    sys.exit(main())

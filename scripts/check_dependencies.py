#!/usr/bin/env python3
"""Holds the dependency graph against deny.toml, and THIRD-PARTY.md against the graph.

    check_dependencies.py                checks licences, bans, sources and the list
    check_dependencies.py --write        writes THIRD-PARTY.md anew
    check_dependencies.py --texts FILE   writes every licence text that a release must carry

What cargo-deny would say of licences, bans and sources, without installing it: `make deny` runs the
real one. Needs Python 3.11 and cargo.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "THIRD-PARTY.md"
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"
# The programs that a release ships; what only measures or trains is marked.
SHIPPED = ["tacita-server", "tacita-client", "tacita-compile"]
LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|copyright|unlicense)", re.IGNORECASE)


def metadata(*arguments):
    command = [os.environ.get("CARGO", "cargo"), "metadata", "--format-version", "1", "--locked"]
    platform = ["--filter-platform", "x86_64-unknown-linux-gnu"]
    out = subprocess.run([*command, *platform, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return json.loads(out.stdout)


def terms(expression):
    """The alternatives of an SPDX expression, each a set of licences that hold together."""
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))

    def either():
        found = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            found = found + both()
        return found

    def both():
        found = single()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            right = single()
            found = [a | b for a in found for b in right]
        return found

    def single():
        token = tokens.pop(0)
        if token == "(":
            found = either()
            tokens.pop(0)
            return found
        if len(tokens) > 1 and tokens[0] == "WITH":
            token = f"{token} WITH {tokens[1]}"
            del tokens[:2]
        return [{token}]

    return either()


def banned(package, ban, users):
    """As cargo-deny: a crate that only its `wrappers` use is let through."""
    name, _, version = ban["crate"].partition("@")
    named = package["name"] == name and (not version or package["version"].split(".")[0] == version)
    return named and not users[package["id"]] <= set(ban.get("wrappers", []))


def users_of(graph):
    """The names of the packages that depend on each package."""
    names = {package["id"]: package["name"] for package in graph["packages"]}
    users = {package["id"]: set() for package in graph["packages"]}
    for node in graph["resolve"]["nodes"]:
        for dependency in node["dependencies"]:
            users[dependency].add(names[node["id"]])
    return users


def violations(graph, rules):
    """What cargo-deny would refuse."""
    licences = rules["licenses"]
    users = users_of(graph)
    exceptions = {e["crate"]: set(e["allow"]) for e in licences["exceptions"]}
    for package in graph["packages"]:
        name = f'{package["name"]} {package["version"]}'
        allowed = set(licences["allow"]) | exceptions.get(package["name"], set())
        if not package["license"]:
            yield f"{name} states no licence"
        elif not any(together <= allowed for together in terms(package["license"])):
            yield f'{name} is licensed {package["license"]}, which deny.toml does not allow'
        if package["source"] not in (None, CRATES_IO):
            yield f'{name} comes from {package["source"]}'
        for ban in rules["bans"]["deny"]:
            if banned(package, ban, users):
                yield f'{name} is banned: {ban["reason"]}'
    names = {package["name"] for package in graph["packages"]}
    for crate in exceptions.keys() - names:
        yield f"deny.toml makes an exception for {crate}, which nothing uses"


def shipped(graph):
    """Third-party packages that the shipped programs contain, without build and test tools."""
    command = [os.environ.get("CARGO", "cargo"), "tree", "--locked", "--edges", "normal"]
    shape = ["--prefix", "none", "--format", "{p}", "--target", "x86_64-unknown-linux-gnu"]
    programs = [argument for name in SHIPPED for argument in ("--package", name)]
    out = subprocess.run(
        [*command, *shape, *programs], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    named = {tuple(line.split()[:2]) for line in out.stdout.splitlines() if line}
    found = [p for p in graph["packages"] if (p["name"], f'v{p["version"]}') in named and p["source"]]
    return sorted(found, key=lambda p: (p["name"], p["version"]))


def listing(packages):
    rows = [
        f'| {p["name"]} | {p["version"]} | {p["license"].replace("/", " OR ")} | {p["repository"] or ""} |'
        for p in packages
    ]
    return "\n".join(
        [
            "# Third-party software",
            "",
            "Libraries that `tacita-server`, `tacita-client` and `tacita-compile` contain, by",
            "`scripts/check_dependencies.py --write`; `--texts FILE` writes the licence texts that go",
            "into a release. Data and models of others: see [NOTICE.md](NOTICE.md).",
            "",
            "| crate | version | licence | source |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def texts(packages):
    for package in packages:
        yield f'{"=" * 78}\n{package["name"]} {package["version"]}: {package["license"]}\n'
        folder = Path(package["manifest_path"]).parent
        files = sorted(f for f in folder.iterdir() if f.is_file() and LICENCE_FILE.search(f.name))
        if not files:
            yield "(the package carries no text: the standard one of the licence named above)\n"
        for file in files:
            yield f'{"-" * 78}\n{file.read_text(errors="replace").rstrip()}\n'


def main(arguments):
    packages = shipped(metadata())
    if arguments[:1] == ["--texts"] and len(arguments) == 2:
        Path(arguments[1]).write_text("\n".join(texts(packages)))
        return 0
    if arguments == ["--write"]:
        LIST.write_text(listing(packages))
        return 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    found = list(violations(metadata("--all-features"), rules))
    if not LIST.exists() or LIST.read_text() != listing(packages):
        found.append("THIRD-PARTY.md is out of date: scripts/check_dependencies.py --write")
    for line in found:
        print(f"check_dependencies: {line}", file=sys.stderr)
    if not found:
        print(f"check_dependencies: {len(packages)} shipped packages, all as deny.toml allows")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

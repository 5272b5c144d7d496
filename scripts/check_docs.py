"""Checks what MkDocs cannot see of the documentation. Run by scripts/book.sh, from the top.

1. Relative links and anchors of every Markdown file, with the anchors that GitHub gives.
2. Paths that docs/ names in code spans exist.
3. Sections of docs/protocol.md that comments refer to exist, and so does every docs/*.md they name.
4. Headings of docs/troubleshooting.md that quote messages are the programs' own words.
"""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import markdown

# Where there is no git: what is made, not kept.
MADE = {"target", "libtorch", "runs", "node_modules"}


def tracked():
    """The repository's files."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        names = subprocess.run(command, capture_output=True, check=True).stdout.decode()
        files = [Path(name) for name in names.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        files = [path for path in Path().rglob("*") if path.is_file()]
        files = [path for path in files if not (path.parts[0].startswith(".") or MADE & {*path.parts})]
    return [path for path in files if path.is_file()]


class Page(HTMLParser):
    """Links, anchors, code spans and headings of one Markdown file."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors, self.spans, self.headings = [], set(), [], []
        self.text, self.heading, self.span, self.block = "", None, None, 0
        extensions = ["tables", "fenced_code"]
        self.feed(markdown.markdown(path.read_text(encoding="utf-8"), extensions=extensions))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.links += [attrs[key] for key in ("href", "src") if attrs.get(key)]
        self.anchors |= {attrs[key] for key in ("id", "name") if attrs.get(key)}
        if re.fullmatch("h[1-6]", tag):
            self.heading = ""
        elif tag == "pre":
            self.block += 1
        elif tag == "code" and not self.block:
            self.span = ""

    def handle_endtag(self, tag):
        if tag == "pre":
            self.block -= 1
        elif tag == "code" and self.span is not None:
            self.spans.append(self.span)
            self.span = None
        elif self.heading is not None and re.fullmatch("h[1-6]", tag):
            self.headings.append(self.heading)
            self.anchors.add(self.anchor(self.heading))
            self.heading = None

    def handle_data(self, data):
        self.heading = None if self.heading is None else self.heading + data
        self.span = None if self.span is None else self.span + data

    def anchor(self, heading):
        """As GitHub makes it: a repeated one gets a number."""
        plain = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        free = (plain if n == 0 else f"{plain}-{n}" for n in range(1000))
        return next(name for name in free if name not in self.anchors)


def check_links(path, pages):
    """Complaints about one file's links."""
    for link in pages[path].links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = Path(unquote(parts.path)) if parts.path else Path(path.name)
        file = Path(*(path.parent / target).parts)
        if not file.exists():
            yield f"{path}: `{link}` leads nowhere"
        elif parts.fragment and file.suffix == ".md":
            page = pages.get(resolved(file)) or Page(file)
            if parts.fragment not in page.anchors:
                yield f"{path}: `{link}`: {resolved(file)} has no such heading"


def resolved(path):
    return path.resolve().relative_to(Path().resolve())


def check_paths(path, page, rooms):
    """Complaints about code spans that look like paths of the repository and are none."""
    for span in page.spans:
        looks = re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", span)
        inside = "/" in span and span.split("/")[0] in rooms
        if looks and (inside or span.endswith(".md")) and not Path(span).exists():
            yield f"{path}: there is no `{span}`"


REFERENCE = re.compile(r"docs/protocol\.md,\s+sections?\s+(\d+b?(?:\s*(?:,|and|to)\s+\d+b?)*)")


def check_comments(files, pages):
    """Complaints about comments that refer to a chapter or section that is not there."""
    headings = pages[Path("docs/protocol.md")].headings
    sections = {m[1] for m in (re.match(r"(\d+b?)\. ", h) for h in headings) if m}
    for path in files:
        text = re.sub(r"\n\s*//[/!]?\s*", " ", path.read_text(encoding="utf-8"))
        for reference in REFERENCE.findall(text):
            for section in set(re.findall(r"\d+b?", reference)) - sections:
                yield f"{path}: docs/protocol.md has no section {section}"
        for name in set(re.findall(r"docs/[\w-]+\.md", text)):
            if not Path(name).exists():
                yield f"{path}: there is no {name}"


def check_messages(path, files):
    """Complaints about quoted messages that no program prints."""
    programs = [file for file in files if "tests" not in file.parts]
    sources = "\n".join(file.read_text(encoding="utf-8") for file in programs)
    # A backslash ends a line of a string that goes on.
    sources = re.sub(r"\\\n\s*", "", sources)
    for quoted in re.findall(r"(?m)^## `(.+)`$", path.read_text(encoding="utf-8")):
        for piece in filter(None, (piece.strip() for piece in quoted.split("..."))):
            if piece not in sources:
                yield f"{path}: no program says `{piece}`"


def main():
    files = tracked()
    rust = [path for path in files if path.suffix == ".rs"]
    pages = {path: Page(path) for path in files if path.suffix == ".md"}
    rooms = {path.parts[0] for path in files if len(path.parts) > 1}
    complaints = [line for path in pages for line in check_links(path, pages)]
    for path, page in pages.items():
        if path.parts[0] == "docs":
            complaints += check_paths(path, page, rooms)
    complaints += check_comments(rust, pages)
    complaints += check_messages(Path("docs/troubleshooting.md"), rust)
    print("\n".join(complaints), file=sys.stderr, end="\n" if complaints else "")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()

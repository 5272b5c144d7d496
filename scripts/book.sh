#!/usr/bin/env bash
# book.sh
#
# Builds the book (docs/) into target/book and checks it: links and anchors within the book, those of
# the repository's other Markdown files, the paths that the book names, the sections that comments
# refer to, and the messages that the troubleshooting chapter quotes (scripts/check_docs.py).
# Compiles nothing; takes seconds.
#
# Needs python3 (3.10 or newer) with pip. MkDocs goes into .venv-docs, once for each state of
# docs/requirements.txt: a virtual environment, or a folder of packages where Python has no venv.
# PYTHON=/path/to/python picks the interpreter; pip is used as it is configured on the machine.
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
PLACE=.venv-docs

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "book: python >= 3.10 needed" >&2; exit 1; }

# Interpreter and requirements: another of either makes everything anew.
stamp() {
    "$PYTHON" -c '
import hashlib, sys
print(sys.version_info[:3], sys.executable, hashlib.sha256(open("docs/requirements.txt", "rb").read()).hexdigest())'
}

install() {
    # All are pinned: there is nothing to resolve.
    local pip=(-m pip install --quiet --disable-pip-version-check --no-deps -r docs/requirements.txt)
    rm -rf "$PLACE"
    if "$PYTHON" -m venv "$PLACE" >/dev/null 2>&1; then
        "$PLACE/bin/python" "${pip[@]}"
    else
        # Debian keeps venv in a package of its own, and leaves half an environment behind.
        rm -rf "$PLACE"
        "$PYTHON" "${pip[@]}" --target "$PLACE/packages"
    fi
    stamp > "$PLACE/stamp"
}

python() {
    if [ -d "$PLACE/packages" ]; then
        PYTHONPATH="$PLACE/packages" "$PYTHON" "$@"
    else
        "$PLACE/bin/python" "$@"
    fi
}

if [ "$(cat "$PLACE/stamp" 2>/dev/null)" != "$(stamp)" ]; then
    "$PYTHON" -m pip --version >/dev/null 2>&1 || { echo "book: $PYTHON has no pip" >&2; exit 1; }
    echo "book: installing MkDocs into $PLACE"
    install
fi
# Its --quiet would keep --strict from counting warnings.
made=$(python -m mkdocs build --strict 2>&1) || { echo "$made" >&2; exit 1; }
python scripts/check_docs.py
echo "book: target/book/index.html"

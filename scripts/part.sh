#!/usr/bin/env bash
# part.sh NAME COMMAND...     runs one part of the checks and notes how long it took
# part.sh --start             begins a new list of parts
# part.sh --minutes           prints the list
set -uo pipefail
cd "$(dirname "$0")/.."
LIST=target/parts.txt

case "${1:?usage: part.sh NAME COMMAND... | --start | --minutes}" in
--start)
    mkdir -p target && : >"$LIST"
    exit
    ;;
--minutes)
    awk -F'\t' '{ printf "%6.1f min  %s\n", $1 / 60, $2; all += $1 } END { printf "%6.1f min  in all\n", all / 60 }' "$LIST"
    exit
    ;;
esac

name=$1
shift
echo "== $name"
began=$SECONDS
"$@"
code=$?
mkdir -p target && printf '%s\t%s\n' "$((SECONDS - began))" "$name" >>"$LIST"
exit "$code"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every fuzz target takes every input of its corpus without a sanitizer's report.
set -u
shopt -s nullglob
cd "$(dirname "$0")" || exit 1
build=${BUILD:-../../build}
count=0

result() {
    count=$((count + 1))
    echo "$1 $count - $2"
}

for source in *.cpp; do
    name=${source%.cpp}
    inputs=(corpus/"$name"/*)
    if [ ${#inputs[@]} -eq 0 ]; then
        result "not ok" "$name has a corpus"
    elif out=$(timeout -k 5 120 "$build/core/replay/$name" "${inputs[@]}" 2>&1); then
        result ok "$name: ${#inputs[@]} inputs"
    else
        result "not ok" "$name"
        sed 's/^/# /' <<<"$out" | tail -n 60
    fi
done
[ $count -gt 0 ] || result "not ok" "there are fuzz targets"
echo "1..$count"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# build.sh refuses, in words, an nginx that the module would not fit: Debian's structures differ
# from upstream's where nginx's own check does not look.
set -u
cd "$(dirname "$0")/../.." || exit 1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
count=0

# refuses <name> <words> [variable=value...]: the verb fails and says the words.
refuses() {
    local name=$1 words=$2 out
    shift 2
    count=$((count + 1))
    if out=$(env "$@" BUILD="$dir/build" ./build.sh module 2>&1); then
        echo "not ok $count - $name: it was built"
    elif grep -q "$words" <<<"$out"; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        sed 's/^/# /' <<<"$out"
    fi
}

# A copy of what the check reads of nginx-dev, with one thing changed.
headers() {
    mkdir -p "$dir/$1/debian" "$dir/$1/src/core"
    sed "$2" /usr/share/nginx/src/debian/libnginx-mod.abisubstvars >"$dir/$1/debian/libnginx-mod.abisubstvars"
    sed "$3" /usr/share/nginx/src/src/core/nginx.h >"$dir/$1/src/core/nginx.h"
}

mkdir "$dir/bin"
printf '#!/bin/sh\necho "nginx version: nginx/1.22.1" >&2\n' >"$dir/bin/nginx"
chmod +x "$dir/bin/nginx"
headers upstream '/^nginx:abi/d' ''
headers other_abi 's/^nginx:abi=.*/nginx:abi=nginx-abi-1.22.1-99/' ''
headers other_version '' 's/define NGINX_VERSION .*/define NGINX_VERSION "1.99.0"/'

refuses "an nginx of no package" "is of no Debian package" PATH="$dir/bin:$PATH"
refuses "headers that name no ABI" "names no nginx ABI" NGINX_SRC="$dir/upstream"
refuses "headers of another ABI" "does not provide nginx-abi-1.22.1-99" NGINX_SRC="$dir/other_abi"
refuses "headers of another version" "nginx-dev 1.99.0" NGINX_SRC="$dir/other_version"
echo "1..$count"

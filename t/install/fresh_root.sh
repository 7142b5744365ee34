#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The README's two commands in a bare Debian 12: a fresh root, this clone, nothing else.
# Needs root, debootstrap and the network; takes the Debian mirrors that apt uses here.
# KEEP=1 keeps the root. Run by ./build.sh soak.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CODENAME=bookworm
PORT=${PORT:-3000}

say() { printf 'fresh root: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "needs root"
# Mounts of our own: they end with us.
[ -n "${FRESH_ROOT_OWN_MOUNTS:-}" ] || FRESH_ROOT_OWN_MOUNTS=1 exec unshare --mount "$0" "$@"

FRESH=$(mktemp -d "${TMPDIR:-/tmp}/rt-root-XXXXXX")
chmod 755 "$FRESH" # it becomes "/", which every user must pass
SERVER=

finish() {
    [ -z "$SERVER" ] || kill -- "-$SERVER" 2>/dev/null || true
    local dir
    for dir in dev/shm dev proc; do umount -l "$FRESH/$dir" 2>/dev/null || true; done
    [ -n "${KEEP:-}" ] || rm -rf --one-file-system "$FRESH"
}
trap finish EXIT

# "<uri> <suite> <component>" of every Debian archive that apt knows for this release.
archives() {
    apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        sed -n "s/^Debian ${CODENAME}[^ ]* //p" | sort -u
}

make_root() {
    local mirror
    mirror=$(archives | awk -v suite=$CODENAME '$2 == suite { print $1; exit }')
    [ -n "$mirror" ] || fail "apt knows no Debian mirror of $CODENAME"
    debootstrap --variant=minbase $CODENAME "$FRESH" "$mirror" >"$FRESH.log" 2>&1 || { tail "$FRESH.log"; fail "debootstrap failed"; }
    rm -f "$FRESH.log"
    archives | sed 's/^/deb /' >"$FRESH/etc/apt/sources.list"
    cp /etc/resolv.conf "$FRESH/etc/resolv.conf"
    # Packages start no service: the network is this machine's.
    printf '#!/bin/sh\nexit 101\n' >"$FRESH/usr/sbin/policy-rc.d"
    chmod +x "$FRESH/usr/sbin/policy-rc.d"
    mount -t proc proc "$FRESH/proc"
    mount --bind /dev "$FRESH/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$FRESH/dev/shm"
    git -c safe.directory='*' clone -q "$ROOT" "$FRESH/srv/ngx-realtime"
}

# Becomes a command inside, in a process group of its own, with a login's environment, the
# proxies of this machine and, where it has certificates of its own, those.
inside() {
    local name own=()
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        [ -z "${!name:-}" ] || own+=("$name=${!name}")
    done
    if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
        cp "$NODE_EXTRA_CA_CERTS" "$FRESH/etc/extra-ca.pem"
        own+=(NODE_EXTRA_CA_CERTS=/etc/extra-ca.pem)
    fi
    exec setsid env -i HOME="${AS:+/home/}${AS:-/root}" TERM=dumb LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PORT="$PORT" \
        "${own[@]}" chroot ${AS:+--userspec=$AS} "$FRESH" bash -c "cd /srv/ngx-realtime && exec $1"
}

handshake() { bash -c "exec 3<>/dev/tcp/127.0.0.1/$PORT && printf 'GET /socket.io/?EIO=4&transport=polling HTTP/1.0\r\n\r\n' >&3 && cat <&3"; }

# Starts `run`, waits for its answer to an Engine.IO handshake, stops it.
check_run() {
    local answer='' second
    inside "./build.sh run" >"$FRESH/tmp/run.log" 2>&1 &
    SERVER=$!
    for second in $(seq 1800); do
        kill -0 "$SERVER" 2>/dev/null || { cat "$FRESH/tmp/run.log"; fail "run ended"; }
        answer=$(handshake 2>/dev/null) && break
        sleep 1
    done
    grep -q '0{"sid":' <<<"$answer" || fail "no handshake: $answer"
    kill "$SERVER"
    wait "$SERVER" || fail "run did not end well"
    SERVER=
    say "$1: ./build.sh run answers a handshake (after $second s)"
}

check_test() {
    local log=$FRESH/tmp/test.log
    inside "./build.sh test" >"$log" 2>&1 &
    SERVER=$!
    wait "$SERVER" || { grep -A40 'Test Summary' "$log" || tail -n 40 "$log"; fail "test failed"; }
    SERVER=
    [ "$(tail -n 1 "$log")" = "Result: PASS" ] || fail "test does not end with prove's closing lines"
    say "./build.sh test: $(tail -n 2 "$log" | head -n 1)"
}

# The same tree as somebody who is not root; everything is installed by now.
check_user() {
    chroot "$FRESH" useradd --create-home tester
    chroot "$FRESH" chown -R tester: /srv/ngx-realtime
    AS=tester check_run "not root"
}

if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is taken: set PORT"; fi
make_root
say "Debian $(cat "$FRESH/etc/debian_version") in $FRESH, $(find "$FRESH/var/lib/dpkg/info" -name '*.list' | wc -l) packages"
check_run root
check_test
check_user
say "done"

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# One verb per need; each is idempotent, does first what it needs and says one line when done.
set -euo pipefail
shopt -s nullglob

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD=$(realpath -m "${BUILD:-$ROOT/build}")
JOBS=${JOBS:-$(nproc)}
NGINX_SRC=${NGINX_SRC:-/usr/share/nginx/src}
MODULE=ngx_http_realtime_module.so
export BUILD PATH=$PATH:/usr/sbin:/sbin

RUN_DEPS=(g++ make nginx nginx-dev libhiredis-dev libjansson-dev libssl-dev zlib1g-dev)
TEST_DEPS=(perl openssl chromium libnginx-mod-nchan redis-server redis-tools)
LINT_DEPS=(clang-format clang-tidy git)
FUZZ_DEPS=(clang libclang-rt-14-dev)
SOAK_DEPS=(debootstrap)
CC_OPT="-g -O2 -fPIC -fstack-protector-strong -D_FORTIFY_SOURCE=2 -MMD -MP"
LD_OPT="-fPIC -Wl,-z,relro -Wl,-z,now"
SANITIZE="-g -O1 -fPIC -fsanitize=address -fsanitize=undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -MMD -MP"
SMOKE=(t/client/engineio_protocol.t t/client/socketio_protocol.t)

usage() {
    cat <<END
usage: ./build.sh <verb>
  deps [list...]   install what is missing: run (the default) test lint fuzz soak
  module           build $MODULE
  unit             build the unit tests, without nginx, with sanitizers
  test [path...]   run all tests, or those under t/<path>
  run              serve nginx.conf.example on 127.0.0.1:\$PORT (3000)
  lint             floors, sizes, format, clang-tidy, exports and the like
  asan [path...]   the black-box tests under ASan and UBSan; "smoke" is a short choice
  fuzz [name...]   every fuzz target for \$FUZZ_SECONDS (60)
  soak [mixed]     what takes long: all of the above in full, and a fresh root; "mixed" is the load
                   with reloads and kills alone, for \$RT_SOAK_SECONDS (3600)
  bench [row...]   measure, and write docs/benchmarks.md
  idle             hold 200,000 idle clients; \$RT_CLIENTS, for \$RT_HOLD seconds
  redis-check      try the Redis of REDIS_URL, or REDIS_HOST, REDIS_PORT, REDIS_PASSWORD, REDIS_DB
  clean            remove what was built
environment: BUILD output directory, JOBS compilers at once, RT_NODE node binary
END
}

say() { printf '%s\n' "$*"; }
fail() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }

# One build at a time in one output directory.
locked() {
    mkdir -p "$BUILD"
    (flock 9; "$@") 9>"$BUILD/lock"
}

# --- packages ---------------------------------------------------------------------------------

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; return; fi
    command -v sudo >/dev/null || fail "needs root or sudo for: $*"
    sudo "$@"
}

need_packages() {
    local name missing=()
    for name in "$@"; do is_installed "$name" || missing+=("$name"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    mkdir -p "$BUILD"
    install_packages "${missing[@]}" >"$BUILD/apt.log" 2>&1 || { tail -n 20 "$BUILD/apt.log" >&2; fail "apt-get failed"; }
}

install_packages() {
    as_root apt-get -q update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@"
}

# Any node from 18 on will do; Debian's is taken where there is none.
need_node() {
    if [ -n "${RT_NODE:-}" ]; then
        mkdir -p "$BUILD/bin"
        ln -sfn "$(realpath "$RT_NODE")" "$BUILD/bin/node"
        PATH=$BUILD/bin:$PATH
    fi
    command -v node >/dev/null || need_packages nodejs
    command -v npm >/dev/null || need_packages npm
    [ "$(node -p 'parseInt(process.versions.node)')" -ge 18 ] || fail "node is $(node --version), 18 or newer is needed"
}

# Lists by need: a verb asks for its own.
need() {
    local list
    for list in "$@"; do
        case $list in
            run) need_packages "${RUN_DEPS[@]}" ;;
            test) need_packages "${RUN_DEPS[@]}" "${TEST_DEPS[@]}"; need_node ;;
            lint) need_packages "${RUN_DEPS[@]}" "${LINT_DEPS[@]}"; need_node ;;
            fuzz) need_packages "${RUN_DEPS[@]}" "${FUZZ_DEPS[@]}" ;;
            soak) need_packages "${RUN_DEPS[@]}" "${SOAK_DEPS[@]}" ;;
            *) fail "deps: no list \"$list\" (run test lint fuzz soak)" ;;
        esac
    done
}

verb_deps() {
    need "${@:-run}"
    say "deps: all there"
}

# --- the module -------------------------------------------------------------------------------

# Debian patches nginx's structures where nginx's own signature does not look, so the module
# is built from the headers of the very package that runs it, or not at all.
check_nginx() {
    local abi binary package headers version
    abi=$(sed -n 's/^nginx:abi=//p' "$NGINX_SRC/debian/libnginx-mod.abisubstvars" 2>/dev/null) || true
    [ -n "$abi" ] || fail "nginx-dev names no nginx ABI: only Debian's nginx-dev will do"
    binary=$(readlink -f "$(command -v nginx)") || fail "no nginx found"
    package=$(dpkg-query -S "$binary" 2>/dev/null | cut -d: -f1) || true
    [ -n "$package" ] || fail "$binary is of no Debian package; the module fits Debian's nginx ($abi) only"
    dpkg-query -W -f='${Provides}' "$package" | tr -s ', ' '\n' | grep -qxF "$abi" ||
        fail "package $package does not provide $abi, for which nginx-dev builds; install the same version of both"
    headers=$(sed -n 's/^#define NGINX_VERSION *"\(.*\)"/\1/p' "$NGINX_SRC/src/core/nginx.h")
    version=$("$binary" -v 2>&1 | sed 's/.*nginx\///; s/ .*//')
    [ "$headers" = "$version" ] || fail "nginx is $version and nginx-dev $headers; install the same version of both"
}

# Arguments, here and below: directory, compiler flags, linker flags.
configure_module() {
    local dir=$1 stamp
    stamp=$(printf '%s\n' "$ROOT" "$@"; cat "$ROOT/config" "$NGINX_SRC/conf_flags")
    [ "$stamp" != "$(cat "$dir/stamp" 2>/dev/null)" ] || return 0
    mkdir -p "$dir"
    (
        cd "$NGINX_SRC"
        . ./conf_flags
        ASAN_OPTIONS=detect_leaks=0 ./configure --with-cc-opt="$2" --with-ld-opt="$3" "${NGX_CONF_FLAGS[@]}" \
            --add-dynamic-module="$ROOT" --builddir="$dir"
    ) >"$dir/configure.log" 2>&1 || { tail -n 20 "$dir/configure.log" >&2; fail "configure failed"; }
    # nginx's makefile knows no dependency of a source on a header; the compiler does (-MMD).
    printf -- '-include $(wildcard %s/addon/*/*.d)\n' "$dir" >>"$dir/Makefile"
    printf '%s\n' "$stamp" >"$dir/stamp"
}

build_module() {
    case $ROOT$BUILD in *[[:space:]]*) fail "nginx's configure takes no path with blanks: $ROOT, $BUILD" ;; esac
    check_nginx
    configure_module "$@"
    make -s -j"$JOBS" -f "$1/Makefile" -C "$NGINX_SRC" modules
}

# The same objects once more, with a hook of the tests around the zone's lock: workers that die
# inside of it on demand. What is shipped has nothing of it.
build_hooks() {
    local dir=$1 so=$1/hooks/$MODULE hook=$ROOT/t/hooks/lock_death.cpp objects
    [ "$dir/$MODULE" -nt "$so" ] || [ "$hook" -nt "$so" ] || return 0
    mkdir -p "$dir/hooks"
    mapfile -t objects < <(sed -n "\|^$dir/$MODULE:|,/^\$/p" "$dir/Makefile" | grep -o '/[^[:space:]]*\.o')
    # shellcheck disable=SC2086
    g++ -std=c++20 -O1 -fPIC -shared -o "$so" "$hook" "${objects[@]}" ${2:-} -l:libhiredis.a -ljansson -lz -Wl,--exclude-libs,ALL -Wl,--wrap=ngx_shmtx_lock,--wrap=ngx_shmtx_unlock -Wl,--version-script="$ROOT/src/ngx/exports.map"
}

verb_module() {
    need run
    locked build_module "$BUILD/module" "$CC_OPT" "$LD_OPT"
    ln -sfn "module/$MODULE" "$BUILD/$MODULE"
    say "module: $BUILD/$MODULE"
}

# --- the core without nginx -------------------------------------------------------------------

core() { locked make -s -j"$JOBS" -C "$ROOT" -f t/core.mk OUT="$BUILD/$1" "${@:2}"; }

verb_unit() {
    need run
    core core units replays
    say "unit: $BUILD/core/unit"
}

# --- tests ------------------------------------------------------------------------------------

install_packages_of() {
    local stamp=$ROOT/$1/node_modules/.package-lock.json
    [ "$ROOT/$1/package-lock.json" -nt "$stamp" ] || return 0
    (cd "$ROOT/$1" && npm ci --loglevel=error >"$BUILD/npm.log" && touch "$stamp")
}

install_clients() { install_packages_of t; }

prepare_tests() {
    need test lint
    verb_module
    locked build_hooks "$BUILD/module"
    verb_unit
    locked install_clients
}

run_tests() { (cd "$ROOT" && prove -r "$@"); }

verb_test() {
    prepare_tests
    if [ $# -gt 0 ]; then run_tests "${@/#/t/}"; else run_tests t; fi
}

verb_lint() {
    need lint
    verb_module
    run_tests t/lint
}

# Black-box tests against a module built with sanitizers, preloaded into the packaged nginx.
verb_asan() {
    local tests=("${@/#/t/}")
    prepare_tests
    locked build_module "$BUILD/asan" "$SANITIZE" "-fPIC -fsanitize=address -fsanitize=undefined"
    locked build_hooks "$BUILD/asan" "-fsanitize=address -fsanitize=undefined"
    case ${1:-all} in
        all) tests=("$ROOT"/t/{http,client,reload,redis,cluster}/*.t) ;;
        smoke) tests=("${SMOKE[@]}") ;;
    esac
    RT_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
    RT_MODULE=$BUILD/asan/$MODULE RT_PRELOAD=$RT_PRELOAD RT_SLOW=${RT_SLOW:-4} run_tests "${tests[@]}"
}

fuzz_one() {
    local found=$BUILD/fuzz/$1 corpus=$ROOT/t/fuzz/corpus/$1 seconds=${FUZZ_SECONDS:-60}
    mkdir -p "$found"
    "$BUILD/clang/fuzz/$1" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$found-" "$found" "$corpus" >"$found.log" 2>&1 ||
        { tail -n 40 "$found.log" >&2; fail "fuzz: $1 has a finding: $(printf '%s ' "$found"-*)"; }
    say "fuzz: $1: $(grep -c '' < <(ls "$found")) inputs kept, no finding in $seconds s"
}

verb_fuzz() {
    local target names=("$@")
    need fuzz
    core clang CXX=clang++ fuzzers
    [ $# -gt 0 ] || for target in "$ROOT"/t/fuzz/*.cpp; do names+=("$(basename "$target" .cpp)"); done
    for target in "${names[@]}"; do fuzz_one "$target"; done
}

verb_soak() {
    local script
    if [ "${1:-}" = mixed ]; then prepare_tests; "$ROOT/t/soak/mixed.js"; return; fi
    need soak
    prepare_tests
    RT_SOAK=1 run_tests t/reload t/http/slow_readers.t t/http/exhausted.t t/cluster
    "$ROOT/t/soak/mixed.js"
    verb_asan
    verb_fuzz
    verb_idle
    for script in "$ROOT"/t/soak/*.sh "$ROOT/t/install/fresh_root.sh"; do bash "$script"; done
    say "soak: done"
}

prepare_bench() {
    need run
    need_node
    verb_module
    locked build_bench
}

build_bench() { make -s -j"$JOBS" -C "$ROOT" -f t/bench/bench.mk OUT="$BUILD/bench"; }

# The rows of docs/benchmarks.md, or those whose names begin as the arguments do.
verb_bench() {
    need_packages redis-server
    prepare_bench
    locked install_packages_of t/bench
    "$ROOT/t/bench/bench.js" "$@"
    say "bench: docs/benchmarks.md"
}

# 200,000 clients that do nothing, for five minutes.
verb_idle() {
    prepare_bench
    "$ROOT/t/bench/idle.js"
    say "idle: docs/benchmarks.md"
}

# --- serving and cleaning ---------------------------------------------------------------------

# A private prefix: of the system's nginx only mime.types is read, and nothing written.
prepare_run() {
    local run=$BUILD/run
    mkdir -p "$run/modules" "$run/temp"
    ln -sfn "$BUILD/module/$MODULE" "$run/modules/$MODULE"
    ln -sfn "$ROOT/t/page" "$run/page"
    ln -sfn "$ROOT/t/node_modules/socket.io-client/dist" "$run/client"
    ln -sfn /etc/nginx/mime.types "$run/mime.types"
    printf '%s_temp_path temp/%s;\n' client_body body proxy proxy fastcgi fastcgi uwsgi uwsgi scgi scgi >"$run/local.conf"
    echo 'access_log access.log;' >>"$run/local.conf"
    sed "s/listen 127\.0\.0\.1:3000/listen 127.0.0.1:${PORT:-3000}/; s/^http {/&\n    include local.conf;/" \
        "$ROOT/nginx.conf.example" >"$run/nginx.conf"
}

verb_run() {
    local globals="daemon off; pid nginx.pid; error_log stderr notice;"
    verb_module
    need_node
    locked install_clients
    prepare_run
    # Workers must be able to read the page, wherever the tree lies.
    [ "$(id -u)" != 0 ] || globals+=" user $(stat -c '%U %G' "$ROOT/t/page");"
    say "run: http://127.0.0.1:${PORT:-3000}/test/websocket-test.html"
    exec nginx -p "$BUILD/run/" -c nginx.conf -e stderr -g "$globals"
}

# The environment that `env:` of realtime_redis reads, from the shell.
verb_redis-check() {
    need_packages redis-tools
    exec "$ROOT/scripts/redis-check.sh"
}

verb_clean() {
    rm -rf "$BUILD" "$ROOT/t/node_modules"
    say "clean: done"
}

case ${1:-} in
    deps | module | unit | test | run | lint | asan | fuzz | soak | bench | idle | redis-check | clean) "verb_$1" "${@:2}" ;;
    "") usage ;;
    *) usage >&2; fail "no verb \"$1\"" ;;
esac

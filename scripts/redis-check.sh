#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Tries the Redis of an environment as realtime_redis would: REDIS_URL, or REDIS_HOST, REDIS_PORT,
# REDIS_PASSWORD, REDIS_DB, REDIS_USER; REDIS_CA is a file of authorities for rediss://. Ends with 0
# if nginx can work with it, else with 1.
set -uo pipefail

SECONDS_TO_WAIT=${REDIS_CHECK_TIMEOUT:-5}
CHANNEL="rt:check:$$:$RANDOM$RANDOM"
failed=0

good() { printf 'ok    %s\n' "$*"; }
warn() { printf 'warn  %s\n' "$*"; }
bad() { printf 'FAIL  %s\n' "$*"; failed=1; }
hint() { printf '      %s\n' "$@"; }
give_up() { bad "$1"; hint "${@:2}"; exit 1; }

# --- where it is ------------------------------------------------------------------------------

decoded() { local text=${1//\\/\\\\}; printf '%b' "${text//%/\\x}"; }

# Sets scheme, host, port, db, user, password, socket: by the rules of realtime_redis.
from_url() {
    local rest=${1#*://} login=
    case $1 in
        unix:*) scheme=redis socket=${1#unix:}; return ;;
        redis://*) scheme=redis ;;
        rediss://*) scheme=rediss ;;
        *) give_up 'REDIS_URL begins with neither redis:// nor rediss:// nor unix:/' ;;
    esac
    case $rest in *[?#]*) give_up 'REDIS_URL has "?" or "#": write %3F and %23 in a password' ;; esac
    case $rest in */*) db=${rest#*/} rest=${rest%%/*} ;; esac
    case $rest in *@*) login=${rest%@*} rest=${rest##*@} ;; esac
    case $login in *:*) password=$(decoded "${login#*:}") login=${login%%:*} ;; esac
    user=$(decoded "$login")
    case $rest in
        \[*\]*) host=${rest%%\]*} host=${host#\[} rest=${rest##*\]} ;;
        *) host=${rest%%:*} ;;
    esac
    case $rest in *:*) port=${rest##*:} ;; esac
    host=${host:-localhost}
}

settle() {
    scheme=redis host=localhost port=6379 db=0 user='' password='' socket=''
    if [ -n "${REDIS_URL:-}" ]; then
        from_url "$REDIS_URL"
    else
        [ -n "${REDIS_HOST:-}" ] || hint 'REDIS_URL and REDIS_HOST are not set: a realtime_redis that reads them is off, and nginx' \
            'runs in single-instance mode. Trying redis://localhost:6379.'
        host=${REDIS_HOST:-localhost} port=${REDIS_PORT:-6379} db=${REDIS_DB:-0}
        case $host in unix:*) socket=${host#unix:} ;; esac
    fi
    if [ -n "${REDIS_PASSWORD:-}" ]; then
        [ -z "$password" ] || [ "$password" = "$REDIS_PASSWORD" ] || warn 'REDIS_URL has a password and REDIS_PASSWORD another one, which is taken'
        password=$REDIS_PASSWORD
    fi
    unset REDISCLI_AUTH
    [ -z "$password" ] || export REDISCLI_AUTH=$password # not for the list of processes
    user=${REDIS_USER:-$user} db=${db:-0}
    case $db in *[!0-9]*) give_up "\"$db\" is not the number of a database" ;; esac
    login=$user${password:+:***}
    where=$host:$port
    [ -z "$socket" ] || where=unix:$socket
}

redis() {
    local options=(-h "$host" -p "$port")
    [ -z "$socket" ] || options=(-s "$socket")
    [ "$db" = 0 ] || options+=(-n "$db")
    [ -z "$user" ] || options+=(--user "$user")
    [ "$scheme" = redis ] || options+=(--tls --sni "$host" ${REDIS_CA:+--cacert "$REDIS_CA"})
    timeout "$SECONDS_TO_WAIT" redis-cli --no-auth-warning "${options[@]}" "$@" 2>&1
}

# --- what it can ------------------------------------------------------------------------------

# Tells apart what a person would try one after the other.
check_ping() {
    local answer status
    answer=$(redis PING)
    status=$?
    case $status:$answer in
        0:PONG) good "PING: $where answers" ;;
        124:*) give_up "PING: no answer from $where in $SECONDS_TO_WAIT s" 'Is it the right host? Is there a firewall between? Does Redis hang (kill -STOP, swap, a long script)?' ;;
        *'onnection refused'*) give_up "PING: $where refuses connections" 'Is Redis running there, on this port? Does its "bind" include this address?' ;;
        *'not known'* | *'esolution'* | *'No address'*) give_up "PING: the host \"$host\" does not resolve" 'Is the name right? What do /etc/hosts and the DNS say of it?' ;;
        *WRONGPASS* | *NOAUTH* | *'AUTH failed'*) give_up "PING: wrong password or user at $where" "${answer##*$'\n'}" 'See REDIS_PASSWORD, the password in REDIS_URL, and ACL LIST.' ;;
        *DENIED*) give_up "PING: $where takes local connections only (protected mode)" 'Give Redis a password or "bind" it to an address.' ;;
        *LOADING*) give_up "PING: $where is still loading its data" 'Try again in a while.' ;;
        *certificate* | *SSL*) give_up "PING: TLS with $where failed" "${answer##*$'\n'}" 'REDIS_CA names a file of authorities to trust.' ;;
        *'No such file'*) give_up "PING: there is no $where" 'See "unixsocket" in redis.conf.' ;;
        *'ermission denied'*) give_up "PING: no right to use $where" 'See "unixsocketperm" in redis.conf.' ;;
        *'onnection reset'* | *'losed the connection'*) give_up "PING: $where closes the connection" 'Does it want TLS (rediss://)? Has it reached "maxclients"?' ;;
        *) give_up "PING: ${answer##*$'\n'}" ;;
    esac
}

info() { printf '%s\n' "$facts" | tr -d '\r' | sed -n "s/^$1://p"; }

check_version() {
    local version major minor
    facts=$(redis INFO)
    version=$(info redis_version)
    case $version in
        [0-9]*.[0-9]*) major=${version%%.*} minor=${version#*.} minor=${minor%%.*} ;;
        *) warn "version: not told (${facts%%$'\n'*})"; return ;;
    esac
    if [ "$major" -ge 7 ]; then
        good "version: $version"
    elif [ "$major" = 6 ] && [ "$minor" -ge 2 ]; then
        good "version: $version (adapter classic; adapter sharded needs 7)"
    else
        bad "version: $version, at least 6.2 is needed"
    fi
    case $(info redis_mode) in
        cluster) warn 'it is a node of a cluster: write "mode cluster"' ;;
        sentinel) bad 'it is a Sentinel: write "mode sentinel master=name"' ;;
    esac
    [ "$(info role)" != slave ] || bad 'it is a replica: nothing can be written to it'
}

# A subscriber that hears what another connection publishes.
check_pubsub() {
    local heard word answer tries
    exec {heard}< <(redis SUBSCRIBE "$CHANNEL")
    for ((tries = 0; tries < 50; ++tries)); do
        answer=$(redis PUBLISH "$CHANNEL" hello)
        case $answer in [1-9]*) break ;; *[!0-9]*) break ;; esac
        sleep 0.1
    done
    while read -r -t "$SECONDS_TO_WAIT" -u "$heard" word; do
        case $word in
            hello) good 'PUBLISH and SUBSCRIBE: what is said is heard'; return ;;
            *NOPERM* | *ERR*) break ;;
        esac
    done
    bad 'PUBLISH and SUBSCRIBE: what is said is not heard'
    hint "PUBLISH: $answer" "SUBSCRIBE: ${word:-nothing}" 'The user needs +publish +subscribe +psubscribe, and &* or the channels of the prefixes.'
}

check_set() {
    local first second
    first=$(redis SET "$CHANNEL" 1 NX PX 10000)
    second=$(redis SET "$CHANNEL" 2 NX PX 10000)
    redis DEL "$CHANNEL" >/dev/null
    case $first:$second in
        OK:) good 'SET NX: the first wins, the second is refused' ;;
        MOVED*) good 'SET NX: of another node of the cluster' ;;
        *) bad "SET NX: $first, then ${second:-nothing}"; hint 'The user needs +set +del and ~* or the keys of the prefix; Redis must take writes (MISCONF, OOM, READONLY?).' ;;
    esac
}

check_memory() {
    local policy limit
    policy=$(info maxmemory_policy) limit=$(info maxmemory)
    case ${limit:-0}:${policy:-unknown} in
        0:*) good "maxmemory-policy: ${policy:-unknown}, and no maxmemory: nothing is ever evicted" ;;
        *:noeviction) good 'maxmemory-policy: noeviction' ;;
        *:volatile-*) warn "maxmemory-policy: $policy may take locks and leases away before their time; noeviction does not" ;;
        *) warn "maxmemory-policy: $policy may take any key away; noeviction does not" ;;
    esac
}

settle
[ "$db" = 0 ] || warn "database $db holds keys apart, but what is published is heard in all databases"
printf 'redis: %s://%s%s/%s\n' "$scheme" "${login:+$login@}" "$where" "$db"
check_ping
check_version
check_pubsub
check_set
check_memory
exit "$failed"

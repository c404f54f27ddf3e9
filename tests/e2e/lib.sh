# SPDX-License-Identifier: Apache-2.0
# Shared by the end-to-end tests: TAP, a private folder, a collector and sensors of their own, all ended by their ids.
# shellcheck shell=bash
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${ABENG_BUILD:-$top/build}
sensor=$build/sensor/abeng-sensor
collector=$build/collector/abeng-collector
signatures=$build/signatures/abeng-signatures
work=$(mktemp -d "${TMPDIR:-/tmp}/abeng-e2e.XXXXXX")
chmod 755 "$work"
tests=0 failures=0
started=()

finish() {
    local pid
    for pid in "${started[@]}"; do
        kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    done
    rm -rf "$work"
}
trap finish EXIT

# is NAME GOT WANT
is() {
    tests=$((tests + 1))
    if [ "$2" = "$3" ]; then echo "ok $tests - $1"; else
        echo "not ok $tests - $1"
        echo "#   got:  $2"
        echo "#   want: $3"
        failures=$((failures + 1))
    fi
}

# ok NAME COMMAND…: the command succeeds.
ok() {
    local name=$1 out
    shift
    tests=$((tests + 1))
    if out=$("$@" 2>&1); then echo "ok $tests - $name"; else
        echo "not ok $tests - $name"
        printf '%s\n' "$out" | tail -n 12 | sed 's/^/#   /'
        failures=$((failures + 1))
    fi
}

skip() {
    tests=$((tests + 1))
    echo "ok $tests - $1 # SKIP $2"
}

done_testing() {
    echo "1..$tests"
    [ $failures = 0 ]
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 20000))
        ss -Hltn "sport = :$port" | grep -q . || break
    done
    echo $port
}

# start_collector [OPTIONS]: on free ports, in $work/collector; sets $port, $sensor_port and $collector_pid.
start_collector() {
    port=${port:-$(free_port)} sensor_port=${sensor_port:-$(free_port)}
    mkdir -p "$work/collector"
    "$collector" --data-dir "$work/collector" --listen "127.0.0.1:$port" --sensor-listen "127.0.0.1:$sensor_port" \
        --classify "$top/collector/correlate/classify.tsv" --name localhost "$@" >>"$work/collector.log" 2>&1 &
    collector_pid=$!
    started+=($collector_pid)
    wait_until 20 healthy
}

healthy() { [ "$(curl -sk --max-time 2 -o /dev/null -w '%{http_code}' "https://127.0.0.1:$port/healthz")" = 200 ]; }

# wait_until SECONDS COMMAND…
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

ctl() { "$build/collector/abengctl" --data-dir "$work/collector" "$@"; }

# enrol NAME STATE…: a sensor with its identity in $work/NAME.
enrol() {
    local name=$1 token
    shift
    token=$(ctl sensor add "$name" --state "$(IFS=,; echo "$*")" --json | jq -r .token)
    mkdir -p "$work/$name"
    "$sensor" enrol --token "$token" --dir "$work/$name"
}

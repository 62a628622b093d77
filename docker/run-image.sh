#!/usr/bin/env bash
# Builds docker/Dockerfile and runs it for real: the gate by its own entry point and as its own user, the health
# check, a client that is admitted and one that is refused, and an orderly end. Every step has a time limit.
#
#   docker/run-image.sh IMAGE_TOOL     a program that takes `build DOCKERFILE CONTEXT TAG` and
#                                      `run TAG [COMMAND …]`, the latter on the host's network
#
# Needs a Node on the PATH (any version: it only picks free ports).
set -euo pipefail
cd "$(dirname "$0")/.."
image=${1:?usage: docker/run-image.sh IMAGE_TOOL}
tag=skewgate-image-test
work=$(mktemp -d)
runner=

say() { echo "image: $*"; }
fail() { echo "image: FAILED: $*" >&2; exit 1; }
# The process and all its descendants, deepest first.
tree() { local child; for child in $(ps -o pid= --ppid "$1"); do tree "$child"; done; echo "$1"; }
cleanup() {
  if [ -n "$runner" ]; then
    tree "$runner" | xargs -r kill -TERM 2>/dev/null || true
    wait "$runner" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap cleanup EXIT

read -r tcp ws rs1 rs2 none < <(node -e "
const { createServer } = require('net');
const servers = [1, 2, 3, 4, 5].map(() => createServer().listen(0, '127.0.0.1'));
Promise.all(servers.map((server) => new Promise((resolve) => server.on('listening', resolve)))).then(() => {
  console.log(servers.map((server) => server.address().port).join(' '));
  for (const server of servers) server.close();
})")

say "building docker/Dockerfile"
timeout 480 "$image" build docker/Dockerfile . "$tag" >"$work/build.log" 2>&1 || { tail -20 "$work/build.log"; fail 'the build'; }

# The image with this run's ports in its config, as a user would put in their own.
sed -e "s/0\.0\.0\.0:8700/127.0.0.1:$tcp/" -e "s/0\.0\.0\.0:8701/127.0.0.1:$ws/" -e "s/0\.0\.0\.0:8790/127.0.0.1:0/" \
  -e "s#rs1:9001#127.0.0.1:$rs1#" -e "s#rs2:9001#127.0.0.1:$rs2#" docker/gate.yaml >"$work/gate.yaml"
printf 'FROM localhost/%s\nCOPY gate.yaml /etc/skewgate/gate.yaml\nENV SKEWGATE_ADMIN_TOKEN=only-for-this-run-0123456789 SKEWGATE_HEALTH=tcp://127.0.0.1:%s\n' "$tag" "$tcp" >"$work/Dockerfile"
timeout 120 "$image" build "$work/Dockerfile" "$work" "$tag-configured" >"$work/build.log" 2>&1 || { tail -20 "$work/build.log"; fail 'the build with a config'; }

say 'starting the gate by the entry point of the image'
timeout 120 "$image" run "$tag-configured" >"$work/gate.log" 2>&1 </dev/null &
runner=$!

# Servers and clients run in a container of their own, from the same image.
cat >"$work/inside.sh" <<'INSIDE'
set -eu
[ "$(id -un)" = node ] || { echo "runs as $(id -un), not as node"; exit 1; }
skewgate check /etc/skewgate/gate.yaml
start() { skewgate server --id "$1" --version "$2" --listen "ws://127.0.0.1:$3" --tables /tables/system.db --tables-release 4.13.0 --upgrade-time 300ms & }
healthy() { for _ in $(seq 100); do SKEWGATE_HEALTH="$1" node /app/docker/health.mjs 2>/dev/null && return; sleep 0.1; done; echo "$1 is not healthy"; exit 1; }
start rs1 4.14.1 "$RS1"; first=$!; healthy "http://127.0.0.1:$RS1/"
start rs2 4.15.0 "$RS2"; second=$!; healthy "http://127.0.0.1:$RS2/"
trap 'kill $first $second' EXIT
healthy "$SKEWGATE_HEALTH"
echo 'the health check passes'
echo 'through the gate' | skewgate connect "skewgate://127.0.0.1:$TCP/?version=4.13.2"
# What the gate learned of rs2 a moment before it was up counts for a second: the refusal says to come again.
tries=0; until skewgate connect "skewgate+ws://127.0.0.1:$WS/?version=4.14.0" --json </dev/null; do tries=$((tries + 1)); [ "$tries" -lt 30 ] || exit 1; sleep 0.2; done
status=0; skewgate connect "skewgate://127.0.0.1:$TCP/?version=4.15.1" </dev/null || status=$?
[ "$status" = 1 ] || { echo "a client that is too new ended with $status, not 1"; exit 1; }
if SKEWGATE_HEALTH=tcp://127.0.0.1:$NONE node /app/docker/health.mjs; then echo 'the health check passes where nothing listens'; exit 1; fi
INSIDE
say 'servers and clients'
timeout 90 "$image" run "$tag-configured" env TCP="$tcp" WS="$ws" RS1="$rs1" RS2="$rs2" NONE="$none" sh -c "$(cat "$work/inside.sh")" >"$work/inside.log" 2>&1 </dev/null ||
  { cat "$work/inside.log" "$work/gate.log"; fail 'servers and clients'; }
sed 's/^/  /' "$work/inside.log"
for expected in 'through the gate' 'SERVER_OUTDATED (rule M1)' 'Move: server to 4.15 (rs1)'; do
  grep -qF "$expected" "$work/inside.log" || fail "no \"$expected\" in what servers and clients printed"
done
for expected in '"what":"done"' '"code":"SERVER_OUTDATED"'; do
  grep -qF "$expected" "$work/gate.log" || { cat "$work/gate.log"; fail "no $expected in the decision log"; }
done

say 'stopping the gate'
gate=
for pid in $(tree "$runner"); do
  case $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || true) in 'skewgate serve '*) gate=$pid ;; esac
done
[ -n "$gate" ] || fail 'the gate is gone before it was stopped'
kill -TERM "$gate"
status=0; wait "$runner" || status=$?
runner=
[ "$status" = 0 ] || { cat "$work/gate.log"; fail "the gate ended with status $status"; }
grep -q '"what":"stopped"' "$work/gate.log" || fail 'the gate did not say that it stopped'
say 'passed'

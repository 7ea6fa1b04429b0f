#!/usr/bin/env bash
# Installs Connect's conformance runner, once, and holds the main port to every case of it (test/conformance). No case is known to
# be flaky, so none is listed. Needs Go, and Node in the PATH.
# Where: $POLYGATE_TEST_TOOLS, or .cache/test-tools under the repository, as for scripts/ci-tools.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${POLYGATE_TEST_TOOLS:-$here/../.cache/test-tools}
# Later ones do not build from Go's module proxy.
version=v1.0.6
cases=5286
mkdir -p "$tools/bin"
tools=$(cd "$tools" && pwd)
if [ "$(cat "$tools/bin/.connectconformance" 2>/dev/null)" != "$version" ] || [ ! -x "$tools/bin/connectconformance" ]; then
  GOBIN=$tools/bin go install "connectrpc.com/conformance/cmd/connectconformance@$version"
  echo "$version" >"$tools/bin/.connectconformance"
fi
cd "$here/.."
out=$(mktemp)
trap 'rm -f "$out"' EXIT
# Half a minute on two idle cores.
code=0
timeout --kill-after=10 600 "$tools/bin/connectconformance" \
  --mode server --conf test/conformance/conf.yaml -p 4 -- node test/conformance/server.ts >"$out" 2>&1 || code=$?
tail -n 200 "$out"
[ $code -eq 0 ] || { echo "conformance: failed (exit $code)"; exit 1; }
# A server that is not asked everything passes everything.
grep -qx "Total cases: $cases" "$out" || { echo "conformance: want $cases cases"; exit 1; }
grep -qx "$cases passed, 0 failed" "$out" || { echo "conformance: want $cases passed, 0 failed"; exit 1; }

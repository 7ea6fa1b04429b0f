#!/usr/bin/env bash
# Installs h2spec, once, and holds the main port to it: no case may fail that a bare Node server passes. Needs Go, and Node in
# the PATH. Where: $POLYGATE_TEST_TOOLS, or .cache/test-tools under the repository, as for scripts/ci-tools.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${POLYGATE_TEST_TOOLS:-$here/../.cache/test-tools}
version=v2.2.1+incompatible
mkdir -p "$tools/bin"
tools=$(cd "$tools" && pwd)
if [ "$(cat "$tools/bin/.h2spec" 2>/dev/null)" != "$version" ] || [ ! -x "$tools/bin/h2spec" ]; then
  GOBIN=$tools/bin go install "github.com/summerwind/h2spec/cmd/h2spec@$version"
  echo "$version" >"$tools/bin/.h2spec"
fi
timeout --kill-after=10 300 node "$here/h2spec.ts" "$tools/bin/h2spec"

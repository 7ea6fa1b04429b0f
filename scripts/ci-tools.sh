#!/usr/bin/env bash
# Installs the clients and servers that the end-to-end suites want, on a Debian 12 machine, as root:
# Chromium, PostgreSQL, grpcurl, and five Python environments with pinned packages (scripts/ci-requirements).
# A second run finds everything there and ends in a second. Needs Node, Go 1.24 or later and Python 3.11.
#
# Where: $POLYGATE_TEST_TOOLS, or .cache/test-tools under the repository (which git ignores).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${POLYGATE_TEST_TOOLS:-$here/../.cache/test-tools}
grpcurl=v1.9.4
# As examples/clients/go/README.md names them.
protoc_gen_go=v1.36.9
protoc_gen_connect_go=v1.18.1
mkdir -p "$tools/bin" "$tools/venv" "$tools/log"
tools=$(cd "$tools" && pwd)
started=$SECONDS

say() { printf 'ci-tools: %s\n' "$*"; }

# Debian's packages: one apt-get run for all that is missing.
debian() {
  local missing=()
  command -v chromium >/dev/null || missing+=(chromium)
  command -v curl >/dev/null || missing+=(curl)
  command -v git >/dev/null || missing+=(git)
  compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
  # A Python without ensurepip makes no virtual environment; Debian splits it off.
  python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
  if [ ${#missing[@]} -eq 0 ]; then return 0; fi
  say "apt-get install ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$tools/log/apt.log"
}

# A virtual environment NAME from ci-requirements/NAME.txt; made anew when that file changes.
venv() {
  local name=$1 want=$here/ci-requirements/$1.txt at=$tools/venv/$1 stamp
  stamp=$(sha256sum <"$want")
  if [ "$(cat "$at/.stamp" 2>/dev/null)" = "$stamp" ] && "$at/bin/python" -c '' 2>/dev/null; then return 0; fi
  say "python environment $name"
  rm -rf "$at"
  python3 -m venv "$at"
  # Every package is pinned, so there is nothing to resolve.
  "$at/bin/python" -m pip install --quiet --no-deps --no-input -r "$want"
  echo "$stamp" >"$at/.stamp"
}

go_tool() {
  if [ "$(cat "$tools/bin/.grpcurl" 2>/dev/null)" = "$grpcurl" ] && [ -x "$tools/bin/grpcurl" ]; then return 0; fi
  command -v go >/dev/null || { say "go is not found; grpcurl needs Go 1.24 or later"; return 1; }
  say "grpcurl $grpcurl"
  GOBIN=$tools/bin go install "github.com/fullstorydev/grpcurl/cmd/grpcurl@$grpcurl"
  echo "$grpcurl" >"$tools/bin/.grpcurl"
}

# Plugins that make the Go example's stubs, and the packages that it stands on.
go_stubs() {
  local want="$protoc_gen_go $protoc_gen_connect_go"
  if [ "$(cat "$tools/bin/.go-stubs" 2>/dev/null)" = "$want" ] && [ -x "$tools/bin/protoc-gen-connect-go" ]; then return 0; fi
  command -v go >/dev/null || { say "go is not found; the Go example needs Go 1.24 or later"; return 1; }
  say "plugins for Go stubs"
  GOBIN=$tools/bin go install "google.golang.org/protobuf/cmd/protoc-gen-go@$protoc_gen_go"
  GOBIN=$tools/bin go install "connectrpc.com/connect/cmd/protoc-gen-connect-go@$protoc_gen_connect_go"
  (cd "$here/../examples/clients/go" && go mod download)
  echo "$want" >"$tools/bin/.go-stubs"
}

debian
jobs=()
names=()
run() {
  "$@" >"$tools/log/$*.log" 2>&1 &
  jobs+=($!)
  names+=("$*")
}
run go_tool
run go_stubs
run venv sdk
run venv mlflow
run venv mlflow-2.22
run venv litellm
run venv mlflow-2.8.1
failed=0
for i in "${!jobs[@]}"; do
  if wait "${jobs[$i]}"; then
    cat "$tools/log/${names[$i]}.log"
  else
    failed=1
    say "FAILED: ${names[$i]}"
    tail -n 30 "$tools/log/${names[$i]}.log"
  fi
done
say "done in $((SECONDS - started)) s: $tools"
exit $failed

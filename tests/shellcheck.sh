#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every shell script, found by its first line, through shellcheck.

set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
find . \( -name 'build*' -o -name node_modules -o -name .git \) -prune \
  -o -type f -print0 |
  xargs -0 grep -lZE --max-count=1 '^#!.*[ /](ba)?sh( |$)' |
  xargs -0 shellcheck

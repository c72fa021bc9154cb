#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Whether every C file is as clang-format would write it. The version is fixed:
# another one has another taste. `tests/format.sh --fix` writes.

set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
mode=(--dry-run -Werror)
[[ ${1:-} != --fix ]] || mode=(-i)
find . \( -name 'build*' -o -name node_modules -o -name .git \) -prune \
  -o -name '*.[ch]' -print0 | xargs -0 clang-format-14 "${mode[@]}"

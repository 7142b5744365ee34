#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every t/unit/<name>.t is a link to this file and runs the compiled t/unit/<name>.cpp.
exec timeout -k 5 "${RT_UNIT_LIMIT:-120}" "${BUILD:-$(dirname "$0")/../../build}/core/unit/$(basename "$0" .t)"

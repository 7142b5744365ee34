#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// clang-format has nothing to change.
'use strict';

const { test, ok, diag } = require('../lib/tap');
const { tracked, run } = require('./tree');

test('format', async () => {
    for (const file of tracked().filter((name) => /^(src|t)\/.*\.[ch]pp$/.test(name))) {
        const { code, out } = await run('clang-format', ['--dry-run', '-Werror', file]);
        if (!ok(code === 0, file)) diag(out.split('\n').slice(0, 12).join('\n'));
    }
}, { timeout: 300000 });

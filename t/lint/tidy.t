#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// clang-tidy has nothing to say. What it found clean is not looked at again until it changes.
'use strict';

const { test, patience, ok, diag } = require('../lib/tap');
const { sources, read, closure, run, each, cached, version, flags } = require('./tree');

const tool = version('clang-tidy');

async function tidy(file) {
    const { code, out } = await run('clang-tidy', ['--quiet', file, '--', ...flags(file)]);
    return code === 0 ? '' : out.split('\n').filter((line) => !/^\d+ warnings? (generated|treated)/.test(line)).join('\n');
}

const check = cached('tidy', tidy,
    (file) => [tool, read('.clang-tidy'), flags(file).join(' '), ...[...closure(file)].flatMap((one) => [one, read(one)])]);

patience(3600);
test('clang-tidy', () => each(sources('.cpp'), check, (item, wrong) => ok(!wrong, item) || diag(wrong)), { timeout: 3600000 });

#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Every header compiles alone; those below the shell without nginx in reach.
'use strict';

const { test, patience, ok, diag } = require('../lib/tap');
const { sources, read, closure, run, each, cached, version, flags } = require('./tree');

const compiler = version('g++');

async function compile(file) {
    const { code, out } = await run('g++', [...flags(file), '-Werror', '-fsyntax-only', '-x', 'c++', '-'], `#include "${file.slice(4)}"\n`);
    return code === 0 ? '' : out;
}

const check = cached('headers', compile, (file) => [compiler, flags(file).join(' '), ...[...closure(file)].flatMap((one) => [one, read(one)])]);

patience(3600);
test('headers', () => each(sources('.hpp'), check, (item, wrong) => ok(!wrong, `${item} compiles alone`) || diag(wrong)), { timeout: 3600000 });

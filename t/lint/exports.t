#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// What the module shows to the process that loads it, and what it needs from it.
'use strict';

const { execFileSync } = require('child_process');
const { test, is, deepEqual, unlike } = require('../lib/tap');
const { MODULE } = require('../lib/conf');

const output = (command, ...args) => execFileSync(command, [...args, MODULE]).toString();

test('exports', () => {
    const symbols = output('nm', '-D', '--defined-only').trim().split('\n').map((line) => line.split(' ').pop()).sort();
    deepEqual(symbols, ['ngx_module_names', 'ngx_module_order', 'ngx_modules'], 'three symbols');
});

test('no code runs when the module is loaded', () => {
    const sizes = [...output('readelf', '-SW').matchAll(/ \.(?:init|fini)_array\s+\S+\s+\S+\s+\S+\s+(\S+)/g)].map((match) => parseInt(match[1], 16));
    deepEqual(sizes, [8, 8], '.init_array and .fini_array hold the toolchain\'s one entry each');
});

test('libraries', () => {
    const needed = [...output('readelf', '-d').matchAll(/NEEDED.*\[(.*?)\.so/g)].map((match) => match[1])
        .filter((name) => !/^(libc|libm|libgcc_s|libstdc\+\+)$/.test(name)).sort();
    deepEqual(needed, ['libjansson', 'libz'], 'only those that the build names');
    unlike(output('readelf', '-d'), /RPATH|RUNPATH/, 'no search path of ours');
    is(/\bTEXTREL\b/.test(output('readelf', '-d')), false, 'position-independent');
});

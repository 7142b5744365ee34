#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// The lists that must agree with the tree: sources in `config`, unit tests, fuzz targets.
'use strict';

const fs = require('fs');
const path = require('path');
const { test, ok, is, deepEqual, diag } = require('../lib/tap');
const { ROOT, FLOORS, tracked, sources, read, closure, isLink } = require('./tree');

const files = tracked();
const names = (pattern) => files.map((file) => (file.match(pattern) || [])[1]).filter(Boolean).sort();

function verdict(name, wrong) {
    if (!ok(wrong.length === 0, name)) diag(wrong.join('\n'));
}

// The words of the shell variable rt_<floor> in config.
const listed = (floor) => (read('config').match(new RegExp(`^rt_${floor}="([^"]*)"`, 'm')) || [])[1].trim().split(/\s+/).filter(Boolean);

for (const floor of FLOORS) {
    test(`config lists src/${floor}`, () => {
        const tree = sources('.cpp').filter((file) => file.startsWith(`src/${floor}/`)).map((file) => file.slice(4));
        deepEqual(listed(floor), tree, `rt_${floor} is the folder, sorted`);
    });
}

test('folders have names of their own', () => {
    const folders = [...new Set(sources('.cpp').map((file) => path.dirname(file)))];
    is(new Set(folders.map((folder) => path.basename(folder))).size, folders.length, 'nginx names objects by the folder\'s last name');
});

test('every header is used', () => {
    const used = new Set(sources('.cpp').flatMap((file) => [...closure(file)]));
    verdict('by a source', sources('.hpp').filter((file) => !used.has(file)));
});

test('unit tests', () => {
    deepEqual(names(/^t\/unit\/(.*)\.t$/), names(/^t\/unit\/(.*)\.cpp$/), 'each .cpp has its .t');
    verdict('each .t is a link to run.sh', files.filter((file) => /^t\/unit\/.*\.t$/.test(file))
        .filter((file) => !isLink(file) || fs.readlinkSync(path.join(ROOT, file)) !== 'run.sh'));
});

test('fuzz targets', () => {
    const corpora = [...new Set(names(/^t\/fuzz\/corpus\/([^/]+)\//))];
    deepEqual(corpora, names(/^t\/fuzz\/([^/]*)\.cpp$/), 'each target has a corpus, each corpus a target');
});

test('test files', () => {
    const tests = files.filter((file) => file.endsWith('.t'));
    verdict('can be run', tests.filter((file) => !(fs.statSync(path.join(ROOT, file)).mode & 0o100) || !read(file).startsWith('#!')));
});

#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Every description that this stage answers for (t/http/seeds.t says what they are) is named
// by the title of a test.
'use strict';

const { test, ok, is, diag } = require('../lib/tap');
const { tracked, read } = require('./tree');

const ROWS = ['002-65', '004-49', '000-58', '000-59', '000-60', '000-61', '000-62', '001-02', '001-04', '001-05', '001-06', '001-07', '001-09', '001-11',
    '001-12', '001-24', '001-25', '001-26', '002-04', '002-15', '002-28', '002-30', '002-38', '002-48', '003-63', '003-64', '003-65', '004-15', '004-24', '002-05', '002-32', '002-33', '002-36'];

// The first argument of test(), begin() and the like; or a label that such an argument is made of.
const titles = (text) => [...text.matchAll(/^(?: {4})?\w+\((?:label\()?(['`])((?:\\.|(?!\1).)*)\1|const label = \(text\) => `([^`]*)`/gm)].map(([, , name, label]) => name || label).join('\n');

test('rows', () => {
    const files = tracked().filter((file) => /^t\/.*\.t$/.test(file) && file !== 't/lint/seeds.t');
    const named = files.map((file) => titles(read(file))).join('\n');
    const missing = ROWS.filter((row) => !named.includes(row));
    if (!ok(missing.length === 0, `each of ${ROWS.length} is named by a test`)) diag(missing.join(' '));
    is(new Set(ROWS).size, ROWS.length, 'and listed once');
});

#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Text files are clean, say what they are licensed under, and hold nothing that belongs to one
// machine or to later.
'use strict';

const path = require('path');
const { execFileSync } = require('child_process');
const { test, ok, like, diag } = require('../lib/tap');
const { ROOT, tracked, read, isLink } = require('./tree');

const OPAQUE = /^t\/(fuzz\/corpus|data|page\/vendor)\/|\.(png|ico|gz)$/;
const TABS = /(^|\/)(Makefile|.*\.mk)$/;
const LICENSED = /^(src|t)\/.*\.(cpp|hpp|js|t|sh|mk|html)$|^build\.sh$/;

// Written in two halves, so that this file does not hold them.
const WORDS = [
    [['TO', 'DO'], ['FIX', 'ME'], ['X', 'XX'], ['HA', 'CK']].map((halves) => `\\b${halves.join('')}\\b`).join('|'),
    [['not imple', 'mented'], ['stu', 'b(bed)?\\b'], ['for ', 'now\\b'], ['simplified', ' ']].map((halves) => `\\b${halves.join('')}`).join('|'),
    [['/wo', 'rk/'], ['/ro', 'ot/'], ['/far', 'm/'], ['/ho', 'me/\\w']].map((halves) => `(^|[\\s"'\`(=:])${halves.join('')}`).join('|'),
    [['registry', '\\.npmjs'], ['deb\\.deb', 'ian\\.org'], ['snapshot\\.deb', 'ian']].map((halves) => halves.join('')).join('|'),
].map((pattern) => new RegExp(pattern, 'm'));

const files = tracked().filter((file) => !OPAQUE.test(file) && !isLink(file));

function verdict(name, list, isWrong) {
    const wrong = list.filter(isWrong);
    if (!ok(wrong.length === 0, name)) diag(wrong.join('\n'));
}

test('whitespace', () => {
    verdict('no blank at the end of a line', files, (file) => /[ \t]$/m.test(read(file)));
    verdict('no carriage return', files, (file) => read(file).includes('\r'));
    verdict('no tab', files.filter((file) => !TABS.test(file)), (file) => read(file).includes('\t'));
    verdict('one newline at the end', files, (file) => !/[^\n]\n$/.test(read(file)));
});

test('words', () => {
    const where = (word) => files.flatMap((file) => {
        const text = read(file);
        const hit = text.match(word);
        return hit ? [`${file}:${text.slice(0, hit.index + 1).split('\n').length}: ${hit[0].trim()}`] : [];
    });
    for (const word of WORDS) {
        const wrong = where(word);
        if (!ok(wrong.length === 0, 'nothing left for later, nothing of one machine')) diag(wrong.join('\n'));
    }
});

test('licence', () => {
    verdict('is named at the top', files.filter((file) => LICENSED.test(file)),
        (file) => !/SPDX-License-Identifier: BSD-2-Clause/.test(read(file).split('\n').slice(0, 3).join('\n')));
    verdict('#pragma once', files.filter((file) => file.endsWith('.hpp')), (file) => !/^#pragma once$/m.test(read(file)));
});

test('the last commit', () => {
    const subject = execFileSync('git', ['-c', 'safe.directory=*', 'log', '-1', '--no-merges', '--format=%s'], { cwd: path.resolve(ROOT) }).toString().trim();
    like(subject, /^[A-Z][\w./-]*: .{1,66}$/, 'its subject is "Area: fact."');
    ok(subject.length <= 72, 'in 72 columns');
});

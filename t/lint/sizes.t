#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Files of at most 450 lines, functions of at most 60 lines and 4 parameters. clang-tidy sees
// more, but not code inside templates that nobody uses, nor JavaScript.
'use strict';

const { test, ok, diag } = require('../lib/tap');
const { tracked, sources, read, code } = require('./tree');

const FILE_LINES = 450;
const FUNCTION_LINES = 60;
const PARAMETERS = 4;
const NOT_A_FUNCTION = /^\s*(if|else|for|while|do|switch|case|try|catch|namespace|class|struct|enum|union|extern|return)\b|=\s*\{$|\]\s*(\([^()]*\))?[^()]*\{$/;

const lines = (text) => text.split('\n').length - 1;

// The text between the first "(" that opens a parameter list and its ")".
function parameterList(head) {
    const from = head.search(/[\w>\])=~+\-*\/<!&|]\s*\(/);
    let depth = 0;
    for (let i = head.indexOf('(', from); i < head.length; ++i) {
        if (head[i] === '(') ++depth;
        if (head[i] === ')' && --depth === 0) return head.slice(head.indexOf('(', from) + 1, i);
    }
    return '';
}

function parameters(head) {
    const list = parameterList(head).replace(/[<({\[][^<>(){}\[\]]*[>)}\]]/g, '').replace(/[<({\[][^<>(){}\[\]]*[>)}\]]/g, '');
    return list.trim() === '' ? 0 : list.split(',').length;
}

// [{name, line, lines, parameters}] of formatted code: a function's head ends with "{", and its
// body with the first "}" at the indentation of the head.
function functions(text) {
    const all = code(text).split('\n');
    const found = [];
    for (let at = 0; at < all.length; ++at) {
        if (!/\{$/.test(all[at])) continue;
        let from = at;
        while (from > 0 && !/[;{}:]$|^\s*$|^\s*#/.test(all[from - 1].trimEnd())) --from;
        const head = all.slice(from, at + 1).join(' ').replace(/\s+/g, ' ').trim();
        if (!head.includes('(') || NOT_A_FUNCTION.test(head) || /^template[^()]*requires[^()]*$/.test(head)) continue;
        const indent = all[from].match(/^\s*/)[0];
        const end = all.findIndex((line, i) => i > at && line.startsWith(`${indent}}`));
        if (end > 0) found.push({ name: head.slice(0, 90), line: from + 1, lines: end - from + 1, parameters: parameters(head) });
    }
    return found;
}

function percentile(list, share) {
    return [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * share)] || 0;
}

const summary = (list) => `median ${percentile(list, 0.5)}, p90 ${percentile(list, 0.9)}, max ${Math.max(0, ...list)}`;

function verdict(name, wrong) {
    if (!ok(wrong.length === 0, name)) diag(wrong.join('\n'));
}

test('files', () => {
    const files = sources('.cpp', '.hpp');
    const scripts = tracked().filter((file) => /^t\/.*\.(t|js|sh|cpp|hpp)$/.test(file));
    diag(`sources: ${files.length} files, ${summary(files.map((file) => lines(read(file))))}`);
    verdict(`at most ${FILE_LINES} lines`, [...files, ...scripts].filter((file) => lines(read(file)) > FILE_LINES));
});

test('functions', () => {
    const all = sources('.cpp', '.hpp').flatMap((file) => functions(read(file)).map((one) => ({ file, ...one })));
    diag(`functions: ${all.length}, ${summary(all.map((one) => one.lines))}`);
    const show = (one) => `${one.file}:${one.line}: ${one.lines} lines, ${one.parameters} parameters: ${one.name}`;
    verdict(`at most ${FUNCTION_LINES} lines`, all.filter((one) => one.lines > FUNCTION_LINES).map(show));
    verdict(`at most ${PARAMETERS} parameters`, all.filter((one) => one.parameters > PARAMETERS).map(show));
});

test('the parser sees what it must', () => {
    const long = `int f(int a, std::map<int, int> b) {\n${'    a += b(1, 2);\n'.repeat(70)}}\n`;
    const [one] = functions(long);
    ok(one && one.lines === 72 && one.parameters === 2, 'a long function of two parameters');
    const many = functions('class X {\npublic:\n    X(int a, int b, int c, int d, int e)\n        : a_(a) {\n        go();\n    }\n};\n');
    ok(many.length === 1 && many[0].parameters === 5, 'a constructor of five');
    ok(functions('if (a) {\n}\nnamespace x {\n}\nfor (;;) {\n}\n').length === 0, 'no function');
});

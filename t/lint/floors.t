#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Who may include whom, which library stands in which file, and what no floor below the shell
// may know: the clock, chance, threads, sockets, the log.
'use strict';

const { test, ok, diag } = require('../lib/tap');
const { FLOORS, sources, read, code, includes, floorOf } = require('./tree');

const MAY = {
    base: ['base'],
    wire: ['wire', 'base'],
    engine: ['engine', 'wire', 'base'],
    shm: ['shm', 'base'],
    hub: ['hub', 'engine', 'wire', 'base'],
    cluster: ['cluster', 'hub', 'engine', 'shm', 'wire', 'base'],
    ngx: FLOORS,
};

// Headers that are not the language's own: the only files that may name them.
const THIRD = [
    [/^zlib\.h$/, /^src\/wire\/ws_deflate\.cpp$/],
    [/^openssl\//, /^src\/wire\/crypto\.cpp$/],
    [/^jansson\.h$/, /^src\/wire\/dom\.cpp$/],
    [/^hiredis\//, /^src\/wire\/resp\.cpp$/],
    [/^ngx_/, /^src\/ngx\/ngx\.hpp$/],
    [/^libpq-fe\.h$/, /^src\/ngx\/pg_link\.cpp$/],
    [/\.h$/, /^src\/ngx\//], // the system's
];
const STANDARD_BUT_HIGH = /^(chrono|ctime|random|thread|mutex|shared_mutex|condition_variable|future|iostream|ostream|istream|fstream|sstream|cstdio|csignal|filesystem|regex|typeinfo)$/;

// Words of the code, comments and texts aside, and where they may stand.
const WORDS = [
    [/\b(std::chrono|clock_gettime|gettimeofday|std::time|nanosleep|usleep)\b/, 'the clock', /^src\/ngx\//],
    [/\b(getrandom|std::rand|std::random_device|RAND_bytes)\b/, 'chance', /^src\/ngx\//],
    [/\b(pthread_\w+|std::(j?thread|mutex|async|future))\b/, 'threads', /^$/],
    [/\b(setsockopt|getaddrinfo|epoll_\w+|eventfd|socketpair|recvmsg|sendmsg)\b/, 'sockets', /^src\/ngx\//],
    [/\b(printf|fprintf|std::cout|std::cerr|fopen|getenv)\b/, 'the outside', /^src\/ngx\//],
    [/\bngx_\w+/, 'nginx', /^src\/ngx\//],
    [/\breinterpret_cast\b/, 'reinterpret_cast', /^src\/(base\/bytes|ngx\/ngx)\.hpp$/],
    [/\bthrow\b/, 'throw', /^$/],
    [/\bgoto\b/, 'goto', /^$/],
    [/\b(assert|abort|std::terminate|std::exit)\s*\(/, 'a way to die', /^$/],
    [/\b(dynamic_cast|typeid)\b/, 'run-time types', /^$/],
    [/\bthread_local\b/, 'thread_local', /^$/],
    [/\bstd::function\b/, 'std::function', /^$/],
    [/(\.|->)wait\s*\(|\batomic_wait\w*/, 'atomic wait (private to a process)', /^$/],
    [/^\s*#\s*define\s+(?!RT_(TRY|ALERT|LOG)\b)/m, 'a macro', /^$/],
];

function verdict(name, wrong) {
    if (!ok(wrong.length === 0, name)) diag(wrong.join('\n'));
}

function wrongInclude(file, { name, angled, line }) {
    const at = `${file}:${line}: `;
    if (!angled) {
        const [folder] = name.split('/');
        if (!FLOORS.includes(folder)) return `${at}"${name}" does not begin with a floor`;
        return MAY[floorOf(file)].includes(folder) ? '' : `${at}${floorOf(file)} may not include "${name}"`;
    }
    const rule = THIRD.find(([header]) => header.test(name));
    if (rule) return rule[1].test(file) ? '' : `${at}<${name}> may not stand here`;
    return STANDARD_BUT_HIGH.test(name) && floorOf(file) !== 'ngx' ? `${at}<${name}> below the shell` : '';
}

function wrongWords(file) {
    const text = code(read(file));
    return WORDS.filter(([, , home]) => !home.test(file)).flatMap(([word, what]) => {
        const hit = text.match(word);
        return hit ? [`${file}:${text.slice(0, hit.index).split('\n').length}: ${what}: ${hit[0].trim()}`] : [];
    });
}

const files = sources('.cpp', '.hpp');

test('floors', () => {
    ok(files.length > 0, `${files.length} sources`);
    verdict('every source is on a floor', files.filter((file) => !FLOORS.includes(floorOf(file))));
    verdict('includes obey the floors', files.flatMap((file) => includes(read(file)).map((one) => wrongInclude(file, one)).filter(Boolean)));
});

test('a third-party header stands in one file', () => {
    const where = new Map();
    for (const file of files)
        for (const { name, angled } of includes(read(file)))
            if (angled && /\.h$/.test(name) && !name.startsWith('sys/') && floorOf(file) !== 'ngx')
                where.set(name, [...(where.get(name) || []), file]);
    verdict('once each', [...where].filter(([, list]) => list.length > 1).map(([name, list]) => `<${name}>: ${list.join(', ')}`));
});

test('words', () => verdict('no word stands where it must not', files.flatMap(wrongWords)));

test('the rules catch what they forbid', () => {
    ok(wrongInclude('src/base/x.hpp', { name: 'wire/frame.hpp', line: 1 }), 'base includes wire');
    ok(wrongInclude('src/shm/x.hpp', { name: 'engine/session.hpp', line: 1 }), 'shm includes engine');
    ok(wrongInclude('src/hub/x.hpp', { name: 'chrono', angled: true, line: 1 }), 'hub includes the clock');
    ok(wrongInclude('src/hub/x.cpp', { name: 'jansson.h', angled: true, line: 1 }), 'hub includes jansson');
    ok(wrongInclude('src/cluster/x.cpp', { name: 'hiredis/read.h', angled: true, line: 1 }), 'cluster includes hiredis');
    ok(wrongInclude('src/engine/x.cpp', { name: 'unistd.h', angled: true, line: 1 }), 'engine includes the system');
    ok(!wrongInclude('src/ngx/x.cpp', { name: 'hub/hub.hpp', line: 1 }), 'the shell includes the hub');
    ok(/""\s*;/.test(code('x = "throw";')), 'texts are not code');
    ok(!/throw/.test(code('// throw\n/* throw */')), 'comments are not code');
});

#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// docs/directives.md says of every directive what the command tables say, and of no other.
'use strict';

const { test, ok, is, like, deepEqual } = require('../lib/tap');
const { read } = require('./tree');

const TABLES = 'src/ngx/directives.cpp';
const ACTIONS = 'src/hub/action.cpp';
const PAGE = 'docs/directives.md';

const CONTEXTS = {
    NGX_HTTP_MAIN_CONF: ['http'],
    kEverywhere: ['http', 'server', 'location'],
    kHere: ['location'],
    kInApp: ['realtime_app'],
    kInNamespace: ['namespace'],
    kInRedis: ['realtime_redis'],
};

// Some names mean something else inside realtime_redis.
const keyOf = (name, inRedis) => (inRedis ? `${name} of realtime_redis` : name);

// {name: {flags, set}} of the rows `{ngx_string("name"), flags, set, …}`.
function rows(text) {
    const row = /\{ngx_string\("(\w+)"\),\s*([^,]+),\s*in_\w+<(\w+)>/g;
    return Object.fromEntries([...text.matchAll(row)].map(([, name, list, set]) => {
        const flags = list.split(/\s*\|\s*/);
        return [keyOf(name, flags.includes('kInRedis')), { name, flags, set }];
    }));
}

// {name: {least, most, connect, disconnect}} of the rows `{"name", 1, 3, true, false, make_name}`.
function actions(text) {
    const row = /\{"(\w+)", (\w+), (\w+), (true|false), (true|false), make_(\w+)\}/g;
    return Object.fromEntries([...text.matchAll(row)].map(([, name, least, most, connect, disconnect]) =>
        [name, { least, most, connect: connect === 'true', disconnect: disconnect === 'true' }]));
}

// {name: {syntax, default, context}} of the sections.
function sections(text) {
    const section = /^### (\w+)\n\n {4}Syntax: {2}((?:.*\n)(?: {13}.*\n)*) {4}Default: (.+)\n {4}Context: (.+)\n\n\S/gm;
    return Object.fromEntries([...text.matchAll(section)].map(([, name, syntax, fallback, context]) =>
        [keyOf(name, context === 'realtime_redis'), { name, syntax: syntax.trim().split(/\s*\n\s*/), fallback, context: context.split(', ') }]));
}

const commands = rows(read(TABLES));
const kinds = actions(read(ACTIONS));
const pages = sections(read(PAGE));

function contextsOf(name, { flags }) {
    if (!flags.includes('kInChain')) return flags.flatMap((flag) => CONTEXTS[flag] || []);
    const { connect, disconnect } = kinds[name];
    return [...(connect ? ['connect'] : []), ...(disconnect ? ['disconnect'] : []), 'on'];
}

test('the tables', () => {
    ok(Object.keys(commands).length > 20, 'directives are found');
    is((read(TABLES).match(/ngx_string\(/g) || []).length, Object.keys(commands).length, 'every row is understood');
    is((read(ACTIONS).match(/make_\w+\}/g) || []).length, Object.keys(kinds).length, 'every action is understood');
    const inChain = Object.keys(commands).filter((name) => commands[name].flags.includes('kInChain'));
    deepEqual(inChain, Object.keys(kinds), 'the actions of the table are those of hub::action_kinds()');
    ok(inChain.every((name) => commands[name].set === 'set_action' && commands[name].flags.includes('NGX_CONF_ANY')),
        'whose words the hub counts');
});

test('names', () => {
    const titles = [...read(PAGE).matchAll(/^### (\w+)$/gm)].map(([, name]) => name).filter((name) => name !== 'Variables');
    deepEqual(titles, Object.values(pages).map(({ name }) => name), 'every section has syntax, default and context');
    deepEqual(Object.keys(pages).sort(), Object.keys(commands).sort(), 'the page has the directives of the tables');
});

test('contexts and syntax', () => {
    for (const [key, { name, syntax, fallback, context }] of Object.entries(pages)) {
        if (!commands[key]) continue; // told above
        deepEqual(context, contextsOf(name, commands[key]), `${key}: context`);
        const block = commands[key].flags.includes('NGX_CONF_BLOCK');
        ok(syntax.every((line) => line.startsWith(name) && line.endsWith(block ? '{ ... }' : ';')), `${name}: syntax`);
        like(fallback, new RegExp(`^(—|${name} .*;)$`), `${name}: default`);
    }
});

test('variables', () => {
    const page = read(PAGE);
    const source = read('src/hub/value_compile.cpp');
    const plain = [...source.matchAll(/^ {4}\{"(\w+)", Variable::\w+\},$/gm)].map(([, name]) => name);
    const typed = [...source.matchAll(/kind == "(\w+)"/g)].map(([, name]) => name);
    ok(plain.length > 10 && typed.length === 3, 'variables are found');
    for (const name of plain) ok(page.includes(`\`$realtime_${name}\``), `$realtime_${name} is explained`);
    for (const name of typed) like(page, new RegExp(`\`\\$realtime_${name}_(N|<field>)\``), `$realtime_${name}_… is explained`);
    const known = new RegExp(`^(${plain.join('|')}|(${typed.join('|')})_.+)$`);
    const told = [...page.matchAll(/\$realtime_([\w<>*]+)/g)].map(([, name]) => name);
    deepEqual(told.filter((name) => !known.test(name)), [], 'and no other');
});

test('links', () => {
    for (const file of [PAGE, 'docs/api.md']) {
        const anchors = (text) => [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
            title.toLowerCase().replace(/[^\w\- ]/g, '').replace(/ /g, '-'));
        const broken = [...read(file).matchAll(/\]\(([^)#\s]*)#([^)]+)\)/g)].filter(([, to, anchor]) =>
            !anchors(read(to ? `docs/${to}` : file)).includes(anchor)).map(([link]) => link);
        deepEqual(broken, [], `${file}: every link has an end`);
    }
});

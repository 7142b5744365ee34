#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// What we publish, as the decoder of the official adapter reads it: one packet that it cannot read
// ends a Node server. Random packets, and the bytes that its encoder would have made of them.
'use strict';

const path = require('path');
const readline = require('readline');
const util = require('util');
const { spawn } = require('child_process');
const notepack = require('notepack.io');
const { test, ok, is, diag } = require('../lib/tap');
const { ROOT } = require('../lib/conf');

const PROGRAM = path.join(process.env.BUILD || path.join(ROOT, 'build'), 'core/program/say_packets');
const COUNT = process.env.RT_SOAK ? 2000000 : 100000;

const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const mended = (text) => text.replace(LONE, '\ufffd');

// The value as the adapter has it before it is encoded: bytes where placeholders are, no half
// characters (UTF-8 has none), and no -0 (MessagePack's integers have none).
function meant(value, attachments) {
    if (typeof value === 'string') return mended(value);
    if (typeof value === 'number') return value + 0;
    if (Array.isArray(value)) return value.map((one) => meant(one, attachments));
    if (value === null || typeof value !== 'object') return value;
    if (attachments.length && value._placeholder === true) return Buffer.from(attachments[value.num], 'hex');
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [mended(key), meant(one, attachments)]));
}

// Of whole numbers that 64 bits do not hold notepack makes rubbish; we do not.
function isBeyond(value) {
    if (typeof value === 'number') return Number.isInteger(value) && (value >= 2 ** 64 || value < -(2 ** 63));
    if (Buffer.isBuffer(value) || value === null || typeof value !== 'object') return false;
    return Object.values(value).some(isBeyond);
}

// What is wrong with a packet; nothing if it is right.
function fault(bytes, value) {
    let decoded;
    try {
        decoded = notepack.decode(bytes);
    } catch (error) {
        return `no packet: ${error.message}`;
    }
    if (!util.isDeepStrictEqual(decoded, value)) return 'another value';
    return isBeyond(value) || notepack.encode(value).equals(bytes) ? '' : 'the same value in other bytes';
}

async function* packets(count, seed) {
    const child = spawn(PROGRAM, [count, seed], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal || code)));
    for await (const line of readline.createInterface({ input: child.stdout })) {
        const { hex, value, attachments } = JSON.parse(line);
        yield { bytes: Buffer.from(hex, 'hex'), value: meant(value, attachments), line };
    }
    is(await exit, 0, 'the program that makes packets ends well');
}

test(`notepack decodes ${COUNT} packets`, async () => {
    const wrong = [];
    let seen = 0;
    let binary = 0;
    for await (const { bytes, value, line } of packets(COUNT, 4)) {
        ++seen;
        binary += line.includes('"attachments":[]') ? 0 : 1;
        const why = fault(bytes, value);
        if (why && wrong.length < 5) wrong.push(`${why}: ${line.slice(0, 2000)}`);
    }
    is(seen, COUNT, 'all were made');
    ok(binary > COUNT / 20, `${binary} with bytes inside`);
    if (!ok(wrong.length === 0, 'each decodes to what was meant, and is encoded in the same bytes')) diag(wrong.join('\n'));
}, { timeout: 10 * 60 * 1000 });

test('a wrong byte is seen', async () => {
    let changed = 0;
    let unseen = 0;
    for await (const { bytes, value } of packets(20, 5)) {
        if (isBeyond(value)) continue;
        for (let at = 0; at < bytes.length; ++at) {
            const other = Buffer.from(bytes);
            other[at] ^= 0x11;
            ++changed;
            if (!fault(other, value)) ++unseen;
        }
    }
    ok(changed > 1000, `${changed} packets with one wrong byte`);
    is(unseen, 0, 'none of them passes');
});

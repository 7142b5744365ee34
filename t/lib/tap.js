// SPDX-License-Identifier: BSD-2-Clause
// A TAP producer without a plan. A file calls test(name, fn) and nothing else: tests run one
// after the other, then the clean-ups, then the plan is printed. No test hangs: each has a
// time-out, and a watchdog ends the file.
'use strict';

const assert = require('assert');
const util = require('util');

const SLOW = Number(process.env.RT_SLOW || 1); // sanitizers and loaded machines need more time
let limit = Number(process.env.RT_FILE_LIMIT || 300) * 1000 * SLOW;

const queue = [];
const cleanups = [];
const panics = [];
let count = 0;
let failed = 0;
let started = false;

function diag(text) {
    for (const line of String(text).split('\n')) process.stdout.write(`# ${line}\n`);
}

function ok(good, name) {
    ++count;
    if (!good) ++failed;
    process.stdout.write(`${good ? 'ok' : 'not ok'} ${count} - ${String(name).replace(/[#\n]/g, ' ')}\n`);
    return Boolean(good);
}

const pass = (name) => ok(true, name);

function fail(name, why) {
    ok(false, name);
    if (why !== undefined) diag(why);
    return false;
}

function compare(good, got, expected, name) {
    if (!ok(good, name)) diag(`     got: ${util.inspect(got, { depth: 8 })}\nexpected: ${util.inspect(expected, { depth: 8 })}`);
    return good;
}

const is = (got, expected, name) => compare(Object.is(got, expected), got, expected, name);
const isnt = (got, other, name) => compare(!Object.is(got, other), got, `anything but ${util.inspect(other)}`, name);
const like = (got, pattern, name) => compare(pattern.test(String(got)), got, pattern, name);
const unlike = (got, pattern, name) => compare(!pattern.test(String(got)), got, `nothing like ${pattern}`, name);
const deepEqual = (got, expected, name) => compare(util.isDeepStrictEqual(got, expected), got, expected, name);

async function rejects(promise, pattern, name) {
    const error = await promise.then(() => undefined, (reason) => reason);
    return compare(error !== undefined && pattern.test(error.message), error && error.message, pattern, name);
}

// Queues a test. `repeat: 2` runs it again in the same server: state left behind shows.
function test(name, body, { timeout = 30000, repeat = 1 } = {}) {
    for (let round = 1; round <= repeat; ++round)
        queue.push({ name: repeat > 1 ? `${name} [${round}]` : name, body, round, timeout: timeout * SLOW });
    start();
}

// Queues a clean-up for the end of the file; the last one registered runs first.
function after(cleanup) {
    cleanups.push(cleanup);
    start();
}

// Runs at once when the process must die: synchronous, kills what the file started.
const onPanic = (kill) => panics.push(kill);

// Gives the file more seconds than the usual 300; to be called first.
function patience(seconds) { limit = seconds * 1000 * SLOW; }

function bounded(promise, ms) {
    const late = new Error(`timed out after ${ms} ms`);
    let timer;
    const limit = new Promise((resolve, reject) => { timer = setTimeout(() => reject(late), ms); });
    return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

async function attempt(name, body, ms) {
    try {
        await bounded(Promise.resolve().then(body), ms);
    } catch (error) {
        fail(name, error && error.stack ? error.stack : error);
    }
}

async function runAll() {
    while (queue.length) {
        const { name, body, round, timeout } = queue.shift();
        const before = count;
        diag(name);
        await attempt(name, () => body(round), timeout);
        if (count === before) fail(name, 'the test asserted nothing');
    }
    while (cleanups.length) await attempt('clean-up', cleanups.pop(), 60000 * SLOW);
    finish();
}

function finish() {
    if (count === 0) fail('the file asserted nothing');
    process.stdout.write(`1..${count}\n`, () => process.exit(failed ? 1 : 0));
}

function panic(why) {
    fail(why);
    for (const kill of panics.splice(0)) kill();
    process.stdout.write(`1..${count}\n`, () => process.exit(1));
}

function start() {
    if (started) return;
    started = true;
    setTimeout(() => panic(`the file is not done after ${limit} ms`), limit).unref();
    process.on('unhandledRejection', (error) => fail('unhandled rejection', error && error.stack));
    process.on('uncaughtException', (error) => fail('uncaught exception', error && error.stack));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => panic(`killed by ${signal}`));
    setImmediate(runAll);
}

module.exports = {
    test, after, onPanic, patience, ok, pass, fail, is, isnt, like, unlike, deepEqual, rejects, diag, assert, SLOW,
};

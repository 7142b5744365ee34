// SPDX-License-Identifier: BSD-2-Clause
// Waiting for what happens, never for a fixed time. Every wait has a deadline and says
// what it waited for.
'use strict';

const DEADLINE = Number(process.env.RT_DEADLINE || 10000);

// Rejects when `promise` is not settled within `ms`.
function deadline(promise, what, ms = DEADLINE) {
    const late = new Error(`${what}: nothing within ${ms} ms`);
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(late), ms);
        promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
}

// Resolves with the first truthy value of `probe`, which may be async and is asked again and again.
async function until(probe, what, ms = DEADLINE) {
    const late = new Error(`${what}: not within ${ms} ms`);
    const end = process.hrtime.bigint() + BigInt(Math.ceil(ms * 1e6));
    for (;;) {
        const value = await probe();
        if (value) return value;
        if (process.hrtime.bigint() > end) throw late;
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
}

// Resolves with the arguments of the next event `name` that `filter` accepts.
function event(emitter, name, { ms = DEADLINE, filter = () => true } = {}) {
    let listener;
    const happened = new Promise((resolve) => {
        listener = (...args) => filter(...args) && resolve(args);
        emitter.on(name, listener);
    });
    return deadline(happened, `event "${name}"`, ms).finally(() => emitter.off(name, listener));
}

// Keeps every event `name` from now on: `list` is what came, `take(n)` waits for n of them.
function collect(emitter, name) {
    const list = [];
    emitter.on(name, (...args) => list.push(args));
    const take = async (n, ms = DEADLINE) => {
        await until(() => list.length >= n, `${n} events "${name}"`, ms).catch((late) => {
            throw new Error(`${late.message}; ${list.length} came`);
        });
        return list.slice(0, n);
    };
    return { list, take };
}

// For "and nothing more comes": the only wait for time itself. Prefer a later event as a fence.
const silence = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

module.exports = { deadline, until, event, collect, silence };

#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// build.sh redis-check: the environment that realtime_redis reads, tried from the shell. It ends
// with 0 where nginx can work, else with 1 and with what to look at.
'use strict';

const path = require('path');
const { execFile } = require('child_process');

const { test, is, like, unlike, SLOW } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { freePort } = require('../lib/conf');

const BUILD = path.resolve(__dirname, '../../build.sh');
const NAMES = ['REDIS_URL', 'REDIS_HOST', 'REDIS_PORT', 'REDIS_PASSWORD', 'REDIS_DB', 'REDIS_USER', 'REDIS_CA', 'REDIS_CHECK_TIMEOUT'];

function check(given) {
    const env = { ...process.env, ...given };
    for (const name of NAMES) if (given[name] === undefined) delete env[name];
    return new Promise((resolve) => execFile(BUILD, ['redis-check'], { env, timeout: 20000 * SLOW },
        (error, stdout, stderr) => resolve({ code: error ? error.code : 0, text: stdout + stderr })));
}

async function tells(name, env, code, ...patterns) {
    const run = await check(env);
    is(run.code, code, `${name}: exit code`);
    for (const pattern of patterns) like(run.text, pattern, `${name}: ${pattern}`);
    unlike(run.text, /s3cret|syntax error|command not found|unbound/, `${name}: no secret, no trouble of its own`);
}

test('002-27: a Redis that will do', async () => {
    const redis = await Redis.start();
    const all = [/ok +PING: 127\.0\.0\.1:\d+ answers/, /ok +version: [67]\./, /ok +PUBLISH and SUBSCRIBE: what is said is heard/,
        /ok +SET NX: the first wins, the second is refused/, /ok +maxmemory-policy: noeviction, and no maxmemory/];
    await tells('a URL', { REDIS_URL: redis.url }, 0, ...all);
    await tells('host, port and db', { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redis.port), REDIS_DB: '3' }, 0, ...all, /warn +database 3 holds keys apart/);
    await tells('the URL wins', { REDIS_URL: redis.url, REDIS_HOST: 'nowhere.invalid' }, 0, ...all);
    is((await redis.command('DBSIZE')), 0, 'nothing is left behind');
    await redis.command('CONFIG', 'SET', 'maxmemory', '100mb');
    await tells('maxmemory', { REDIS_URL: redis.url }, 0, /ok +maxmemory-policy: noeviction\n/);
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru');
    await tells('volatile-lru', { REDIS_URL: redis.url }, 0, /warn +maxmemory-policy: volatile-lru may take locks and leases away/);
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    await tells('allkeys-lru', { REDIS_URL: redis.url }, 0, /warn +maxmemory-policy: allkeys-lru may take any key away/);
});

test('002-27: passwords, TLS, a unix socket', async () => {
    const redis = await Redis.start({ password: 's3cret@' });
    await tells('in the URL', { REDIS_URL: `redis://:s3cret%40@127.0.0.1:${redis.port}` }, 0, /redis: redis:\/\/:\*\*\*@127/, /ok +PING/);
    await tells('in the variable, which wins', { REDIS_URL: `redis://:other@127.0.0.1:${redis.port}`, REDIS_PASSWORD: 's3cret@' }, 0, /warn +REDIS_URL has a password/, /ok +PING/);
    await tells('a wrong one', { REDIS_URL: redis.url, REDIS_PASSWORD: 's3cret' }, 1, /FAIL +PING: wrong password or user at 127/);
    await tells('none', { REDIS_URL: redis.url }, 1, /FAIL +PING: wrong password or user at 127/);
    const acl = await Redis.start({ user: { name: 'app', password: 's3cret', rules: '~* &* +@all -publish -set' } });
    await tells('too few rights', { REDIS_URL: acl.url, REDIS_USER: 'app', REDIS_PASSWORD: 's3cret' }, 1, /FAIL +PUBLISH and SUBSCRIBE/, /FAIL +SET NX: NOPERM/, /\+publish \+subscribe/);
    const tls = await Redis.start({ tls: true });
    await tells('TLS', { REDIS_URL: tls.url, REDIS_CA: tls.ca.ca }, 0, /ok +PING/);
    await tells('an unknown authority', { REDIS_URL: tls.url }, 1, /FAIL +PING: TLS with localhost:\d+ failed/, /REDIS_CA/);
    await tells('no TLS', { REDIS_URL: `redis://127.0.0.1:${tls.port}` }, 1, /FAIL +PING: 127.* closes the connection/, /rediss/);
    const unix = await Redis.start({ unix: true });
    await tells('a unix socket', { REDIS_URL: `unix:${unix.sock}` }, 0, /ok +PING: unix:\/\S+ answers/);
    await tells('none there', { REDIS_URL: 'unix:/nowhere.sock' }, 1, /FAIL +PING: there is no unix:\/nowhere\.sock/);
});

test('002-27, 002-56…002-58: nobody there', async () => {
    await tells('refused', { REDIS_URL: `redis://127.0.0.1:${await freePort()}` }, 1, /FAIL +PING: 127\.0\.0\.1:\d+ refuses connections/, /Is Redis running there/);
    await tells('an unknown name', { REDIS_HOST: 'redis.invalid' }, 1, /FAIL +PING: the host "redis\.invalid" does not resolve/);
    const redis = await Redis.start();
    redis.pause();
    await tells('no answer', { REDIS_URL: redis.url, REDIS_CHECK_TIMEOUT: '1' }, 1, /FAIL +PING: no answer from 127\.0\.0\.1:\d+ in 1 s/, /firewall/);
    redis.resume();
    await tells('a strange URL', { REDIS_URL: 'http://:s3cret@h' }, 1, /FAIL +REDIS_URL begins with neither/);
    const replica = await Redis.start({ settings: { replicaof: `127.0.0.1 ${redis.port}` } });
    await replica.says(/MASTER <-> REPLICA sync: Finished with success/);
    await tells('a replica', { REDIS_URL: replica.url }, 1, /FAIL +it is a replica/, /FAIL +SET NX: READONLY/);
});

// SPDX-License-Identifier: BSD-2-Clause
// The text of an nginx.conf for one private nginx: free ports, own files, the module under test.
'use strict';

const fs = require('fs');
const net = require('net');
const path = require('path');

const ROOT = path.resolve(__dirname, '..', '..');
const MODULE = path.resolve(process.env.RT_MODULE || path.join(process.env.BUILD || path.join(ROOT, 'build'), 'ngx_http_realtime_module.so'));
// The same with workers that die inside a locked section when they get the signal (t/hooks).
const hooked = () => path.join(path.dirname(fs.realpathSync(MODULE)), 'hooks', path.basename(MODULE));
const DIE_LOCKED = 40;

// Below the range from which the system takes clients' ports, so that no client is in the way.
const FIRST_PORT = 20000;
const LAST_PORT = 32000;
let next = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));

function isFree(port) {
    return new Promise((resolve) => {
        const probe = net.createServer().once('error', () => resolve(false));
        probe.listen({ port, host: '0.0.0.0', exclusive: true }, () => probe.close(() => resolve(true)));
    });
}

async function freePort() {
    for (;;) {
        next = next >= LAST_PORT ? FIRST_PORT : next + 1;
        const port = next; // others may ask meanwhile
        if (await isFree(port)) return port;
    }
}

const GLOBALS = `load_module %%MODULE%%;
daemon off;
master_process on;
${process.getuid() === 0 ? 'user www-data;' : ''}
pid %%PREFIX%%/nginx.pid;
error_log %%PREFIX%%/error.log %%LEVEL%%;`;

const GLOBALS_HTTP = `access_log %%PREFIX%%/access.log;
    client_body_temp_path %%PREFIX%%/body;
    proxy_temp_path %%PREFIX%%/proxy;
    fastcgi_temp_path %%PREFIX%%/fastcgi;
    uwsgi_temp_path %%PREFIX%%/uwsgi;
    scgi_temp_path %%PREFIX%%/scgi;`;

// A whole configuration around the parts a test cares about. `server` is one server on
// %%PORT%%; `http` stands before it, where apps and zones go; `main` is outside of http.
function conf({ workers = 3, main = '', events = '', http = '', server = '' } = {}) {
    return `%%GLOBALS%%
worker_processes ${workers};
${main}
events { worker_connections 4096; ${events} }
http {
    %%GLOBALS_HTTP%%
    ${http}
    server {
        listen 127.0.0.1:%%PORT%%;
        ${server}
    }
}
`;
}

// With RT_REDIS=<url> each app of a configuration that has none is on that Redis, by a prefix of
// its own: to run a test of one host with Redis beside it.
function bound(text) {
    const url = process.env.RT_REDIS;
    if (!url || /\bredis \w+/.test(text)) return text;
    let first = true;
    return text.replace(/\brealtime_app (\w+) \{/g, (head, name) => {
        const block = first ? `realtime_redis main { url ${url}; }\n` : '';
        first = false;
        return `${block}${head} redis main prefix=%%PREFIX%%-${name} key_prefix=%%PREFIX%%-${name}:;`;
    });
}

// Replaces the placeholders; each %%PORT…%% name gets its own port, kept in `values` for later texts.
async function fill(text, values) {
    const whole = text.replace('%%GLOBALS%%', GLOBALS).replace('%%GLOBALS_HTTP%%', GLOBALS_HTTP);
    for (const [, name] of whole.matchAll(/%%(PORT\w*)%%/g)) values[name] = values[name] || await freePort();
    return whole.replace(/%%(\w+)%%/g, (mark, name) => {
        if (values[name] === undefined) throw new Error(`nginx.conf: unknown placeholder ${mark}`);
        return values[name];
    });
}

// nginx is in sbin, which is not in everyone's PATH.
function binary() {
    const places = `${process.env.PATH}:/usr/sbin:/sbin:/usr/local/sbin`.split(':').map((dir) => path.join(dir, 'nginx'));
    return process.env.RT_NGINX || places.find((file) => fs.existsSync(file)) || 'nginx';
}

// The environment of nginx alone: sanitizers are preloaded into it, never into node.
function environment(prefix, extra = {}) {
    const env = { ...process.env, ...extra };
    if (!process.env.RT_PRELOAD) return env;
    const common = `log_path=${prefix}/sanitizer:abort_on_error=1:halt_on_error=1`;
    env.LD_PRELOAD = process.env.RT_PRELOAD;
    env.ASAN_OPTIONS = `${common}:detect_leaks=${process.env.RT_LEAKS || 0}:strict_string_checks=1`;
    env.UBSAN_OPTIONS = `${common}:print_stacktrace=1`;
    return env;
}

module.exports = { conf, bound, fill, binary, environment, freePort, isFree, hooked, DIE_LOCKED, MODULE, ROOT };

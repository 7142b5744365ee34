// SPDX-License-Identifier: BSD-2-Clause
// Tables of configurations for `nginx -t`: what it refuses or warns of, by file, line and word, and
// what it takes without a word.
'use strict';

const { test, is, like, unlike } = require('./tap');
const { Nginx } = require('./nginx');

// A fragment stands where its name says; `# here` marks the line that is wrong.
const PLACES = {
    main: (fragment) => [fragment, '', 'location / {\nrealtime; # here\n}'],
    events: (fragment) => ['', '', 'location / {\nrealtime; # here\n}', fragment],
    http: (fragment) => ['', fragment, ''],
    redis: (fragment) => ['', `realtime_redis main {\n${fragment}\n}`, ''],
    block: (fragment) => ['', `realtime_redis main {\n${fragment}\n} # here`, ''], // judged as a whole
    app: (fragment) => ['', `realtime_app a {\n${fragment}\n}`, ''],
    nsp: (fragment) => ['', `realtime_app a { namespace / {\n${fragment}\n} }`, ''],
    re: (fragment) => ['', `realtime_app a { namespace ~ ^/(?<org>\\w+)$ {\n${fragment}\n} }`, ''],
    on: (fragment) => ['', `realtime_app a { namespace / { on x {\n${fragment}\n} } }`, ''],
    connect: (fragment) => ['', `realtime_app a { namespace / { connect {\n${fragment}\n} } }`, ''],
    disconnect: (fragment) => ['', `realtime_app a { namespace / { disconnect {\n${fragment}\n} } }`, ''],
    server: (fragment) => ['', '', fragment],
    location: (fragment) => ['', '', `location /io/ { realtime;\n${fragment}\n}`],
};

function whole(place, fragment) {
    const [main, http, server, events = ''] = PLACES[place](fragment);
    return `load_module %%MODULE%%;
pid %%PREFIX%%/nginx.pid; error_log %%PREFIX%%/error.log info;
${main}
events { ${events} }
http {
    access_log off;
    client_body_temp_path %%PREFIX%%/body; proxy_temp_path %%PREFIX%%/proxy; fastcgi_temp_path %%PREFIX%%/fastcgi;
    uwsgi_temp_path %%PREFIX%%/uwsgi; scgi_temp_path %%PREFIX%%/scgi;
    ${http}
    server {
        listen unix:%%SOCK%%;
        ${server}
    }
}
`;
}

const lineOf = (text) => text.slice(0, text.indexOf('# here')).split('\n').length;
const escaped = (words) => words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const nameOf = (place, fragment) => `${place}: ${fragment.replace(/( # here)?\n/g, ' ').replace(' # here', '')}`;

// One case: where, the fragment, the words.
function complains(level, code, cases, env = {}) {
    for (const [place, fragment, words] of cases) {
        const text = whole(place, fragment);
        const name = nameOf(place, fragment);
        test(name, async () => {
            const run = await Nginx.check(text, { env });
            is(run.code, code, `${name}: exit code`);
            like(run.stderr, new RegExp(`\\[${level}\\] .*${escaped(words)}.* in \\S*/nginx\\.conf:${lineOf(text)}\n`),
                `${name}: words and line`);
        });
    }
}

// Good configurations: not a word of ours.
function passes(cases, env = {}) {
    for (const [place, fragment] of cases) {
        const name = nameOf(place, fragment);
        test(name, async () => {
            const run = await Nginx.check(whole(place, fragment), { env });
            is(run.code, 0, `${name}: exit code`);
            unlike(run.stderr, /\[(emerg|alert|crit|error|warn)\]/, `${name}: no words`);
        });
    }
}

module.exports = { complains, passes, whole };

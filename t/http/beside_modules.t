#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// The module beside those that Debian's packages bring, loaded before and after them, nchan
// among them: modules share one symbol space, and nchan exports a whole hiredis.
'use strict';

const fs = require('fs');
const path = require('path');

const { test, is, ok, like, deepEqual } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { connected } = require('../lib/client');
const { http, post } = require('../lib/raw');

const ENABLED = '/etc/nginx/modules-enabled';
const DIRECTORY = '/usr/lib/nginx/modules';

// In the order in which the system's nginx loads them.
const others = fs.readdirSync(ENABLED).sort()
    .flatMap((file) => fs.readFileSync(path.join(ENABLED, file), 'utf8').match(/\w+\.so/g) || []);
const load = (names) => names.map((name) => `load_module ${DIRECTORY}/${name};`).join('\n');

const text = (before, after) => `${load(before)}
%%GLOBALS%%
${load(after)}
worker_processes 2;
events {}
http {
    %%GLOBALS_HTTP%%
    realtime_app app { zone app:8m; namespace / { on ask { ack $realtime_arg_0; } } }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /socket.io/ { realtime app; }
        location /pub { nchan_publisher; nchan_channel_id x; }
        location /sub { nchan_subscriber; nchan_channel_id x; nchan_subscriber_first_message oldest; }
    }
}
`;

test('Debian\'s modules', () => ok(others.includes('ngx_nchan_module.so'), `enabled here: ${others.join(' ')}`));

for (const [name, before, after] of [['before ours', others, []], ['behind ours', [], others]]) {
    test(`loaded ${name}`, async () => {
        const nginx = await Nginx.start(text(before, after), { name });
        const socket = await connected(nginx);
        deepEqual(await socket.timeout(5000).emitWithAck('ask', { a: 'é' }), { a: 'é' }, `${name}: ours answers`);
        like((await post(nginx, '/pub', 'hello')).status, /^20\d$/, `${name}: nchan takes a message`);
        is((await http(nginx, { path: '/sub' })).text, 'hello', `${name}: nchan gives it out`);
        socket.disconnect();
        await nginx.reload();
        is((await http(nginx, { path: '/socket.io/?EIO=4&transport=polling' })).status, 200, `${name}: after a reload`);
    });
}

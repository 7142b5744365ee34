// SPDX-License-Identifier: BSD-2-Clause
// What a black-box test runs against: nginx with the module, or with RT_REFERENCE=1 the Node
// server that proves the test itself.
'use strict';

const tap = require('./tap');
const { Nginx } = require('./nginx');
const { Reference } = require('./reference');

const reference = Boolean(process.env.RT_REFERENCE);

const start = (parts, options) => (reference ? Reference : Nginx).start(parts, options);

// A test of what only the module does: workers, limits, ruled differences.
function ours(name, body, options) {
    if (!reference) tap.test(name, body, options);
    else tap.test(name, () => tap.pass(`${name}: not a matter of the reference`));
}

module.exports = { start, ours, reference };

// SPDX-License-Identifier: BSD-2-Clause
// Files for nginx to serve. Its workers run as another user, who may not be able to enter
// the directory that the tests stand in.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');

const tap = require('./tap');

// A copy of a directory that everybody can read; removed at the end of the file.
function publicCopy(directory) {
    const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'rt-files-'));
    const remove = () => fs.rmSync(copy, { recursive: true, force: true });
    tap.after(remove);
    tap.onPanic(remove);
    fs.cpSync(directory, copy, { recursive: true });
    fs.chmodSync(copy, 0o755);
    return copy;
}

module.exports = { publicCopy };

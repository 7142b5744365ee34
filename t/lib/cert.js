// SPDX-License-Identifier: BSD-2-Clause
// A self-signed certificate for one test, made by openssl: {cert, key} are file names.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { execFileSync } = require('child_process');
const tap = require('./tap');

function certificate() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rt-cert-'));
    tap.after(() => fs.rmSync(dir, { recursive: true, force: true }));
    const files = { cert: path.join(dir, 'cert.pem'), key: path.join(dir, 'key.pem') };
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', files.key, '-out', files.cert], { stdio: 'ignore' });
    return files;
}

module.exports = { certificate };

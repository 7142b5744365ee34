// SPDX-License-Identifier: BSD-2-Clause
// Certificates for one test, made by openssl: file names of {cert, key}. A self-signed one, or
// an authority of the test's own that issues them.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { execFileSync } = require('child_process');
const tap = require('./tap');

const KIND = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

function directory() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rt-cert-'));
    tap.after(() => fs.rmSync(dir, { recursive: true, force: true }));
    return dir;
}

function make(dir, name, options) {
    const files = { cert: path.join(dir, `${name}.pem`), key: path.join(dir, `${name}.key`) };
    execFileSync('openssl', ['req', '-x509', ...KIND, ...options, '-keyout', files.key, '-out', files.cert], { stdio: 'ignore' });
    return files;
}

const names = (name) => ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`];

const certificate = () => make(directory(), 'cert', names('localhost'));

// `ca` is its own certificate; issue(name) a server's or a client's, for that name and 127.0.0.1.
function authority() {
    const dir = directory();
    const own = make(dir, 'ca', ['-subj', '/CN=test authority', '-addext', 'basicConstraints=critical,CA:TRUE']);
    let issued = 0;
    const issue = (name, options = names(name)) => make(dir, `${++issued}`, [...options, '-CA', own.cert, '-CAkey', own.key, '-addext', 'basicConstraints=CA:FALSE']);
    return { ca: own.cert, issue };
}

module.exports = { certificate, authority };

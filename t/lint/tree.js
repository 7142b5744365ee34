// SPDX-License-Identifier: BSD-2-Clause
// What the lint tests know about the source tree: its files, their code without comments and
// texts, who includes whom; and a cache, so that a slow check runs again only on what changed.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { execFile, execFileSync } = require('child_process');

const ROOT = path.resolve(__dirname, '..', '..');
const BUILD = path.resolve(process.env.BUILD || path.join(ROOT, 'build'));
const JOBS = Number(process.env.JOBS || os.cpus().length);
const FLOORS = ['base', 'wire', 'engine', 'shm', 'hub', 'cluster', 'ngx'];
const CORE = FLOORS.slice(0, -1);

// Every file that git has or would take, relative to the root.
function tracked() {
    const list = execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-co', '--exclude-standard', '-z'], { cwd: ROOT });
    return [...new Set(list.toString().split('\0').filter(Boolean))]
        .filter((file) => fs.existsSync(path.join(ROOT, file))).sort();
}

const sources = (...ends) => tracked().filter((file) => file.startsWith('src/') && ends.some((end) => file.endsWith(end)));
const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const floorOf = (file) => file.split('/')[1];
const isLink = (file) => fs.lstatSync(path.join(ROOT, file)).isSymbolicLink();

// The code with comments gone and texts empty; line numbers stay.
function code(text) {
    const blank = (match) => match.replace(/[^\n]/g, ' ');
    const pattern = /R"(\w*)\([^]*?\)\1"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'|\/\/[^\n]*|\/\*[^]*?\*\//g;
    return text.replace(pattern, (match) => (match[0] === '/' ? blank(match) : `""${blank(match.slice(2))}`));
}

// [{name, angled, line}] of a file.
function includes(text) {
    return text.split('\n').map((content, at) => ({ match: content.match(/^\s*#\s*include\s*(["<])([^">]+)[">]/), line: at + 1 }))
        .filter(({ match }) => match).map(({ match, line }) => ({ name: match[2], angled: match[1] === '<', line }));
}

// The file and all of ours that it includes, directly or not.
function closure(file, seen = new Set()) {
    if (seen.has(file) || !fs.existsSync(path.join(ROOT, file))) return seen;
    seen.add(file);
    for (const { name, angled } of includes(read(file))) {
        if (angled) continue;
        closure(`src/${name}`, seen);
        closure(path.posix.join(path.posix.dirname(file), name), seen);
    }
    return seen;
}

function hash(parts) {
    const sum = crypto.createHash('sha256');
    for (const part of parts) sum.update(`${part.length}:`).update(part);
    return sum.digest('hex');
}

function run(command, args, input) {
    return new Promise((resolve) => {
        const child = execFile(command, args, { cwd: ROOT, maxBuffer: 64 << 20 },
            (error, stdout, stderr) => resolve({ code: error ? error.code || 1 : 0, out: stdout + stderr }));
        child.stdin.end(input);
    });
}

// Runs `check(item)`, which gives '' or what is wrong, over all items, a few at a time;
// `report(item, wrong)` as they are done.
async function each(items, check, report) {
    const queue = [...items];
    const worker = async () => {
        while (queue.length) { const item = queue.shift(); report(item, await check(item)); }
    };
    await Promise.all(Array.from({ length: JOBS }, worker));
}

// Remembers under build/lint that `check` found nothing wrong with exactly this input.
function cached(kind, check, inputOf) {
    const dir = path.join(BUILD, 'lint', kind);
    fs.mkdirSync(dir, { recursive: true });
    return async (item) => {
        const mark = path.join(dir, hash(inputOf(item)));
        if (fs.existsSync(mark)) return '';
        const wrong = await check(item);
        if (!wrong) fs.writeFileSync(mark, item);
        return wrong;
    };
}

const version = (command) => execFileSync(command, ['--version']).toString();

// Compiler flags of a file: the core sees no nginx; the shell sees Debian's headers as its build does.
function flags(file) {
    const common = ['-std=c++20', '-Isrc', '-Wall', '-Wextra', '-Wno-missing-field-initializers'];
    if (floorOf(file) !== 'ngx') return file.startsWith('src/') ? [...common, '-Wconversion'] : [...common, '-It/unit'];
    const nginx = ['core', 'event', 'event/modules', 'os/unix', 'http', 'http/modules', 'http/v2'];
    return [...common, '-Wno-unused-parameter', ...nginx.map((dir) => `-isystem/usr/share/nginx/src/src/${dir}`),
        `-isystem${path.join(BUILD, 'module')}`];
}

module.exports = { ROOT, BUILD, FLOORS, CORE, tracked, sources, read, floorOf, isLink, code, includes, closure, run, each, cached, version, flags };

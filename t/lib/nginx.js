// SPDX-License-Identifier: BSD-2-Clause
// One private nginx for a test: started, watched, and judged when it stops. Whatever the test
// itself found, an alert in the log, a worker killed, a sanitizer's report or a process left
// over fails the file.
'use strict';

const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const { spawn, spawnSync } = require('child_process');

const tap = require('./tap');
const proc = require('./proc');
const { conf, bound, fill, binary, environment, MODULE, ROOT } = require('./conf');
const { until } = require('./until');

const PATIENCE = 10000 * tap.SLOW;
// A sanitizer ends its process with a code of its own.
const BAD = /\[(alert|crit|emerg)\]|exited on signal|exited with code (?!0\b)/;
const SANITIZER = /AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:/;

function makePrefix() {
    const prefix = fs.mkdtempSync(path.join(os.tmpdir(), 'rt-'));
    fs.chmodSync(prefix, 0o777); // workers run as another user
    return prefix;
}

function readText(file) {
    try {
        return fs.readFileSync(file, 'latin1');
    } catch {
        return '';
    }
}

const connects = (target) => new Promise((resolve) => {
    const socket = net.connect(target, () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
});

class Nginx {
    // `text` is a whole configuration (see conf.js for its placeholders) or the parts that
    // conf() takes. `values` are placeholders of the test's own; `wrapper` are the first words of
    // the command, which ends by becoming nginx.
    constructor(text, { env = {}, level = 'info', name = 'nginx', values = {}, wrapper = [] } = {}) {
        this.name = name;
        this.wrapper = wrapper;
        this.text = bound(typeof text === 'string' ? text : conf(text));
        this.prefix = makePrefix();
        this.values = { MODULE, ROOT, LEVEL: level, ...values, PREFIX: this.prefix, SOCK: `${this.prefix}/nginx.sock` };
        this.env = environment(this.prefix, env);
        this.allowed = [];
        this.stderr = '';
        this.judged = false;
    }

    // A running nginx; it is stopped and judged at the end of the file at the latest.
    static async start(text, options) {
        const nginx = new Nginx(text, options);
        tap.after(() => nginx.stop());
        tap.onPanic(() => { nginx.murder(); tap.diag(`kept: ${nginx.prefix}`); });
        await nginx.launch();
        return nginx;
    }

    // `nginx -t` over the text: {code, stderr}. Nothing is left behind.
    static async check(text, options) {
        const nginx = new Nginx(text, options);
        try {
            await nginx.writeConf(nginx.text);
            const run = spawnSync(binary(), [...nginx.arguments(), '-t'], { env: nginx.env, encoding: 'latin1' });
            return { code: run.status, stderr: run.stderr };
        } finally {
            fs.rmSync(nginx.prefix, { recursive: true, force: true });
        }
    }

    get port() { return this.values.PORT; }
    get sock() { return this.values.SOCK; }
    get url() { return `http://127.0.0.1:${this.port}`; }
    get pid() { return this.child.pid; }

    file(name) { return path.join(this.prefix, name); }
    log() { return readText(this.file('error.log')); }
    accessLog() { return readText(this.file('access.log')); }
    arguments() { return ['-p', this.prefix, '-c', this.file('nginx.conf'), '-e', this.file('error.log')]; }

    async writeConf(text) {
        fs.writeFileSync(this.file('nginx.conf'), await fill(text, this.values));
    }

    async launch(tries = 3) {
        await this.writeConf(this.text);
        fs.writeFileSync(this.file('error.log'), '');
        this.spawn();
        await until(() => this.gone || this.listens(), `${this.name} listens`, PATIENCE);
        if (!this.gone) { await this.ready(this.wanted()); return; }
        if (tries > 1 && /Address already in use/.test(this.log())) { await this.relaunch(tries - 1); return; }
        const words = this.stderr || this.log();
        this.remove();
        throw new Error(`${this.name} did not start:\n${words}`);
    }

    // Another process was faster with one of our ports: take others.
    relaunch(tries) {
        for (const name of Object.keys(this.values).filter((key) => key.startsWith('PORT'))) delete this.values[name];
        return this.launch(tries);
    }

    // In a process group of its own, so that all of it can be found and killed.
    spawn() {
        this.gone = undefined;
        const [command, ...words] = [...this.wrapper, binary(), ...this.arguments()];
        this.child = spawn(command, words, { env: this.env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
        this.child.stderr.on('data', (bytes) => { this.stderr += bytes.toString('latin1'); });
        this.exit = new Promise((resolve) => this.child.on('exit', (code, signal) => {
            this.gone = { code, signal };
            resolve(this.gone);
        }));
    }

    listens() {
        return connects(this.port ? { host: '127.0.0.1', port: this.port } : { path: this.sock });
    }

    // Worker processes: those that take clients, those that are leaving.
    workers() { return this.titled(/nginx: worker process$/); }
    leaving() { return this.titled(/nginx: worker process is shutting down/); }
    titled(pattern) { return proc.children(this.pid).filter((pid) => pattern.test(proc.title(pid))); }

    wanted() {
        const number = readText(this.file('nginx.conf')).match(/(?:^|;)\s*worker_processes\s+(\d+)/m);
        return number ? Number(number[1]) : 1;
    }

    // Resolves when `n` workers take clients.
    ready(n) {
        return until(() => this.workers().length === n, `${this.name}: ${n} workers`, PATIENCE);
    }

    // Reloads, with a new text if one is given; resolves when every worker that takes clients is new.
    async reload(text) {
        if (text !== undefined) await this.writeConf(bound(typeof text === 'string' ? text : conf(text)));
        const old = this.workers();
        const seen = this.log().length;
        process.kill(this.pid, 'SIGHUP');
        await until(() => this.isRenewed(old, this.log().slice(seen)), `${this.name}: reload`, PATIENCE);
    }

    isRenewed(old, log) {
        if (/\[emerg\]/.test(log)) throw new Error(`${this.name}: reload refused:\n${log}`);
        const now = this.workers();
        return now.length === this.wanted() && !now.some((pid) => old.includes(pid));
    }

    // A reload that nginx must refuse: resolves with its words; the old workers go on.
    async brokenReload(text) {
        await this.writeConf(text);
        const seen = this.log().length;
        this.allow(/\[emerg\]/);
        process.kill(this.pid, 'SIGHUP');
        const refused = () => (this.log().slice(seen).match(/\[emerg\].*/) || [])[0];
        const words = await until(refused, `${this.name}: refused reload`, PATIENCE);
        await this.writeConf(this.text);
        return words;
    }

    // Kills one worker and waits for its successor; the log lines of this one death are expected.
    async kill(pid, signal = 'SIGKILL') {
        const before = this.workers();
        this.allow(new RegExp(`worker process ${pid} exited on signal`));
        this.allow(new RegExp(`was locked by ${pid}\\b`));
        process.kill(pid, signal);
        await until(() => !proc.alive(pid), `worker ${pid} dies`, PATIENCE);
        if (!before.includes(pid)) return;
        await until(() => this.workers().some((worker) => !before.includes(worker)), 'a new worker', PATIENCE);
    }

    // Expects one more log line like `pattern`, which would fail the test otherwise.
    allow(pattern) { this.allowed.push(pattern); }

    // Resolves with the match of the first log line like `pattern` after `from` characters.
    waitLog(pattern, { from = 0, ms = PATIENCE } = {}) {
        return until(() => this.log().slice(from).match(pattern), `log line ${pattern}`, ms);
    }

    // Leaves when the last client left (SIGQUIT), or at once (SIGTERM).
    quit(ms = PATIENCE) { return this.end('SIGQUIT', ms); }
    stop(ms = PATIENCE) { return this.end('SIGTERM', ms); }

    async end(signal, ms) {
        if (this.judged || !this.child) { this.remove(); return; }
        if (!this.gone) process.kill(this.pid, signal);
        const left = await until(() => this.gone, `${this.name} ends`, ms).catch((late) => late);
        if (left instanceof Error) tap.fail(`${this.name}: all processes end`, `${left.message} after ${signal}`);
        const orphans = this.gone ? proc.groupOf(this.pid) : [];
        this.murder();
        await this.exit;
        this.judge(orphans);
    }

    // Kills what is left of this nginx, and nothing else.
    murder() {
        if (this.child && proc.groupOf(this.child.pid).length) process.kill(-this.child.pid, 'SIGKILL');
    }

    judge(orphans) {
        this.judged = true;
        const reports = fs.readdirSync(this.prefix).filter((name) => name.startsWith('sanitizer.'));
        const faults = [
            ...this.unexpected(),
            ...reports.map((name) => readText(this.file(name))),
            ...(SANITIZER.test(this.stderr) ? [this.stderr] : []),
            ...orphans.map((pid) => `process ${pid} outlives its master`),
            ...(this.gone.code === 0 ? [] : [`the master ended with ${JSON.stringify(this.gone)}`]),
        ];
        if (tap.ok(faults.length === 0, `${this.name}: no alert, no crash, no sanitizer report`)) { this.remove(); return; }
        tap.diag(`${faults.join('\n')}\nkept: ${this.prefix}`);
    }

    // Bad log lines, each allowance used for one line at most.
    unexpected() {
        const allowed = [...this.allowed];
        return this.log().split('\n').filter((line) => BAD.test(line)).filter((line) => {
            const at = allowed.findIndex((pattern) => pattern.test(line));
            if (at >= 0) allowed.splice(at, 1);
            return at < 0;
        });
    }

    remove() {
        this.judged = true;
        if (!process.env.RT_KEEP) fs.rmSync(this.prefix, { recursive: true, force: true });
    }
}

module.exports = { Nginx, conf };

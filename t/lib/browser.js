// SPDX-License-Identifier: BSD-2-Clause
// Headless Chromium by its DevTools protocol: pages, scripts in them, and their errors.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { spawn } = require('child_process');
const WebSocket = require('ws');

const tap = require('./tap');
const { deadline, until, event } = require('./until');

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--no-first-run',
    '--no-default-browser-check', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions',
    '--mute-audio', '--window-size=1100,900', '--remote-debugging-port=0'];

const PATIENCE = 20000 * tap.SLOW;

class Page {
    constructor(browser, target, session) {
        Object.assign(this, { browser, target, session, errors: [] });
    }

    send(method, params) { return this.browser.send(method, params, this.session); }

    // The value of an expression in the page, a promise's too.
    async run(expression) {
        const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
        if (exceptionDetails) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails.exception || exceptionDetails)}`);
        return result.value;
    }

    until(expression, what) { return until(() => this.run(expression), what || expression, PATIENCE); }
    click(selector) { return this.run(`document.querySelector(${JSON.stringify(selector)}).click()`); }
    text(selector) { return this.run(`document.querySelector(${JSON.stringify(selector)}).textContent`); }

    async open(url) {
        await this.send('Page.navigate', { url });
        await this.until('document.readyState === "complete" && location.href !== "about:blank"', `${url} is loaded`);
    }

    async picture(file) {
        const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
        fs.writeFileSync(file, Buffer.from(data, 'base64'));
    }

    close() { return this.browser.send('Target.closeTarget', { targetId: this.target }); }
}

class Browser {
    // Started with a profile of its own; ended and removed at the end of the file.
    static async start() {
        const browser = new Browser();
        tap.after(() => browser.stop());
        tap.onPanic(() => browser.murder());
        await browser.launch();
        return browser;
    }

    async launch() {
        this.profile = fs.mkdtempSync(path.join(os.tmpdir(), 'rt-chromium-'));
        const binary = process.env.RT_CHROMIUM || 'chromium';
        const env = { ...process.env, HOME: this.profile };
        this.child = spawn(binary, [...FLAGS, `--user-data-dir=${this.profile}`, 'about:blank'], { detached: true, env, stdio: ['ignore', 'ignore', 'pipe'] });
        this.gone = new Promise((resolve) => this.child.on('close', resolve));
        let said = '';
        this.child.stderr.on('data', (bytes) => { said += bytes; });
        this.child.on('error', (error) => { said += error.message; });
        const address = until(() => (said.match(/DevTools listening on (ws:\S+)/) || [])[1], 'Chromium starts', PATIENCE);
        const url = await address.catch((late) => { throw new Error(`${late.message}\n${said}`); });
        this.socket = new WebSocket(url, { perMessageDeflate: false });
        this.waiting = new Map();
        this.pages = new Map();
        this.sent = 0;
        this.socket.on('message', (text) => this.hear(JSON.parse(text)));
        await event(this.socket, 'open');
    }

    hear({ id, result, error, method, params, sessionId }) {
        if (id !== undefined) {
            const { resolve, reject } = this.waiting.get(id);
            this.waiting.delete(id);
            if (error) reject(new Error(error.message));
            else resolve(result);
        } else if (method === 'Runtime.exceptionThrown') {
            this.pages.get(sessionId).errors.push(params.exceptionDetails.text);
        }
    }

    send(method, params = {}, sessionId = undefined) {
        const id = ++this.sent;
        this.socket.send(JSON.stringify({ id, method, params, sessionId }));
        const answer = new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
        return deadline(answer, method, PATIENCE);
    }

    async page(url) {
        const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
        const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
        const page = new Page(this, targetId, sessionId);
        this.pages.set(sessionId, page);
        await page.send('Runtime.enable');
        await page.open(url);
        return page;
    }

    // Chromium is a family of processes, in a group of their own.
    murder() {
        try {
            process.kill(-this.child.pid, 'SIGKILL');
        } catch {
            // already gone
        }
    }

    async stop() {
        if (this.socket) this.socket.terminate();
        this.murder();
        await this.gone;
        fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 10 });
    }
}

module.exports = { Browser };

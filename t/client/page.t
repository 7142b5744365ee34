#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// The page with three clients, in Chromium: all three receive, over at least two workers;
// from a foreign origin that is allowed, from one that is not; and when the server stops.
// Seed rows 001-05, 001-06, 001-09, 001-10, 001-11, 001-12, 001-24, 001-25, 001-26.
'use strict';

const http = require('http');
const fs = require('fs');
const path = require('path');

const { test, is, ok, like, deepEqual, after } = require('../lib/tap');
const { start, reference } = require('../lib/target');
const { Browser } = require('../lib/browser');
const { publicCopy } = require('../lib/files');

const PAGES = publicCopy(path.resolve(__dirname, '..', 'page'));
const BUNDLES = publicCopy(path.resolve(__dirname, '..', 'node_modules', 'socket.io-client', 'dist'));

// A foreign origin: another port, with nothing but the page.
function elsewhere() {
    const server = http.createServer((req, res) => {
        res.writeHead(200, { 'Content-Type': 'text/html' }).end(fs.readFileSync(path.join(PAGES, 'websocket-test.html')));
    });
    after(() => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }));
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`)));
}

const fixture = (friend) => ({
    workers: 3,
    http: `
        realtime_app page {
            zone page:16m;
            namespace /events {
                connect { emit whoami data=$realtime_worker; }
                on whoami { ack $realtime_worker; }
                on test-event { emit test-event all data=$realtime_args; }
            }
        }
        realtime_app member {
            zone member:16m;
            namespace /events {
                connect { require $realtime_auth_token error=unauthorized "message=a token is needed"; emit whoami data=$realtime_worker; }
                on test-event { emit test-event all data=$realtime_args; }
            }
        }
        server {
            listen 127.0.0.1:%%PORT_MEMBER%%;
            location /socket.io/ { realtime member; realtime_serve_client ${BUNDLES}; }
            location /test/ { alias ${PAGES}/; }
        }`,
    server: `
        listen 127.0.0.1:%%PORT_SPREAD%% reuseport;
        location /socket.io/ { realtime page; realtime_serve_client ${BUNDLES}; realtime_cors ${friend}; }
        location /test/ { alias ${PAGES}/; }`,
});

let server;
let browser;
let url;
let friend;
let stranger;

const states = (page) => page.run('[...document.querySelectorAll("article")].map((card) => card.dataset.state)');
const parts = (page, name) => page.run(`[...document.querySelectorAll("article ${name}")].map((part) => part.textContent)`);
const summary = (page) => page.text('#summary');
const online = 'document.querySelectorAll("article[data-state=online]").length === 3';
const told = '[...document.querySelectorAll("article .worker")].every((part) => part.textContent !== "–")';
const received = (n) => `[...document.querySelectorAll("article ol")].every((list) => list.children.length === ${n})`;

async function connectAll(page) {
    await page.click('#connect');
    await page.until(`${online} && ${told}`, 'three clients are connected');
}

// The workers are drawn by lot: again until there are two.
async function connectApart(page) {
    for (let tries = 0; ; ++tries) {
        await connectAll(page);
        const workers = new Set(await parts(page, '.worker'));
        if (workers.size > 1 || tries === 20) return workers.size;
    }
}

async function sendAndReceive(page, label) {
    await page.click('#send');
    await page.until(received(1), 'three of three receive');
    const lists = await parts(page, 'ol');
    deepEqual(lists, Array(3).fill('{"from":"client 1","number":1}'), `${label}: what was sent`);
    like(await summary(page), /^3 of 3 connected to \d workers?, 3 of 3 received$/, `${label}: ${await summary(page)}`);
}

test('the fixture', async () => {
    [friend, stranger] = [await elsewhere(), await elsewhere()];
    server = await start(fixture(friend));
    url = `http://127.0.0.1:${server.values.PORT_SPREAD}`;
    browser = await Browser.start();
    ok(true, 'server and browser run');
}, { timeout: 60000 });

test('three of three', async () => {
    const page = await browser.page(`${url}/test/websocket-test.html`);
    deepEqual(await states(page), ['offline', 'offline', 'offline'], 'offline at first');
    is(await page.run('document.querySelector("#send").disabled'), true, 'nothing can be sent yet');
    deepEqual(await parts(page, 'h2'), ['Client 1', 'Client 2', 'Client 3'], 'three clients');
    deepEqual(await page.run('[...document.querySelectorAll("button")].map((b) => b.textContent)'), ['Connect All Clients', 'Send Test Event'], 'two buttons');
    is(await page.text('#server'), url, 'its own server');
    const workers = await connectApart(page);
    ok(workers >= 2, `${workers} workers`);
    await page.until('[...document.querySelectorAll("article .transport")].every((part) => part.textContent === "websocket")', 'upgraded');
    await sendAndReceive(page, 'its own server');
    is(new Set(await parts(page, '.id')).size, 3, 'three ids');
    if (process.env.RT_PICTURE) await page.picture(process.env.RT_PICTURE);
    deepEqual(page.errors, [], 'no error in the page');
    await page.close();
}, { timeout: 60000 });

for (const transports of ['polling', 'websocket']) {
    test(`${transports} only`, async () => {
        const page = await browser.page(`${url}/test/websocket-test.html?transports=${transports}`);
        await connectAll(page);
        await sendAndReceive(page, transports);
        deepEqual(await parts(page, '.transport'), Array(3).fill(transports), 'by that transport');
        await page.close();
    }, { timeout: 60000 });
}

test('from a foreign origin that is allowed', async () => {
    const page = await browser.page(`${friend}/websocket-test.html?server=${encodeURIComponent(url)}`);
    is(await page.text('#server'), url, 'the server it was told');
    await connectAll(page);
    await sendAndReceive(page, 'a foreign origin');
    deepEqual(page.errors, [], 'no error in the page');
    await page.close();
}, { timeout: 60000 });

test('from a foreign origin that is not allowed', async () => {
    const page = await browser.page(`${stranger}/websocket-test.html?server=${encodeURIComponent(url)}`);
    await page.click('#connect');
    await page.until('!document.querySelector("#problem").hidden', 'the reason is shown');
    is(await page.text('#problem'), `Forbidden (code 4): ${url} does not allow pages of ${stranger}. Its realtime_cors must name that origin.`, 'in words');
    ok(!(await states(page)).includes('online'), 'no client is connected');
    await page.close();
}, { timeout: 60000 });

test('from a file', async () => {
    const page = await browser.page(`file://${PAGES}/websocket-test.html?server=${encodeURIComponent(url)}`);
    await page.click('#connect');
    await page.until('!document.querySelector("#problem").hidden', 'the reason is shown');
    like(await page.text('#problem'), /^Forbidden \(code 4\): .* does not allow pages of (null|file:\/\/)\./, 'Origin: null is refused in words');
    await page.close();
}, { timeout: 60000 });

test('with a token', async () => {
    const page = await browser.page(`http://127.0.0.1:${server.values.PORT_MEMBER}/test/websocket-test.html`);
    await page.click('#connect');
    await page.until('document.querySelectorAll("article[data-state=refused]").length === 3', 'all three are refused');
    is(await page.text('#problem'), 'a token is needed', "the server's words");
    await page.run('document.querySelector("#token").value = "abc"');
    await connectAll(page);
    is(await page.run('document.querySelector("#problem").hidden'), true, 'with one it is let in');
    await sendAndReceive(page, 'a token');
    await page.close();
}, { timeout: 60000 });

test('a server that is none', async () => {
    const nobody = await browser.page(`${url}/test/websocket-test.html?server=${encodeURIComponent('javascript:alert(1)')}`);
    like(await nobody.text('#problem'), /^not a server/, 'no URL of a server');
    await nobody.close();
    const page = await browser.page(`${url}/test/websocket-test.html?server=http://127.0.0.1:1`);
    await page.click('#connect');
    await page.until('!document.querySelector("#problem").hidden', 'the reason is shown');
    like(await page.text('#problem'), /^Cannot load http:\/\/127\.0\.0\.1:1\/socket\.io\/socket\.io\.js/, 'nobody there');
    await page.close();
}, { timeout: 60000 });

test('the server stops', async () => {
    const page = await browser.page(`${url}/test/websocket-test.html`);
    await connectAll(page);
    await server.stop();
    await page.until('[...document.querySelectorAll("article .state")].every((part) => /^offline/.test(part.textContent))', 'all three are offline');
    ok(!(await states(page)).includes('online'), 'offline');
    like(await summary(page), /^0 of 3 connected/, await summary(page));
    is(await page.run('document.querySelector("#send").disabled'), true, 'nothing can be sent');
    deepEqual(await parts(page, '.worker'), ['–', '–', '–'], 'no worker');
    await page.close();
}, { timeout: 60000 });

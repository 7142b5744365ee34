// SPDX-License-Identifier: BSD-2-Clause
// The rules of one realtime_app, obeyed by a socket.io Server of Node: what a test's
// configuration means, told a second time and independently of the module.
'use strict';

const { all, first } = require('./nginx_conf');

const VARIABLE = /\$\{(\w+)\}|\$(\w+)/g;
const TYPED = /^\$realtime_(args|arg_\d+|data_\w+|auth|auth_\w+)$/;

class Refusal extends Error {
    constructor(code, message) {
        super(message);
        this.answer = { ok: false, error: code, message };
        this.data = { error: code }; // socket.io puts it into the CONNECT_ERROR, beside the message
    }
}

const NAMED = {
    namespace: (scope) => scope.socket.nsp.name,
    event: (scope) => scope.event,
    sid: (scope) => scope.socket.id,
    user: (scope) => scope.socket.data.user,
    transport: (scope) => scope.socket.conn.transport.name,
    worker: (scope) => scope.socket.conn.seat,
    args: (scope) => scope.args,
    auth: (scope) => scope.socket.handshake.auth,
    close_reason: (scope) => scope.reason,
};

const field = (holder, name) => (holder === null || typeof holder !== 'object' ? undefined : holder[name]);

function handshakeVariable(name, { headers, query, address }) {
    if (name.startsWith('arg_')) return query[name.slice(4)];
    if (name.startsWith('http_')) return headers[name.slice(5).replace(/_/g, '-')];
    return { remote_addr: address, host: headers.host }[name];
}

function lookUp(name, scope) {
    const [, own] = name.match(/^realtime_(.+)/) || [];
    if (own === undefined) return scope.matches[name] ?? handshakeVariable(name, scope.socket.handshake);
    if (NAMED[own]) return NAMED[own](scope);
    const [, kind, rest] = own.match(/^(arg|data|auth)_(\w+)$/) || [];
    if (kind === 'arg') return scope.args[Number(rest)];
    if (kind === 'data') return field(scope.args[0], rest);
    if (kind === 'auth') return field(scope.socket.handshake.auth, rest);
    throw new Error(`unknown variable $${name}`);
}

function asText(value) {
    if (value === undefined) return '';
    return typeof value === 'string' ? value : JSON.stringify(value);
}

const text = (source, scope) => source.replace(VARIABLE, (all, braced, plain) => asText(lookUp(braced || plain, scope)));

const truthy = (source, scope) => !['', '0'].includes(text(source, scope));

// The arguments that a value stands for: none if it is missing, several for $realtime_args.
function values(source, scope) {
    if (TYPED.test(source)) {
        const value = lookUp(source.slice(1), scope);
        if (source === '$realtime_args') return value;
        return value === undefined ? [] : [value];
    }
    const plain = text(source, scope);
    try {
        return [JSON.parse(plain)];
    } catch {
        return [plain];
    }
}

// Splits an action's words into plain ones and name=value options.
function options(args, names) {
    const found = { words: [], list: Object.fromEntries(names.map((name) => [name, []])) };
    for (const word of args) {
        const name = names.find((known) => word.startsWith(`${known}=`));
        if (name) found.list[name].push(word.slice(name.length + 1));
        else found.words.push(word);
    }
    return found;
}

function audience(list, words, scope) {
    const { socket, nsp } = scope;
    let target = list.to.length || list.user.length || words.includes('all') ? nsp : socket;
    for (const room of list.to) target = target === nsp ? nsp.to(text(room, scope)) : target.to(text(room, scope));
    for (const user of list.user) target = target.to(`user:${text(user, scope)}`);
    if (target === socket) return socket;
    for (const room of list.except) target = target.except(room === 'sender' ? socket.id : text(room, scope));
    return target;
}

function send(target, words, parts) {
    (words.includes('volatile') ? target.volatile : target).emit(...parts);
}

const ACTIONS = {
    require(args, scope) {
        const { words, list } = options(args, ['error', 'message']);
        if (words.every((word) => truthy(word, scope))) return;
        throw new Refusal(text(list.error[0] || 'refused', scope), text(list.message[0] || 'refused', scope));
    },
    join(args, scope) {
        const { words, list } = options(args, ['when']);
        if (list.when.every((value) => truthy(value, scope))) scope.socket.join(text(words[0], scope));
    },
    leave(args, scope) {
        const { words, list } = options(args, ['when']);
        if (list.when.every((value) => truthy(value, scope))) scope.socket.leave(text(words[0], scope));
    },
    emit(args, scope) {
        const { words: [event, ...flags], list } = options(args, ['to', 'user', 'except', 'data', 'when']);
        if (!list.when.every((value) => truthy(value, scope))) return;
        const data = list.data.flatMap((value) => values(value, scope));
        send(audience(list, flags, scope), flags, [text(event, scope), ...data]);
    },
    relay(args, scope) {
        const { words, list } = options(args, ['to', 'except']);
        const flags = list.to.length ? words : [...words, 'all'];
        send(audience({ user: [], ...list }, flags, scope), flags, [scope.event, ...scope.args]);
    },
    ack(args, scope) {
        if (scope.ack) scope.ack(...values(args[0], scope));
        scope.ack = undefined;
    },
    close(args, scope) {
        scope.socket.disconnect(args[0] !== 'namespace');
    },
};

function run(chain, scope) {
    try {
        for (const { name, args } of chain) ACTIONS[name](args, scope);
    } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        if (scope.ack) scope.ack(error.answer);
    }
}

// [test, chain] pairs: exact names first, then regular expressions in their order.
function eventRules(block) {
    const rules = all(block, 'on').map(({ args, block: chain }) => ({ args, chain }));
    const exact = rules.filter(({ args }) => args[0] !== '~');
    const byPattern = rules.filter(({ args }) => args[0] === '~');
    return (event) => {
        const rule = exact.find(({ args }) => args[0] === event);
        if (rule) return { chain: rule.chain, matches: {} };
        for (const { args, chain } of byPattern) {
            const found = String(event).match(new RegExp(args[1]));
            if (found) return { chain, matches: found.groups || {} };
        }
        return undefined;
    };
}

const chainOf = (block, name) => (first(block, name) || { block: [] }).block;

// Refusals come before the CONNECT, everything else after it.
const isGate = ({ name }) => name === 'require';

function serveNamespace(io, { args, block }, userValue) {
    const pattern = args[0] === '~' ? new RegExp(args[1]) : undefined;
    const find = eventRules(block);
    const scopeOf = (socket, more) => ({
        socket, nsp: socket.nsp, args: [], event: undefined, ...more,
        matches: { ...(pattern ? socket.nsp.name.match(pattern).groups : {}), ...(more || {}).matches },
    });
    const connect = chainOf(block, 'connect');

    io.of(pattern || args[0]).use((socket, next) => {
        try {
            for (const action of connect.filter(isGate)) ACTIONS.require(action.args, scopeOf(socket));
            next();
        } catch (refusal) {
            next(refusal);
        }
    }).on('connection', (socket) => {
        if (userValue) socket.data.user = text(userValue, scopeOf(socket));
        if (socket.data.user) socket.join(`user:${socket.data.user}`);
        run(connect.filter((action) => !isGate(action)), scopeOf(socket));
        socket.onAny((event, ...rest) => {
            const rule = find(event);
            if (!rule) return;
            const ack = typeof rest[rest.length - 1] === 'function' ? rest.pop() : undefined;
            run(rule.chain, scopeOf(socket, { event, args: rest, ack, matches: rule.matches }));
        });
        socket.on('disconnect', (reason) => run(chainOf(block, 'disconnect'), scopeOf(socket, { reason })));
    });
}

// `app` is a realtime_app of the tree, or undefined for the implicit one.
function serveApp(io, app) {
    const block = app ? app.block : [];
    const user = first(block, 'user');
    for (const nsp of all(block, 'namespace')) serveNamespace(io, nsp, user && user.args[0]);
}

module.exports = { serveApp };

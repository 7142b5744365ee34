// SPDX-License-Identifier: BSD-2-Clause
// Reads nginx.conf text into a tree of { name, args, block }, by nginx's own rules for words,
// quotes and braces. For the reference server, which obeys the same file as nginx.
'use strict';

const ESCAPES = { t: '\t', r: '\r', n: '\n', '"': '"', "'": "'", '\\': '\\' };

const unescape = (word) => word.replace(/\\([trn"'\\])/g, (all, letter) => ESCAPES[letter]);

// Tokens are words or one of `;{}`; a quoted word is never punctuation.
function* tokens(text) {
    const token = /\s+|#[^\n]*|([;{}])|"((?:\\[^]|[^"\\])*)"|'((?:\\[^]|[^'\\])*)'|((?:\\[^]|\$\{|[^\s;{\\])+)/gy;
    while (token.lastIndex < text.length) {
        const at = token.lastIndex;
        const found = token.exec(text);
        if (!found) throw new Error(`unexpected text: ${text.slice(at, at + 40)}`);
        const [, mark, double, single, bare] = found;
        if (mark) yield { mark };
        else if ((double ?? single ?? bare) !== undefined) yield { word: unescape(double ?? single ?? bare) };
    }
}

function block(stream, inner) {
    const list = [];
    let words = [];
    for (let next = stream.next(); !next.done; next = stream.next()) {
        const { mark, word } = next.value;
        if (mark === '}') {
            if (!inner || words.length) throw new Error('unexpected "}"');
            return list;
        }
        if (mark === undefined) {
            words.push(word);
            continue;
        }
        const [name, ...args] = words;
        list.push({ name, args, block: mark === '{' ? block(stream, true) : undefined });
        words = [];
    }
    if (inner || words.length) throw new Error('unexpected end of the configuration');
    return list;
}

const parse = (text) => block(tokens(text), false);

const all = (list, name) => list.filter((item) => item.name === name);
const first = (list, name) => list.find((item) => item.name === name);

module.exports = { parse, all, first };

// SPDX-License-Identifier: BSD-2-Clause
// What /proc says about processes. A process that went away meanwhile is simply absent.
'use strict';

const fs = require('fs');

function read(pid, file) {
    try {
        return fs.readFileSync(`/proc/${pid}/${file}`, 'latin1');
    } catch {
        return '';
    }
}

// The fields of /proc/<pid>/stat behind the command's name, which may hold blanks.
function stat(pid) {
    const text = read(pid, 'stat');
    const [state, parent, group] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return text ? { pid, state, parent: Number(parent), group: Number(group) } : undefined;
}

function all() {
    return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => stat(Number(name)))
        .filter((process) => process && process.state !== 'Z' && process.state !== 'X');
}

const title = (pid) => read(pid, 'cmdline').replace(/\0/g, ' ').trim();
const children = (pid) => all().filter((process) => process.parent === pid).map((process) => process.pid);
const groupOf = (group) => all().filter((process) => process.group === group).map((process) => process.pid);
const alive = (pid) => { const now = stat(pid); return Boolean(now) && now.state !== 'Z'; };

// Proportional set size in bytes, and the number of open descriptors: for leak checks.
const pss = (pid) => Number((read(pid, 'smaps_rollup').match(/^Pss:\s+(\d+)/m) || [0, 0])[1]) * 1024;
// What a process has allocated, in bytes: its memory without files and shared memory.
const heap = (pid) => Number((read(pid, 'smaps_rollup').match(/^Anonymous:\s+(\d+)/m) || [0, 0])[1]) * 1024;
const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

// The local TCP ports of a process's sockets.
function localPorts(pid) {
    const ports = new Map(read(pid, 'net/tcp').split('\n').slice(1).filter(Boolean).map((line) => line.trim().split(/\s+/))
        .map((fields) => [fields[9], parseInt(fields[1].split(':')[1], 16)]));
    const links = fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
        try {
            return fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
        } catch {
            return '';
        }
    });
    return links.map((link) => ports.get((link.match(/^socket:\[(\d+)\]$/) || [])[1])).filter((port) => port !== undefined);
}

module.exports = { title, children, groupOf, alive, pss, heap, descriptors, localPorts };

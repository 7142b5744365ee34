// SPDX-License-Identifier: BSD-2-Clause
// A Redis that says what the test tells it to, in slices of any size, and a wire that talks to it.
// What was written is read back as commands; what the wire tells is one line of text.
#pragma once

#include "base/fn.hpp"
#include "cluster/redis_wire.hpp"
#include "tap.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>

namespace rt::test {

// "+OK", "-ERR no", ":5", "$text", "_" (nil), "[$a,:1]".
inline std::string show(const wire::RespValue &value) {
    switch (value.kind()) {
    case wire::RespKind::none:
        return "none";
    case wire::RespKind::nil:
        return "_";
    case wire::RespKind::integer:
        return ":" + std::to_string(value.integer());
    case wire::RespKind::text:
        return "$" + std::string(value.text());
    case wire::RespKind::status:
        return "+" + std::string(value.text());
    case wire::RespKind::error:
        return "-" + std::string(value.text());
    case wire::RespKind::array:
        break;
    }
    std::string out = "[";
    for (const wire::RespValue each : value) {
        out += (out.size() > 1 ? "," : "") + show(each);
    }
    return out + "]";
}

inline std::string bulk(Text text) {
    return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

inline std::string array(std::initializer_list<std::string> parts) {
    std::string out = "*" + std::to_string(parts.size()) + "\r\n";
    for (const std::string &part : parts) {
        out += part;
    }
    return out;
}

// ["subscribe", "name", 1] and the like.
inline std::string confirmation(Text verb, Text name, int count = 1) {
    return array({bulk(verb), bulk(name), ":" + std::to_string(count) + "\r\n"});
}

// Words of all commands: "GET a|PING 7".
inline std::string commands_in(Text bytes) {
    std::string out;
    wire::RespReader reader;
    reader.feed(as_bytes(bytes));
    for (auto command = reader.next(); command; command = reader.next()) {
        out += out.empty() ? "" : "|";
        for (const wire::RespValue word : command) {
            out += (out.empty() || out.back() == '|' ? "" : " ") + std::string(word.text());
        }
    }
    return reader.pending() == 0 ? out : out + "...";
}

class FakeRedis final : public cluster::RedisPort, public cluster::RedisWireEvents {
public:
    explicit FakeRedis(std::size_t slice_ = 0, cluster::RedisWireSettings settings = {})
        : slice(slice_), wire(deadlines, *this, *this, std::move(settings)) {}

    // What was written since, and takes it.
    std::string said() {
        const std::string all(wire.output());
        wire.wrote(all.size());
        return commands_in(all);
    }

    // The last word that was written: the token of a PING.
    std::string token() {
        const std::string all = said();
        return all.substr(all.rfind(' ') + 1);
    }

    // Feeds what Redis says. Returns how many bytes may be taken out of the socket.
    std::size_t say(Text text) {
        std::size_t taken = 0;
        for (std::size_t at = 0; at < text.size();) {
            const Text part = text.substr(at, slice == 0 ? text.size() : slice);
            // Memory of its own, so that a sanitizer sees what is read later.
            const std::string copy(part);
            taken += wire.feed(as_bytes(copy), now);
            at += part.size();
        }
        return taken;
    }

    void greet() {
        wire.start(now);
        say(bulk(token()));
        told.clear();
    }

    std::string take() { return std::exchange(told, {}); }

    void pass(Millis time) {
        for (const Millis end = now + time; now < end;) {
            now = std::min(end, std::max(deadlines.next(), now));
            deadlines.expire(now);
        }
    }

    void arm() override { ++armed; }
    void on_greeted(Millis) override { told += "greeted;"; }
    void on_lost(const cluster::RedisLoss &loss, Millis) override {
        told += "lost " + std::string(cluster::words_for(loss.trouble)) + "/" + std::string(loss.command) +
                "/" + std::string(loss.text) + ";";
    }
    void on_reply(std::uint64_t cookie, const wire::RespValue &reply, Millis) override {
        told += std::to_string(cookie) + "=" + show(reply) + ";";
        if (on_answer) {
            std::exchange(on_answer, {})();
        }
    }
    void on_unknown(std::uint64_t cookie, Millis) override { told += std::to_string(cookie) + "?;"; }
    void on_message(Text channel, Bytes payload, Millis) override {
        told += "<" + std::string(channel) + ">" + std::string(as_text(payload)) + ";";
    }
    void on_dropped(Text channel, Millis) override { told += "dropped " + std::string(channel) + ";"; }

    Deadlines deadlines;
    Millis now = 1'000'000;
    std::size_t slice; // 0: whole
    int armed = 0;
    std::string told;
    Fn<void()> on_answer;
    cluster::RedisWire wire;
};

inline constexpr std::size_t kSlices[] = {0, 1, 7};

} // namespace rt::test

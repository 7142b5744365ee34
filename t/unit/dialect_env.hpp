// SPDX-License-Identifier: BSD-2-Clause
// Messages of the official adapter against a dialect: what was recorded has to be understood, and
// to come out again byte for byte.
#pragma once

#include "cluster/dialect.hpp"
#include "hex.hpp"
#include "tap.hpp"
#include "vectors.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace rt::test {

inline constexpr Text kSays[] = {
    "broadcast",   "join",         "leave",      "disconnect", "ask",   "list_ids", "list_rooms",    "fetch",
    "server_emit", "client_count", "client_ack", "ids",        "rooms", "fetched",  "server_answer", "done"};

inline std::string list(const std::vector<Text> &texts) {
    std::string out;
    for (const Text text : texts) {
        out += "<" + std::string(text) + ">";
    }
    return out;
}

// All that a message says, a line for each thing.
inline std::string describe(const cluster::PeerMessage &message) {
    const hub::Envelope &envelope = message.envelope;
    std::string out(kSays[static_cast<std::size_t>(message.says)]);
    const auto add = [&](const char *name, const std::string &value) {
        out += value.empty() || value == "0" ? "" : "\n# " + std::string(name) + " " + value;
    };
    add("nsp", std::string(message.nsp));
    add("envelope's nsp", std::string(envelope.nsp));
    add("uid", std::string(message.uid));
    add("number", std::to_string(message.number));
    add("request", std::string(message.request_id));
    add("to", list(envelope.to));
    add("except", list(envelope.except));
    add("rooms", list(envelope.rooms));
    add("data", std::string(envelope.data));
    std::string attachments;
    for (const Bytes each : envelope.attachments) {
        attachments += "<" + to_hex(as_text(each)) + ">";
    }
    add("attachments", attachments);
    add("volatile", envelope.is_volatile ? "yes" : "");
    add("close", envelope.close ? "yes" : "");
    add("timeout", std::to_string(envelope.asker.timeout));
    add("count", std::to_string(message.count));
    add("texts", list(message.texts));
    add("old form", message.old_form ? "yes" : "");
    const hub::Op ops[] = {hub::Op::emit, hub::Op::join, hub::Op::leave, hub::Op::disconnect};
    const auto says = static_cast<std::size_t>(message.says);
    const hub::Op op =
        message.says == cluster::Says::server_emit ? hub::Op::server_emit : ops[says < 4 ? says : 0];
    add("wrong op", envelope.op == op && envelope.remote ? "" : "yes");
    return out;
}

inline std::string listed(const std::string &vector, const char *name) {
    std::string out;
    for (wire::json::Elements each(wire::json::member(vector, name)); each.next();) {
        out += "<" + wire::json::unescape(each.value()) + ">";
    }
    return out;
}

// The same of a recorded case.
inline std::string expected(const std::string &vector) {
    std::string out = field(vector, "says");
    const auto add = [&](const char *name, const std::string &value) {
        out += value.empty() || value == "0" ? "" : "\n# " + std::string(name) + " " + value;
    };
    const auto flag = [&](const char *name) { return std::string(field(vector, name).empty() ? "" : "yes"); };
    add("nsp", field(vector, "nsp"));
    add("envelope's nsp", field(vector, "nsp"));
    add("uid", field(vector, "uid"));
    add("request", field(vector, "request"));
    add("to", listed(vector, "to"));
    add("except", listed(vector, "except"));
    add("rooms", listed(vector, "rooms"));
    add("data", field(vector, "data"));
    add("attachments", listed(vector, "attachments"));
    add("volatile", flag("volatile"));
    add("close", flag("close"));
    add("timeout", field(vector, "timeout"));
    add("count", field(vector, "count"));
    add("texts", listed(vector, "texts"));
    add("old form", flag("old"));
    return out;
}

// The message, or the error.
inline std::string heard(cluster::Dialect &dialect, Text channel, Text payload) {
    const Exact exact_channel(channel);
    const Exact exact(payload);
    const auto message = dialect.hear(exact_channel.text(), as_bytes(exact.text()));
    if (!message) {
        return message.code() == Code::not_found ? "not found" : "refused";
    }
    return describe(**message);
}

inline constexpr Text kHost = "hostuid_-09"; // a uid of ours

// What a channel is for.
struct Placed {
    Text channel;
    cluster::ChannelPlace::Kind kind;
    Text nsp;
    Text room;
};

inline void finds_places(cluster::Dialect &dialect, std::span<const Placed> cases) {
    for (const Placed &each : cases) {
        const Exact exact(each.channel);
        const cluster::ChannelPlace place = dialect.place_of(exact.text());
        ok(place.kind == each.kind, "kind of " + shown(each.channel));
        is(std::string(place.nsp) + " " + std::string(place.room),
           std::string(each.nsp) + " " + std::string(each.room), "namespace and room");
    }
}

// How such payloads on one channel are understood.
struct Heard {
    std::string payload;
    Text heard;
};

inline void hears(cluster::Dialect &dialect, Text channel, std::span<const Heard> cases) {
    for (const Heard &each : cases) {
        is(heard(dialect, channel, each.payload), each.heard,
           std::string(channel) + " " + shown(each.payload));
    }
}

// Cut off at any byte, or with one behind, it is refused.
inline bool refuses_parts(cluster::Dialect &dialect, Text channel, const std::string &payload) {
    bool good = heard(dialect, channel, payload + '\xc0') == "refused";
    for (std::size_t size = 0; size < payload.size(); ++size) {
        good = good && heard(dialect, channel, payload.substr(0, size)) == "refused";
    }
    return good;
}

// `make`: a dialect for one recorded case, with such a uid.
template <class Make> void against_vectors(const char *file, Make make) {
    int same = 0;
    for (const std::string &each : vectors(file)) {
        const std::string name = field(each, "name");
        const std::string channel = field(each, "channel");
        const std::string payload = from_hex(field(each, "hex"));
        const auto ours = make(each, std::string(kHost));
        is(heard(*ours, channel, payload), expected(each), name + ": understood");
        ok(refuses_parts(*ours, channel, payload), name + ": no part is");
        if (field(each, "says") == "broadcast") {
            const Exact exact(payload);
            is(ours->sender_of(as_bytes(exact.text())).uid, field(each, "uid"), name + ": whose it is");
        }

        const auto theirs = make(each, field(each, "uid"));
        const auto message = ours->hear(channel, as_bytes(payload));
        cluster::Publication said;
        if (message && field(each, "ours").empty()) {
            theirs->say(**message, field(each, "answers"), said);
            is(to_hex(said.payload), field(each, "hex"), name + ": said again");
            if (field(each, "ours_channel").empty()) {
                is(said.channel, channel, name + ": on its channel");
            }
            ++same;
        }
    }
    ok(same > 20, std::to_string(same) + " come out byte for byte");
}

} // namespace rt::test

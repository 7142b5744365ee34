// SPDX-License-Identifier: BSD-2-Clause
#include "hub/publish.hpp"

#include "wire/json_write.hpp"
#include "wire/sio.hpp"

#include <utility>

namespace rt::hub {

namespace json = wire::json;

namespace {

std::variant<std::monostate, PublishFault> fine() { return {}; }

constexpr std::int64_t kMaxAckTimeout = 60000;

// What goes to servers means no sockets.
bool is_for_servers(const Envelope &envelope, const wire::DomNode &message) {
    return envelope.to.empty() && envelope.except.empty() && !envelope.is_volatile && !message.member("ack");
}

std::string quoted(Text text) { return "\"" + std::string(text) + "\""; }

} // namespace

PublishRequest::Fault PublishRequest::read(Text body, const wire::DomLimits &limits) {
    document_ = wire::Dom::parse(body, limits);
    if (!document_) {
        const wire::DomFault &fault = document_.fault();
        return PublishFault{400, "bad_json",
                            "line " + std::to_string(fault.line) + ", column " +
                                std::to_string(fault.column) + ": " + fault.message};
    }
    const wire::DomNode root = document_.root();
    batch_ = root.is(json::Kind::array);
    if (!batch_) {
        return add(root, 0);
    }
    std::size_t index = 0;
    for (wire::DomItems each(root); each.next(); ++index) {
        if (Fault fault = add(each.value(), index); fault.index() != 0) {
            envelopes_.clear();
            return fault;
        }
    }
    return fine();
}

PublishRequest::Fault PublishRequest::add(const wire::DomNode &message, std::size_t index) {
    index_ = index;
    if (!message.is(json::Kind::object)) {
        return bad("a message is an object");
    }
    Envelope envelope;
    envelope.nsp = "/";
    for (wire::DomItems each(message); each.next();) {
        if (Fault fault = read_member(each.key(), each.value(), envelope); fault.index() != 0) {
            return fault;
        }
    }
    const wire::DomNode event = message.member("event");
    if (!event) {
        return bad("\"event\" is missing");
    }
    if (envelope.op == Op::server_emit && !is_for_servers(envelope, message)) {
        return bad("with \"serverSide\" there are only \"namespace\", \"event\" and \"args\"");
    }
    set_data(envelope, message);
    envelopes_.push_back(std::move(envelope));
    return fine();
}

PublishRequest::Fault PublishRequest::read_member(Text key, const wire::DomNode &value, Envelope &envelope) {
    if (key == "namespace") {
        envelope.nsp = value.text();
        return check(envelope.nsp.starts_with('/'), "\"namespace\" is a string that begins with /");
    }
    if (key == "event") {
        const bool good = value.is(json::Kind::string) && !wire::sio::is_reserved(value.text());
        return check(good, "\"event\" is a string, and none of the reserved names");
    }
    if (key == "args") {
        return check(value.is(json::Kind::array), "\"args\" is an array");
    }
    if (key == "volatile") {
        envelope.is_volatile = value.boolean();
        return check(value.is(json::Kind::boolean), "\"volatile\" is true or false");
    }
    if (key == "ack") {
        return read_ack(value);
    }
    if (key == "serverSide") {
        envelope.op = value.boolean() ? Op::server_emit : Op::emit;
        return check(value.is(json::Kind::boolean), "\"serverSide\" is true or false");
    }
    return read_audience(key, value, envelope);
}

PublishRequest::Fault PublishRequest::read_audience(Text key, const wire::DomNode &value,
                                                    Envelope &envelope) {
    if (key == "except") {
        return read_rooms(key, value, envelope.except);
    }
    if (key == "rooms" || key == "users") {
        return read_rooms(key, value, envelope.to);
    }
    return bad(quoted(key) + " is no member of a message");
}

PublishRequest::Fault PublishRequest::read_ack(const wire::DomNode &value) {
    if (batch_) {
        return bad("\"ack\" has no place in a batch: publish the message alone");
    }
    const Result<std::int64_t> timeout = value.member("timeout").integer();
    if (value.size() != 1 || !timeout || *timeout < 1 || *timeout > kMaxAckTimeout) {
        return bad("\"ack\" is {\"timeout\":milliseconds}, from 1 to 60000");
    }
    ack_timeout_ = static_cast<std::uint32_t>(*timeout);
    return fine();
}

PublishRequest::Fault PublishRequest::read_rooms(Text key, const wire::DomNode &value,
                                                 std::vector<Text> &rooms) {
    if (!value.is(json::Kind::array)) {
        return bad(quoted(key) + " is an array of strings");
    }
    if (value.size() == 0 && key != "except") {
        return bad(quoted(key) + " is empty: leave it out to reach everybody");
    }
    for (wire::DomItems each(value); each.next();) {
        if (!each.value().is(json::Kind::string)) {
            return bad(quoted(key) + " is an array of strings");
        }
        if (key == "users") {
            rooms.emplace_back(texts_.emplace_back("user:" + std::string(each.value().text())));
        } else {
            rooms.push_back(each.value().text());
        }
    }
    return fine();
}

// ["event",args...] with the arguments' own bytes.
void PublishRequest::set_data(Envelope &envelope, const wire::DomNode &message) {
    std::string &data = texts_.emplace_back("[");
    json::append_string(data, message.member("event").text());
    for (wire::DomItems each(message.member("args")); each.next();) {
        data += ',';
        each.value().append_compact(data);
    }
    data += ']';
    envelope.data = data;
}

PublishRequest::Fault PublishRequest::check(bool good, const char *rule) const {
    return good ? fine() : bad(rule);
}

PublishFault PublishRequest::bad(const std::string &what) const {
    return {400, "bad_message", batch_ ? "message " + std::to_string(index_) + ": " + what : what};
}

} // namespace rt::hub

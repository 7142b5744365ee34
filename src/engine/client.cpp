// SPDX-License-Identifier: BSD-2-Clause
#include "engine/client.hpp"

#include <algorithm>
#include <utility>

namespace rt::engine {

namespace sio = wire::sio;

namespace {

constexpr Millis kAttachmentTimeout = 10000; // between a binary packet and its last attachment
constexpr std::uint32_t kMaxRefusals = 32;   // CONNECT_ERRORs; a client that goes on is not one

Ref<wire::Frame> message(Text packet) { return wire::Frame::text({"4", packet}); }

} // namespace

Client::Client(Session &session, ClientEvents &events, Deadlines &deadlines)
    : session_(session), events_(events), deadlines_(deadlines) {}

void Client::start(Millis now) { deadlines_.start(*this, now, session_.settings().connect_timeout); }

void Client::on_text(Text data, Millis now) {
    const SessionSettings &settings = session_.settings();
    const wire::AssemblyLimits limits{{settings.limits.attachments, settings.limits.depth},
                                      settings.max_payload};
    const Result<std::optional<sio::Packet>> packet = assembler_.on_text(data, limits);
    if (!packet) {
        fail(packet.error(), now);
    } else if (packet->has_value()) {
        dispatch(**packet, {}, now);
    } else {
        watch_attachments(now);
    }
}

void Client::on_binary(Bytes data, Millis now) {
    const Result<std::unique_ptr<wire::Assembled>> whole = assembler_.on_binary(data);
    if (!whole) {
        fail(whole.error(), now);
        return;
    }
    watch_attachments(now);
    if (*whole != nullptr) {
        dispatch((*whole)->packet(), (*whole)->attachments(), now);
    }
}

void Client::watch_attachments(Millis now) {
    if (!ever_joined_) {
        return; // the connect timeout is running, and stricter
    }
    if (assembler_.waiting()) {
        deadlines_.start(*this, now, kAttachmentTimeout);
    } else {
        Deadline::stop();
    }
}

void Client::dispatch(const sio::Packet &packet, std::span<const Bytes> attachments, Millis now) {
    if (packet.type == sio::Type::connect) {
        connect(packet, now);
        return;
    }
    Member *member = find(packet.nsp);
    if (packet.type == sio::Type::connect_error || member == nullptr || member->state == State::connecting) {
        fail({Code::protocol, "packet for a namespace that is not joined"}, now);
        return;
    }
    if (member->state == State::left) {
        return; // it raced the end of its namespace; the reference would end the connection
    }
    if (packet.type == sio::Type::disconnect) {
        leave(*member, now);
        return;
    }
    deliver(*member, packet, attachments, now);
}

void Client::deliver(const Member &member, const sio::Packet &packet, std::span<const Bytes> attachments,
                     Millis now) {
    if (sio::is_event(packet.type)) {
        events_.on_event(member.socket, packet, attachments, now);
    } else {
        events_.on_ack(member.socket, packet, attachments, now);
    }
}

void Client::connect(const sio::Packet &packet, Millis now) {
    Member *known = find(packet.nsp);
    if (known != nullptr && known->state != State::left) {
        fail({Code::protocol, "second CONNECT to a namespace"}, now);
        return;
    }
    if (!make_room()) {
        events_.on_too_many_namespaces();
        refuse(packet.nsp, "{\"message\":\"Too many namespaces\"}", now);
        return;
    }
    known = find(packet.nsp);
    if (known == nullptr) {
        members_.push_back({{}, std::string(packet.nsp), {}, State::connecting});
    } else {
        known->state = State::connecting;
    }
    events_.on_connect(packet.nsp, packet.data.empty() ? Text("{}") : packet.data, now);
}

// The limit counts what the client is in. What it has left is remembered as long as there is
// room: a client may go from one namespace to the next for ever.
bool Client::make_room() {
    const std::size_t most = session_.settings().limits.namespaces;
    const auto left = std::find_if(members_.begin(), members_.end(),
                                   [](const Member &member) { return member.state == State::left; });
    const auto here = std::count_if(members_.begin(), members_.end(),
                                    [](const Member &member) { return member.state != State::left; });
    if (static_cast<std::size_t>(here) >= most) {
        return false;
    }
    if (members_.size() >= 2 * most) {
        members_.erase(left);
    }
    return true;
}

void Client::accept(Text name, Handle socket, Text answer, Millis now) {
    Member *member = find(name);
    if (member == nullptr) {
        return; // the connection ended while the chain waited
    }
    *member = {name, {}, socket, State::joined};
    if (!ever_joined_) {
        ever_joined_ = true;
        watch_attachments(now); // in place of the connect timeout
    }
    std::string packet;
    sio::append_header(packet, {sio::Type::connect, name});
    packet += answer;
    session_.send(message(packet), Delivery::reliable, now);
}

void Client::refuse(Text nsp, Text error, Millis now) {
    std::string packet;
    sio::append_header(packet, {sio::Type::connect_error, nsp});
    packet += error;
    std::erase_if(members_, [&](const Member &member) {
        return member.state == State::connecting && member.name() == nsp;
    });
    session_.send(message(packet), Delivery::reliable, now);
    if (++refusals_ > kMaxRefusals) {
        fail({Code::protocol, "too many refused namespaces"}, now);
    }
}

void Client::put_out(Text nsp, Millis now) {
    Member *member = find(nsp);
    if (member == nullptr || member->state != State::joined) {
        return;
    }
    session_.send(message(sio::disconnect(nsp)), Delivery::reliable, now);
    *member = {{}, std::string(nsp), {}, State::left};
}

void Client::leave(Member &member, Millis now) {
    const Handle socket = member.socket;
    member = {{}, std::string(member.name()), {}, State::left};
    events_.on_leave(socket, now);
}

Client::Member *Client::find(Text nsp) noexcept {
    const auto found = std::find_if(members_.begin(), members_.end(),
                                    [&](const Member &member) { return member.name() == nsp; });
    return found == members_.end() ? nullptr : &*found;
}

void Client::fail(Error error, Millis now) {
    events_.on_bad_packet(error);
    session_.close(CloseReason::parse_error, now);
}

void Client::on_deadline(Millis now) {
    if (assembler_.waiting()) {
        fail({Code::timeout, "attachments did not arrive"}, now);
    } else {
        session_.close(CloseReason::forced_close, now);
    }
}

} // namespace rt::engine

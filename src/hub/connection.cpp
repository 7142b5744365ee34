// SPDX-License-Identifier: BSD-2-Clause
#include "hub/connection.hpp"

#include "hub/hub.hpp"
#include "hub/trace.hpp"

#include <utility>

namespace rt::hub {

namespace {

Metric metric_of(Code code) noexcept {
    switch (code) {
    case Code::too_big:
        return Metric::refused_payload;
    case Code::too_deep:
        return Metric::refused_depth;
    case Code::too_many:
        return Metric::refused_attachments;
    default:
        return Metric::parse_errors;
    }
}

} // namespace

Connection::Connection(Hub &hub, Origin origin)
    : hub_(hub), kind_(origin.kind), transport_(origin.transport), record_(origin.record),
      session_(hub.ports().session, *this, origin.settings, origin.sid),
      client_(session_, *this, hub.ports().session.deadlines), captured_(std::move(origin.captured)) {}

void Connection::start(Millis now) {
    if (kind_ == ConnectionKind::socket_io) {
        client_.start(now);
    }
}

void Connection::on_text(Text data, Millis now) {
    if (kind_ == ConnectionKind::echo) {
        session_.send(wire::Frame::text({"4", data}), engine::Delivery::reliable, now);
        return;
    }
    client_.on_text(data, now);
}

void Connection::on_binary(Bytes data, Millis now) {
    if (kind_ == ConnectionKind::echo) {
        session_.send(wire::Frame::binary(data), engine::Delivery::reliable, now);
        return;
    }
    client_.on_binary(data, now);
}

void Connection::on_closed(engine::CloseReason reason, Millis now) {
    client_.stop();
    hub_.on_closed(*this, reason, now);
}

void Connection::on_slow(Millis now) { hub_.on_slow(*this, now); }

void Connection::on_finished() { hub_.on_finished(*this); }

void Connection::on_connect(Text nsp, Text auth, Millis now) { hub_.on_connect(*this, nsp, auth, now); }

void Connection::on_event(Handle socket, const wire::sio::Packet &packet, std::span<const Bytes> attachments,
                          Millis now) {
    hub_.on_event(socket, packet, attachments, now);
}

void Connection::on_ack(Handle socket, const wire::sio::Packet &packet, std::span<const Bytes> attachments,
                        Millis now) {
    hub_.on_ack(socket, packet, attachments, now);
}

void Connection::on_leave(Handle socket, Millis now) {
    if (Socket *found = hub_.find_socket(socket); found != nullptr) {
        hub_.drop(*found, "client namespace disconnect", now);
    }
}

void Connection::on_bad_packet(Error error) {
    hub_.metrics().count(metric_of(error.code));
    hub_.ports().log.write(Level::info, std::string("parser: ") + error.where);
}

void Connection::on_too_many_namespaces() { hub_.metrics().count(Metric::refused_namespaces); }

} // namespace rt::hub

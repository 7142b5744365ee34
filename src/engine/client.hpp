// SPDX-License-Identifier: BSD-2-Clause
// The Socket.IO v5 side of one connection: decodes packets, collects attachments, keeps
// which namespaces are joined, and refuses what the protocol refuses.
// (socket.io-protocol; facts of the reference in docs/protocol.md)
#pragma once

#include "base/deadlines.hpp"
#include "base/slots.hpp"
#include "engine/session.hpp"
#include "wire/assembler.hpp"
#include "wire/sio.hpp"

#include <span>
#include <string>
#include <vector>

namespace rt::engine {

// What the application sees of a connection. Handles are the application's own: it gives
// one per namespace in Client::accept and gets it back with every packet.
class ClientEvents {
public:
    virtual ~ClientEvents() = default;

    // CONNECT to a namespace that is not joined. The answer, now or later, is
    // Client::accept or Client::refuse with the same namespace.
    virtual void on_connect(Text nsp, Text auth, Millis now) = 0;

    // EVENT or BINARY_EVENT. `packet.data` is the JSON array with placeholders; all views
    // are valid during the call.
    virtual void on_event(Handle socket, const wire::sio::Packet &packet, std::span<const Bytes> attachments,
                          Millis now) = 0;
    virtual void on_ack(Handle socket, const wire::sio::Packet &packet, std::span<const Bytes> attachments,
                        Millis now) = 0;

    // DISCONNECT from the client; the member is already gone.
    virtual void on_leave(Handle socket, Millis now) = 0;

    // The connection ends because of what the client sent; realtime_limits refused it, if
    // the code is too_big.
    virtual void on_bad_packet(Error error) = 0;

    // A CONNECT was refused because of realtime_limits namespaces=.
    virtual void on_too_many_namespaces() = 0;
};

class Client final : public Deadline {
public:
    Client(Session &session, ClientEvents &events, Deadlines &deadlines);

    // Starts the connect timeout.
    void start(Millis now);

    void on_text(Text data, Millis now);
    void on_binary(Bytes data, Millis now);

    // Answers a CONNECT. `name` must outlive the membership (the hub interns namespaces).
    // `answer` is the JSON of the CONNECT packet: {"sid":"..."}.
    void accept(Text name, Handle socket, Text answer, Millis now);
    // `error` is the JSON of the CONNECT_ERROR packet: {"message":"..."[,"data":...]}.
    void refuse(Text nsp, Text error, Millis now);

    // Sends DISCONNECT and forgets the member: the server puts the client out of a
    // namespace. Packets that race it are dropped.
    void put_out(Text nsp, Millis now);

    // Sends on the session, whatever the namespace's state.
    bool send(const Ref<wire::Frame> &frame, Delivery delivery, Millis now) {
        return session_.send(frame, delivery, now);
    }

    [[nodiscard]] Session &session() noexcept { return session_; }

    // No namespace joined in time, or attachments stopped arriving.
    void on_deadline(Millis now) override;

    // Members whose CONNECT is not answered are not part of the image: a connection with
    // one must not be frozen.
    [[nodiscard]] bool quiet() const noexcept;
    void freeze(Writer &out, Millis now) const;

    struct ThawedMember {
        std::string nsp;
        bool joined; // else left: racing packets are still dropped
    };
    // The caller re-attaches each joined member with adopt().
    [[nodiscard]] Result<std::vector<ThawedMember>> thaw(Reader &in, Millis now);
    void adopt(Text name, Handle socket);

private:
    enum class State : std::uint8_t { connecting, joined, left };

    struct Member {
        Text interned;   // by the hub, while joined
        std::string own; // before and after: nobody else keeps the name
        Handle socket;
        State state;

        [[nodiscard]] Text name() const noexcept { return state == State::joined ? interned : Text(own); }
    };

    void dispatch(const wire::sio::Packet &packet, std::span<const Bytes> attachments, Millis now);
    void deliver(const Member &member, const wire::sio::Packet &packet, std::span<const Bytes> attachments,
                 Millis now);
    void connect(const wire::sio::Packet &packet, Millis now);
    void leave(Member &member, Millis now);
    void watch_attachments(Millis now);
    [[nodiscard]] bool make_room();
    [[nodiscard]] Member *find(Text nsp) noexcept;
    void fail(Error error, Millis now);

    Session &session_;
    ClientEvents &events_;
    Deadlines &deadlines_;
    wire::Assembler assembler_;
    std::vector<Member> members_;
    std::uint32_t refusals_ = 0;
    bool ever_joined_ = false;
};

} // namespace rt::engine

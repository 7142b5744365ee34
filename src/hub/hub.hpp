// SPDX-License-Identifier: BSD-2-Clause
// One application at one worker: its connections, namespaces and sockets, and the verbs on
// them. Everything it tells other workers goes over the bus; everything they may ask of its
// sockets stands in the directory.
#pragma once

#include "base/fn.hpp"
#include "base/hash.hpp"
#include "base/hash_index.hpp"
#include "base/ports.hpp"
#include "base/slots.hpp"
#include "hub/burst.hpp"
#include "hub/bus.hpp"
#include "hub/comeback.hpp"
#include "hub/connection.hpp"
#include "hub/directory.hpp"
#include "hub/hearing.hpp"
#include "hub/laggards.hpp"
#include "hub/metrics.hpp"
#include "hub/namespace.hpp"
#include "hub/offset.hpp"
#include "hub/replay.hpp"
#include "hub/replies.hpp"
#include "hub/run.hpp"
#include "hub/settings.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace rt::hub {

// Other workers' connections.
class Takeovers {
public:
    virtual ~Takeovers() = default;

    // Asks a session's home to end its transport; Hub::on_ended comes when it did, nothing if it
    // dies meanwhile. False: it cannot be asked now.
    virtual bool end_transport(const LiveSession &session, Handle comeback) = 0;

    // Asks Comeback::last_host() what it knows of the socket; Hub::on_returned comes, or nothing. False:
    // nobody can be asked.
    virtual bool ask_abroad(const ClaimText &, const Comeback &) { return false; }
    // Of a Guest: it may have what the log says behind `from`. Null: it may not.
    virtual void on_guest(std::uint64_t, const KeptSocket *, Position, Millis) {}
};

// A socket that goes on at another host.
struct Departing {
    const Guest &guest;
    const KeptSocket &kept;
    Position from = 0; // it has what ends there
    Sides sides;
};

struct HubPorts {
    Bus &bus;
    Directory &directory;
    Replies &replies;
    Metrics &metrics;
    Random &random;
    Log &log;
    engine::SessionPorts session;
    // The owner calls Hub::reap() before the event loop sleeps, when this was called.
    Fn<void()> request_reap;
    Takeovers *takeovers = nullptr; // with recovery
    Hearing *hearing = nullptr;     // where rooms are subscribed to
};

struct HubNames {
    std::string host;     // 4 characters of the id alphabet: the first part of every id
    std::string node;     // $realtime_node
    std::string worker;   // $realtime_worker
    std::string log = {}; // <host>.<epoch>: what offsets begin with
};

class Hub final : public BusEvents {
public:
    Hub(const AppSettings &settings, HubNames names, HubPorts ports);
    ~Hub() override;

    // --- connections (hub.cpp) ---

    // A new connection; its session is not started. full: the zone has no room; too_many:
    // realtime_max_sockets.
    Result<Connection *> open(Birth birth);
    // By its Engine.IO sid, if this worker is its home.
    [[nodiscard]] Connection *find(Text sid) const noexcept { return by_sid_.find(sid); }
    [[nodiscard]] Connection *find(Handle connection) const noexcept { return connections_.find(connection); }
    [[nodiscard]] std::size_t size() const noexcept { return connections_.size(); }
    // Calls visit(Handle, Connection &) for each one.
    template <class Visit> void each_connection(Visit visit) { connections_.each(visit); }

    // The client's WebSocket took over from polling.
    void upgraded(Connection &connection);

    // Destroys what has finished. Never inside a callback of a session.
    void reap();

    // Ends all sessions (decisions.md, ruling 17).
    void close_all(engine::CloseReason reason, Millis now);
    // A worker died: the sessions whose requests it held end.
    void on_seat_gone(std::uint32_t seat, std::uint32_t seat_generation, Millis now);

    // A session that arrives from, or goes to, another worker (hub/mover.cpp): nothing is told
    // to the application or the client. What was published behind the image's position is the
    // caller's to replay.
    // `papers`: it comes from another host; its sockets join their rooms in the directory anew.
    Result<Connection *> thaw(Reader &in, Millis now, const Papers *papers = nullptr);
    void freeze(Connection &connection, Writer &out, Millis now);
    // Before it is frozen for another host: whoever waits for its acks learns of it.
    void tell_departed(const Connection &connection);

    // --- the bus (fanout.cpp) ---

    void on_envelope(const Envelope &envelope, Position end, Millis now) override;
    void on_pause(bool last, Millis now) override;
    void on_lapped(Millis now) override;
    // The same envelope for one connection that arrived behind it.
    void replay(Connection &connection, const Envelope &envelope, Position end, Millis now);

    // --- chains (chains.cpp) ---

    // Goes on with a chain that waited; a failure ends it.
    void resume(Handle run, std::unique_ptr<Failure> failure, Millis now);
    [[nodiscard]] Handle reserve_run() { return runs_.emplace(); }
    // Marks of ports().hearing: up to now; and what sockets have joined behind a mark, that has to be
    // heard before their clients are told. 0: nothing.
    [[nodiscard]] std::uint64_t asked() const noexcept {
        return ports_.hearing != nullptr ? ports_.hearing->asked() : 0;
    }
    [[nodiscard]] std::uint64_t unheard_since(std::uint64_t mark) const noexcept {
        return asked() != mark ? asked() : 0;
    }
    void on_connect(Connection &connection, Text nsp, Text auth, Millis now);
    void on_event(Handle socket, const wire::sio::Packet &packet, std::span<const Bytes> attachments,
                  Millis now);

    // --- acks of clients (acks.cpp) ---

    void on_ack(Handle socket, const wire::sio::Packet &packet, std::span<const Bytes> attachments,
                Millis now);

    // What this worker appended to the log; then, that it was: a client gets it before whatever
    // its chain does next, and before what a later event of its does.
    void appended(Position end) noexcept { appended_ = end; }
    void catch_up(Millis now);
    // Delivers all that was published so far, by whomever: who joins now must not get it.
    void read_up(Millis now);

    // No CONNECT and no chain of the connection's sockets is under way. Only then may it freeze.
    [[nodiscard]] bool is_quiet(const Connection &connection) const;

    // --- recovery (recovery.cpp) ---

    // Brings back those who asked for it: once per turn, before the sessions are flushed.
    void recover(Millis now);
    // The home of a session that somebody comes back to has ended its transport, or (not found)
    // does not have it.
    void on_ended(Handle comeback, bool found, Millis now);
    void look_again(Handle comeback);

    // A client came back at another host: Takeovers::on_guest is told, in a later turn.
    void welcome(Guest guest, Millis now);
    // What each of them has to be told, in one walk over the log. Nothing: it cannot be had.
    [[nodiscard]] std::vector<std::optional<Returned>> missed_by(std::span<const Departing> all);
    // What its host says of a comeback here. Null: nothing of it is there.
    void on_returned(Handle comeback, std::unique_ptr<Returned> returned);

    // Do joins and leaves leave notes in the log, and events carry their offset?
    [[nodiscard]] bool recovers() const noexcept { return settings_.recovery > 0; }

    // --- sockets (sockets.cpp) ---

    [[nodiscard]] Socket *find_socket(Handle socket) const noexcept { return sockets_.find(socket); }
    Result<void> join(Socket &socket, Text room);
    void leave(Socket &socket, Text room);
    // The server ends a socket: DISCONNECT, or the whole connection.
    void put_out(Socket &socket, bool connection, Millis now);
    // The socket is gone for the application; disconnect { } runs if it was connected.
    void drop(Socket &socket, Text reason, Millis now);
    // The same, but its client may come back to it.
    void lose(Socket &socket, Text reason, Millis now);
    // Its client may come back to it (recovery). False: not with this configuration, it is gone,
    // or the zone has no room.
    bool keep(RecordRef socket, Millis now);
    // A socket of a worker that died: the same, here and in its place.
    void mourn(const LostSocket &lost, Millis now);
    // False: not queued, nor held until the CONNECT is answered.
    bool send(Socket &socket, const Ref<wire::Frame> &frame, engine::Delivery delivery, Millis now);

    // --- what a connection tells (hub.cpp) ---

    void on_closed(Connection &connection, engine::CloseReason reason, Millis now);
    void on_finished(Connection &connection);
    void on_slow(Connection &connection, Millis now);

    // For whom most waits now; to be asked a few times a second, it costs what is slow.
    [[nodiscard]] Slowest slowest();
    [[nodiscard]] bool has_slow() const noexcept { return !laggards_.empty(); }

    [[nodiscard]] const AppSettings &settings() const noexcept { return settings_; }
    [[nodiscard]] HubPorts &ports() noexcept { return ports_; }
    [[nodiscard]] Metrics &metrics() noexcept { return ports_.metrics; }

private:
    [[nodiscard]] Namespace *namespace_for(Text name);
    [[nodiscard]] Namespace *known_namespace(Text name) const;
    void connect_anew(Connection &connection, Namespace &nsp, Text auth, Millis now);
    Result<Socket *> add_socket(Connection &connection, Namespace &nsp, Text auth);
    struct Identity {
        SocketId id{};
        std::string pid; // empty: no recovery
    };
    [[nodiscard]] Identity new_identity();
    [[nodiscard]] bool join_user(Socket &socket);
    Socket &place_socket(Connection &connection, Namespace &nsp, const SocketId &id);
    void put_out_one(Socket &socket, Millis now);
    void run_disconnect(Socket &socket, Text reason, Millis now);
    void note(const Socket &socket, Op op, Text room);
    void forget(Socket &socket);
    void release(Connection &connection);
    void count_transport(engine::TransportKind transport, int amount) noexcept;
    [[nodiscard]] const engine::SessionSettings &intern(const engine::SessionSettings &settings);

    void freeze_socket(const Socket &socket, Writer &out, Millis now) const;
    // What the sockets of an image arrive at.
    struct Arrival {
        Connection &connection;
        const Papers *papers;
    };
    Result<void> thaw_socket(const Arrival &arrival, Reader &in, Millis now);
    void thaw_acks(Socket &socket, const Papers *papers, Reader &in, Millis now);
    Result<void> thaw_sockets(const Arrival &arrival, Reader &in, Millis now);

    [[nodiscard]] Scope scope_in(const Namespace &nsp) const;
    struct Batch;
    [[nodiscard]] bool come_back(Connection &connection, Text nsp, RecoveryAuth auth, Millis now);
    void queue(Handle comeback);
    void look(Handle comeback, Batch &batch, Millis now);
    Result<KeptSocket> claim(Comeback &comeback, const ClaimText &claim, Millis now);
    Result<KeptSocket> claim_abroad(Comeback &comeback, const ClaimText &claim, Millis now);
    void look_for_guest(Comeback &comeback, Millis now);
    void begin_at(Returning &who, const KeptSocket &kept, Position from) const;
    [[nodiscard]] bool begin_away(std::deque<Returning> &back, const Departing &departing);
    Result<Position> start_of(const Comeback &comeback, Position since) const;
    void replay_missed(Batch &batch);
    void refuse_overrun(Batch &batch);
    void place(Batch &batch, Millis now);
    Result<Socket *> restore(Returning &who);
    Result<void> join_again(Socket &socket, const Returning &who);
    void send_missed(Handle self, Held &held, Millis now);

    [[nodiscard]] Scope scope_of(const Socket &socket) const;
    void start(const Run::Start &start, const Scope &scope, Millis now);
    void park(std::unique_ptr<Run> run);
    void finish_connect(Run &run, Millis now);
    void accept(Socket &socket, Millis now);

    [[nodiscard]] bool collect_plain(const Namespace &nsp, std::span<const Text> to);
    void collect(Namespace &nsp, const Envelope &envelope);
    void begin(const Envelope &envelope, Position end, Millis now);
    // The offset of what ends there, if the event carries one; else empty.
    [[nodiscard]] std::string offset_of(const Envelope &envelope, Position end) const;
    void trace_targets(const Envelope &envelope);
    void deliver(const Envelope &envelope, Position end, Millis now);
    void send_to_targets(const Ref<wire::Frame> &frame, engine::Delivery delivery, Millis now);
    void finish_targets(const Ref<wire::Frame> &frame, Millis now);
    void apply(const Envelope &envelope, Socket &socket, Millis now);
    [[nodiscard]] std::span<const Text> ask(const Envelope &envelope, Position end, Millis now);
    [[nodiscard]] std::optional<Position> remember(Socket &socket, PendingAck ack, Millis now);

    struct SidOf {
        Text operator()(const Connection &connection) const noexcept { return connection.sid(); }
    };

    const AppSettings &settings_;
    HubNames names_;
    std::string captured_names_;
    HubPorts ports_;
    std::uint64_t hash_key_; // of all tables by names that clients choose
    std::unordered_map<Text, std::unique_ptr<Namespace>, KeyedHash> namespaces_; // by their own names
    std::vector<std::unique_ptr<engine::SessionSettings>> interned_;             // of sessions that arrived
    SlotMap<Connection> connections_;
    HashIndex<Connection, SidOf> by_sid_;
    SlotMap<Socket> sockets_;
    SlotMap<std::unique_ptr<Run>> runs_;
    std::vector<Handle> finished_;
    Laggards laggards_;
    // Ended in this turn: scopes of running chains still view them.
    std::vector<std::unique_ptr<Socket>> ended_;
    std::vector<Socket *> targets_; // of the envelope being delivered, or the burst; keeps its capacity
    Burst burst_;
    std::vector<Text> asked_; // of them, those whose ack is waited for
    SlotMap<Comeback> comebacks_;
    std::vector<Handle> returning_; // of them, those to look at in this turn
    Offsets offsets_;
    Position applying_ = 0; // the end of what is replayed, where that is not the cursor
    Position appended_ = 0; // and not yet known to be delivered here
    std::uint32_t mark_ = 0;
    bool empty_namespace_ = false;
};

} // namespace rt::hub

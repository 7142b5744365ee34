// SPDX-License-Identifier: BSD-2-Clause
// A worker that is killed while it hears, at any instruction: whoever reads the message again lets
// it into the log if it is not there, and only then.
#include "cluster/inbound.hpp"

#include "bridge_env.hpp"
#include "each_store.hpp"

using namespace rt;
using namespace rt::test;
using cluster::PeerMessage;

namespace {

// A worker that hears, on the memory of a log.
class Worker final : public cluster::InboundEvents, public cluster::Wakes {
public:
    Worker(const cluster::LogZone &log, shm::Roster &roster)
        : zone(log), bus({lock, zone.region}, zone.stream, *this), dialect(classic()),
          inbound(ready({*dialect, bus, roster, metrics, *this}), zone.bridge, kOurUid) {}

    void hear(std::uint64_t number) {
        PeerMessage message;
        message.nsp = "/";
        message.number = number;
        const std::string data = "[" + std::to_string(number) + "]";
        message.envelope.data = data;
        cluster::Publication said;
        classic(kTheirUid)->say(message, {}, said);
        hear(said);
    }
    void hear(const cluster::Publication &said) {
        inbound.on_message(said.channel, as_bytes(said.payload), 5);
    }

    // All of its own numbers that the log has, in order.
    std::string heard() {
        std::string all;
        bus.replay(zone.stream.tail(), zone.stream.head(),
                   [&](const hub::Envelope &envelope, hub::Position) { all += std::string(envelope.data); });
        return all;
    }

    void on_question(const PeerMessage &, Millis) override {}
    void on_peer_answer(const PeerMessage &, Millis) override {}
    void on_old_order(const PeerMessage &, Millis) override {}
    void on_ordered(Text, std::span<const Text>) override {}
    void on_echo(std::uint64_t) override {}
    void on_own_ask(Text) override {}
    void on_missed(Text, std::uint64_t count, Millis) override { missed += count; }
    void on_malformed(Text, const Error &, Millis) override { ++missed; }
    void wake_readers() override {}
    void wake_seat(shm::SeatRef) override {}
    void retry_mail() override {}

    NoLock lock;
    cluster::LogZone zone;
    cluster::LogBus bus;
    std::unique_ptr<cluster::Dialect> dialect;
    Tallies metrics;
    std::uint64_t missed = 0;
    cluster::Inbound inbound;

private:
    cluster::Inbound::Ports ready(const cluster::Inbound::Ports &ports) {
        bus.number_by(zone.bridge);
        return ports;
    }
};

// What the next worker makes of it, others having gone on meanwhile or not.
std::string after(Bytes left, shm::Roster &roster, bool others) {
    Mapping memory(left.size());
    std::ranges::copy(left, memory.memory().begin());
    Worker next(*cluster::LogZone::attach(memory.memory(), 2), roster);
    if (others) {
        hub::Envelope own;
        own.nsp = "/";
        own.data = "ours";
        static_cast<void>(next.bus.publish(own));
    }
    Worker last(next.zone, roster);
    last.hear(2);
    last.hear(3);
    return last.heard() + (last.missed == 0 ? "" : " missed");
}

void any_instruction() {
    Mapping map(std::size_t{1} << 18);
    RosterZone roster(1U << 20);
    add_socket(roster.roster, 1, "/", {});
    Worker worker(*cluster::LogZone::create(map.memory(), 2, {1, 2}), roster.roster);
    worker.hear(1);
    PeerMessage message;
    message.nsp = "/";
    message.number = 2;
    message.envelope.data = "[2]";
    cluster::Publication said;
    classic(kTheirUid)->say(message, {}, said);

    Snapshots states(map.memory());
    states.record([&] { worker.hear(said); });
    std::string faults;
    for (std::size_t i = 0; i < states.size(); ++i) {
        const std::string alone = after(states[i], roster.roster, false);
        const std::string shared = after(states[i], roster.roster, true);
        const bool once = alone == "[1][2][3]" && (shared == "[1][2]ours[3]" || shared == "[1]ours[2][3]");
        faults += once ? "" : std::to_string(i) + ": " + alone + " " + shared + "; ";
    }
    is(faults, "", "once, wherever it is killed");
    ok(states.size() > 10 && !states.overflowed(), "at each state of the memory");
    is(worker.heard(), "[1][2]", "and where it is not");
}

} // namespace

int main() {
    any_instruction();
    return done();
}

// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as the image of a connection that moves. What thaws goes on as any connection, freezes
// and thaws again as the same one, and leaves nothing behind when it ends.
#include "../unit/host_env.hpp"

using namespace rt;
using namespace rt::test;

namespace {

constexpr Millis kNow = 1000000;

void check(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

Rules &rules() {
    static Rules made;
    if (made.settings.namespaces.empty()) {
        made.nsp("/", "", "emit bye all").on("x", "emit y all;ack $realtime_args;join $realtime_arg_0");
        made.nsp("/n-*").on("x", "emit y data=$rest");
    }
    return made;
}

std::string frozen(Worker &worker, hub::Connection &connection) {
    std::string image;
    Writer out(image);
    worker.hub.freeze(connection, out, kNow);
    worker.end_turn(kNow);
    return image;
}

hub::Connection *thawed(Worker &worker, Text image) {
    Reader in(image);
    const Result<hub::Connection *> connection = worker.hub.thaw(in, kNow);
    return connection ? *connection : nullptr;
}

void go_on(Worker &worker, hub::Connection &connection) {
    engine::Session &session = connection.session();
    for (const Text body : {"42[\"x\",\"r\"]", "bAQ==",
                            "3\x1e"
                            "42/n-1,7[\"x\"]",
                            "40/n-2,\x1e"
                            "41",
                            "43[1]"}) {
        if (session.open()) {
            session.on_post({1, 1, {1, 1}}, body, kNow);
        }
    }
    worker.deliver(kNow);
}

void end(Worker &worker) {
    worker.deadlines.expire(kNow + 1);
    worker.end_turn(kNow + 1);
    worker.hub.close_all(engine::CloseReason::transport_close, kNow + 1);
    worker.deliver(kNow + 1);
    check(worker.hub.size() == 0 && worker.counts[hub::Metric::sockets] == 0 &&
          worker.counts[hub::Metric::polling] == 0);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    static HostMemory memory(1u << 20, 2);
    Roster roster;
    Worker worker(Worker::Setup{memory, roster, rules().settings, 0});
    hub::Connection *connection = thawed(worker, as_text(Bytes(data, size)));
    if (connection != nullptr) {
        const std::string image = frozen(worker, *connection);
        connection = thawed(worker, image);
        check(connection != nullptr);
        const std::string again = frozen(worker, *connection);
        check(again == image);
        go_on(worker, *thawed(worker, again));
    }
    end(worker);
    return 0;
}

// SPDX-License-Identifier: BSD-2-Clause
// A server that says anything to a wire that is asked for anything: each command ends exactly
// once, the loss is told once, and each byte is dealt with or pending. Input: steps; a step is
// what is done (1 byte) and, where the server speaks, how much of the rest it says (1 byte).
#include "cluster/redis_wire.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace rt;
using namespace rt::cluster;

namespace {

void must(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

class Play final : public RedisPort, public RedisWireEvents {
public:
    Play() : wire_(deadlines_, *this, *this, settings()) {}

    void run(Reader in) {
        while (!in.at_end()) {
            step(in);
        }
        wire_.lost("the end", now_);
        must(!live_);
        must(std::all_of(open_.begin(), open_.end(), [](bool open) { return !open; }));
    }

    void arm() override {}
    void on_greeted(Millis) override { must(live_ && !std::exchange(greeted_, true)); }
    void on_lost(const RedisLoss &loss, Millis) override {
        must(std::exchange(live_, false) && loss.trouble != RedisTrouble::none);
        must(std::all_of(open_.begin(), open_.end(), [](bool open) { return !open; }));
    }
    void on_reply(std::uint64_t cookie, const wire::RespValue &reply, Millis) override {
        must(reply.kind() != wire::RespKind::none);
        end(cookie);
    }
    void on_unknown(std::uint64_t cookie, Millis) override { end(cookie); }
    void on_message(Text channel, Bytes payload, Millis) override {
        seen_ += channel.size() + payload.size();
    }
    void on_dropped(Text channel, Millis) override { seen_ += channel.size(); }

private:
    static RedisWireSettings settings() {
        RedisWireSettings settings;
        settings.greeting.name = "n";
        settings.replies = {4096, 200};
        settings.output = 4096;
        settings.commands = 16;
        return settings;
    }

    void step(Reader &in) {
        const auto what = in.get<std::uint8_t>();
        switch (what % 10) {
        case 0:
            begin([this] { wire_.start(now_); });
            break;
        case 1:
            begin([this] { wire_.adopt(7, now_); });
            break;
        case 2:
            wire_.stop(now_);
            break;
        case 3:
            now_ += what;
            deadlines_.expire(now_);
            break;
        case 4:
            wire_.wrote(what);
            break;
        case 5:
            wire_.lost("cut", now_);
            break;
        case 6:
        case 7:
            ask(what);
            break;
        default:
            say(in.take(std::min<std::size_t>(in.get<std::uint8_t>(), in.rest().size())));
            break;
        }
        must(wire_.unanswered() != 0 || wire_.unconfirmed() == 0);
    }

    template <class Start> void begin(Start start) {
        wire_.lost("a new one", now_);
        live_ = true;
        greeted_ = false;
        start();
    }

    void ask(std::uint8_t what) {
        const std::uint64_t cookie = open_.size();
        const Text names[] = {"a", "b"};
        const auto kind = static_cast<Subscription::Kind>(what % 3);
        open_.push_back(true);
        Result<void> asked;
        switch (what % 4) {
        case 0:
            asked = wire_.command(cookie, {"GET", "a"}, now_);
            break;
        case 1:
            asked = wire_.subscribe(cookie, kind, names, now_);
            break;
        case 2:
            asked = wire_.unsubscribe(cookie, kind, names, now_);
            break;
        default:
            asked = wire_.command(cookie, {"CLIENT", "ID"}, now_);
            break;
        }
        open_.back() = static_cast<bool>(asked);
    }

    void say(Text text) {
        const bool was_live = live_;
        const std::size_t before = wire_.pending();
        const std::string copy(text);
        const std::size_t taken = wire_.feed(as_bytes(copy), now_);
        must(was_live ? taken + wire_.pending() == before + text.size() : taken == 0);
    }

    void end(std::uint64_t cookie) {
        must(cookie < open_.size() && open_[cookie]);
        open_[cookie] = false;
    }

    Deadlines deadlines_;
    Millis now_ = 1000;
    bool live_ = false;
    bool greeted_ = false;
    std::size_t seen_ = 0;
    std::vector<bool> open_; // by cookie
    RedisWire wire_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    Play().run(Reader(as_text({data, size})));
    return 0;
}

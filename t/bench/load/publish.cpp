// SPDX-License-Identifier: BSD-2-Clause
#include "load/events.hpp"
#include "load/scenarios.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <sys/socket.h>
#include <thread>

namespace bench {

namespace {

constexpr std::uint32_t kLoopback = 0x7F000001;
constexpr std::chrono::microseconds kPause(200); // so many messages come at once as fall into it
constexpr std::uint64_t kBatch = 64;
constexpr std::int64_t kSilence = 5000000; // us

// A word of a command.
std::string word(Text text) {
    return '$' + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

// MessagePack: text of less than 32 bytes; of less than 256.
std::string short_text(Text text) { return static_cast<char>(0xA0 | text.size()) + std::string(text); }

std::string long_text(Text text) {
    return {'\xD9' + std::string(1, static_cast<char>(text.size())) + std::string(text)};
}

// [uid, {type, data: [event, argument], nsp}, {rooms, except, flags}]
std::string payload_for(Text room, std::uint32_t argument) {
    std::string out =
        "\x93" + short_text("bench1") + "\x83" + short_text("type") + "\x02" + short_text("data");
    out += "\x92" + short_text("cast") + long_text(std::string(argument, '.')) + short_text("nsp") +
           short_text("/");
    out += "\x83" + short_text("rooms") + (room.empty() ? "\x90" : "\x91" + short_text(room));
    return out + short_text("except") + "\x90" + short_text("flags") + "\x80";
}

std::string command_for(Text room, std::uint32_t argument) {
    const std::string channel = "socket.io#/#" + (room.empty() ? std::string() : std::string(room) + '#');
    return "*3\r\n" + word("PUBLISH") + word(channel) + word(payload_for(room, argument));
}

class Publisher {
public:
    explicit Publisher(const Options &options) : fd_(connect_from(kLoopback, options.redis)) {
        for (std::uint32_t i = 0; i < std::max(options.rooms, 1U); ++i) {
            const std::string room = options.rooms == 0 ? "" : "room-" + std::to_string(i);
            commands_.push_back(command_for(room, options.payload));
        }
    }

    void say(std::uint64_t count) {
        out_.clear();
        for (; count > 0; --count) {
            out_ += commands_[said_++ % commands_.size()];
        }
        send_all(fd_, out_);
        skip_answers();
    }

    [[nodiscard]] std::uint64_t said() const noexcept { return said_; }

private:
    void skip_answers() const {
        std::array<char, 65536> answers{};
        while (recv(fd_, answers.data(), answers.size(), 0) > 0) {
        }
    }

    int fd_;
    std::vector<std::string> commands_;
    std::string out_;
    std::uint64_t said_ = 0;
};

// As many as are due, again and again.
void say_evenly(Publisher &redis, std::uint32_t rate, double seconds) {
    const Usage clock({});
    const std::uint64_t before = redis.said();
    while (clock.seconds() < seconds) {
        const auto due = before + static_cast<std::uint64_t>(std::lround(clock.seconds() * rate));
        redis.say(due - std::min(due, redis.said()));
        std::this_thread::sleep_for(kPause);
    }
}

// As many as are heard. Redis may drop what it cannot deliver, and then nobody hears it.
void say_and_hear(Publisher &redis, Crowd &crowd, const Options &options, double seconds) {
    const std::uint64_t before = redis.said();
    std::uint64_t heard = 0;
    std::int64_t heard_at = now_us();
    for (const Usage clock({});
         clock.seconds() < seconds || heard < (redis.said() - before) * crowd.size();) {
        const bool goes_on = clock.seconds() < seconds;
        if (goes_on && redis.said() - before + kBatch <= heard / crowd.size() + options.window) {
            redis.say(kBatch);
        } else {
            const std::uint64_t before_poll = heard;
            crowd.poll(100000, [&](const Peer &, Text packet) { heard += is_event(packet) ? 1 : 0; });
            heard_at = heard != before_poll ? now_us() : heard_at;
            if (now_us() - heard_at > kSilence) {
                fail("what was published is not heard");
            }
        }
    }
}

} // namespace

void run_publish(const Options &options) {
    Crowd crowd(options);
    crowd.grow_to(options.clients);
    Publisher redis(options);
    const auto say = [&](double seconds) {
        if (options.rate == 0) {
            say_and_hear(redis, crowd, options, seconds);
        } else {
            say_evenly(redis, options.rate, seconds);
        }
    };
    say(options.warmup);
    const std::uint64_t before = redis.said();
    const Usage usage(options.pids);
    say(options.seconds);
    const auto said = static_cast<double>(redis.said() - before);
    Report report;
    report.add("rate", said / usage.seconds());
    usage.report(report, said);
    report.print();
}

} // namespace bench

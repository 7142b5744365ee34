// SPDX-License-Identifier: BSD-2-Clause
// Random packets as a dialect says them, a line of JSON for each: `hex`, what was said; `value`,
// what it should be, with placeholders; `attachments` in hex. Arguments: how many, and a seed.
#include "cluster/dialect.hpp"
#include "unit/hex.hpp"
#include "wire/json_write.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using namespace rt;
using cluster::PeerMessage;
using cluster::Publication;
using cluster::Says;

namespace {

constexpr Text kUid = "hostuid_-09";
constexpr Text kNames[] = {"/", "/chat", "/\xc3\xa9\xf0\x9f\x98\x80"};
constexpr std::size_t kBorders[] = {0, 1, 14, 15, 16, 17, 31, 32, 33, 255, 256, 300};

// Choices, with bars between them.
constexpr Text kPieces = "a|B| |\\n|\\\"|\\\\|\\/|\\u0000|\\u00e9|\xc3\xa9|\\ud83d\\ude00|\xf0\x9f\x98\x80|"
                         "\xe2\x82\xac|\xe2\x80\xa8|\x7f|\\ud800|\\u001e|1|x";
constexpr Text kNumbers =
    "0|-0|1.0|1e400|-1e400|1e-400|0.1|1e21|5e-324|1E+2|127|128|65535|65536|4294967295|4294967296|-32|-33|-"
    "128|"
    "-129|-32768|-32769|-2147483648|-2147483649|9007199254740991|9007199254740993|18446744073709551615|"
    "-9223372036854775808|-9223372036854775809|123456789012345678901234567890|0.30000000000000004|"
    "1.7976931348623157e308";

// JSON text with all that JSON allows, and the attachments that it names.
class Maker {
public:
    explicit Maker(std::uint32_t seed) : random_(seed) {}

    std::size_t below(std::size_t bound) { return random_() % bound; }
    bool rarely(unsigned one_in) { return below(one_in) == 0; }

    std::string event() {
        attachments.clear();
        binary_ = rarely(4);
        std::string out = "[" + (rarely(20) ? number() : "\"e" + string().substr(1));
        for (std::size_t left = below(5); left > 0; --left) {
            out += space() + "," + space() + value(0);
        }
        return out + "]";
    }

    std::string value(int depth) {
        if (binary_ && rarely(8)) {
            return placeholder();
        }
        switch (below(depth < 6 ? 8 : 5)) {
        case 0:
            return rarely(2) ? "true" : "false";
        case 1:
            return "null";
        case 2:
            return string();
        case 3:
        case 4:
            return number();
        case 5:
        case 6:
            return object(depth);
        default:
            return array(depth);
        }
    }

    std::vector<std::string> texts() {
        std::vector<std::string> out(rarely(3) ? below(4) : rarely(50) ? 20 : 0);
        for (std::string &each : out) {
            each = "room " + std::to_string(below(100)) + (rarely(4) ? "\"\\\n\xc3\xa9" : "");
        }
        return out;
    }

    std::vector<std::string> attachments;

private:
    std::string space() { return rarely(20) ? " \n" : ""; }

    std::string placeholder() {
        if (attachments.empty() || !rarely(5)) {
            attachments.emplace_back(rarely(50) ? kBorders[below(std::size(kBorders))] : below(6), 'b');
            std::generate(attachments.back().begin(), attachments.back().end(),
                          [this] { return static_cast<char>(random_()); });
            return named(attachments.size() - 1);
        }
        return named(below(attachments.size()));
    }

    std::string named(std::size_t num) {
        const std::string text = "\"num\":" + std::to_string(num);
        return rarely(3) ? "{" + text + ",\"_placeholder\":true}" : "{\"_placeholder\":true," + text + "}";
    }

    std::string one_of(Text choices) {
        const auto bars = static_cast<std::size_t>(std::count(choices.begin(), choices.end(), '|'));
        for (std::size_t skipped = below(bars + 1); skipped > 0; --skipped) {
            choices.remove_prefix(choices.find('|') + 1);
        }
        return std::string(choices.substr(0, choices.find('|')));
    }

    std::string string() {
        std::string out = "\"";
        if (rarely(30)) {
            out += std::string(kBorders[below(std::size(kBorders))], 'z');
        }
        for (std::size_t left = below(8); left > 0; --left) {
            out += one_of(kPieces);
        }
        return out + "\"";
    }

    std::string number() {
        switch (below(4)) {
        case 0:
            return one_of(kNumbers);
        case 1:
            return std::to_string(static_cast<std::int64_t>(random_() << 33 | random_()) >> below(64));
        case 2:
            return std::to_string(below(100000)) + "." + std::to_string(below(100000)) +
                   (rarely(3) ? "e-7" : "");
        default:
            return std::to_string(below(300));
        }
    }

    std::size_t count(int depth) { return depth < 2 && rarely(40) ? 14 + below(60) : below(5); }

    std::string array(int depth) {
        std::string out = "[" + space();
        const std::size_t size = count(depth);
        for (std::size_t i = 0; i < size; ++i) {
            out += (i == 0 ? "" : ",") + value(depth + 1) + space();
        }
        return out + "]";
    }

    // Some keys come twice, some are indices.
    std::string object(int depth) {
        std::string out = "{" + space();
        const std::size_t size = count(depth);
        for (std::size_t i = 0; i < size; ++i) {
            const std::string key = rarely(5)   ? "\"" + std::to_string(below(12)) + "\""
                                    : rarely(2) ? string()
                                                : "\"k" + std::to_string(i) + "\"";
            out += (i == 0 ? "" : ",") + key + space() + ":" + value(depth + 1);
        }
        return out + "}";
    }

    std::mt19937_64 random_;
    bool binary_ = false;
};

std::string quoted(Text text) {
    std::string out;
    wire::json::append_string(out, text);
    return out;
}

std::string listed(const std::vector<std::string> &texts, bool hex = false) {
    std::string out = "[";
    for (const std::string &each : texts) {
        out += (out.size() == 1 ? "" : ",") + quoted(hex ? test::to_hex(each) : each);
    }
    return out + "]";
}

std::vector<Text> views(const std::vector<std::string> &texts) { return {texts.begin(), texts.end()}; }

struct Packet {
    PeerMessage message;
    std::string data;
    std::vector<std::string> to;
    std::vector<std::string> except;
};

std::string opts_of(const Packet &packet) {
    const hub::Envelope &envelope = packet.message.envelope;
    std::string flags = envelope.is_volatile ? "\"volatile\":true" : "";
    if (envelope.asker.timeout != 0) {
        flags += (flags.empty() ? "" : ",") + ("\"timeout\":" + std::to_string(envelope.asker.timeout));
    }
    return "{\"rooms\":" + listed(packet.to) + ",\"except\":" + listed(packet.except) + ",\"flags\":{" +
           flags + "}}";
}

std::string packet_of(const Packet &packet, bool with_nsp) {
    const std::string nsp = ",\"nsp\":" + quoted(packet.message.nsp);
    return "{\"type\":2,\"data\":" + packet.data + (with_nsp ? nsp : "") + "}";
}

std::string classic_value(const Packet &packet) {
    const PeerMessage &message = packet.message;
    if (message.says == Says::client_ack) {
        return R"({"type":9,"requestId":"request","packet":)" + packet.data + "}";
    }
    if (message.says == Says::ask) {
        return "{\"uid\":" + quoted(kUid) + R"(,"requestId":"request","type":7,"packet":)" +
               packet_of(packet, true) + ",\"opts\":" + opts_of(packet) + "}";
    }
    const std::string number = message.number == 0 ? "" : std::to_string(message.number);
    return "[" + quoted(std::string(kUid) + number) + "," + packet_of(packet, true) + "," + opts_of(packet) +
           "]";
}

// Only what holds bytes is MessagePack there.
std::string sharded_value(const Packet &packet) {
    const std::string number = packet.message.number == 0 ? "" : std::to_string(packet.message.number);
    return "{\"type\":3,\"data\":{\"packet\":" + packet_of(packet, false) + ",\"opts\":" + opts_of(packet) +
           "},\"uid\":" + quoted(std::string(kUid) + number) + ",\"nsp\":" + quoted(packet.message.nsp) + "}";
}

Packet make_packet(Maker &maker) {
    Packet packet{{}, maker.event(), maker.texts(), maker.texts()};
    PeerMessage &message = packet.message;
    message.says = maker.rarely(10) ? Says::ask : maker.rarely(20) ? Says::client_ack : Says::broadcast;
    message.nsp = message.envelope.nsp = kNames[maker.below(std::size(kNames))];
    message.envelope.is_volatile = maker.rarely(5);
    if (message.says == Says::broadcast) {
        message.number = message.envelope.is_volatile ? 0 : maker.below(1'000'000);
    } else {
        message.request_id = "request";
        message.envelope.asker.timeout =
            static_cast<std::uint32_t>(message.says == Says::ask ? maker.below(100'000) : 0);
    }
    return packet;
}

} // namespace

int main(int argc, char **argv) {
    const int count = argc > 1 ? std::atoi(argv[1]) : 1;
    Maker maker(static_cast<std::uint32_t>(argc > 2 ? std::atoi(argv[2]) : 1));
    const auto classic = cluster::make_classic({.uid = std::string(kUid)});
    const auto sharded = cluster::make_sharded({.uid = std::string(kUid)});
    Publication said;
    for (int i = 0; i < count; ++i) {
        Packet packet = make_packet(maker);
        PeerMessage &message = packet.message;
        message.envelope.data = packet.data;
        message.envelope.to = views(packet.to);
        message.envelope.except = views(packet.except);
        for (const std::string &each : maker.attachments) {
            message.envelope.attachments.push_back(as_bytes(each));
        }
        const bool is_sharded =
            message.says == Says::broadcast && !maker.attachments.empty() && maker.rarely(2);
        (is_sharded ? sharded : classic)->say(message, {}, said);
        const std::string value = is_sharded ? sharded_value(packet) : classic_value(packet);
        std::printf(
            "{\"hex\":\"%s\",\"value\":%s,\"attachments\":%s}\n", test::to_hex(said.payload).c_str(),
            [&value] { // a line of output is one packet
                static std::string line;
                line = value;
                std::replace(line.begin(), line.end(), '\n', ' ');
                return line.c_str();
            }(),
            listed(maker.attachments, true).c_str());
    }
    return 0;
}

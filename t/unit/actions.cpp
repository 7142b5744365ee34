// SPDX-License-Identifier: BSD-2-Clause
// What actions do: a hub with one rule and one client on long-polling, a bus that only writes
// down what is published, and a directory that knows one stranger.
#include "hub/actions/make.hpp"
#include "hub/attention.hpp"
#include "hub/hub.hpp"

#include "tap.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

using namespace rt;
using namespace rt::hub;
using rt::test::is;
using rt::test::ok;

namespace {

constexpr Millis kNow = 1000;
constexpr Text kStranger = "h001ssssssssssssssss"; // somebody's socket id
constexpr Text kSid = "h001AAAAAAAAAAAAAAAA";      // what random zeroes make of the client's

// One line per envelope: op to=… except=… volatile data #attachments.
class NotedBus final : public Bus {
public:
    Result<Position> publish(const Envelope &envelope) override {
        if (full) {
            return {Code::too_big, "no room in the log"};
        }
        std::ostringstream line;
        line << envelope.nsp;
        for (const Text room : envelope.to) {
            line << " to=" << room;
        }
        for (const Text room : envelope.except) {
            line << " except=" << (room == kSid ? "ME" : room);
        }
        line << (envelope.is_volatile ? " volatile " : " ") << envelope.data;
        for (const Bytes bytes : envelope.attachments) {
            line << " #" << bytes.size();
        }
        notes += line.str() + "\n";
        return ++position_;
    }
    void catch_up(Position until, Millis) override {
        notes += until > caught_up_ ? "caught up\n" : "";
        caught_up_ = until;
    }
    [[nodiscard]] Position head() const noexcept override { return position_; }
    [[nodiscard]] Position cursor() const noexcept override { return position_; }
    [[nodiscard]] Position tail() const noexcept override { return 0; }
    [[nodiscard]] bool holds(Position) const noexcept override { return true; }
    void note(const Envelope &) override {}
    bool replay(Position, Position, Fn<void(const Envelope &, Position)>) override { return true; }

    std::string notes;
    bool full = false;

private:
    Position position_ = 0;
    Position caught_up_ = 0;
};

class SmallDirectory final : public Directory {
public:
    Result<RecordRef> add_connection(Text, const Handshake &, engine::TransportKind) override {
        return record();
    }
    void set_transport(RecordRef, engine::TransportKind) override {}
    void settle(RecordRef) override {}
    void hand_over(RecordRef, std::uint32_t, std::uint32_t) override {}
    void remove_connection(RecordRef) override {}
    Result<RecordRef> add_socket(RecordRef, const SocketText &) override { return record(); }
    void set_connected(RecordRef) override {}
    void remove_socket(RecordRef) override {}
    Result<void> keep(RecordRef, Millis) override { return {Code::full, "not kept"}; }
    Result<KeptSocket> claim(const ClaimText &, Millis) override { return {Code::not_found, "not kept"}; }
    Result<LiveSession> find_claimed(const ClaimText &) override { return {Code::not_found, "not here"}; }
    Result<std::uint32_t> join(RecordRef, Text room) override {
        joined += std::string(room) + ";";
        return 1;
    }
    void leave(RecordRef, Text room) override { joined += "-" + std::string(room) + ";"; }
    Result<RecordRef> attend(Millis) override { return {Code::full, "nobody is away"}; }
    [[nodiscard]] bool attends(RecordRef) override { return false; }
    bool let_go(RecordRef) override { return false; }
    [[nodiscard]] Attention &attention() noexcept override { return attention_; }
    [[nodiscard]] bool knows_socket(Text id) override { return id == kStranger; }

    std::string joined;

private:
    Attention attention_{*this};
    RecordRef record() { return {1, ++serial_}; }
    std::uint32_t serial_ = 0;
};

struct NoMetrics final : Metrics {
    void add(Metric, std::int64_t) noexcept override {}
};

struct NoReplies final : Replies {
    void asked(const AskerId &, std::span<const Text>) override {}
    void arrived(const AskerId &, Text) override {}
    void departed(const AskerId &, Text) override {}
    void answered(const AskerId &, Text, const Payload &) override {}
};

struct Zeroes final : Random {
    void fill(MutableBytes out) override { std::fill(out.begin(), out.end(), std::uint8_t{0}); }
};

struct NoLog final : Log {
    void write(Level, Text) override {}
    [[nodiscard]] bool enabled(Level) const noexcept override { return false; }
};

struct OneTurn final : engine::Turn {
    void arm() override {}
};

// What the client's polls were answered.
struct Polls final : engine::Exchanges {
    [[nodiscard]] bool answer(const engine::ExchangeId &, const engine::Answer &answer) override {
        body += answer.body;
        return true;
    }
    std::string body;
};

class World {
public:
    // `rule`: actions separated by `;`, words by single spaces.
    World(const char *rule, Place place, const char *user = "") : limits_{.rooms = 2} {
        nsp_ = std::make_unique<NamespaceSettings>();
        nsp_->path = "/";
        nsp_->events.emplace_back();
        nsp_->events[0].event = "x";
        chain_of(place) = compile(rule, place);
        settings_.name = "app";
        settings_.namespaces.push_back(std::move(nsp_));
        settings_.user = std::move(*std::get_if<Value>(&compiled_user_.emplace(Value::compile(user, {}))));
        session_settings_.limits = limits_;
        hub_.emplace(
            settings_, HubNames{"h001", "node", "0"},
            HubPorts{bus, directory, replies_, metrics_, random_, log_, {deadlines_, polls_, turn_}, [] {}});
        connect();
    }

    void say(Text packet) { connection_->on_text(packet, kNow); }
    void attach(Bytes bytes) { connection_->on_binary(bytes, kNow); }
    void drop() { connection_->session().close(engine::CloseReason::transport_close, kNow); }

    // Everything queued for the client since the last time, packets separated by a space. A GET
    // that has no answer yet stays open.
    std::string heard() {
        if (!std::exchange(polling_, true)) {
            connection_->session().on_poll({1, 1, {++slot_, 1}}, kNow);
        }
        turn_.flush(kNow);
        std::string text = std::exchange(polls_.body, {});
        polling_ = text.empty();
        std::replace(text.begin(), text.end(), '\x1e', ' ');
        return text;
    }

    NotedBus bus;
    SmallDirectory directory;

private:
    Chain compile(const std::string &rule, Place place) {
        Chain chain;
        std::istringstream lines(rule);
        for (std::string line; std::getline(lines, line, ';');) {
            std::istringstream in(line);
            std::vector<std::string> words;
            for (std::string word; in >> word;) {
                words.push_back(word);
            }
            const std::vector<Text> args(words.begin() + 1, words.end());
            const CompileScope scope{&settings_.captured, nullptr, nullptr};
            MadeAction made = make_action(*find_action(words[0]), {args, scope, place});
            auto *action = std::get_if<std::unique_ptr<const Action>>(&made);
            if (ok(action != nullptr, line + ": compiles")) {
                chain.actions.push_back(std::move(*action));
            }
        }
        return chain;
    }

    Chain &chain_of(Place place) {
        switch (place) {
        case Place::connect:
            return nsp_->connect;
        case Place::disconnect:
            return nsp_->disconnect;
        default:
            return nsp_->events[0].chain;
        }
    }

    void connect() {
        Birth birth;
        birth.settings = &session_settings_;
        Writer captured(birth.captured);
        captured.put_text("user:9");
        connection_ = *hub_->open(birth);
        connection_->session().start_polling(kNow);
        connection_->start(kNow);
    }

    engine::Limits limits_;
    engine::SessionSettings session_settings_;
    std::unique_ptr<NamespaceSettings> nsp_;
    std::optional<std::variant<Value, Complaint>> compiled_user_;
    AppSettings settings_;
    NoReplies replies_;
    NoMetrics metrics_;
    Zeroes random_;
    NoLog log_;
    Deadlines deadlines_;
    Polls polls_;
    OneTurn turn_;
    std::optional<Hub> hub_;
    Connection *connection_ = nullptr;
    std::uint32_t slot_ = 0;
    bool polling_ = false;
};

struct Case {
    const char *rule;
    const char *packet;
    const char *noted; // what was published
    const char *heard; // what the client gets
};

// The client has joined "mine" and asks for an ack with id 7.
constexpr Case kEvents[] = {
    {"emit y", R"(27["x"])", "", R"(42["y"])"},
    {"emit y data=$realtime_args", R"(27["x",1,"b"])", "", R"(42["y",1,"b"])"},
    {"emit y data=$realtime_args", R"(27["x"])", "", R"(42["y"])"},
    {"emit y data=$realtime_data_a", R"(27["x",{}])", "", R"(42["y"])"},
    {"emit y data=7", R"(27["x"])", "", R"(42["y",7])"},
    {"emit say:$realtime_data_a", R"(27["x",{"a":"\"hi"}])", "", R"(42["say:\"hi"])"},
    {"emit y when=$realtime_data_a", R"(27["x",{"a":0}])", "", ""},
    {"emit y all", R"(27["x"])", "/ [\"y\"]\n", ""},
    {"emit y all volatile", R"(27["x"])", "/ volatile [\"y\"]\n", ""},
    {"emit y to=a to=$realtime_data_r user=$realtime_data_u except=sender except=b",
     R"(27["x",{"r":"c","u":5}])", "/ to=a to=c to=user:5 except=b except=ME [\"y\"]\n", ""},
    // what names nobody reaches nobody, and never everybody
    {"emit y to=$realtime_data_r", R"(27["x",{}])", "", ""},
    {"emit y user=$realtime_data_u", R"(27["x",{}])", "", ""},
    {"emit y to=$realtime_data_r to=a", R"(27["x",{}])", "/ to=a [\"y\"]\n", ""},
    {"emit y all except=$realtime_data_r", R"(27["x",{}])", "/ [\"y\"]\n", ""},
    {"relay to=$realtime_data_r", R"(27["x",{}])", "", ""},
    // names that would end the receivers' connections
    {"emit $realtime_data_e all", R"(27["x",{"e":"disconnect"}])", "",
     R"(437[{"ok":false,"error":"bad_event","message":"no event has this name"}])"},
    {"emit $realtime_data_e", R"(27["x",{}])", "",
     R"(437[{"ok":false,"error":"bad_event","message":"no event has this name"}])"},
    {"relay", R"(27["x",{"a" : 1}])", "/ [\"x\",{\"a\" : 1}]\n", ""},
    {"relay to=a except=sender", R"(27["x"])", "/ to=a except=ME [\"x\"]\n", ""},
    {"ack $realtime_args", R"(27["x",1,{}])", "", R"(437[1,{}])"},
    {"ack $realtime_arg_0", R"(27["x"])", "", R"(437[])"},
    {"ack 1;ack 2", R"(27["x"])", "", R"(437[1])"},
    {"ack 1", R"(2["x"])", "", ""},
    {"require 1 $realtime_data_a;ack 1", R"(27["x",{"a":"yes"}])", "", R"(437[1])"},
    {"require 1 $realtime_data_a;ack 1", R"(27["x",{"a":0}])", "",
     R"(437[{"ok":false,"error":"refused","message":"refused"}])"},
    {"require 0 error=$realtime_event message=no", R"(27["x"])", "",
     R"(437[{"ok":false,"error":"x","message":"no"}])"},
    {"require 0;emit y all", R"(2["x"])", "", ""},
    // what was published comes first
    {"emit y all;ack 1", R"(27["x"])", "/ [\"y\"]\ncaught up\n", R"(437[1])"},
    {"emit y all;emit z", R"(27["x"])", "/ [\"y\"]\ncaught up\n", R"(42["z"])"},
    {"emit y to=a;leave a", R"(27["x"])", "/ to=a [\"y\"]\ncaught up\n", ""},
};

void events() {
    for (const Case &one : kEvents) {
        World world(one.rule, Place::event);
        world.say("0");
        world.heard();
        world.say(one.packet);
        const std::string name = std::string(one.rule) + " on " + one.packet;
        is(world.bus.notes, one.noted, name + ": published");
        is(world.heard(), one.heard, name + ": to the client");
    }
}

struct RoomCase {
    const char *rule;
    const char *data; // the event's first argument
    const char *joined;
    const char *heard;
};

constexpr Text kForbidden =
    R"(437[{"ok":false,"error":"forbidden","message":"a client may not choose this room"}])";
constexpr Text kNoRoom = R"(437[{"ok":false,"error":"bad_room","message":"a room has a name"}])";

constexpr RoomCase kRooms[] = {
    {"join a", "0", "a;", ""},
    {"join a when=$realtime_arg_0", "0", "", ""},
    {"join a when=$realtime_arg_0", "1", "a;", ""},
    {"join $realtime_arg_0", R"("b c")", "b c;", ""},
    {"join $realtime_arg_0", "7", "7;", ""},
    {"join $realtime_arg_0", R"("")", "", kNoRoom.data()},
    {"join $realtime_data_gone", "{}", "", kNoRoom.data()},
    {"join $realtime_arg_0", R"("user:9")", "", kForbidden.data()},
    {"join $realtime_arg_0", R"("h001ssssssssssssssss")", "", kForbidden.data()},
    {"join $realtime_arg_0", R"("h001tttttttttttttttt")", "h001tttttttttttttttt;", ""},
    {"join user:$realtime_arg_0", "9", "", kForbidden.data()},
    {"join $realtime_arg_0 trusted", R"("user:9")", "user:9;", ""},
    {"join user:9", "0", "user:9;", ""},
    {"join user:$realtime_sid", "0", "user:h001AAAAAAAAAAAAAAAA;", ""},
    {"join a;join b;join c", "0", "a;b;", R"(437[{"ok":false,"error":"limit","message":"too many rooms"}])"},
    {"join a;leave a", "0", "a;-a;", ""},
    {"join a;leave a when=0", "0", "a;", ""},
    {"leave $realtime_arg_0", R"("user:9")", "", kForbidden.data()},
    {"leave $realtime_arg_0", R"("h001AAAAAAAAAAAAAAAA")", "", kForbidden.data()},
    {"leave $realtime_arg_0", R"("")", "", kNoRoom.data()},
    {"join $realtime_arg_0 trusted;leave $realtime_arg_0 trusted", R"("user:9")", "user:9;-user:9;", ""},
};

void rooms() {
    for (const RoomCase &one : kRooms) {
        World world(one.rule, Place::event);
        world.say("0");
        world.heard();
        world.say(std::string(R"(27["x",)") + one.data + "]");
        const std::string name = std::string(one.rule) + " with " + one.data;
        is(world.directory.joined, one.joined, name + ": rooms");
        is(world.heard(), one.heard, name + ": to the client");
    }
}

// A variable of the request counts as the client's.
void captured_room() {
    World world("join $arg_room", Place::event);
    world.say("0");
    world.heard();
    world.say(R"(27["x"])");
    is(world.directory.joined, "", "a room from the request's query");
    is(world.heard(), kForbidden, "is as good as the client's word");
}

void buffers() {
    World world("emit y all data=$realtime_arg_1;ack $realtime_arg_1;emit z "
                "data=[$realtime_arg_0,\"$realtime_arg_0\"]",
                Place::event);
    world.say("0");
    world.heard();
    world.say(R"(52-7["x",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}}])");
    world.attach(as_bytes("one"));
    world.attach(as_bytes("two"));
    is(world.bus.notes, "/ [\"y\",{\"b\":{\"_placeholder\":true,\"num\":0}}] #3\ncaught up\n",
       "the attachment that is used, with its new number");
    is(world.heard(),
       R"(461-7[{"b":{"_placeholder":true,"num":0}}] bdHdv )"
       R"(451-["z",[{"_placeholder":true,"num":0},"{\"_placeholder\":true,\"num\":0}"]] bb25l)",
       "in the ack and to the sender");
}

void closing() {
    World leaves("close;emit y;emit z all;ack 1", Place::event);
    leaves.say("0");
    leaves.heard();
    leaves.say(R"(27["x"])");
    is(leaves.heard(), "41", "out of the namespace; nothing for the sender behind it");
    is(leaves.bus.notes, "/ [\"z\"]\n", "actions with a target still run");

    World closes("close connection", Place::event);
    closes.say("0");
    closes.heard();
    closes.say(R"(27["x"])");
    is(closes.heard(), "41", "out of the namespace,");
    is(closes.heard(), "6 1", "and the connection ends");
}

void full_log() {
    for (const char *rule : {"emit y all", "relay"}) {
        World world(rule, Place::event);
        world.bus.full = true;
        world.say("0");
        world.heard();
        world.say(R"(27["x"])");
        is(world.heard(), R"(437[{"ok":false,"error":"too_big","message":"no room in the log"}])",
           std::string(rule) + ": the failure is told");
    }
}

void connecting() {
    World good("require $realtime_auth_token;join a;emit hello data=$realtime_auth", Place::connect);
    good.say(R"(0{"token":"t"})");
    is(good.heard(), R"(40{"sid":"h001AAAAAAAAAAAAAAAA"} 42["hello",{"token":"t"}])",
       "the answer, then the emit");
    is(good.directory.joined, "a;", "joined");

    World bad("require $realtime_auth_token error=login message=token?", Place::connect);
    bad.say("0");
    is(bad.heard(), R"(44{"message":"token?","data":{"error":"login"}})", "refused in the rule's words");

    World user("emit hello data=$realtime_user", Place::connect, "$realtime_auth_id");
    user.say(R"(0{"id":7})");
    is(user.directory.joined, "user:7;", "a user is a room");
}

void leaving() {
    World world("emit left all data=$realtime_close_reason;emit left user=1", Place::disconnect);
    world.say("0");
    world.heard();
    world.drop();
    is(world.bus.notes, "/ [\"left\",\"transport close\"]\n/ to=user:1 [\"left\"]\n",
       "told once, to whom it is said");
}

} // namespace

int main() {
    events();
    rooms();
    captured_room();
    buffers();
    closing();
    full_log();
    connecting();
    leaving();
    return rt::test::done();
}

// SPDX-License-Identifier: BSD-2-Clause
// The sharded dialect: recorded messages of createShardedAdapter, and what it must bear.
#include "cluster/sharded_wire.hpp"
#include "dialect_env.hpp"

#include <string>
#include <vector>

using namespace rt;
using namespace rt::cluster;
using namespace rt::test;

namespace {

using Mode = DialectSettings::Mode;

std::unique_ptr<Dialect> make(Mode mode = Mode::dynamic) {
    return make_sharded({.prefix = "sio", .uid = std::string(kHost), .mode = mode});
}

Mode mode_of(const std::string &name) {
    return name == "static" ? Mode::fixed : name == "dynamic" ? Mode::dynamic : Mode::dynamic_private;
}

void recorded() {
    test::against_vectors("sharded_wire", [](const std::string &each, const std::string &uid) {
        return make_sharded(
            {.prefix = field(each, "prefix"), .uid = uid, .mode = mode_of(field(each, "mode"))});
    });
}

void finds_places() {
    const test::Placed cases[] = {
        {"sio#/#", ChannelPlace::Kind::broadcast, "/", ""},
        {"sio#/a#r#", ChannelPlace::Kind::broadcast, "/a", "r"},
        {"sio#/a#r#s#", ChannelPlace::Kind::broadcast, "/a", "r#s"},
        {"sio#/a##", ChannelPlace::Kind::broadcast, "/a", ""},
        {"sio#/a#hostuid_-09#", ChannelPlace::Kind::response, "/a", ""},
        {"sio#/a", ChannelPlace::Kind::foreign, "", ""},
        {"sio#", ChannelPlace::Kind::foreign, "", ""},
        {"sio", ChannelPlace::Kind::foreign, "", ""},
        {"si", ChannelPlace::Kind::foreign, "", ""},
        {"sio-request#/#", ChannelPlace::Kind::foreign, "", ""},
    };
    test::finds_places(*make(), cases);
}

void subscribes() {
    const auto is_of_room = [](Mode mode, bool own) {
        const auto one = make(mode)->of_room("/", "r", own);
        return one ? one->name : std::string("none");
    };
    ok(make()->always().empty(), "nothing in any case");
    const std::vector<Subscription> all = make()->of_namespace("/a");
    ok(all == std::vector<Subscription>{{Subscription::Kind::shard, "sio#/a#"},
                                        {Subscription::Kind::shard, "sio#/a#hostuid_-09#"}},
       "of a namespace");
    is(is_of_room(Mode::fixed, false), "none", "static: no room");
    is(is_of_room(Mode::dynamic, false), "sio#/#r#", "dynamic: a room");
    is(is_of_room(Mode::dynamic, true), "none", "dynamic: no id");
    is(is_of_room(Mode::dynamic_private, true), "sio#/#r#", "dynamic-private: an id, too");
    ok(make()->follows_rooms() && !make(Mode::fixed)->follows_rooms(), "which modes follow rooms");
    is(make()->count_channel("/a"), "sio#/a#", "where servers are counted");
}

// A broadcast to one room goes where all who have a member of it listen.
void chooses_channels() {
    struct {
        Mode mode;
        std::vector<Text> to;
        Text channel;
    } const cases[] = {
        {Mode::dynamic, {"r"}, "sio#/#r#"},
        {Mode::dynamic, {""}, "sio#/##"},
        {Mode::dynamic, {"r", "s"}, "sio#/#"},
        {Mode::dynamic, {"12345678901234567890"}, "sio#/#"},
        {Mode::dynamic, {"1234567890123456789é"}, "sio#/#"},
        {Mode::dynamic, {"123456789012345678😀"}, "sio#/#"},
        {Mode::dynamic, {"1234567890123456😀"}, "sio#/#1234567890123456😀#"},
        {Mode::dynamic, {"1234567890123456789012é"}, "sio#/#1234567890123456789012é#"},
        {Mode::fixed, {"r"}, "sio#/#"},
        {Mode::dynamic_private, {"12345678901234567890"}, "sio#/#12345678901234567890#"},
    };
    for (const auto &each : cases) {
        PeerMessage message;
        message.nsp = message.envelope.nsp = "/";
        message.envelope.to = each.to;
        message.envelope.data = R"(["a"])";
        Publication said;
        make(each.mode)->say(message, {}, said);
        is(said.channel, each.channel, "to " + test::shown(each.to.front()));
        message.says = Says::join;
        make(each.mode)->say(message, {}, said);
        is(said.channel, "sio#/#", "an order");
    }
}

void says_the_rest() {
    const auto dialect = make();
    PeerMessage message;
    message.nsp = message.envelope.nsp = "/";
    message.number = 12;
    message.envelope.data = R"(["a"])";
    message.envelope.is_volatile = true;
    Publication said;
    dialect->say(message, {}, said);
    is(said.payload,
       R"({"type":3,"data":{"packet":{"type":2,"data":["a"]},"opts":{"rooms":[],"except":[],"flags":{"volatile":true}}},)"
       R"("uid":"hostuid_-0912","nsp":"/"})",
       "a numbered broadcast");
    const cluster::PeerUid sender = dialect->sender_of(as_bytes(said.payload));
    ok(sender.uid == kHost && sender.number == 12, "whose it is, without decoding");
    for (const Text garbage : {"", "{", R"({"uid":")", R"(","nsp":")", "\xa3uid", "\xa3uid\xa5x"}) {
        ok(dialect->sender_of(as_bytes(garbage)).uid.empty(), "garbage is of nobody");
    }
    message.says = Says::list_rooms;
    dialect->say(message, {}, said);
    ok(said.channel.empty(), "what the dialect does not know is not sent");
    message = {};
    message.nsp = "/";
    message.says = Says::fetched;
    message.request_id = "r";
    dialect->say(message, "39b5254a75ee20f1", said);
    is(said.channel, "sio#/#39b5254a75ee20f1#", "an answer goes to who asked");
    is(said.payload, R"({"type":8,"data":{"requestId":"r","sockets":[]},"uid":"hostuid_-09","nsp":"/"})",
       "`sockets` is an array even if there is nobody");
    message.says = Says::server_answer;
    dialect->say(message, "39b5254a75ee20f1", said);
    is(said.payload, R"({"type":10,"data":{"requestId":"r"},"uid":"hostuid_-09","nsp":"/"})",
       "an answer of nothing");
}

// A message with such a type and data.
std::string message(Text type, Text data, Text nsp = R"("/")") {
    return R"({"type":)" + std::string(type) + R"(,"data":)" + std::string(data) + R"(,"uid":"u","nsp":)" +
           std::string(nsp) + "}";
}

void bears() {
    const test::Heard cases[] = {
        {message("3", R"({"packet":{"type":2,"data":["a"],"nsp":"/b"},"opts":{}})"), "not found"},
        {message("3", R"({"packet":{"type":2,"data":["a"]},"opts":{}})", R"("/b")"), "not found"},
        {message("3", R"({"packet":{"type":2,"data":["a"]},"opts":{}})", "null"), "not found"},
        {message("3", R"({"packet":{"type":3,"data":["a"]},"opts":{}})"), "refused"},
        {message("3", R"({"packet":{"type":2,"data":[]},"opts":{}})"), "refused"},
        {message("3", R"({"packet":{"type":2,"data":["disconnect"]},"opts":{}})"), "refused"},
        {message("3", R"({"packet":{"type":2,"data":["a"]}})"), "refused"},
        {message("3", "null"), "refused"},
        {message("3", R"({"opts":{"except":[42]},"packet":{"data":["a"],"type":2.0}})"),
         "broadcast\n# nsp /\n# envelope's nsp /\n# uid u\n# except <42>\n# data [\"a\"]"},
        {message("3", R"({"packet":{"type":2,"data":["a"]},"opts":{"rooms":[true]}})"),
         "broadcast\n# nsp /\n# envelope's nsp /\n# uid u\n# to <\xff>\n# data [\"a\"]"},
        {message("4", R"({"rooms":["r"]})"), "refused"},
        {message("6", R"({"opts":{"rooms":["r"]}})"),
         "disconnect\n# nsp /\n# envelope's nsp /\n# uid u\n# to <r>"},
        {message("7", R"({"opts":{}})"), "refused"},
        {message("8", R"({"requestId":"r","sockets":7})"),
         "fetched\n# nsp /\n# envelope's nsp /\n# uid u\n# request r\n# data []"},
        {message("9", R"({"packet":"x"})"), "refused"},
        {message("10", R"({"packet":"x"})"), "refused"},
        {message("11", R"({"requestId":"r","clientCount":"3"})"),
         "client_count\n# nsp /\n# envelope's nsp /\n# uid u\n# request r"},
        {message("12", R"({"requestId":"r"})"),
         "client_ack\n# nsp /\n# envelope's nsp /\n# uid u\n# request r"},
        {message("1", "{}"), "not found"},
        {message("2", "{}"), "not found"},
        {message("13", "{}"), "not found"},
        {message(R"("3")", "{}"), "not found"},
        {"{}", "not found"},
        {"", "refused"},
        {"\xc0", "refused"},
        {"[]", "refused"},
    };
    const auto dialect = make();
    test::hears(*dialect, "sio#/#", cases);
    is(heard(*dialect, "other#/#", message("1", "{}")), "not found", "a foreign channel");
    const std::string deep = message("3", R"({"packet":{"type":2,"data":["a",)" + std::string(80, '[') +
                                              std::string(80, ']') + R"(]},"opts":{}})");
    is(heard(*dialect, "sio#/#", deep), "refused", "nested too deep");
}

} // namespace

int main() {
    recorded();
    finds_places();
    subscribes();
    chooses_channels();
    says_the_rest();
    bears();
    return rt::test::done();
}

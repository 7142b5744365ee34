// SPDX-License-Identifier: BSD-2-Clause
// The classic dialect: recorded messages of @socket.io/redis-adapter 8.3.0, and what it must bear.
#include "cluster/classic_wire.hpp"
#include "dialect_env.hpp"

#include <string>
#include <vector>

using namespace rt;
using namespace rt::cluster;
using namespace rt::test;

namespace {

std::unique_ptr<Dialect> make(const std::string &uid = std::string(kHost)) {
    return make_classic({.uid = uid, .host = "h0st"});
}

void recorded() {
    test::against_vectors("classic_wire", [](const std::string &each, const std::string &uid) {
        return make_classic({.prefix = field(each, "prefix"), .uid = uid});
    });
}

void finds_places() {
    const test::Placed cases[] = {
        {"socket.io#/#", ChannelPlace::Kind::broadcast, "/", ""},
        {"socket.io#/chat#r#", ChannelPlace::Kind::broadcast, "/chat", "r"},
        {"socket.io#/##", ChannelPlace::Kind::broadcast, "/", ""},
        {"socket.io#/#a#b*?#", ChannelPlace::Kind::broadcast, "/", "a#b*?"},
        {"socket.io-request#/#", ChannelPlace::Kind::request, "/", ""},
        {"socket.io-response#/chat#", ChannelPlace::Kind::response, "/chat", ""},
        {"socket.io-response#/chat#fmFRaV#", ChannelPlace::Kind::response, "/chat", ""},
        {"socket.io", ChannelPlace::Kind::foreign, "", ""},
        {"socket.io#", ChannelPlace::Kind::foreign, "", ""},
        {"socket.io##", ChannelPlace::Kind::foreign, "", ""},
        {"socket.io#/", ChannelPlace::Kind::foreign, "", ""},
        {"socket.io#/#r", ChannelPlace::Kind::foreign, "", ""},
        {"socket.io-request", ChannelPlace::Kind::foreign, "", ""},
        {"socket.io-requests#/#", ChannelPlace::Kind::foreign, "", ""},
        {"socket.io2#/#", ChannelPlace::Kind::foreign, "", ""},
        {"", ChannelPlace::Kind::foreign, "", ""},
    };
    test::finds_places(*make(), cases);
}

std::string names(const std::vector<Subscription> &all) {
    std::string out;
    for (const Subscription &each : all) {
        out += each.kind == Subscription::Kind::pattern ? "p:"
               : each.kind == Subscription::Kind::shard ? "s:"
                                                        : "";
        out += each.name + " ";
    }
    return out;
}

void subscribes() {
    const auto all = make();
    is(names(all->always()), "p:socket.io#* ", "everything by one pattern");
    is(names(all->of_namespace("/a")),
       "socket.io-request#/a# socket.io-response#/a# socket.io-response#/a#hostuid_-09# ", "of a namespace");
    ok(!all->of_room("/", "r", false) && !all->follows_rooms(), "rooms are not followed");
    is(all->count_channel("/a"), "socket.io-request#/a#", "servers are counted where they take requests");

    const auto rooms = make_classic({.prefix = "a*[b]?\\", .uid = "U", .host = "h0st", .rooms = true});
    is(names(rooms->always()), "p:a\\*\\[b\\]\\?\\\\#*#h0st????????????????# ", "ids of ours by a pattern");
    is(names(rooms->of_namespace("/")),
       "a*[b]?\\#/# a*[b]?\\-request#/# a*[b]?\\-response#/# a*[b]?\\-response#/#U# ",
       "of a namespace, with rooms");
    is(names({*rooms->of_room("/", "r", false)}), "a*[b]?\\#/#r# ", "of a room");
    ok(!rooms->of_room("/", "h0st0123456789abcdef", true), "an id of ours is heard already");
}

// A broadcast as the adapter writes it, with other bytes for a part of it.
std::string broadcast(Text uid, Text packet = "83a47479706502a46461746191a161a36e7370a12f",
                      Text opts = "83a5726f6f6d7390a665786365707490a5666c61677380") {
    std::string out = "93";
    std::string text;
    wire::msgpack::Writer(text).text(uid);
    return from_hex(out + test::to_hex(text) + std::string(packet) + std::string(opts));
}

void numbers() {
    struct {
        Text said;
        Text uid;
        std::uint64_t number;
    } const cases[] = {
        {"fmFRaV", "fmFRaV", 0},
        {"emitter", "emitter", 0},
        {"anotherHos-1", "anotherHos-", 1},
        {"anotherHos_18446744073709551615", "anotherHos_", UINT64_MAX},
        {"anotherHos_18446744073709551616", "anotherHos_18446744073709551616", 0},
        {"anotherHos_1x", "anotherHos_1x", 0},
        {"another.Hos1", "another.Hos1", 0},
        {"anotherHost", "anotherHost", 0},
        {"39b5254a75e12345", "39b5254a75e12345", 0},
        {"39b5254a75g12345", "39b5254a75g", 12345},
        {"39b5254a75e1234", "39b5254a75e", 1234},
    };
    const auto dialect = make();
    for (const auto &each : cases) {
        const std::string payload = broadcast(each.said);
        const auto message = dialect->hear("socket.io#/#", as_bytes(payload));
        is(message ? std::string((*message)->uid) : "refused", each.uid, "uid of " + std::string(each.said));
        is(message ? (*message)->number : 0, each.number, "and its number");
        const cluster::PeerUid sender = dialect->sender_of(as_bytes(payload));
        ok(sender.uid == each.uid && sender.number == each.number, "without decoding, too");
    }
    const std::string own = broadcast(std::string(kHost) + "7", "c1");
    const auto echo = dialect->hear("socket.io#/#", as_bytes(own));
    ok(echo && (*echo)->uid == kHost && (*echo)->number == 7, "an echo of our own is not read on");
    ok(dialect->sender_of({}).uid.empty() && dialect->sender_of(as_bytes(Text("\x93\x01"))).uid.empty(),
       "who sent garbage is not known");
    const auto hexadecimal = make("0123456789a");
    const std::string hex_own = broadcast("0123456789a12345");
    const auto hex_echo = hexadecimal->hear("socket.io#/#", as_bytes(hex_own));
    ok(hex_echo && (*hex_echo)->number == 12345, "our own uid is known whatever it looks like");

    PeerMessage message;
    message.nsp = message.envelope.nsp = "/";
    message.envelope.data = R"(["a"])";
    message.number = 123;
    Publication said;
    dialect->say(message, {}, said);
    is(test::to_hex(said.payload), test::to_hex(broadcast(std::string(kHost) + "123")),
       "a numbered broadcast");
}

void tolerates() {
    struct {
        Text packet;
        Text opts;
        const char *name;
    } const cases[] = {
        {"82a474797065cb4000000000000000a46461746191a161", "81a5726f6f6d7390",
         "a float for 2, no nsp, no except"},
        {"84a36e7370d9012fa46461746191a161a474797065cf0000000000000002a17891c0", "80",
         "another order, more keys"},
        {"83a47479706502a46461746191a161a36e7370a12f", "83a5726f6f6d73c0a6657863657074c0a5666c616773c0",
         "nil"},
        {"83a47479706502a46461746191d90161a36e7370a12f", "8191c09101", "keys that are no text"},
    };
    const auto dialect = make();
    for (const auto &each : cases) {
        is(heard(*dialect, "socket.io#/#", broadcast("fmFRaV", each.packet, each.opts)),
           "broadcast\n# nsp /\n# envelope's nsp /\n# uid fmFRaV\n# data [\"a\"]", each.name);
    }
    is(heard(*dialect, "socket.io#/#", from_hex("94" + test::to_hex(broadcast("fmFRaV").substr(1)) + "91c0")),
       "broadcast\n# nsp /\n# envelope's nsp /\n# uid fmFRaV\n# data [\"a\"]", "more elements");
}

void refuses() {
    struct {
        Text packet;
        Text opts;
        const char *name;
        const char *how = "refused";
    } const cases[] = {
        {"83a47479706503a46461746191a161a36e7370a12f", "80", "no event"},
        {"82a46461746191a161a36e7370a12f", "80", "no type"},
        {"82a47479706502a36e7370a12f", "80", "no data"},
        {"82a47479706502a46461746190", "80", "empty data"},
        {"82a47479706502a464617461c0", "80", "data that is nil"},
        {"82a47479706502a46461746181a161a161", "80", "data that is a map"},
        {"82a47479706502a46461746191c0", "80", "an event without a name"},
        {"82a47479706502a46461746191a7636f6e6e656374", "80", "a reserved name"},
        {"83a47479706502a46461746191a161a36e7370a22f61", "80", "another namespace", "not found"},
        {"83a47479706502a46461746191a161a36e737001", "80", "a namespace that is no text", "not found"},
        {"90", "80", "a packet that is an array"},
        {"82a47479706502a46461746191a161", "c0", "options that are nil"},
        {"82a47479706502a46461746191a161", "81a5726f6f6d73a161", "rooms that are text"},
        {"82a47479706502a46461746191a161", "81a5726f6f6d7391c0", "a room that is nil",
         "broadcast\n# nsp /\n# envelope's nsp /\n# uid fmFRaV\n# to <\xff>\n# data [\"a\"]"},
        {"82a47479706502a46461746191a161", "81a5726f6f6d739291a16101", "a room that is an array",
         "broadcast\n# nsp /\n# envelope's nsp /\n# uid fmFRaV\n# to <\xff><1>\n# data [\"a\"]"},
        {"82a47479706502a46461746191a161", "80c0", "one byte more"},
    };
    const auto dialect = make();
    for (const auto &each : cases) {
        is(heard(*dialect, "socket.io#/#", broadcast("fmFRaV", each.packet, each.opts)), each.how, each.name);
    }
    const std::string deep(100, '\x91');
    is(heard(*dialect, "socket.io#/#",
             broadcast("fmFRaV", "82a47479706502a46461746192a161" + test::to_hex(deep) + "90")),
       "refused", "nested too deep");
    is(heard(*dialect, "socket.io#/#", ""), "refused", "nothing");
    is(heard(*dialect, "socket.io#/#", "{}"), "refused", "JSON");
    is(heard(*dialect, "elsewhere#/#", broadcast("fmFRaV")), "not found", "a foreign channel");
}

void bears_requests() {
    const test::Heard cases[] = {
        {"{}", "not found"},
        {R"({"type":99,"requestId":"r"})", "not found"},
        {R"({"type":"5","requestId":"r","opts":{}})", "not found"},
        {R"({"type":5,"opts":{}})", "refused"},
        {R"({"type":5,"requestId":"r"})", "refused"},
        {R"({"type":5,"requestId":"r","opts":{"rooms":[null]}})",
         "fetch\n# nsp /\n# envelope's nsp /\n# request r\n# to <\xff>"},
        {R"({"type":5,"requestId":"r","opts":{"rooms":{}}})", "refused"},
        {R"({"type":5,"requestId":"r","opts":{"rooms":[42,-1.50,"\u0061"]}})",
         "fetch\n# nsp /\n# envelope's nsp /\n# request r\n# to <42><-1.5><a>"},
        {R"({"type":4,"sid":"s","requestId":"r","close":true})",
         "disconnect\n# nsp /\n# envelope's nsp /\n# request r\n# to <s>\n# close yes\n# old form yes"},
        {R"({"type":4,"requestId":"r","close":true})", "refused"},
        {R"({"type":2,"sid":"s","room":"x"})", "refused"},
        {R"({"type":6,"data":{}})", "refused"},
        {R"({"type":7,"requestId":"r","packet":{"type":3,"data":["a"]},"opts":{}})", "refused"},
        {R"({"type":7,"requestId":"r","packet":{"type":2,"data":["a"],"nsp":"/b"},"opts":{}})", "not found"},
        {R"({"type":7,"requestId":"r","packet":{"type":2,"data":["a"]}})", "refused"},
        {R"({"type":7,"requestId":"r","packet":{"type":2,"data":["a"]},"opts":{"flags":{"timeout":1e99}}})",
         "ask\n# nsp /\n# envelope's nsp /\n# request r\n# data [\"a\"]\n# timeout 4294967295"},
        {R"({"\u0074ype":1,"type":1,"requestId":"a\"b","requestId":"\u00e9"})",
         "list_rooms\n# nsp /\n# envelope's nsp /\n# request \u00e9"},
        {R"({"type":1,"requestId":"r"}x)", "refused"},
        {"[]", "refused"},
        {"\xc0", "refused"},
        {"\x90", "refused"},
        {"", "refused"},
    };
    const auto dialect = make();
    test::hears(*dialect, "socket.io-request#/#", cases);
    // Bytes outside of what clients are shown belong nowhere.
    const std::string stray =
        from_hex("84a47479706507a9726571756573744964a172a67061636b657482a47479706502a46461746191a161"
                 "a46f70747381a178c40101");
    is(heard(*dialect, "socket.io-request#/#", stray), "refused", "bytes that belong nowhere");
}

void bears_responses() {
    const test::Heard cases[] = {
        {"{}", "refused"},
        {R"({"requestId":5})", "refused"},
        {R"({"requestId":"r","sockets":5})", "done\n# nsp /\n# envelope's nsp /\n# request r"},
        {R"({"requestId":"r","sockets":["a",{}]})",
         "ids\n# nsp /\n# envelope's nsp /\n# request r\n# texts <a><\xff>"},
        {R"({"requestId":"r","rooms":["a",7]})",
         "rooms\n# nsp /\n# envelope's nsp /\n# request r\n# texts <a><7>"},
        {R"({"requestId":"r","type":8,"clientCount":-5})",
         "client_count\n# nsp /\n# envelope's nsp /\n# request r"},
        {R"({"requestId":"r","type":9})", "client_ack\n# nsp /\n# envelope's nsp /\n# request r"},
        {R"({"requestId":"r","type":6,"data":null})",
         "server_answer\n# nsp /\n# envelope's nsp /\n# request r\n# data null"},
        {"\x80", "refused"},
    };
    test::hears(*make(), "socket.io-response#/#", cases);
}

void drops_bytes_of_nothing() {
    const auto dialect = make();
    is(heard(*dialect, "socket.io-response#/#", from_hex("82a9726571756573744964a172a178c40101")),
       "done\n# nsp /\n# envelope's nsp /\n# request r", "bytes that nothing means are dropped");
}

void answers_where_it_is_heard() {
    const auto dialect = make();
    PeerMessage answer;
    answer.says = Says::fetched;
    answer.nsp = "/";
    answer.request_id = "r\"1";
    Publication said;
    dialect->say(answer, "fmFRaV", said);
    is(said.channel, "socket.io-response#/#", "Node servers on the shared channel");
    is(said.payload, R"({"requestId":"r\"1","sockets":[]})", "`sockets` is an array even if there is nobody");
    dialect->say(answer, "anotherHost", said);
    is(said.channel, "socket.io-response#/#anotherHost#", "hosts of ours on their own");
}

// A Node server ends over a broadcast that it cannot read.
void never_says_garbage() {
    const auto dialect = make();
    PeerMessage message;
    message.nsp = message.envelope.nsp = "/";
    Publication said;
    for (const Text data : {Text(""), Text("["), Text("[1]x")}) {
        message.envelope.data = data;
        dialect->say(message, {}, said);
        ok(said.channel.empty(), "not sent: " + test::shown(data));
    }
}

void keeps_bytes_in_requests() {
    const auto dialect = make();
    const std::string bytes = "\x01\x02";
    PeerMessage message;
    message.says = Says::server_emit;
    message.nsp = message.envelope.nsp = "/";
    message.request_id = "r";
    message.envelope.data = R"(["e",{"_placeholder":true,"num":0}])";
    message.envelope.attachments = {as_bytes(bytes)};
    Publication said;
    dialect->say(message, {}, said);
    const auto other = make("anotherHost");
    is(heard(*other, said.channel, said.payload),
       "server_emit\n# nsp /\n# envelope's nsp /\n# uid hostuid_-09\n# request r\n"
       "# data [\"e\",{\"_placeholder\":true,\"num\":0}]\n# attachments <0102>",
       "a server's event with bytes is MessagePack");
}

} // namespace

int main() {
    recorded();
    finds_places();
    subscribes();
    numbers();
    tolerates();
    refuses();
    bears_requests();
    bears_responses();
    drops_bytes_of_nothing();
    answers_where_it_is_heard();
    never_says_garbage();
    keeps_bytes_in_requests();
    return rt::test::done();
}

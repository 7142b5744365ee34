// SPDX-License-Identifier: BSD-2-Clause
// One Engine.IO session: heartbeat, polling pairs, the ways it ends, its send buffer. Each row is a
// script (engine_env.hpp) and what was told.
#include "engine_env.hpp"

using namespace rt;
using namespace rt::test;
using engine::TransportKind;

namespace {

struct Case {
    const char *name;
    const char *script;
    const char *told;
};

engine::SessionSettings settings(engine::SlowPolicy policy = engine::SlowPolicy::close) {
    engine::SessionSettings made;
    made.ping_interval = 300;
    made.ping_timeout = 200;
    made.send_buffer = 100;
    made.slow_policy = policy;
    return made;
}

template <std::size_t Size>
void check(const Case (&cases)[Size], TransportKind transport,
           engine::SlowPolicy policy = engine::SlowPolicy::close) {
    for (const Case &one : cases) {
        SessionBench bench(settings(policy));
        bench.start(transport);
        is(bench.run(one.script), one.told, one.name);
    }
}

constexpr Case kHeartbeat[] = {
    {"no ping before its time", "G1 +299", ""},
    {"a ping after the interval", "G1 +300", "300 r1 200p 2"},
    {"a pong starts the interval", "G1 +400 P2:3 G3 +299 +1", "300 r1 200p 2; 400 r2 200o ok; 700 r3 200p 2"},
    {"a pong nobody asked for does too", "G1 +100 P2:3 +299 +1", "100 r2 200o ok; 400 r1 200p 2"},
    {"other packets do not", "G1 +100 P2:4x +200", "100 text x; 100 r2 200o ok; 300 r1 200p 2"},
    {"no pong: nothing before interval and timeout", "G1 +300 G2 +199", "300 r1 200p 2"},
    {"no pong: the end at interval and timeout", "G1 +300 G2 +200",
     "300 r1 200p 2; 500 r2 200p 1; 500 closed ping timeout; 500 finished"},
    {"a late ping does not move the end", "G1 late350 G2 +149 +1",
     "350 r1 200p 2; 500 r2 200p 1; 500 closed ping timeout; 500 finished"},
    {"a very late ping leaves time for the pong", "G1 late1300 G2 +99 +1",
     "1300 r1 200p 2; 1400 r2 200p 1; 1400 closed ping timeout; 1400 finished"},
    {"a ping waits for a GET", "+400 G1", "400 r1 200p 2"},
    {"a pong in time with the ping unread", "+400 P1:3 +299 G2", "400 r1 200o ok; 699 r2 200p 2"},
};

constexpr Case kPolling[] = {
    {"a GET is held", "G1 +200", ""},
    {"a GET is answered at the end of the turn", "G1 say:a&say:b", "0 r1 200p 4a|4b"},
    {"a GET gets what is queued", "say:a say:b G1", "0 r1 200p 4a|4b"},
    {"nothing is told twice", "say:a G1 G2 say:b", "0 r1 200p 4a; 0 r2 200p 4b"},
    {"a POST brings packets in order", "P1:4a|4b|bAQ==|3", "0 text a; 0 text b; 0 binary \x01; 0 r1 200o ok"},
    {"two GETs end it", "G1 G2", "0 r1 200p 1; 0 r2 400e; 0 closed transport error; 0 finished"},
    {"two POSTs end it", "B1 B2", "0 r1 400e; 0 r2 400e; 0 closed transport error; 0 finished"},
    {"a second POST that is whole ends it", "G3 B1 P2:4x",
     "0 r1 400e; 0 r2 400e; 0 r3 200p 1; 0 closed transport error; 0 finished"},
    {"an announced POST", "B1 +10 P1:4a B2 P2:4b", "10 text a; 10 r1 200o ok; 10 text b; 10 r2 200o ok"},
    {"a POST too large does not end it", "B1 D1 P2:4x", "0 text x; 0 r2 200o ok"},
    {"a broken GET ends it", "G1 A1", "0 closed transport error; 0 finished"},
    {"a broken POST ends it", "G1 B2 A2", "0 r1 200p 1; 0 closed transport error; 0 finished"},
    {"a stale abort does not", "G1 say:x A1 G2 say:y", "0 r1 200p 4x; 0 r2 200p 4y"},
    {"open, upgrade and noop mean nothing", "P1:0|5|6|4x", "0 text x; 0 r1 200o ok"},
    {"after its end it is unknown", "G1 G2 G3 B4 P5:4x",
     "0 r1 200p 1; 0 r2 400e; 0 closed transport error; 0 finished; "
     "0 r3 400j {\"code\":1,\"message\":\"Session ID unknown\"}; "
     "0 r4 400j {\"code\":1,\"message\":\"Session ID unknown\"}; "
     "0 r5 400j {\"code\":1,\"message\":\"Session ID unknown\"}"},
    {"a POST that is still coming when it ends was not taken", "B1 G2 G3",
     "0 r2 200p 1; 0 r3 400e; 0 closed transport error; 0 r1 400e; 0 finished"},
    {"a lost answer to a POST ends it", "lose P1:4x",
     "0 text x; 0 r1 200o ok lost; 0 closed transport error; 0 finished"},
    {"a lost answer ends it", "G1 lose say:x say:y",
     "0 r1 200p 4x lost; 0 closed transport error; 0 finished"},
};

constexpr Case kBadPayloads[] = {
    {"an unknown packet", "G1 P2:4a|9|4b",
     "0 text a; 0 r2 400e; 0 r1 200p 1; 0 closed parse error; 0 finished"},
    {"an empty body", "P1:", "0 r1 400e; 0 closed parse error; 0 finished"},
    {"an empty packet at the end", "P1:4a|", "0 text a; 0 r1 400e; 0 closed parse error; 0 finished"},
    {"text that is not UTF-8", "P1:4\xff", "0 r1 400e; 0 closed parse error; 0 finished"},
    {"a ping from a client", "G1 P2:2", "0 r1 200p 1; 0 closed parse error; 0 finished; 0 r2 200o ok"},
    {"what follows the end is ignored", "P1:2|4x", "0 closed parse error; 0 finished; 0 r1 200o ok"},
};

constexpr Case kCloses[] = {
    {"the client closes", "G1 P2:1", "0 r1 200p 6; 0 closed transport close; 0 finished; 0 r2 200o ok"},
    {"the client closes without a GET", "P2:1|4x", "0 closed transport close; 0 finished; 0 r2 200o ok"},
    {"we close, with a GET", "G1 close", "0 closed forced server close; 0 r1 200p 1; 0 finished"},
    {"we close, without one", "close G1", "0 closed forced server close; 0 r1 200p 6|1; 0 finished"},
    {"we close, with something queued", "say:x close G1 G2",
     "0 closed forced server close; 0 r1 200p 4x; 0 r2 200p 6|1; 0 finished"},
    {"we close, with a GET, in the turn of an emit", "G1 say:x&close G2",
     "0 closed forced server close; 0 r1 200p 4x; 0 r2 200p 6|1; 0 finished"},
    {"nothing is sent after the close", "close&say:x G1",
     "0 closed forced server close; 0 r1 200p 6|1; 0 finished"},
    {"30 seconds for the last GET", "close +29999", "0 closed forced server close"},
    {"and no longer", "close +30000", "0 closed forced server close; 30000 finished"},
    {"a POST meanwhile is not decoded, nor an error", "close P1:4x|9 G2",
     "0 closed forced server close; 0 r1 200o ok; 0 r2 200p 6|1; 0 finished"},
    {"a POST on its way meanwhile", "B1 close P1:40 G2",
     "0 closed forced server close; 0 r1 200o ok; 0 r2 200p 6|1; 0 finished"},
    {"a POST that outlives it", "close B1 G2 P1:4x",
     "0 closed forced server close; 0 r2 200p 6|1; 0 r1 400e; 0 finished; "
     "0 r1 400j {\"code\":1,\"message\":\"Session ID unknown\"}"},
    {"a shutdown is orderly", "G1 shutdown", "0 closed server shutting down; 0 r1 200p 1; 0 finished"},
    {"closing twice is closing once", "close close G1",
     "0 closed forced server close; 0 r1 200p 6|1; 0 finished"},
};

constexpr Case kWebSocket[] = {
    {"a turn is one write, in order", "say:a&say:b say:c", "0 ws 4a; 0 ws 4b; 0 ws 4c"},
    {"messages", "ws:4a bin:b ws:bAQ==", "0 text a; 0 binary b; 0 binary \x01"},
    {"a heartbeat", "+300 +100 ws:3 +299 +1", "300 ws 2; 700 ws 2"},
    {"no pong", "+500", "300 ws 2; 500 shut 0 with 0; 500 closed ping timeout; 500 finished"},
    {"the client closes by packet", "ws:1", "0 shut 0 with 0; 0 closed transport close; 0 finished"},
    {"a bad packet", "ws:9 ws:4x", "0 shut 0 with 0; 0 closed parse error; 0 finished"},
    {"an empty packet", "ws:", "0 shut 0 with 0; 0 closed parse error; 0 finished"},
    {"a ping from a client", "ws:2 bin:x", "0 shut 0 with 0; 0 closed parse error; 0 finished"},
    {"a late probe answer is a ping with data", "ws:2probe",
     "0 shut 0 with 0; 0 closed parse error; 0 finished"},
    {"open, upgrade and noop mean nothing", "ws:0 ws:5 ws:6 ws:3 ws:4x", "0 text x"},
    {"the last of a turn goes at once", "last:x&close",
     "0 ws 4x; 0 shut 0 with 0; 0 closed forced server close; 0 finished"},
    {"but not before what waits", "say:x&last:y", "0 ws 4x; 0 ws 4y"},
    {"nor where the socket takes nothing", "room:1 say:x last:y room:99", "0 ws 4x; 0 ws 4y"},
    {"nor when it has ended", "gone&last:y", "0 closed transport close; 0 finished"},
    {"we close: what is queued goes first", "say:x&close",
     "0 shut 0 with 1; 0 closed forced server close; 0 finished"},
    {"a shutdown asks to come back", "shutdown",
     "0 shut 1012 with 0; 0 closed server shutting down; 0 finished"},
    {"the socket ends", "say:x&gone", "0 closed transport close; 0 finished"},
    {"polling requests are of another transport", "G1 B2",
     "0 r1 400j {\"code\":3,\"message\":\"Bad request\"}; 0 r2 400j {\"code\":3,\"message\":\"Bad "
     "request\"}"},
};

constexpr Case kPollBuffer[] = {
    {"a full buffer ends it", "big:60 big:60", "0 closed transport close; 0 finished"},
    {"a fetch makes room", "say:a G1 say:b G2", "0 r1 200p 4a; 0 r2 200p 4b"},
};

constexpr Case kVolatile[] = {
    {"no GET: dropped", "vol:a G1 vol:b", "0 r1 200p 4b"},
    {"a GET: all of one turn pass", "G1 vol:a&vol:b vol:c", "0 r1 200p 4a|4b"},
    {"before a probe is seen a GET is a GET", "G1 probe vol:a", "0 probing; 0 r1 200p 4a"},
    {"behind a probe there is none", "G1 probe seen vol:a up", "0 probing; 0 r1 200p 6"},
    {"dropping never ends it", "big:60 vol:0123456789012345678901234567890123456789 G1 say:x G2",
     "0 r1 200p 4xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; 0 r2 200p 4x"},
};

constexpr Case kVolatileWs[] = {
    {"writable", "vol:a&vol:b", "0 ws 4a; 0 ws 4b"},
    {"blocked: dropped", "room:1 say:a vol:b room:99 vol:c", "0 ws 4a; 0 ws 4c"},
};

constexpr Case kDropVolatile[] = {
    {"no GET: kept", "vol:a G1", "0 r1 200p 4a"},
    {"a full buffer: dropped", "big:60 vol:0123456789012345678901234567890123456789 G1 G2",
     "0 r1 200p 4xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
    {"others end it all the same", "big:60 big:60", "0 closed transport close; 0 finished"},
};

// A send buffer of 100 bytes, and a socket that takes what the script says.
void check_buffer() {
    const std::string x60 = "4" + std::string(60, 'x');
    const struct {
        const char *name;
        const char *script;
        std::string told;
    } cases[] = {
        {"full: it ends, and what waits goes with it", "room:0 big:60 big:60",
         "0 shut 1013 with 1; 0 closed transport close; 0 finished"},
        {"a turn that fills it is written before its end", "big:60&big:60", "0 ws " + x60 + "; 0 ws " + x60},
        {"if the socket takes it", "room:10 big:60&big:60",
         "0 shut 1013 with 1; 0 closed transport close; 0 finished"},
        {"one frame may be larger when none waits", "room:0 big:120 room:999",
         "0 ws 4" + std::string(120, 'x')},
        {"what was written makes room", "room:0 big:60 room:62 big:60 room:999",
         "0 ws " + x60 + "; 0 ws " + x60},
        {"a part of a frame makes room too", "room:0 big:60 room:40 say:x room:999",
         "0 ws " + x60 + "; 0 ws 4x"},
    };
    for (const auto &one : cases) {
        SessionBench bench(settings());
        bench.start(TransportKind::websocket);
        is(bench.run(one.script), one.told, one.name);
    }
}

// A packet may end the session from inside, and even then its POST is answered.
void check_reactions() {
    SessionBench bench(settings());
    bench.start(TransportKind::polling);
    bench.events.react = [&](Text text, Millis now) {
        if (text == "quit") {
            bench.session->close(engine::CloseReason::forced_server_close, now);
        }
    };
    is(bench.run("say:x P1:4quit|4more G2 G3"),
       "0 text quit; 0 closed forced server close; 0 r1 200o ok; 0 r2 200p 4x; 0 r3 200p 6|1; 0 finished",
       "a packet that makes us close: the rest is ignored");
}

void check_open_packet() {
    engine::SessionSettings made = settings();
    made.max_payload = 77;
    SessionBench bench(made);
    is(bench.session->open_packet(TransportKind::polling),
       R"(0{"sid":"sid","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":77})",
       "the handshake on polling");
    SessionBench socket(made);
    socket.start(TransportKind::websocket);
    is(socket.opened,
       R"(0 ws 0{"sid":"sid","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":77})",
       "the handshake on WebSocket");
    made.websocket = false;
    SessionBench polling_only(made);
    ok(polling_only.session->open_packet(TransportKind::polling).find("\"upgrades\":[],") !=
           std::string::npos,
       "no upgrade where WebSocket is off");
}

} // namespace

int main() {
    check(kHeartbeat, TransportKind::polling);
    check(kPolling, TransportKind::polling);
    check(kBadPayloads, TransportKind::polling);
    check(kCloses, TransportKind::polling);
    check(kWebSocket, TransportKind::websocket);
    check_buffer();
    check(kPollBuffer, TransportKind::polling);
    check(kVolatile, TransportKind::polling);
    check(kVolatileWs, TransportKind::websocket);
    check(kDropVolatile, TransportKind::polling, engine::SlowPolicy::drop_volatile);
    check_reactions();
    check_open_packet();
    return rt::test::done();
}

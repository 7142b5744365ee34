// SPDX-License-Identifier: BSD-2-Clause
// An envelope as a record of the log: what goes in comes out, and nothing else does.
#include "cluster/envelope.hpp"

#include "tap.hpp"

#include <random>

using namespace rt;
using namespace rt::test;
using hub::Envelope;

namespace {

std::string record_of(const Envelope &envelope, cluster::EnvelopeWriter &writer) {
    std::string whole;
    for (const Bytes piece : writer.encode(envelope)) {
        whole += as_text(piece);
    }
    return whole;
}

std::string list(const std::vector<Text> &texts) {
    std::string out;
    for (const Text text : texts) {
        out += std::string(text) + ",";
    }
    return out;
}

std::string show(const Envelope &envelope) {
    std::string out = std::to_string(static_cast<int>(envelope.op)) +
                      (envelope.is_volatile ? " volatile" : "") + (envelope.remote ? " remote" : "") +
                      (envelope.close ? " close " : " ") + std::to_string(envelope.number) + " " +
                      std::string(envelope.nsp) + " to " + list(envelope.to) + " except " +
                      list(envelope.except) + " rooms " + list(envelope.rooms) + " data " +
                      std::string(envelope.data);
    for (const Bytes bytes : envelope.attachments) {
        out += " #" + std::string(as_text(bytes));
    }
    if (envelope.asker) {
        out += " asker " + std::to_string(envelope.asker.seat) + "." +
               std::to_string(envelope.asker.seat_generation) + "." +
               std::to_string(envelope.asker.slot.index) + "." + std::to_string(envelope.asker.timeout);
    }
    return out + (envelope.since != 0 ? " since " + std::to_string(envelope.since) : "");
}

// Any envelope, its views into `texts`.
Envelope any(std::mt19937 &random, const std::vector<std::string> &texts) {
    const auto text = [&] { return Text(texts[random() % texts.size()]); };
    Envelope made;
    made.op = static_cast<hub::Op>(random() % 8);
    made.is_volatile = random() % 2 == 0;
    made.close = random() % 2 == 0;
    made.remote = random() % 2 == 0;
    made.number = random() % 3;
    made.nsp = text();
    for (std::vector<Text> *rooms : {&made.to, &made.except, &made.rooms}) {
        for (std::size_t i = random() % 3; i > 0; --i) {
            rooms->push_back(text());
        }
    }
    made.data = text();
    for (std::size_t i = random() % 3; i > 0; --i) {
        made.attachments.push_back(as_bytes(text()));
    }
    if (random() % 3 == 0) {
        made.asker = {1, 2, {3, 4}, 5};
    }
    made.since = is_note(made.op) ? random() : 0;
    return made;
}

void round_trips() {
    const std::vector<std::string> texts = {
        "", "/", "/chat", "[\"e\",1]", std::string("\0\xff", 2), std::string(3000, 'x')};
    std::mt19937 random(2);
    cluster::EnvelopeWriter writer;
    Envelope back; // one for all, as a worker has it
    int wrong = 0;
    for (int i = 0; i < 1000; ++i) {
        const Envelope envelope = any(random, texts);
        const std::string record = record_of(envelope, writer);
        wrong += cluster::decode_envelope(as_bytes(record), back) && show(back) == show(envelope) ? 0 : 1;
    }
    is(wrong, 0, "1000 envelopes come back");
}

void damage() {
    const std::vector<std::string> texts = {"/", "room", "[\"e\",1]", "bytes"};
    std::mt19937 random(4);
    cluster::EnvelopeWriter writer;
    Envelope back;
    int wrong = 0;
    for (int i = 0; i < 50; ++i) {
        const std::string record = record_of(any(random, texts), writer);
        for (std::size_t size = 0; size < record.size(); ++size) {
            wrong += cluster::decode_envelope(as_bytes(Text(record).substr(0, size)), back) ? 1 : 0;
        }
        for (std::size_t at = 0; at < record.size(); ++at) {
            std::string bad = record;
            bad[at] = static_cast<char>(random());
            static_cast<void>(cluster::decode_envelope(as_bytes(bad), back));
        }
    }
    is(wrong, 0, "no part of a record is an envelope");
    std::string unknown = record_of(Envelope(), writer);
    unknown[0] = 4;
    ok(!cluster::decode_envelope(as_bytes(unknown), back), "an operation that does not exist is refused");
}

// Only what began here and is for others goes out, and only what they must not miss has a number.
void outbound() {
    struct Case {
        const char *name;
        Envelope envelope;
        bool goes_out;
        bool numbered;
    };
    const auto of = [](hub::Op op) {
        Envelope envelope;
        envelope.op = op;
        return envelope;
    };
    Envelope remote = of(hub::Op::emit);
    remote.remote = true;
    Envelope fleeting = of(hub::Op::emit);
    fleeting.is_volatile = true;
    Envelope question = of(hub::Op::emit);
    question.asker = {1, 2, {3, 4}, 5};
    const Case cases[] = {
        {"an emit", of(hub::Op::emit), true, true},    {"another host's", remote, false, false},
        {"a volatile one", fleeting, true, false},     {"a question", question, true, false},
        {"an order", of(hub::Op::join), true, false},  {"for servers", of(hub::Op::server_emit), true, false},
        {"a note", of(hub::Op::joined), false, false}, {"a gap", of(hub::Op::gap), false, false}};
    cluster::EnvelopeWriter writer;
    for (const Case &each : cases) {
        const std::string record = record_of(each.envelope, writer);
        ok(cluster::began_here(as_bytes(record)) == each.goes_out, each.name);
        ok(cluster::is_numbered(each.envelope) == each.numbered, each.name);
    }
    ok(!cluster::began_here({}), "nothing did not begin here");
    std::string record;
    static_cast<void>(writer.encode(cases[0].envelope));
    writer.set_number(0x0102030405060708);
    for (const Bytes piece : writer.encode(cases[0].envelope)) {
        record += as_text(piece);
    }
    Envelope back;
    ok(cluster::decode_envelope(as_bytes(record), back) && back.number == 0, "a number is of one record");
}

} // namespace

int main() {
    round_trips();
    outbound();
    damage();
    return rt::test::done();
}

// SPDX-License-Identifier: BSD-2-Clause
// The log in one process: what is appended is read, laps are told, no position can be invented.
#include "shm/stream.hpp"
#include "shm_env.hpp"
#include "tap.hpp"

#include <map>

using namespace rt;
using namespace rt::shm;
using namespace rt::test;
using Status = StreamReader::Status;

namespace {

constexpr std::uint64_t kSeal = 0x1122334455667788;

// A log of its own in fresh shared memory.
struct Log {
    explicit Log(std::size_t size)
        : map(size), arena(map.memory()), stream(*Stream::create(arena.body, kSeal)) {}

    Result<Extent> append(std::uint16_t kind, std::span<const Bytes> pieces) {
        Locked held(lock, arena.region);
        return stream.append(held, kind, pieces);
    }

    Result<Extent> append(std::uint16_t kind, Text text) {
        const Bytes piece = as_bytes(text);
        return append(kind, std::span(&piece, 1));
    }

    Mapping map;
    NoLock lock;
    Arena arena;
    Stream stream;
};

std::string pattern(std::size_t size, unsigned seed) {
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>((i * 31 + seed * 7) & 0xff);
    }
    return text;
}

void memory_is_verified() {
    Mapping map(8192);
    const MutableBytes area = map.memory();
    ok(!Stream::create(area.first(Stream::kLeast - 1), 1), "too little memory is refused");
    ok(!Stream::create(area.subspan(8), 1), "unaligned memory is refused");
    ok(!Stream::attach(area), "memory that is no log is not attached to");
    ok(bool(Stream::create(area, 1)), "a log is created");
    ok(bool(Stream::attach(area)), "a log is attached to");
    ok(!Stream::attach(area.first(4096)), "another size is refused");
}

void bounds() {
    Log log(65536);
    const std::string most = pattern(log.stream.max_record(), 1);
    ok(log.append(1, most + "x").code() == Code::too_big, "one byte over the bound is refused");
    is(log.stream.head() - log.stream.tail(), 0U, "and changes nothing");
    ok(log.append(0, "x").code() == Code::unsupported, "the filler's kind is refused");
    const auto put = log.append(1, most);
    ok(bool(put), "the largest record is taken");
    ok(put->end - put->begin <= log.stream.capacity() / 16, "and takes a sixteenth of the log");
    StreamReader reader(log.stream, put->begin);
    ok(as_text(reader.next().body) == most, "and is read");
}

void pieces_are_joined() {
    Log log(8192);
    StreamReader reader(log.stream, log.stream.head());
    const Bytes pieces[] = {as_bytes("ab"), as_bytes(""), Bytes(), as_bytes("cde")};
    const auto put = log.append(7, pieces);
    const auto got = reader.next();
    ok(got.status == Status::record && as_text(got.body) == "abcde", "pieces make one body");
    is(got.kind, 7, "the kind is kept");
    ok(got.begin == put->begin && got.end == put->end, "the positions are the appender's");
    ok(bool(log.append(8, std::span<const Bytes>())), "a record without body is taken");
    const auto bare = reader.next();
    ok(bare.status == Status::record && bare.body.empty() && bare.kind == 8, "and read");
    ok(reader.next().status == Status::empty, "then the log is at its end");
    is(reader.cursor(), log.stream.head(), "and the cursor at its head");
}

// Every size against every offset of the ring's end, by a reader that follows.
void many_laps() {
    Log log(4096 + sizeof(RegionHeader) + 3 * 8);
    StreamReader reader(log.stream, log.stream.head());
    bool same = true;
    bool ordered = true;
    Position last = log.stream.head();
    for (unsigned i = 0; i < 20000; ++i) {
        const std::string body = pattern((i * 37) % (log.stream.max_record() + 1), i);
        const auto put = log.append(static_cast<std::uint16_t>(1 + i % 9), body);
        const auto got = reader.next();
        same = same && got.status == Status::record && as_text(got.body) == body && got.kind == 1 + i % 9;
        ordered = ordered && put && put->begin >= last && got.begin == put->begin && got.end == put->end;
        ordered = ordered && log.stream.head() - log.stream.tail() <= log.stream.capacity();
        last = got.end;
    }
    ok(same, "20,000 records of all sizes are read as written");
    ok(ordered, "their positions only grow");
    ok(last > 100 * log.stream.capacity(), "the ring went round many times");
    ok(reader.next().status == Status::empty, "nothing is read twice");
}

void span_is_kept_full() {
    Log log(4096 + sizeof(RegionHeader));
    for (int i = 0; i < 1000; ++i) {
        (void)log.append(1, pattern(40, 1));
    }
    ok(log.stream.head() - log.stream.tail() > log.stream.capacity() - 128,
       "old records are kept as long as can be");
    StreamReader reader(log.stream, log.stream.tail());
    int found = 0;
    while (reader.next().status == Status::record) {
        ++found;
    }
    ok(found > 60 && reader.cursor() == log.stream.head(), "and all are read from the tail on");
}

void lapped_reader_is_told() {
    Log log(4096 + sizeof(RegionHeader));
    (void)log.append(1, "first");
    StreamReader reader(log.stream, log.stream.tail());
    StreamReader nowhere(log.stream, 0);
    ok(nowhere.next().status == Status::lapped, "position 0 is before all");
    for (int i = 0; i < 200; ++i) {
        (void)log.append(1, pattern(100, 1));
    }
    ok(reader.next().status == Status::lapped, "a reader that was overtaken is told");
    ok(reader.next().status == Status::lapped, "and told again");
    reader.seek(log.stream.tail());
    ok(reader.next().status == Status::record, "it may go on at the tail");
    reader.seek(log.stream.head());
    ok(reader.next().status == Status::empty, "or at the head");
    reader.seek(log.stream.head() + 64);
    ok(reader.next().status == Status::lapped, "a position of the future is none");
}

// What a client could send as its recovery offset: every number. The bodies look like records.
void invented_positions() {
    Log log(4096 + sizeof(RegionHeader));
    std::map<Position, Position> records;
    std::string forged;
    for (int i = 0; i < 60; ++i) {
        const Position inside = log.stream.head() + 16;
        const std::uint64_t words[] = {(std::uint64_t{1} << 32) | 8, inside, 0, (std::uint64_t{1} << 32),
                                       inside + 24};
        forged.assign(sizeof words, ' ');
        std::memcpy(forged.data(), words, sizeof words);
        const auto put = log.append(1, forged);
        records[put->begin] = put->end;
    }
    bool sound = true;
    int found = 0;
    StreamReader reader(log.stream, 0);
    for (Position at = 0; at < log.stream.head() + 100; ++at) {
        reader.seek(at);
        const auto got = reader.next();
        if (got.status == Status::record) {
            ++found;
            sound = sound && records.contains(got.begin) && records[got.begin] == got.end;
            sound = sound && (got.begin == at || got.begin % log.stream.capacity() == 0);
        } else {
            sound = sound && (got.status == Status::lapped) == (at != log.stream.head());
        }
    }
    ok(sound, "a position that is no record's reads as lapped");
    ok(found > 40, "those of records are found");
}

void mappings_differ() {
    Log log(8192);
    const auto other = Region::attach(log.map.view(), 1);
    const auto stream = Stream::attach(other->body());
    ok(bool(stream), "a second mapping attaches");
    StreamReader reader(*stream, stream->head());
    (void)log.append(3, "through the other");
    ok(as_text(reader.next().body) == "through the other", "what one mapping writes the other reads");
}

// Damage that only a stray write can do: the log goes on, whatever stands in its memory.
void damaged_memory() {
    for (const unsigned at : {0U, 64U, 128U, 192U, 200U}) {
        Log log(4096 + sizeof(RegionHeader));
        for (int i = 0; i < 100; ++i) {
            (void)log.append(1, pattern(90, 1));
        }
        std::memset(log.arena.body.data() + at, 0xa5, at < 192 ? 8 : log.arena.body.size() - at);
        const Stream stream = *Stream::attach(log.arena.body);
        StreamReader reader(stream, stream.head());
        bool told = true;
        for (int i = 0; i < 100; ++i) {
            Locked held(log.lock, log.arena.region);
            const std::string body = pattern(100, 2);
            const Bytes piece = as_bytes(body);
            const auto put = Stream(stream).append(held, 2, std::span(&piece, 1));
            auto got = reader.next();
            if (got.status == Status::lapped) {
                reader.seek(put->begin);
                got = reader.next();
            }
            told = told && put && got.status == Status::record && as_text(got.body) == body;
        }
        ok(told, "the log works after damage at byte " + std::to_string(at));
    }
}

} // namespace

int main() {
    memory_is_verified();
    bounds();
    pieces_are_joined();
    many_laps();
    span_is_kept_full();
    lapped_reader_is_told();
    invented_positions();
    mappings_differ();
    damaged_memory();
    return done();
}

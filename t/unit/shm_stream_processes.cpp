// SPDX-License-Identifier: BSD-2-Clause
// The log between processes: several writers and readers at once, and writers that are killed.
#include "shm/stream.hpp"
#include "shm_env.hpp"
#include "tap.hpp"

#include <array>
#include <sched.h>

using namespace rt;
using namespace rt::shm;
using namespace rt::test;
using Status = StreamReader::Status;

namespace {

constexpr std::uint32_t kWriters = 3;
constexpr std::uint32_t kReaders = 3;

// The body of a record: who, which, and bytes that follow from both, so that a torn record shows.
struct Note {
    std::uint32_t writer;
    std::uint32_t number;
};

std::string body_of(Note note) {
    std::string body;
    Writer out(body);
    out.put(note);
    const std::uint32_t mix = note.writer * 2654435761U + note.number * 40503U;
    for (std::uint32_t i = 0; i < mix % 200; ++i) {
        body.push_back(static_cast<char>((mix >> (i % 24)) + i));
    }
    return body;
}

// The note of a body, if each byte is as it was written.
bool is_whole(Text body, Note &note) {
    Reader in(body);
    note = in.get<Note>();
    return in.ok() && body == body_of(note);
}

Result<Extent> append(Lock &lock, const Region &region, Stream stream, Note note) {
    const std::string body = body_of(note);
    const Bytes pieces[] = {as_bytes(body).first(5), as_bytes(body).subspan(5)};
    Locked held(lock, region);
    return stream.append(held, 1, pieces);
}

// What a reader saw: shared with the parent.
struct Verdict {
    std::uint64_t order; // hash of all notes and positions
    std::uint32_t records;
    std::uint32_t laps;
    std::uint32_t torn;
    std::uint32_t misplaced; // a gap or a repeat that no lap explains
};

// What the processes of one run share.
struct Run {
    explicit Run(std::size_t size)
        : map(size), results(4096), arena(map.memory()), stream(*Stream::create(arena.body, 99)),
          over(*overlay<std::uint32_t>(results.memory())),
          verdicts(overlay_array<Verdict>(results.memory().subspan(kLine), kReaders)) {}

    Mapping map;
    Mapping results;
    RobustLock lock;
    Arena arena;
    Stream stream;
    std::uint32_t &over; // 1: nobody writes any more
    std::span<Verdict> verdicts;
};

// Counts what does not follow; after a lap any later number does.
void judge(Verdict &seen, const StreamReader::Next &got, std::span<std::uint32_t> next) {
    Note note{};
    if (!is_whole(as_text(got.body), note) || note.writer >= next.size()) {
        ++seen.torn;
        return;
    }
    const std::uint32_t expected = next[note.writer];
    seen.misplaced += note.number == expected || (seen.laps > 0 && note.number > expected) ? 0 : 1;
    next[note.writer] = note.number + 1;
    seen.order = layout_of({seen.order, got.begin, note.writer, note.number});
    ++seen.records;
}

// Reads to the end of the log once nobody writes any more.
Verdict read_all(Stream stream, Position from, std::uint32_t &over) {
    StreamReader reader(stream, from);
    Verdict seen{};
    std::array<std::uint32_t, kWriters> next{};
    for (;;) {
        const bool last = shared(over).load() != 0;
        const auto got = reader.next();
        if (got.status == Status::record) {
            judge(seen, got, next);
        } else if (got.status == Status::lapped) {
            ++seen.laps;
            reader.seek(stream.tail());
        } else if (last) {
            return seen;
        } else {
            sched_yield();
        }
    }
}

// All writers and readers over one log, each reader at an address of its own.
bool run_all(Run &run, std::uint32_t count) {
    std::vector<pid_t> readers;
    for (Verdict &verdict : run.verdicts) {
        readers.push_back(spawn([&, from = run.stream.head()] {
            const auto own = Region::attach(run.map.view(), 1);
            verdict = read_all(*Stream::attach(own->body()), from, run.over);
        }));
    }
    std::vector<pid_t> writers;
    for (std::uint32_t writer = 0; writer < kWriters; ++writer) {
        writers.push_back(spawn([&, writer] {
            bool good = true;
            for (std::uint32_t number = 0; number < count; ++number) {
                good = append(run.lock, run.arena.region, run.stream, {writer, number}) && good;
            }
            _exit(good ? 0 : 1);
        }));
    }
    bool clean = true;
    for (const pid_t child : writers) {
        clean = reap(child) == 0 && clean;
    }
    shared(run.over).store(1);
    for (const pid_t child : readers) {
        clean = reap(child) == 0 && clean;
    }
    return clean;
}

void in_a_large_log() {
    constexpr std::uint32_t kCount = 3000;
    Run run(4 << 20);
    ok(run_all(run, kCount), "three writers and three readers end well");
    for (const Verdict &seen : run.verdicts) {
        is(seen.records, kWriters * kCount, "a reader saw every record");
        is(seen.torn + seen.misplaced + seen.laps, 0U, "none torn, lost, doubled or out of order");
        ok(seen.order == run.verdicts[0].order, "in the same order as the others");
    }
}

void in_a_log_that_laps() {
    constexpr std::uint32_t kCount = 8000;
    Run run(8192);
    ok(run_all(run, kCount), "three writers outrun three readers");
    std::uint32_t laps = 0;
    for (const Verdict &seen : run.verdicts) {
        laps += seen.laps;
        is(seen.torn + seen.misplaced, 0U, "a reader saw nothing torn, doubled or out of order");
        ok(seen.records > 0 && seen.records + seen.laps <= kWriters * kCount, "and what it saw was there");
    }
    ok(laps > 0, "laps were met, and told");
}

// A reader is stopped by a page that it cannot read, the log is lapped, the reader goes on.
Run *interrupted = nullptr;
MutableBytes shut;

void lap_and_go_on(int) {
    mprotect(shut.data(), shut.size(), PROT_READ | PROT_WRITE);
    for (std::uint32_t number = 0; number < 200; ++number) {
        (void)append(interrupted->lock, interrupted->arena.region, interrupted->stream, {1, number});
    }
}

// The record straddles two pages of the reader's mapping; it can read the first of them.
void lapped_while_copying() {
    constexpr std::size_t kPage = 4096;
    Run run(3 * kPage);
    const std::size_t start = sizeof(RegionHeader) + 3 * kLine; // of the ring in the mapping
    Extent record;
    for (std::uint32_t number = 0; start + record.end % run.stream.capacity() < kPage + 16; ++number) {
        record = *append(run.lock, run.arena.region, run.stream, {0, number});
    }
    const MutableBytes mine = run.map.view();
    StreamReader reader(*Stream::attach(Region::attach(mine, 1)->body()), record.begin);
    interrupted = &run;
    shut = mine.subspan(kPage, kPage);
    std::signal(SIGSEGV, lap_and_go_on);
    mprotect(shut.data(), shut.size(), PROT_NONE);
    const auto got = reader.next();
    std::signal(SIGSEGV, SIG_DFL);
    ok(run.stream.tail() > record.begin, "a record is overwritten while it is copied");
    ok(got.status == Status::lapped, "it is not given out");
}

// All notes of a log in a row: numbers must follow each other. The last one, or -1.
int last_note(Stream stream) {
    StreamReader reader(stream, stream.tail());
    int last = -1;
    for (;;) {
        const auto got = reader.next();
        Note note{};
        if (got.status == Status::empty) {
            return last;
        }
        const bool good = got.status == Status::record && is_whole(as_text(got.body), note);
        if (!good || (last >= 0 && static_cast<int>(note.number) != last + 1)) {
            return -1;
        }
        last = static_cast<int>(note.number);
    }
}

// A writer is killed at each instruction of an append that moves the tail and writes filler.
void killed_at_every_instruction() {
    Run run(4096 + sizeof(RegionHeader));
    std::uint32_t number = 0;
    while (run.stream.capacity() - run.stream.head() % run.stream.capacity() > 24 || number < 200) {
        (void)append(run.lock, run.arena.region, run.stream, {0, number++});
    }
    const std::string body = body_of({0, number});
    const Bytes piece = as_bytes(body);
    Locked held(run.lock, run.arena.region);
    NoLock free;
    int bad = 0;
    int seen = 0;
    const int looks =
        each_instruction([&] { (void)run.stream.append(held, 1, std::span(&piece, 1)); },
                         [&] {
                             const Wreck wreck(run.arena.body);
                             const Stream left = *Stream::attach(wreck.memory());
                             const int last = last_note(left);
                             const auto next = static_cast<std::uint32_t>(last + 1);
                             const bool put = bool(append(free, run.arena.region, left, {0, next}));
                             const bool good =
                                 last + 1 == static_cast<int>(number) || last == static_cast<int>(number);
                             bad += good && put && last_note(left) == last + 1 ? 0 : 1;
                             seen += last == static_cast<int>(number) ? 1 : 0;
                         });
    std::printf("# %d instructions, the record was there after %d of them\n", looks, seen);
    is(bad, 0, "a kill leaves the whole record or none, and a log that works");
    ok(looks == 0 || seen > 0, "the record was there at the end");
}

void killed_while_copying() {
    Run run(8192);
    (void)append(run.lock, run.arena.region, run.stream, {0, 0});
    const Position head = run.stream.head();
    const int status = reap(spawn([&] {
        const Bytes pieces[] = {as_bytes("begun"), deadly_bytes(40)};
        Locked held(run.lock, run.arena.region);
        (void)run.stream.append(held, 1, pieces);
    }));
    ok(killed_by(status, SIGSEGV), "a writer dies in the middle of the body");
    ok(run.stream.head() == head, "its record is not there");
    ok(bool(append(run.lock, run.arena.region, run.stream, {0, 1})), "the next writer gets the lock");
    is(last_note(run.stream), 1, "the log holds what was whole");
    Locked held(run.lock, run.arena.region);
    is(held.wounds(), 1U, "and the region knows of one death");
}

// Reads until the victim's records passed `least`, kills it, reads the rest.
bool follow_and_kill(Run &run, StreamReader &reader, pid_t victim, std::uint32_t least) {
    std::uint32_t seen = 0;
    bool whole = true;
    for (bool alive = true;;) {
        const auto got = reader.next();
        Note note{};
        if (got.status == Status::record) {
            whole = is_whole(as_text(got.body), note) && whole;
            ++seen;
        } else if (got.status == Status::lapped) {
            reader.seek(run.stream.tail());
        } else if (!alive) {
            return whole;
        }
        if (alive && seen >= least) {
            kill(victim, SIGKILL);
            alive = !killed_by(reap(victim), SIGKILL);
        }
    }
}

void killed_at_any_time() {
    Run run(1 << 16);
    StreamReader reader(run.stream, run.stream.head());
    bool whole = true;
    bool usable = true;
    for (std::uint32_t round = 0; round < 50; ++round) {
        const pid_t victim = spawn([&] {
            for (std::uint32_t number = 0;; ++number) {
                (void)append(run.lock, run.arena.region, run.stream, {0, number});
            }
        });
        whole = follow_and_kill(run, reader, victim, 1 + round * 7) && whole;
        usable = append(run.lock, run.arena.region, run.stream, {1, round}) && usable;
        const auto got = reader.next();
        Note note{};
        usable =
            usable && got.status == Status::record && is_whole(as_text(got.body), note) && note.writer == 1;
    }
    ok(whole, "fifty writers are killed, no record is torn");
    ok(usable, "after each the log takes and gives the next record");
}

} // namespace

int main() {
    in_a_large_log();
    in_a_log_that_laps();
    lapped_while_copying();
    killed_at_every_instruction();
    killed_while_copying();
    killed_at_any_time();
    return done();
}

// SPDX-License-Identifier: BSD-2-Clause
#include "shm/bridge_table.hpp"

#include "shm/roster_records.hpp"

#include <algorithm>

namespace rt::shm {

namespace {

// What was heard of one host. A word each, so that a reader meets old or new, never half.
struct HeardHost {
    char uid[16]; // shorter ones end with zeroes
    std::uint64_t number;
    std::uint64_t told;
    Millis at;
};

template <class T> T peek(T &word) noexcept { return shared(word).load(std::memory_order_relaxed); }

template <class T> void poke(T &word, T value) noexcept {
    shared(word).store(value, std::memory_order_relaxed);
}

} // namespace

struct alignas(kLine) BridgeTable::Table {
    std::uint64_t holder; // packed; 0: nobody
    Millis beat;
    std::uint64_t clients[2];
    Millis client_since[2];
    std::uint64_t torn; // a bit for each place
    std::uint32_t state;
    std::uint32_t deaf;
    std::uint32_t joined;
    alignas(kLine) std::uint64_t last_number; // with every append: away from the holder's line
    std::uint64_t promised_at;                // where the log ended; 0: nothing is promised
    HeardHost promised;
    alignas(kLine) std::uint64_t published;
    std::uint64_t published_number;
    alignas(kLine) HeardHost hosts[kHosts];
    std::uint32_t board_size;
    char board[kBoard];
};

std::size_t BridgeTable::bytes() noexcept { return sizeof(Table); }

Result<BridgeTable::Table *> BridgeTable::place(MutableBytes area) noexcept {
    auto *table = overlay<Table>(area);
    if (table == nullptr) {
        return Error{Code::full, "zone is too small for its bridge"};
    }
    return table;
}

Result<BridgeTable> BridgeTable::create(MutableBytes area) noexcept {
    RT_TRY(table, place(area));
    *table = Table{};
    return BridgeTable(table);
}

Result<BridgeTable> BridgeTable::attach(MutableBytes area) noexcept {
    RT_TRY(table, place(area));
    return BridgeTable(table);
}

BridgeTable::Taken BridgeTable::take(Locked &, SeatRef me, const Seats &seats, Millis now) noexcept {
    const SeatRef before = holder();
    if (before == me) {
        return {true, {}};
    }
    if (before && seats.is_live(before) && now - last_beat() < kSilent) {
        return {};
    }
    poke(table_->beat, now);
    shared(table_->holder).store(packed(me), std::memory_order_release);
    return {true, before};
}

void BridgeTable::give_back(Locked &, SeatRef me) noexcept {
    if (holder() == me) {
        shared(table_->holder).store(0, std::memory_order_release);
    }
}

void BridgeTable::beat(SeatRef me, Millis now) noexcept {
    if (holder() == me) {
        poke(table_->beat, now);
    }
}

SeatRef BridgeTable::holder() const noexcept {
    return seat_of(shared(table_->holder).load(std::memory_order_acquire));
}

Millis BridgeTable::last_beat() const noexcept { return peek(table_->beat); }

void BridgeTable::set_client(BridgeLink link, std::uint64_t id, Millis now) noexcept {
    const auto at = static_cast<std::size_t>(link);
    if (peek(table_->clients[at]) != id) {
        poke(table_->client_since[at], now);
        poke(table_->clients[at], id);
    }
}

Millis BridgeTable::client_since(BridgeLink link) const noexcept {
    return peek(table_->client_since[static_cast<std::size_t>(link)]);
}

std::uint64_t BridgeTable::client(BridgeLink link) const noexcept {
    return peek(table_->clients[static_cast<std::size_t>(link)]);
}

void BridgeTable::write_board(Locked &, Text text) noexcept {
    const std::size_t size = text.copy(table_->board, kBoard);
    table_->board_size = static_cast<std::uint32_t>(size);
}

// A holder that died over it leaves parts of two.
std::string BridgeTable::read_board(Locked &) const {
    return {table_->board, std::min<std::size_t>(table_->board_size, kBoard)};
}

void BridgeTable::set_state(BridgeState state) noexcept {
    poke(table_->state, static_cast<std::uint32_t>(state));
}

BridgeState BridgeTable::state() const noexcept { return static_cast<BridgeState>(peek(table_->state)); }

// The word moves first: a number that is never used is a gap too many, one used twice would be a
// message that others take for a repeat.
std::uint64_t BridgeTable::next_number(Locked &) noexcept {
    const std::uint64_t number = peek(table_->last_number) + 1;
    poke(table_->last_number, number);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return number;
}

std::uint64_t BridgeTable::published() const noexcept { return peek(table_->published); }

void BridgeTable::set_published(std::uint64_t position) noexcept { poke(table_->published, position); }

std::uint64_t BridgeTable::published_number() const noexcept { return peek(table_->published_number); }

void BridgeTable::set_published_number(std::uint64_t number) noexcept {
    poke(table_->published_number, number);
}

void BridgeTable::begin(Locked &, std::uint64_t head) noexcept {
    if (published() == 0) {
        set_published(head);
    }
}

HeardOf BridgeTable::heard_of(Text uid) const noexcept {
    for (HeardHost &host : table_->hosts) {
        if (id_text(host.uid) == uid) {
            return {peek(host.number), peek(host.told), peek(host.at)};
        }
    }
    return {};
}

void BridgeTable::set_heard(Text uid, const HeardOf &heard) noexcept {
    HeardHost *oldest = &table_->hosts[0];
    for (HeardHost &host : table_->hosts) {
        if (id_text(host.uid) == uid) {
            poke(host.number, heard.number);
            poke(host.told, heard.told);
            poke(host.at, heard.at);
            return;
        }
        oldest = host.at < oldest->at ? &host : oldest;
    }
    *oldest = HeardHost{{}, heard.number, heard.told, heard.at};
    static_cast<void>(set_id(oldest->uid, uid));
}

// What makes it a promise is written last.
void BridgeTable::promise_heard(Locked &, Text uid, const HeardOf &heard, std::uint64_t head) noexcept {
    table_->promised = HeardHost{{}, heard.number, heard.told, heard.at};
    static_cast<void>(set_id(table_->promised.uid, uid));
    std::atomic_signal_fence(std::memory_order_seq_cst);
    poke(table_->promised_at, head);
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

// Nothing has been appended but what was promised: whoever appends settles first.
void BridgeTable::settle(Locked &, std::uint64_t head) noexcept {
    const std::uint64_t before = peek(table_->promised_at);
    if (before == 0) {
        return;
    }
    if (before != head) {
        const HeardHost &host = table_->promised;
        set_heard(id_text(host.uid), {host.number, host.told, host.at});
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    poke(table_->promised_at, std::uint64_t{0});
}

bool BridgeTable::is_deaf() const noexcept { return peek(table_->deaf) != 0; }

void BridgeTable::set_deaf(bool deaf) noexcept { poke(table_->deaf, static_cast<std::uint32_t>(deaf)); }

bool BridgeTable::has_joined() const noexcept { return peek(table_->joined) != 0; }

void BridgeTable::set_joined() noexcept { poke(table_->joined, std::uint32_t{1}); }

void BridgeTable::set_torn(unsigned place, bool torn) noexcept {
    if (place >= kPlaces) {
        return; // it is in no box
    }
    const std::uint64_t bit = std::uint64_t{1} << place;
    const std::uint64_t all = peek(table_->torn);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    poke(table_->torn, torn ? all | bit : all & ~bit);
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

bool BridgeTable::is_torn() const noexcept { return peek(table_->torn) != 0; }

void BridgeTable::mend() noexcept { poke(table_->torn, std::uint64_t{0}); }

} // namespace rt::shm

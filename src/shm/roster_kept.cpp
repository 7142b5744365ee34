// SPDX-License-Identifier: BSD-2-Clause
// Sockets whose clients may come back. Keeping one is two records for a moment: the kept one is
// committed, then the socket retracted, and that one store is the change: where a kill left
// both, the socket lives.
#include "shm/roster.hpp"

#include <algorithm>
#include <array>

namespace rt::shm {

namespace {

constexpr Error kNotKept{Code::not_found, "no such kept socket"};

// What stands before the auth of a socket with a pid.
struct Prefix {
    std::array<char, prefix_size(Roster::kMaxPid)> bytes{};
    std::size_t size = 0;

    Prefix(const Cells &cells, CellIndex socket, std::size_t pid) {
        cells.each_part(socket, [&](Text part) {
            size += part.copy(bytes.data() + size, prefix_size(pid) - size);
            return size < prefix_size(pid);
        });
    }

    [[nodiscard]] Text pid(std::size_t length) const noexcept { return {bytes.data(), length}; }
    [[nodiscard]] std::uint64_t since(std::size_t pid) const noexcept {
        return Reader(Text(bytes.data(), size).substr(std::min(pid, size))).get<std::uint64_t>();
    }
};

// The payload of a kept socket, as keep() writes it.
struct KeptNames {
    Text pid;
    Text nsp;
    Text user;
    Reader rooms;

    explicit KeptNames(Reader in) : pid(in.get_text()), nsp(in.get_text()), user(in.get_text()), rooms(in) {}

    [[nodiscard]] bool are_of(const Claim &claim) const noexcept {
        return pid == claim.pid && nsp == claim.nsp && user == claim.user;
    }
};

} // namespace

Result<void> Roster::keep(SocketRef ref, std::uint64_t until) {
    const Section held(*this);
    if (!is_live(ref)) {
        return kGone;
    }
    const auto from = cells_.load<SocketHead>(ref.cell);
    const std::size_t pid = pid_size(from); // of memory that may be damaged
    if (pid == 0 || pid > kMaxPid) {
        return {Code::not_found, "socket has no pid"};
    }
    const Prefix prefix(cells_, ref.cell, pid);
    scratch_.clear();
    Writer(scratch_).put_text(prefix.pid(pid));
    put_name(from.nsp);
    put_name(from.user);
    put_rooms(ref.cell);
    if (scratch_.size() > Cells::kMaxPayload) {
        return {Code::too_big, "socket's names take more than a record"};
    }
    RT_TRY(cell, with_room([&] { return cells_.make(CellKind::kept, scratch_.size()); }));
    KeptHead head{};
    head.record = cells_.load<RecordHead>(cell);
    head.until = until;
    head.since = prefix.since(pid);
    static_cast<void>(set_id(head.id, id_text(from.id)));
    cells_.store(cell, head);
    cells_.write(cell, scratch_);
    table_.insert(cell, table_.hash(CellKind::kept, id_text(head.id)));
    link_kept(cell);
    cells_.commit(cell);
    unlink(ref.cell);
    erase_socket(ref.cell);
    return {};
}

Result<KeptSocket> Roster::claim(const Claim &claim, std::uint64_t now) {
    KeptSocket kept;
    {
        const Section held(*this);
        const CellIndex cell = kept_cell(claim.id);
        const auto head = cells_.load<KeptHead>(cell);
        scratch_.clear();
        if (cell == 0 || head.until <= now || !cells_.read(cell, scratch_)) {
            return kNotKept;
        }
        if (!KeptNames(Reader(scratch_)).are_of(claim)) {
            return Error{Code::forbidden, "kept socket is another's"};
        }
        kept.since = head.since;
        erase_kept(cell);
    }
    KeptNames names{Reader(scratch_)};
    while (names.rooms.get<bool>()) {
        kept.rooms.emplace_back(names.rooms.get_text());
    }
    return kept;
}

Result<LiveSocket> Roster::find_claimed(const Claim &claim) {
    RT_TRY(found, find_socket(claim.id));
    const Result<SocketRow> row = socket(found.ref);
    if (!row) {
        return Error{Code::not_found, "no such socket"};
    }
    if (row->pid != claim.pid || row->nsp != claim.nsp || row->user != claim.user) {
        return Error{Code::forbidden, "socket is another's"};
    }
    const Section held(*this);
    const ConnectionRef at = row->at.connection.ref;
    if (!is_live(at)) {
        return Error{Code::not_found, "no such socket"};
    }
    const auto head = cells_.load<ConnectionHead>(at.cell);
    return LiveSocket{found_connection(at.cell), std::string(id_text(head.sid))};
}

// Its id is no socket's, so that no claim meets it.
Result<AttentionRef> Roster::attend(std::uint64_t until) {
    const Section held(*this);
    RT_TRY(cell, with_room([&] { return cells_.make(CellKind::kept, 0); }));
    KeptHead head{};
    head.record = cells_.load<RecordHead>(cell);
    head.until = until;
    const AttentionRef ref{cell, head.record.serial};
    static_cast<void>(set_id(head.id, "#" + std::to_string(ref.serial)));
    cells_.store(cell, head);
    table_.insert(cell, table_.hash(CellKind::kept, id_text(head.id)));
    link_kept(cell);
    cells_.commit(cell);
    return ref;
}

bool Roster::attends(AttentionRef ref) {
    const Section held(*this);
    return is_attention(ref);
}

bool Roster::let_go(AttentionRef ref) {
    const Section held(*this);
    if (!is_attention(ref)) {
        return false;
    }
    erase_kept(ref.cell);
    return true;
}

bool Roster::is_attention(AttentionRef ref) const noexcept {
    return cells_.is_committed(ref.cell, CellKind::kept) &&
           cells_.load<RecordHead>(ref.cell).serial == ref.serial;
}

std::size_t Roster::sweep_kept(std::uint64_t now, std::size_t most) {
    const Section held(*this);
    std::size_t swept = 0;
    for (; swept < most; ++swept) {
        const CellIndex oldest = cells_.anchor(false);
        if (!cells_.is_committed(oldest, CellKind::kept) || cells_.load<KeptHead>(oldest).until > now) {
            break;
        }
        erase_kept(oldest);
    }
    return swept;
}

bool Roster::evict() {
    const CellIndex oldest = cells_.anchor(false);
    if (!cells_.is_committed(oldest, CellKind::kept)) {
        return false;
    }
    erase_kept(oldest);
    ++evicted_;
    return true;
}

CellIndex Roster::kept_cell(Text id) const noexcept {
    return table_.find(CellKind::kept, table_.hash(CellKind::kept, id),
                       [&](CellIndex cell) { return id_text(cells_.load<KeptHead>(cell).id) == id; });
}

// As the newest.
void Roster::link_kept(CellIndex cell) noexcept {
    const CellIndex before = cells_.anchor(true);
    cells_.patch(cell, &KeptHead::older, before);
    cells_.patch(cell, &KeptHead::newer, 0);
    cells_.patch(before, &KeptHead::newer, cell);
    cells_.set_anchor(true, cell);
    if (before == 0) {
        cells_.set_anchor(false, cell);
    }
}

void Roster::erase_kept(CellIndex cell) noexcept {
    const auto head = cells_.load<KeptHead>(cell);
    cells_.patch(head.older, &KeptHead::newer, head.newer);
    cells_.patch(head.newer, &KeptHead::older, head.older);
    if (cells_.anchor(false) == cell) {
        cells_.set_anchor(false, head.newer);
    }
    if (cells_.anchor(true) == cell) {
        cells_.set_anchor(true, head.older);
    }
    table_.remove(cell);
    cells_.retract(cell);
    cells_.reclaim(cell);
}

// --- the rebuild ---

bool Roster::recount_kept(CellIndex cell) {
    const auto head = cells_.load<KeptHead>(cell);
    const Text id = id_text(head.id);
    scratch_.clear();
    if (id.empty() || socket_cell(id) != 0 || kept_cell(id) != 0 || !cells_.read(cell, scratch_)) {
        return false;
    }
    table_.insert(cell, table_.hash(CellKind::kept, id));
    return true;
}

// The list by age anew: a merge sort of links, as nothing is allocated under the lock.
void Roster::sort_kept() noexcept {
    std::array<CellIndex, 32> sorted{}; // [i]: none, or 2^i in order, linked by `newer`
    cells_.each(CellKind::kept, [&](CellIndex cell) {
        cells_.patch(cell, &KeptHead::newer, 0);
        std::size_t i = 0;
        for (; i + 1 < sorted.size() && sorted[i] != 0; ++i) {
            cell = merge_kept(std::exchange(sorted[i], 0), cell);
        }
        sorted[i] = merge_kept(sorted[i], cell);
    });
    CellIndex all = 0;
    for (const CellIndex some : sorted) {
        all = merge_kept(some, all);
    }
    while (all != 0) {
        const CellIndex next = cells_.load<KeptHead>(all).newer;
        link_kept(all);
        all = next;
    }
}

CellIndex Roster::merge_kept(CellIndex a, CellIndex b) noexcept {
    CellIndex first = 0;
    CellIndex last = 0;
    while (a != 0 || b != 0) {
        const bool take_a =
            b == 0 || (a != 0 && cells_.load<KeptHead>(a).until <= cells_.load<KeptHead>(b).until);
        CellIndex &from = take_a ? a : b;
        const CellIndex cell = from;
        from = cells_.load<KeptHead>(cell).newer;
        cells_.patch(last, &KeptHead::newer, cell);
        first = first == 0 ? cell : first;
        last = cell;
    }
    return first;
}

} // namespace rt::shm

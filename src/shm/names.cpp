// SPDX-License-Identifier: BSD-2-Clause
#include "shm/names.hpp"

#include <array>

namespace rt::shm {

namespace {

constexpr std::array kNameKinds = {CellKind::nsp, CellKind::room, CellKind::user, CellKind::value};

constexpr std::size_t kInline = 36;
constexpr std::uint8_t kMarked = 1; // flags

// Its tag is the size of the inline text; longer texts go on in payload cells.
struct NameHead {
    RecordHead record;
    std::uint32_t holders;
    CellIndex nsp; // of a room
    char text[kInline];
};
static_assert(sizeof(NameHead) == Cells::kSize);

std::size_t inline_size(const NameHead &head) noexcept {
    return std::min<std::size_t>(head.record.tag, kInline);
}

} // namespace

Result<CellIndex> Names::hold(const Key &key) noexcept {
    if (key.text.size() > kMaxSize) {
        return Error{Code::too_big, "name is too long"};
    }
    if (const CellIndex known = find(key); known != 0) {
        add_holders(known, 1);
        return known;
    }
    return make(key);
}

Result<CellIndex> Names::make(const Key &key) noexcept {
    const Text front = key.text.substr(0, kInline);
    const Text behind = key.text.substr(front.size());
    RT_TRY(cell, cells_.make(key.kind, behind.size()));
    auto head = cells_.load<NameHead>(cell);
    head.record.tag = static_cast<std::uint8_t>(front.size());
    head.holders = 1;
    head.nsp = key.nsp;
    front.copy(head.text, kInline);
    cells_.store(cell, head);
    cells_.write(cell, behind);
    add_holders(key.nsp, 1);
    table_.insert(cell, hash_of(key));
    cells_.commit(cell);
    return cell;
}

void Names::release(CellIndex name) noexcept {
    if (!is_name(name)) {
        return;
    }
    if (holders(name) > 1) {
        add_holders(name, UINT32_MAX);
        return;
    }
    const CellIndex nsp = nsp_of(name);
    table_.remove(name);
    cells_.retract(name);
    cells_.reclaim(name);
    if (cells_.is_committed(nsp, CellKind::nsp)) {
        release(nsp);
    }
}

CellIndex Names::find(const Key &key) const noexcept {
    return table_.find(key.kind, hash_of(key), [&](CellIndex name) { return equals(name, key); });
}

std::uint32_t Names::holders(CellIndex name) const noexcept { return cells_.load<NameHead>(name).holders; }

CellIndex Names::nsp_of(CellIndex room) const noexcept { return cells_.load<NameHead>(room).nsp; }

bool Names::is_marked(CellIndex name) const noexcept {
    return cells_.load<RecordHead>(name).flags == kMarked;
}

void Names::mark(CellIndex name) noexcept {
    if (is_name(name)) {
        cells_.patch(name, &RecordHead::flags, kMarked);
    }
}

void Names::append(std::string &out, CellIndex name) const {
    if (is_name(name)) {
        const auto head = cells_.load<NameHead>(name);
        out.append(head.text, inline_size(head));
        cells_.read(name, out);
    }
}

bool Names::is(CellIndex name, CellKind kind) const noexcept { return cells_.is_committed(name, kind); }

void Names::begin_count() {
    std::string text;
    text.reserve(kMaxSize);
    for (const CellKind kind : kNameKinds) {
        cells_.each(kind, [&](CellIndex name) {
            text.clear();
            append(text, name);
            index({kind, text, nsp_of(name)}, name);
        });
    }
}

// Puts a name without holders into the table, if it makes sense and there is no other like it.
void Names::index(const Key &key, CellIndex name) noexcept {
    const bool nsp_fits = key.kind == CellKind::room ? is(key.nsp, CellKind::nsp) : key.nsp == 0;
    if (!nsp_fits || find(key) != 0) {
        cells_.reject(name);
        return;
    }
    cells_.patch(name, &NameHead::holders, 0);
    table_.insert(name, hash_of(key));
}

void Names::end_count() noexcept {
    // Rooms first: one that goes does not hold its namespace.
    for (const CellKind kind : {CellKind::room, CellKind::user, CellKind::value, CellKind::nsp}) {
        cells_.each(kind, [this](CellIndex name) { settle(name); });
    }
}

void Names::settle(CellIndex name) noexcept {
    if (holders(name) > 0) {
        add_holders(nsp_of(name), 1);
        return;
    }
    table_.remove(name);
    cells_.reject(name);
}

std::uint32_t Names::hash_of(const Key &key) const noexcept {
    return table_.hash(key.kind, key.text, key.nsp);
}

bool Names::equals(CellIndex name, const Key &key) const noexcept {
    const auto head = cells_.load<NameHead>(name);
    const std::size_t front = inline_size(head);
    if (head.nsp != key.nsp || front + head.record.size != key.text.size() ||
        key.text.substr(0, front) != Text(head.text, front)) {
        return false;
    }
    Text rest = key.text.substr(front);
    return cells_.each_part(name, [&rest](Text part) {
        const bool same = rest.starts_with(part);
        rest.remove_prefix(same ? part.size() : 0);
        return same;
    });
}

void Names::add_holders(CellIndex name, std::uint32_t change) noexcept {
    if (is_name(name)) {
        cells_.patch(name, &NameHead::holders, holders(name) + change);
    }
}

bool Names::is_name(CellIndex cell) const noexcept {
    const CellKind kind = cells_.kind(cell);
    return kind >= CellKind::nsp && cells_.is_committed(cell, kind);
}

} // namespace rt::shm

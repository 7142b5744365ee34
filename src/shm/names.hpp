// SPDX-License-Identifier: BSD-2-Clause
// Texts that many records share, each stored once and counted: namespaces, rooms (of a
// namespace), users, header values. A reference to one costs four bytes.
#pragma once

#include "shm/table.hpp"

#include <string>

namespace rt::shm {

// A name is the index of its cell; it is valid while somebody holds it.
// The caller holds the lock. A value, as Cells is.
class Names {
public:
    static constexpr std::size_t kMaxSize = 4096;

    struct Key {
        CellKind kind; // nsp, room, user or value
        Text text;
        CellIndex nsp = 0; // of a room
    };

    explicit Names(Cells cells) noexcept : cells_(cells), table_(cells) {}

    // Finds or makes the name and counts one more holder. too_big, full: nothing changed.
    Result<CellIndex> hold(const Key &key) noexcept;

    // One holder less; the last one frees it. 0 is ignored.
    void release(CellIndex name) noexcept;

    // 0 if nobody holds it.
    [[nodiscard]] CellIndex find(const Key &key) const noexcept;

    // A room's number of members on this host.
    [[nodiscard]] std::uint32_t holders(CellIndex name) const noexcept;

    [[nodiscard]] CellIndex nsp_of(CellIndex room) const noexcept;

    // A mark of the name's, until nobody holds it any more.
    [[nodiscard]] bool is_marked(CellIndex name) const noexcept;
    void mark(CellIndex name) noexcept;

    // Nothing is appended for a cell that is no name.
    void append(std::string &out, CellIndex name) const;

    // Is this cell a name of that kind?
    [[nodiscard]] bool is(CellIndex name, CellKind kind) const noexcept;

    // The rebuild, between Cells::mark() and sweep(): all names without holders; then count()
    // for every reference that a record has, 0 being none; then names without a holder go.
    void begin_count();
    void count(CellIndex name) noexcept { add_holders(name, 1); }
    void end_count() noexcept;

private:
    [[nodiscard]] std::uint32_t hash_of(const Key &key) const noexcept;
    [[nodiscard]] bool equals(CellIndex name, const Key &key) const noexcept;
    Result<CellIndex> make(const Key &key) noexcept;
    void index(const Key &key, CellIndex name) noexcept;
    void settle(CellIndex name) noexcept;
    void add_holders(CellIndex name, std::uint32_t change) noexcept;
    [[nodiscard]] bool is_name(CellIndex cell) const noexcept;

    Cells cells_;
    Table table_;
};

} // namespace rt::shm

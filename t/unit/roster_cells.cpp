// SPDX-License-Identifier: BSD-2-Clause
// Cells and the names in them: all or nothing, no cell lost, nothing found that is not there.
#include "shm/names.hpp"
#include "shm_env.hpp"
#include "tap.hpp"

#include <vector>

using namespace rt;
using namespace rt::shm;
using namespace rt::test;

namespace {

constexpr std::size_t kZone = 16 * 1024;

struct Zone {
    explicit Zone(std::size_t size = kZone) : mapping(size), cells(*Cells::create(mapping.memory(), 7)) {}
    Mapping mapping;
    Cells cells;
};

std::string text_of(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text.push_back(static_cast<char>('a' + i % 26));
    }
    return text;
}

std::string payload_of(const Cells &cells, CellIndex head) {
    std::string payload;
    return cells.read(head, payload) ? payload : "broken";
}

// A successor's rebuild, of cells alone.
void rebuild(Cells cells) {
    cells.mark();
    cells.sweep();
}

void test_payloads() {
    Zone zone;
    Cells &cells = zone.cells;
    const struct {
        std::size_t payload;
        std::uint32_t cells;
    } cases[] = {{0, 1}, {1, 2}, {59, 2}, {60, 2}, {61, 3}, {120, 3}, {121, 4}, {2048, 36}};
    for (const auto &[size, count] : cases) {
        const std::uint32_t free = cells.free();
        const auto head = cells.make(CellKind::connection, size);
        cells.write(*head, text_of(size));
        const std::string name = std::to_string(size) + " bytes";
        is(free - cells.free(), count, name + " take that many cells");
        is(payload_of(cells, *head), text_of(size), name + " come back");
        ok(!cells.is_committed(*head, CellKind::connection), name + " are not committed");
        cells.commit(*head);
        ok(cells.is_committed(*head, CellKind::connection) && !cells.is_committed(*head, CellKind::socket),
           name + " are committed as what they are");
        rebuild(cells);
        is(payload_of(cells, *head), text_of(size), name + " survive a rebuild");
        cells.retract(*head);
        cells.reclaim(*head);
        is(cells.free(), free, name + " go without a rest");
    }
    ok(!cells.make(CellKind::room, Cells::kMaxPayload + 1), "there is a largest payload");
}

void test_full() {
    Zone zone;
    Cells &cells = zone.cells;
    const std::uint32_t all = cells.free();
    std::vector<CellIndex> heads;
    while (const auto head = cells.make(CellKind::socket, 100)) {
        cells.commit(*head);
        heads.push_back(*head);
    }
    is(heads.size(), std::size_t{all / 3}, "the zone takes what it has cells for");
    is(cells.free(), all % 3, "a refusal takes nothing");
    is(cells.records(CellKind::socket), all / 3, "the records are counted");
    for (const CellIndex head : heads) {
        cells.retract(head);
        cells.reclaim(head);
    }
    is(cells.free(), all, "all cells are free again");
    is(cells.records(CellKind::socket), 0U, "no record is counted");
    is(cells.used(), 0U, "no cell is used");
}

void test_serials() {
    Zone zone;
    const auto first = zone.cells.make(CellKind::socket, 0);
    const std::uint32_t serial = zone.cells.load<RecordHead>(*first).serial;
    zone.cells.reclaim(*first);
    const auto second = zone.cells.make(CellKind::socket, 0);
    is(*second, *first, "a cell is used again");
    ok(serial != 0 && zone.cells.load<RecordHead>(*second).serial != serial, "with another serial");
}

void test_uncommitted_records_go() {
    Zone zone;
    Cells &cells = zone.cells;
    const auto kept = cells.make(CellKind::room, 200);
    cells.write(*kept, text_of(200));
    cells.commit(*kept);
    const std::uint32_t free = cells.free();
    const auto half_made = cells.make(CellKind::room, 300);
    const auto half_gone = cells.make(CellKind::room, 300);
    cells.commit(*half_gone);
    cells.retract(*half_gone);
    rebuild(cells);
    is(cells.free(), free, "what is not committed is free after a rebuild");
    ok(!cells.is_committed(*half_made, CellKind::room), "and no record");
    is(payload_of(cells, *kept), text_of(200), "what is committed stays");
    is(cells.records(CellKind::room), 1U, "and is counted");
    cells.reject(*kept);
    cells.sweep();
    is(cells.used(), 0U, "a rejected record is swept");
}

void test_broken_chains_go() {
    Zone zone;
    Cells &cells = zone.cells;
    const auto sound = cells.make(CellKind::user, 100);
    cells.commit(*sound);
    const auto make = [&](std::uint16_t claimed, CellIndex next) {
        const auto head = cells.make(CellKind::user, 100);
        cells.patch(*head, &RecordHead::size, claimed);
        if (next != 0) {
            cells.patch(*head, &RecordHead::next, next);
        }
        cells.commit(*head);
        return *head;
    };
    const CellIndex first_payload = cells.load<RecordHead>(*sound).next;
    const std::pair<CellIndex, const char *> broken[] = {
        {make(300, 0), "a chain too short"},
        {make(10, 0), "a chain too long"},
        {make(100, *sound), "a chain into another head"},
        {make(60, first_payload), "a chain into another's payload"},
        {make(100, UINT32_MAX), "a chain out of the zone"},
    };
    const CellIndex loop = make(UINT16_MAX, 0);
    const CellIndex in_loop = cells.load<RecordHead>(loop).next;
    cells.patch(in_loop, &RecordHead::next, in_loop);
    rebuild(cells);
    for (const auto &[head, name] : broken) {
        ok(!cells.is_committed(head, CellKind::user), std::string(name) + " is no record");
    }
    ok(!cells.is_committed(loop, CellKind::user), "a chain into itself is no record");
    is(cells.used(), 3U, "the sound one stays, and nothing else");
}

void test_slots() {
    Zone zone;
    Cells &cells = zone.cells;
    const auto head = cells.make(CellKind::socket, 100);
    cells.write(*head, text_of(100));
    cells.commit(*head);
    const auto first = cells.extend(*head, CellKind::slots);
    const auto second = cells.extend(*head, CellKind::slots);
    is(payload_of(cells, *head), text_of(100), "cells in between do not disturb the payload");
    rebuild(cells);
    is(cells.used(), 5U, "they survive a rebuild");
    cells.shrink(*head, *first);
    cells.shrink(*head, *first);
    is(cells.used(), 4U, "one goes, once");
    cells.shrink(*head, *second);
    is(payload_of(cells, *head), text_of(100), "the payload is still there");
    is(cells.used(), 3U, "and nothing else");
}

void test_attach() {
    Zone zone;
    const auto head = zone.cells.make(CellKind::nsp, 70);
    zone.cells.write(*head, text_of(70));
    const auto other = Cells::attach(zone.mapping.view());
    is(payload_of(*other, *head), text_of(70), "another mapping has the same cells");
    ok(!Cells::attach(zone.mapping.memory().first(kZone / 2)), "another size is refused");
    ok(!Cells::create(zone.mapping.memory().first(512), 1), "too little memory is refused");
    ok(!Cells::create(zone.mapping.memory().subspan(1), 1), "misaligned memory is refused");
}

void test_names() {
    Zone zone;
    Names names(zone.cells);
    const auto nsp = names.hold({CellKind::nsp, "/chat"});
    const std::string texts[] = {"",          "r",         text_of(35), text_of(36),
                                 text_of(37), text_of(96), text_of(97), text_of(Names::kMaxSize)};
    for (const std::string &text : texts) {
        const std::string name = "a name of " + std::to_string(text.size());
        const auto room = names.hold({CellKind::room, text, *nsp});
        std::string back;
        names.append(back, *room);
        is(back, text, name + " comes back");
        is(names.find({CellKind::room, text, *nsp}), *room, name + " is found");
        is(names.find({CellKind::user, text}), 0U, name + " is not found as another kind");
        is(names.find({CellKind::room, text + "x", *nsp}), 0U, name + " is not found with a rest");
        is(names.nsp_of(*room), *nsp, name + " knows its namespace");
        is(*names.hold({CellKind::room, text, *nsp}), *room, name + " is stored once");
        is(names.holders(*room), 2U, name + " has two holders");
        names.release(*room);
        is(names.find({CellKind::room, text, *nsp}), *room, name + " stays with the second");
        names.release(*room);
        is(names.find({CellKind::room, text, *nsp}), 0U, name + " goes with the last");
    }
    is(int(names.hold({CellKind::user, text_of(Names::kMaxSize + 1)}).code()), int(Code::too_big),
       "too long");
    names.release(*nsp);
    names.release(0);
    is(zone.cells.used(), 0U, "nothing is left");
}

void test_nsp_stays_for_its_rooms() {
    Zone zone;
    Names names(zone.cells);
    const auto nsp = names.hold({CellKind::nsp, "/"});
    const auto room = names.hold({CellKind::room, "r", *nsp});
    names.release(*nsp);
    is(names.find({CellKind::nsp, "/"}), *nsp, "a room holds its namespace");
    names.release(*room);
    is(names.find({CellKind::nsp, "/"}), 0U, "and lets it go");
    is(zone.cells.used(), 0U, "nothing is left");
}

void test_recount() {
    Zone zone;
    Names names(zone.cells);
    const auto nsp = names.hold({CellKind::nsp, "/"});
    const auto held = names.hold({CellKind::room, "held", *nsp});
    const auto unheld = names.hold({CellKind::room, "unheld", *nsp});
    const auto user = names.hold({CellKind::user, "u"});
    zone.cells.mark();
    names.begin_count();
    names.count(*held);
    names.count(*held);
    names.end_count();
    zone.cells.sweep();
    is(names.holders(*held), 2U, "a name has the holders that were counted");
    is(names.holders(*nsp), 1U, "a namespace has its rooms");
    ok(!names.is(*unheld, CellKind::room) && !names.is(*user, CellKind::user), "names without holders go");
    is(names.find({CellKind::room, "held", *nsp}), *held, "the rest is found");
    is(zone.cells.used(), 2U, "and nothing else is left");
}

// Many names in few buckets: removal from any place of a bucket's list.
void test_buckets() {
    Zone zone;
    Names names(zone.cells);
    std::vector<CellIndex> held;
    for (int i = 0; i < 200; ++i) {
        held.push_back(*names.hold({CellKind::user, "user" + std::to_string(i)}));
    }
    bool right = true;
    for (int i = 0; i < 200; ++i) {
        const int victim = i * 73 % 200;
        names.release(held[static_cast<std::size_t>(victim)]);
        for (int k = 0; k < 200; ++k) {
            const bool gone = k * 137 % 200 <= i; // 73 * 137 = 1 (mod 200)
            right = right && (names.find({CellKind::user, "user" + std::to_string(k)}) == 0) == gone;
        }
    }
    ok(right, "two hundred names go in another order than they came");
    is(zone.cells.used(), 0U, "nothing is left");
}

} // namespace

int main() {
    test_payloads();
    test_full();
    test_serials();
    test_uncommitted_records_go();
    test_broken_chains_go();
    test_slots();
    test_attach();
    test_names();
    test_nsp_stays_for_its_rooms();
    test_recount();
    test_buckets();
    return done();
}

// SPDX-License-Identifier: BSD-2-Clause
// Offsets as they are written, and whatever a client may send in their place.
#include "hub/offset.hpp"
#include "hub/comeback.hpp"
#include "tap.hpp"

using namespace rt;
using namespace rt::hub;
using namespace rt::test;

namespace {

void reads_what_it_wrote() {
    const Offsets offsets("h-_1.epoch_-");
    for (const Position position : {Position{1}, Position{4096}, Position{UINT64_MAX}}) {
        const std::string text = offsets.text(position);
        ok(offsets.read(text) == position, "there and back: " + text);
        for (std::size_t size = 0; size < text.size(); ++size) {
            const auto read = offsets.read(Text(text).substr(0, size));
            if (read && offsets.text(*read) != Text(text).substr(0, size)) {
                ok(false, "a part that is no offset: " + text.substr(0, size));
            }
        }
    }
    is(offsets.text(64), "h-_1.epoch_-.64", "host, epoch and position");
}

void refuses() {
    const Offsets offsets("h001.epoch");
    const char *const cases[] = {
        "",
        "h001",
        "h001.epoch",
        "h001.epoch.",
        "h001.epoch.0",
        "h001.epoch.064",
        "h001.epoch.-64",
        "h001.epoch.+64",
        "h001.epoch. 64",
        "h001.epoch.64 ",
        "h001.epoch.64.1",
        "h001.epoch.6e4",
        "h001.epoch.0x40",
        "h001.epoch.18446744073709551616",
        "h001.epoch.99999999999999999999999999999999999999999",
        "h002.epoch.64",
        "h001.other.64",
        "h001.epoch64",
        "H001.epoch.64",
        "undefined",
        "Q7tClMj.0",
        "1795148373882-0",
    };
    for (const char *text : cases) {
        ok(!offsets.read(text), std::string("no offset: ") + text);
    }
    ok(!offsets.read(Text("h001.epoch.64\0", 14)), "nor with a zero behind it");
}

void splits_auth() {
    struct Case {
        const char *auth, *pid, *offset;
        bool has_offset;
        const char *rest;
    };
    constexpr Case kCases[] = {
        {"{}", "", "", false, "{}"},
        {"{\"a\":1}", "", "", false, "{\"a\":1}"},
        {"{\"pid\":\"p\"}", "p", "", false, "{}"},
        {"{\"pid\":\"p\",\"offset\":\"o\",\"a\":[1,{\"pid\":2}],\"b\":\"\"}", "p", "o", true,
         "{\"a\":[1,{\"pid\":2}],\"b\":\"\"}"},
        {"{\"\\u0070id\":\"p\"}", "p", "", false, "{}"},
        {"{\"pid\":7,\"offset\":null}", "", "", true, "{}"},
        {"{\"pid\":\"p\",\"pid\":\"q\"}", "q", "", false, "{}"},
    };
    for (const Case &one : kCases) {
        const RecoveryAuth split = split_auth(one.auth);
        ok(split.pid == one.pid && split.offset == one.offset && split.has_offset == one.has_offset,
           one.auth);
        is(split.rest, one.rest, "and the rest of it");
    }
}

void derives_ids() {
    const std::string pid = "h001" + std::string(28, 'x');
    const auto id = id_of_pid("h001", pid);
    ok(id && Text(id->data(), id->size()).starts_with("h001"), "an id of the host");
    ok(id == id_of_pid("h001", pid), "the same for one pid");
    ok(id != id_of_pid("h001", "h001" + std::string(27, 'x') + "y"), "another for another");
    ok(Text(id->data(), id->size()).find("xx") == Text::npos, "it shows nothing of the pid");
}

} // namespace

int main() {
    reads_what_it_wrote();
    refuses();
    splits_auth();
    derives_ids();
    return done();
}

// SPDX-License-Identifier: BSD-2-Clause
// Log and inbox over memory of any content: reads stay inside the ring and come to an end, and
// what is appended afterwards is read back. Input: a cursor (8 bytes), then the memory.
#include "shm/mailbox.hpp"
#include "shm/stream.hpp"

#include <algorithm>
#include <memory>

using namespace rt;
using namespace rt::shm;

namespace {

class NoLock final : public Lock {
public:
    void lock() noexcept override {}
    void unlock() noexcept override {}
};

// Memory of exactly this size, so that a sanitizer sees every step outside.
struct Memory {
    explicit Memory(std::size_t size)
        : bytes(new (std::align_val_t(kLine)) std::uint8_t[size]()), all(bytes.get(), size) {}

    struct Free {
        void operator()(std::uint8_t *at) const { operator delete[](at, std::align_val_t(kLine)); }
    };

    std::unique_ptr<std::uint8_t[], Free> bytes;
    MutableBytes all;
};

constexpr std::size_t kArea = 4096;
constexpr std::size_t kMostReads = kArea / 16 + 1; // no ring of this size holds more records

void must(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

unsigned touch(Bytes body) {
    unsigned sum = 0;
    for (const std::uint8_t byte : body) {
        sum += byte;
    }
    return sum;
}

void spoil(MutableBytes area, Bytes content) {
    std::copy_n(content.begin(), std::min(content.size(), area.size()), area.begin());
}

void try_log(Position cursor, Bytes content, const Region &region) {
    const Memory area(kArea);
    Stream stream = *Stream::create(area.all, 0);
    spoil(area.all, content);
    StreamReader reader(stream, cursor);
    volatile unsigned sum = 0;
    for (std::size_t reads = 0;; ++reads) {
        const auto got = reader.next();
        if (got.status != StreamReader::Status::record) {
            break;
        }
        must(reads < kMostReads && got.begin >= cursor && got.end > got.begin);
        sum = sum + touch(got.body);
    }
    NoLock free;
    Locked held(free, region);
    const Bytes body = as_bytes("after all that");
    const auto put = stream.append(held, 9, std::span(&body, 1));
    must(bool(put));
    reader.seek(put->begin);
    const auto got = reader.next();
    must(got.status == StreamReader::Status::record && as_text(got.body) == "after all that");
}

void try_inbox(Bytes content, const Region &region) {
    const Memory area(kArea);
    Mailboxes boxes = *Mailboxes::create(area.all, 1);
    spoil(area.all, content);
    const SeatRef seat{0, 1};
    MailReader reader(boxes, seat);
    volatile unsigned sum = 0;
    std::size_t reads = 0;
    for (auto mail = reader.next(); mail.found; mail = reader.next()) {
        must(++reads <= kMostReads);
        sum = sum + touch(mail.body);
    }
    NoLock free;
    Locked held(free, region);
    const Bytes body = as_bytes("after all that");
    (void)boxes.push(held, seat, 9, std::span(&body, 1));
    must(bool(boxes.open(held, seat)));
    must(bool(boxes.push(held, seat, 9, std::span(&body, 1))));
    MailReader fresh(boxes, seat);
    must(as_text(fresh.next().body) == "after all that" && !fresh.next().found);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    Reader in(as_text({data, size}));
    const auto cursor = in.get<std::uint64_t>();
    const Bytes content = as_bytes(in.rest());
    const Memory header(kLine);
    const Region region = *Region::create(header.all, 1, 1);
    try_log(cursor, content, region);
    try_inbox(content, region);
    return 0;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/envelope.hpp"

#include <cstring>

namespace rt::cluster {

namespace {

enum Flag : std::uint8_t { is_volatile = 1, close = 2, asks = 4, remote = 8 };

constexpr std::size_t kNumberAt = 2; // behind op and flags

void put_texts(Writer &out, const std::vector<Text> &texts) {
    out.put(static_cast<std::uint32_t>(texts.size()));
    for (const Text text : texts) {
        out.put_text(text);
    }
}

void get_texts(Reader &in, std::vector<Text> &into) {
    const std::uint32_t count = in.get_count(sizeof(std::uint32_t));
    for (std::uint32_t i = 0; i < count; ++i) {
        into.push_back(in.get_text());
    }
}

std::uint8_t flags_of(const hub::Envelope &envelope) {
    return static_cast<std::uint8_t>((envelope.is_volatile ? Flag::is_volatile : 0) |
                                     (envelope.close ? Flag::close : 0) | (envelope.asker ? Flag::asks : 0) |
                                     (envelope.remote ? Flag::remote : 0));
}

} // namespace

// Head: op, flags, number, asker?, since?, nsp, to, except, rooms, sizes of data and attachments; then data
// and attachments as they are.
std::span<const Bytes> EnvelopeWriter::encode(const hub::Envelope &envelope) {
    head_.clear();
    pieces_.clear();
    Writer out(head_);
    out.put(static_cast<std::uint8_t>(envelope.op));
    out.put(flags_of(envelope));
    out.put(envelope.number);
    if (envelope.asker) {
        out.put(envelope.asker);
    }
    if (hub::is_note(envelope.op)) {
        out.put(envelope.since);
    }
    out.put_text(envelope.nsp);
    put_texts(out, envelope.to);
    put_texts(out, envelope.except);
    put_texts(out, envelope.rooms);
    out.put(static_cast<std::uint32_t>(envelope.data.size()));
    out.put(static_cast<std::uint32_t>(envelope.attachments.size()));
    for (const Bytes attachment : envelope.attachments) {
        out.put(static_cast<std::uint32_t>(attachment.size()));
    }
    pieces_.push_back(as_bytes(head_));
    pieces_.push_back(as_bytes(envelope.data));
    pieces_.insert(pieces_.end(), envelope.attachments.begin(), envelope.attachments.end());
    return pieces_;
}

void EnvelopeWriter::set_number(std::uint64_t number) noexcept {
    std::memcpy(head_.data() + kNumberAt, &number, sizeof(number));
}

bool began_here(Bytes record) noexcept {
    Reader in(as_text(record));
    const auto op = in.get<hub::Op>();
    const auto flags = in.get<std::uint8_t>();
    return in.ok() && (flags & Flag::remote) == 0 && (op < hub::Op::joined || op == hub::Op::server_emit);
}

bool decode_envelope(Bytes record, hub::Envelope &into) {
    into.clear();
    Reader in(as_text(record));
    into.op = static_cast<hub::Op>(in.get<std::uint8_t>());
    const auto flags = in.get<std::uint8_t>();
    into.is_volatile = (flags & Flag::is_volatile) != 0;
    into.close = (flags & Flag::close) != 0;
    into.remote = (flags & Flag::remote) != 0;
    into.number = in.get<std::uint64_t>();
    if ((flags & Flag::asks) != 0) {
        into.asker = in.get<hub::AskerId>();
    }
    if (hub::is_note(into.op)) {
        into.since = in.get<hub::Position>();
    }
    into.nsp = in.get_text();
    get_texts(in, into.to);
    get_texts(in, into.except);
    get_texts(in, into.rooms);
    const auto data = in.get<std::uint32_t>();
    const std::uint32_t attachments = in.get_count(sizeof(std::uint32_t));
    Reader sizes(in.take(attachments * sizeof(std::uint32_t)));
    into.data = in.take(data);
    for (std::uint32_t i = 0; i < attachments; ++i) {
        into.attachments.push_back(as_bytes(in.take(sizes.get<std::uint32_t>())));
    }
    return in.ok() && into.op <= hub::Op::server_emit;
}

} // namespace rt::cluster

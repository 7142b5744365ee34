// SPDX-License-Identifier: BSD-2-Clause
#include "wire/ws_frame.hpp"

#include "base/utf8.hpp"
#include "wire/ws_deflate.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

namespace rt::wire {

namespace {

constexpr std::size_t kMaxBound = std::size_t{1} << 31; // so that all counts fit 32 bits
constexpr std::uint32_t kMaxEmptyFragments = 10000;
constexpr std::size_t kMaskSize = 4;

// Bits of the first two bytes of a frame (RFC 6455 5.2).
constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kRsv1 = 0x40;
constexpr std::uint8_t kRsv23 = 0x30;
constexpr std::uint8_t kOpcode = 0x0F;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLength = 0x7F;

constexpr bool is_control(std::uint8_t opcode) noexcept { return opcode >= 8; }

constexpr bool is_known(std::uint8_t opcode) noexcept { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

constexpr bool is_text(std::uint8_t first) noexcept {
    return (first & kOpcode) == static_cast<std::uint8_t>(WsOpcode::text);
}

// RFC 6455 5.3. `done` payload bytes came before these. Eight bytes at a time.
void unmask(MutableBytes bytes, const std::uint8_t *mask, std::uint64_t done) noexcept {
    std::array<std::uint8_t, 8> wide;
    for (std::size_t i = 0; i < wide.size(); ++i) {
        wide[i] = mask[(done + i) % kMaskSize];
    }
    const auto key = std::bit_cast<std::uint64_t>(wide);
    std::uint8_t *at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= sizeof(key); left -= sizeof(key), at += sizeof(key)) {
        std::uint64_t word;
        std::memcpy(&word, at, sizeof(word));
        word ^= key;
        std::memcpy(at, &word, sizeof(word));
    }
    for (std::size_t i = 0; i < left; ++i) {
        at[i] ^= wide[i];
    }
}

} // namespace

struct WsDecoder::Partial {
    std::vector<std::uint8_t> data; // of the message: unmasked, joined, not yet inflated
    std::uint32_t empties = 0;      // empty fragments so far
    Utf8 utf8;                      // of an uncompressed text
    std::uint8_t first = 0;         // the message's first byte, with opcode and RSV1; 0: no message
    std::uint8_t control_size = 0;
    std::array<std::uint8_t, kWsControlMax> control; // a control frame that comes in pieces
};

WsDecoder::WsDecoder(std::size_t max_payload) noexcept
    : max_payload_(static_cast<std::uint32_t>(std::min(max_payload, kMaxBound))) {
    static_assert(sizeof(WsDecoder) == 32, "every idle connection has one");
}

WsDecoder::WsDecoder(WsDecoder &&other) noexcept = default;
WsDecoder &WsDecoder::operator=(WsDecoder &&other) noexcept = default;
WsDecoder::~WsDecoder() = default;

Result<WsDecoder::Step> WsDecoder::next(MutableBytes in, Inflater *inflater) {
    if (stage_ == Stage::closed) {
        return Step{.used = in.size()};
    }
    if (stage_ == Stage::failed) {
        return {Code::protocol, "bytes after a WebSocket error"};
    }
    Result<Step> step = decode(in, inflater);
    if (!step) {
        stage_ = Stage::failed;
    }
    return step;
}

Result<WsDecoder::Step> WsDecoder::decode(MutableBytes in, Inflater *inflater) {
    RT_TRY(used, take_head(in, inflater != nullptr));
    if (!in_payload()) {
        return Step{.used = used};
    }
    const MutableBytes piece = in.subspan(used, std::min<std::size_t>(left_, in.size() - used));
    used += piece.size();
    if (piece.empty() && left_ > 0) {
        return Step{.used = used}; // nothing to keep yet, so no buffer yet
    }
    unmask(piece, &head_[head_size_ - kMaskSize], announced() - left_);
    left_ -= static_cast<std::uint32_t>(piece.size());
    if (left_ == 0) {
        head_size_ = 0;
    }
    RT_TRY(step, is_control(opcode()) ? take_control(piece) : take_data(piece, inflater));
    step.used = used;
    return step;
}

// Collects the head and judges every byte of it as soon as it is there.
Result<std::size_t> WsDecoder::take_head(Bytes in, bool deflate) {
    if (in_payload()) {
        return std::size_t{0};
    }
    std::size_t used = 0;
    while (head_size_ < head_need()) {
        const std::size_t count = std::min(head_need() - head_size_, in.size() - used);
        if (count == 0) {
            return used;
        }
        std::memcpy(&head_[head_size_], &in[used], count);
        head_size_ = static_cast<std::uint8_t>(head_size_ + count);
        used += count;
        if (const auto good = check_first(deflate); !good) {
            return good.error();
        }
        if (const auto good = check_second(); !good) {
            return good.error();
        }
    }
    if (const auto good = check_size(); !good) {
        return good.error();
    }
    left_ = static_cast<std::uint32_t>(announced());
    return used;
}

Result<void> WsDecoder::check_first(bool deflate) const noexcept {
    const bool compressed = (head_[0] & kRsv1) != 0;
    const bool starts = opcode() == 1 || opcode() == 2;
    if ((head_[0] & kRsv23) != 0 || (compressed && !(deflate && starts))) {
        return {Code::protocol, "reserved bit set"}; // RFC 6455 5.2, RFC 7692 6
    }
    if (!is_known(opcode())) {
        return {Code::protocol, "unknown opcode"};
    }
    if (is_control(opcode())) {
        const bool whole = (head_[0] & kFin) != 0;
        return whole ? Result<void>() : Result<void>(Code::protocol, "fragmented control frame");
    }
    if (starts == in_message()) { // RFC 6455 5.4
        return {Code::protocol, starts ? "message inside a message" : "continuation of nothing"};
    }
    return {};
}

Result<void> WsDecoder::check_second() const noexcept {
    if (head_size_ < 2) {
        return {};
    }
    if ((head_[1] & kMasked) == 0) {
        return {Code::protocol, "frame is not masked"}; // RFC 6455 5.1
    }
    if (is_control(opcode()) && (head_[1] & kLength) > kWsControlMax) {
        return {Code::protocol, "control frame is too long"}; // RFC 6455 5.5
    }
    return {};
}

Result<void> WsDecoder::check_size() const noexcept {
    if (is_control(opcode())) {
        return {};
    }
    if (announced() >> 63 != 0) {
        return {Code::protocol, "length is negative"}; // RFC 6455 5.2
    }
    const bool more = in_message();
    const std::uint64_t collected = more ? partial_->data.size() : 0;
    if (announced() + collected > bound(more ? partial_->first : head_[0])) {
        return {Code::too_big, "message is too big"};
    }
    return {};
}

Result<WsDecoder::Step> WsDecoder::take_control(Bytes piece) {
    const bool whole = left_ == 0 && (partial_ == nullptr || partial_->control_size == 0);
    const Bytes payload = whole ? piece : collect_control(piece);
    if (left_ > 0) {
        return Step{};
    }
    if (partial_ != nullptr) {
        partial_->control_size = 0; // its bytes stay until the delivery is over
    }
    switch (static_cast<WsOpcode>(opcode())) {
    case WsOpcode::ping:
        return Step{.what = What::ping, .payload = payload};
    case WsOpcode::pong:
        return Step{.what = What::pong, .payload = payload};
    default:
        return take_close(payload);
    }
}

Bytes WsDecoder::collect_control(Bytes piece) {
    Partial &so_far = partial();
    std::copy(piece.begin(), piece.end(), so_far.control.begin() + so_far.control_size);
    so_far.control_size = static_cast<std::uint8_t>(so_far.control_size + piece.size());
    return Bytes(so_far.control).first(so_far.control_size);
}

// RFC 6455 5.5.1, 7.4.
Result<WsDecoder::Step> WsDecoder::take_close(Bytes payload) {
    Step step{.what = What::close, .code = kWsNoStatus};
    if (!payload.empty()) {
        if (payload.size() < sizeof(step.code)) {
            return {Code::protocol, "close code is cut short"};
        }
        step.code = load_be<std::uint16_t>(payload.data());
        step.payload = payload.subspan(sizeof(step.code));
        if (!is_close_code(step.code)) {
            return {Code::protocol, "close code is not allowed"};
        }
    }
    if (!is_utf8(step.payload)) {
        return {Code::bad_utf8, "close reason is not UTF-8"};
    }
    stage_ = Stage::closed;
    return step;
}

Result<WsDecoder::Step> WsDecoder::take_data(Bytes piece, Inflater *inflater) {
    const bool last = left_ == 0 && (head_[0] & kFin) != 0;
    if (last && !in_message()) {
        return finish(head_[0], piece, inflater);
    }
    if (const auto good = collect(piece); !good) {
        return good.error();
    }
    return last ? finish(partial_->first, partial_->data, inflater) : Step{};
}

Result<void> WsDecoder::collect(Bytes piece) {
    Partial &message = partial();
    if (message.first == 0) {
        message.first = head_[0];
    }
    if (piece.empty() && ++message.empties > kMaxEmptyFragments) {
        return {Code::forbidden, "too many empty fragments"};
    }
    if (is_text(message.first) && (message.first & kRsv1) == 0 && !message.utf8.feed(piece)) {
        return {Code::bad_utf8, "text is not UTF-8"};
    }
    std::vector<std::uint8_t> &data = message.data;
    const std::size_t size = data.size() + piece.size();
    if (size > data.capacity()) {
        // Twice what has come, never what was only announced, and no more than can come.
        const bool fin = (head_[0] & kFin) != 0;
        const std::size_t most = fin ? size + left_ : std::max<std::size_t>(size, bound(message.first));
        data.reserve(std::min(std::max(size, 2 * data.capacity()), most));
    }
    data.insert(data.end(), piece.begin(), piece.end());
    return {};
}

// `data` is the whole message, in the input or collected.
Result<WsDecoder::Step> WsDecoder::finish(std::uint8_t first, Bytes data, Inflater *inflater) {
    Step step{.what = is_text(first) ? What::text : What::binary, .payload = data};
    const bool compressed = (first & kRsv1) != 0;
    if (compressed) {
        if (inflater == nullptr) {
            return {Code::protocol, "compressed message without an inflater"};
        }
        RT_TRY(inflated, inflater->inflate(data, max_payload_));
        step.payload = inflated;
    }
    if (is_text(first)) {
        const bool judged = in_message() && !compressed;
        if (judged ? !partial_->utf8.complete() : !is_utf8(step.payload)) {
            return {Code::bad_utf8, "text is not UTF-8"};
        }
    }
    if (partial_ != nullptr) {
        partial_->first = 0;
    }
    return step;
}

WsDecoder::Partial &WsDecoder::partial() {
    if (partial_ == nullptr) {
        partial_ = std::make_unique<Partial>();
    }
    return *partial_;
}

void WsDecoder::settle() noexcept {
    if (partial_ != nullptr && partial_->first == 0 && partial_->control_size == 0) {
        partial_.reset();
    }
}

bool WsDecoder::in_message() const noexcept { return partial_ != nullptr && partial_->first != 0; }

bool WsDecoder::in_payload() const noexcept { return head_size_ == head_need(); }

std::size_t WsDecoder::head_need() const noexcept {
    if (head_size_ < 2) {
        return 2;
    }
    const std::uint8_t length = head_[1] & kLength;
    const std::size_t extended = length == 127 ? 8 : length == 126 ? 2 : 0;
    return 2 + extended + kMaskSize;
}

// A longer form than needed is let pass, as the reference server does.
std::uint64_t WsDecoder::announced() const noexcept {
    const std::uint8_t length = head_[1] & kLength;
    if (length == 127) {
        return load_be<std::uint64_t>(&head_[2]);
    }
    return length == 126 ? load_be<std::uint16_t>(&head_[2]) : length;
}

// What cannot be compressed grows a little: the slack is zlib's own worst case.
std::uint64_t WsDecoder::bound(std::uint8_t first) const noexcept {
    const std::uint64_t most = max_payload_;
    return (first & kRsv1) != 0 ? most + most / 8 + most / 64 + 64 : most;
}

void WsDecoder::freeze(Writer &out) const {
    out.put(stage_);
    out.put(head_size_);
    out.put(head_);
    out.put(left_);
    out.put(partial_ != nullptr);
    if (partial_ != nullptr) {
        out.put(partial_->first);
        out.put(partial_->empties);
        out.put_text(as_text(partial_->data));
        out.put_text(as_text(Bytes(partial_->control).first(partial_->control_size)));
    }
}

Result<WsDecoder> WsDecoder::thaw(Reader &in, std::size_t max_payload) {
    WsDecoder decoder(max_payload);
    decoder.stage_ = in.get<Stage>();
    decoder.head_size_ = in.get<std::uint8_t>();
    decoder.head_ = in.get<std::array<std::uint8_t, 14>>();
    decoder.left_ = in.get<std::uint32_t>();
    bool good = true;
    if (in.get<std::uint8_t>() != 0) {
        Partial &partial = decoder.partial();
        partial.first = in.get<std::uint8_t>();
        partial.empties = in.get<std::uint32_t>();
        const Bytes data = as_bytes(in.get_text());
        const Bytes control = as_bytes(in.get_text());
        partial.data.assign(data.begin(), data.end());
        good = control.size() <= partial.control.size();
        if (good) {
            partial.control_size = static_cast<std::uint8_t>(control.size());
            std::copy(control.begin(), control.end(), partial.control.begin());
        }
        const bool judged = is_text(partial.first) && (partial.first & kRsv1) == 0;
        good = good && (!judged || partial.utf8.feed(data)); // so its state need not be written
    }
    if (!good || !in.ok() || !decoder.is_sane()) {
        return {Code::protocol, "image of a WebSocket decoder is broken"};
    }
    return decoder;
}

// Is an image one that freeze() writes, as far as memory is at stake?
bool WsDecoder::is_sane() const noexcept {
    if (stage_ > Stage::failed || head_size_ > head_need()) {
        return false;
    }
    const std::size_t control = partial_ != nullptr ? partial_->control_size : 0;
    if (!in_payload()) {
        return left_ == 0 && control == 0;
    }
    if (left_ == 0 || left_ > announced() || !is_known(opcode())) {
        return false;
    }
    return is_control(opcode()) ? control + left_ <= kWsControlMax : control == 0;
}

} // namespace rt::wire

// SPDX-License-Identifier: BSD-2-Clause
#include "base/utf8.hpp"

#include <array>
#include <cstring>

namespace rt {

namespace {

// What the validator waits for. RFC 3629 4 narrows the second byte after four leading bytes:
// that alone keeps out overlong forms, surrogates and what lies above U+10FFFF.
enum class State : std::uint8_t { start, one, two, three, after_e0, after_ed, after_f0, after_f4, bad };

struct Step {
    State from;
    std::uint8_t low; // bytes from low to high
    std::uint8_t high;
    State to;
};

constexpr Step kSteps[] = {
    {State::start, 0x00, 0x7F, State::start},    {State::start, 0xC2, 0xDF, State::one},
    {State::start, 0xE0, 0xE0, State::after_e0}, {State::start, 0xE1, 0xEC, State::two},
    {State::start, 0xED, 0xED, State::after_ed}, {State::start, 0xEE, 0xEF, State::two},
    {State::start, 0xF0, 0xF0, State::after_f0}, {State::start, 0xF1, 0xF3, State::three},
    {State::start, 0xF4, 0xF4, State::after_f4}, {State::one, 0x80, 0xBF, State::start},
    {State::two, 0x80, 0xBF, State::one},        {State::three, 0x80, 0xBF, State::two},
    {State::after_e0, 0xA0, 0xBF, State::one},   {State::after_ed, 0x80, 0x9F, State::one},
    {State::after_f0, 0x90, 0xBF, State::two},   {State::after_f4, 0x80, 0x8F, State::two},
};

constexpr State next(State from, unsigned byte) {
    for (const Step &step : kSteps) {
        if (step.from == from && byte >= step.low && byte <= step.high) {
            return step.to;
        }
    }
    return State::bad;
}

// A state is kept as a distance: where its six bits stand in a row.
constexpr std::uint64_t distance(State state) { return static_cast<std::uint64_t>(state) * 6; }

constexpr std::uint64_t kStart = distance(State::start);
constexpr std::uint64_t kBad = distance(State::bad);
constexpr std::uint64_t kMask = 63;

// A byte's row holds, for each state, the distance of the next one: a step is one load and one
// shift, and there is no branch to mispredict.
using Rows = std::array<std::uint64_t, 256>;

constexpr Rows make_rows() {
    Rows rows{};
    for (unsigned byte = 0; byte < rows.size(); ++byte) {
        for (unsigned from = 0; from <= static_cast<unsigned>(State::bad); ++from) {
            const State state = static_cast<State>(from);
            rows[byte] |= distance(next(state, byte)) << distance(state);
        }
    }
    return rows;
}

constexpr Rows kRows = make_rows();

std::uint64_t step_over(Bytes bytes, std::uint64_t state) noexcept {
    for (const std::uint8_t byte : bytes) {
        state = kRows[byte] >> (state & kMask);
    }
    return state & kMask;
}

// Two words at a time: whole messages are mostly ASCII.
constexpr std::size_t kBlock = 16;

bool is_ascii(std::span<const std::uint8_t, kBlock> block) noexcept {
    std::uint64_t words[2];
    std::memcpy(words, block.data(), sizeof words);
    return ((words[0] | words[1]) & 0x8080808080808080U) == 0;
}

} // namespace

bool Utf8::feed(Bytes bytes) noexcept {
    std::uint64_t state = state_;
    for (; bytes.size() >= kBlock; bytes = bytes.subspan(kBlock)) {
        const auto block = bytes.first<kBlock>();
        if (state != kStart || !is_ascii(block)) {
            state = step_over(block, state);
        }
    }
    state = step_over(bytes, state);
    state_ = static_cast<std::uint8_t>(state);
    return state != kBad;
}

bool is_utf8(Bytes bytes) noexcept {
    Utf8 text;
    return text.feed(bytes) && text.complete();
}

} // namespace rt

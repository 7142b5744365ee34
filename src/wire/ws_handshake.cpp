// SPDX-License-Identifier: BSD-2-Clause
#include "wire/ws_handshake.hpp"

#include "base/base64.hpp"
#include "base/text.hpp"
#include "wire/crypto.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace rt::wire {

namespace {

constexpr Text kAcceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 1.3
constexpr Text kVersions = "13, 8";
constexpr int kMaxItems = 64; // extensions and parameters in one header

constexpr Text kDeflate = "permessage-deflate";
constexpr Text kAnswer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
constexpr Text kAnswerWindow = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                               "server_max_window_bits=15";

bool is_alphanumeric(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 9110 5.6.2.
bool is_token_char(char c) noexcept {
    return is_alphanumeric(c) || Text("!#$%&'*+-.^_`|~").find(c) != Text::npos;
}

bool is_token(Text text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

// Base64 of 16 bytes: 24 characters, the last two of them padding (RFC 6455 4.2.1).
bool is_key(Text key) noexcept {
    return key.size() == 24 && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, [](char c) {
               return is_alphanumeric(c) || c == '+' || c == '/';
           });
}

// Reads the pieces of the grammar in RFC 6455 9.1; each call skips the blanks before it.
class Cursor {
public:
    explicit Cursor(Text text) : rest_(text) {}

    bool at_end() noexcept {
        skip_blanks();
        return rest_.empty();
    }

    bool skip(char c) noexcept {
        skip_blanks();
        if (rest_.empty() || rest_.front() != c) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }

    // Empty if there is none.
    Text token() noexcept {
        skip_blanks();
        const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token_char);
        return take(static_cast<std::size_t>(end - rest_.begin()));
    }

    // A token, bare or in quotes; empty if there is none. Quotes with escapes inside are
    // refused: nothing that has to be escaped can be part of a token.
    Text value() noexcept {
        if (!skip('"')) {
            return token();
        }
        const Text inside = take(std::min(rest_.find('"'), rest_.size()));
        return skip('"') && is_token(inside) ? inside : Text();
    }

private:
    void skip_blanks() noexcept {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
    }

    Text take(std::size_t size) noexcept {
        const Text taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    Text rest_;
};

enum class Value : std::uint8_t { none, required, optional };

struct Param {
    Text name;
    Value value;
};

// RFC 7692 7.1.
constexpr std::size_t kServerWindow = 0;
constexpr std::array kParams = {
    Param{"server_max_window_bits", Value::required},
    Param{"client_max_window_bits", Value::optional},
    Param{"server_no_context_takeover", Value::none},
    Param{"client_no_context_takeover", Value::none},
};

// One offer of permessage-deflate.
class Offer {
public:
    explicit Offer(bool deflate) : good_(deflate) {}

    void add(Text name, std::optional<Text> value) noexcept {
        const auto known =
            std::find_if(kParams.begin(), kParams.end(), [&](auto &p) { return p.name == name; });
        if (known == kParams.end()) {
            good_ = false;
            return;
        }
        const auto index = static_cast<std::size_t>(known - kParams.begin());
        if (std::exchange(seen_[index], true) || !suits(known->value, value)) {
            good_ = false;
        }
        // The compressed twin of a frame is shared by all clients, so its window is fixed.
        if (index == kServerWindow && value != "15") {
            good_ = false;
        }
    }

    // Empty if the offer cannot be taken.
    [[nodiscard]] Text answer() const noexcept {
        if (!good_) {
            return {};
        }
        return seen_[kServerWindow] ? kAnswerWindow : kAnswer;
    }

private:
    static bool suits(Value rule, std::optional<Text> value) noexcept {
        if (!value.has_value()) {
            return rule != Value::required;
        }
        static constexpr std::array<Text, 8> kBits = {"8", "9", "10", "11", "12", "13", "14", "15"};
        return rule != Value::none && std::find(kBits.begin(), kBits.end(), *value) != kBits.end();
    }

    bool good_;
    std::array<bool, kParams.size()> seen_{};
};

// Reads the parameters of one extension, up to the comma or the end.
Result<Offer> read_offer(Cursor &in, Text name, int &items) {
    Offer offer(name == kDeflate);
    while (in.skip(';')) {
        const Text param = in.token();
        std::optional<Text> value;
        if (in.skip('=')) {
            value = in.value();
        }
        if (param.empty() || (value.has_value() && value->empty()) || ++items > kMaxItems) {
            return {Code::protocol, "bad Sec-WebSocket-Extensions"};
        }
        offer.add(param, value);
    }
    return offer;
}

WsAnswer refuse(Text reason) { return {400, reason, false, {}}; }

// Adds what the client's lists ask for; false if they are malformed.
bool add_choices(WsAnswer &answer, const WsRequest &request, bool deflate) {
    if (!request.protocols.empty()) {
        const Text first = trim(split_once(request.protocols, ',').first);
        if (!is_token(first)) {
            return false;
        }
        answer.headers.push_back({"Sec-WebSocket-Protocol", std::string(first)});
    }
    if (deflate) {
        const auto chosen = negotiate_deflate(request.extensions);
        if (!chosen) {
            return false;
        }
        answer.deflate = !chosen->empty();
        if (answer.deflate) {
            answer.headers.push_back({"Sec-WebSocket-Extensions", std::string(*chosen)});
        }
    }
    return true;
}

} // namespace

WsAnswer answer_handshake(const WsRequest &request, bool deflate) {
    if (!has_token(request.upgrade, "websocket")) {
        return refuse("no upgrade to websocket");
    }
    const Text version = trim(request.version);
    if (version != "13" && version != "8") {
        WsAnswer answer = refuse("WebSocket version not supported");
        answer.headers.push_back({"Sec-WebSocket-Version", std::string(kVersions)}); // RFC 6455 4.4
        return answer;
    }
    const Text key = trim(request.key);
    if (!is_key(key)) {
        return refuse("bad Sec-WebSocket-Key");
    }
    const auto accept = ws_accept_key(key);
    if (!accept) {
        return {500, accept.error().where, false, {}};
    }
    WsAnswer answer{101, "Switching Protocols", false, {}};
    answer.headers.push_back({"Upgrade", "websocket"});
    answer.headers.push_back({"Sec-WebSocket-Accept", *accept});
    if (!add_choices(answer, request, deflate)) {
        return refuse("bad Sec-WebSocket-Protocol or -Extensions");
    }
    return answer;
}

Result<std::string> ws_accept_key(Text key) {
    std::string input;
    input.append(key).append(kAcceptGuid);
    RT_TRY(digest, sha1(as_bytes(input)));
    std::string accept;
    append_base64(accept, digest);
    return accept;
}

Result<Text> negotiate_deflate(Text offers) {
    Cursor in(offers);
    Text answer;
    for (int items = 0; !in.at_end();) {
        if (in.skip(',')) {
            continue; // RFC 9110 5.6.1: a list may have empty elements
        }
        const Text name = in.token();
        if (name.empty() || ++items > kMaxItems) {
            return {Code::protocol, "bad Sec-WebSocket-Extensions"};
        }
        RT_TRY(offer, read_offer(in, name, items));
        if (answer.empty()) {
            answer = offer.answer();
        }
        if (!in.at_end() && !in.skip(',')) {
            return {Code::protocol, "bad Sec-WebSocket-Extensions"};
        }
    }
    return answer;
}

} // namespace rt::wire

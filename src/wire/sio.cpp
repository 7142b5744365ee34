// SPDX-License-Identifier: BSD-2-Clause
#include "wire/sio.hpp"

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "wire/json_slice.hpp"
#include "wire/json_write.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace rt::wire::sio {

namespace {

constexpr std::array<Text, 6> kReserved{
    "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Takes the parts of a header from the front, in their order.
class HeaderReader {
public:
    explicit HeaderReader(Text packet) noexcept : rest_(packet) {}

    Result<Type> type() {
        if (rest_.empty() || rest_.front() < '0' || rest_.front() > '6') {
            return {Code::protocol, "unknown Socket.IO packet type"};
        }
        const auto type = static_cast<Type>(rest_.front() - '0');
        rest_.remove_prefix(1);
        return type;
    }

    // `<n>-`
    Result<std::uint32_t> attachments(std::uint32_t max) {
        RT_TRY(count, number(kMaxId));
        if (count == 0 || !rest_.starts_with('-')) {
            return {Code::protocol, "illegal attachments"};
        }
        if (count > max) {
            return {Code::too_many, "too many attachments"};
        }
        rest_.remove_prefix(1);
        return static_cast<std::uint32_t>(count);
    }

    // `<nsp>,`; the comma may be missing at the end of the packet.
    Result<Text> nsp() {
        if (!rest_.starts_with('/')) {
            return Text("/");
        }
        const std::size_t comma = rest_.find(',');
        const Text nsp = rest_.substr(0, comma);
        if (nsp.size() > kMaxNsp || std::any_of(nsp.begin(), nsp.end(), is_control)) {
            return {Code::protocol, "bad namespace name"};
        }
        if (!is_utf8(as_bytes(nsp))) {
            return {Code::bad_utf8, "namespace name is not UTF-8"};
        }
        rest_.remove_prefix(comma == Text::npos ? rest_.size() : comma + 1);
        return nsp;
    }

    Result<std::optional<std::uint64_t>> id() {
        if (rest_.empty() || !is_digit(rest_.front())) {
            return std::optional<std::uint64_t>();
        }
        RT_TRY(id, number(kMaxId));
        return std::optional(id);
    }

    [[nodiscard]] Text rest() const noexcept { return rest_; }

private:
    // The digits at the front, 0 if there is none. Zeroes may lead, as in JavaScript.
    Result<std::uint64_t> number(std::uint64_t max) {
        std::uint64_t value = 0;
        while (!rest_.empty() && is_digit(rest_.front())) {
            value = value * 10 + static_cast<std::uint64_t>(rest_.front() - '0');
            if (value > max) {
                return {Code::protocol, "number too big in a Socket.IO header"};
            }
            rest_.remove_prefix(1);
        }
        return value;
    }

    Text rest_;
};

bool is_good_name(Text raw) {
    switch (json::kind(raw)) {
    case json::Kind::number:
        return true;
    case json::Kind::string:
        return !is_reserved(json::Plain(raw).text());
    default:
        return false;
    }
}

// May a packet of this type carry this value? (socket.io-protocol, Packet types)
bool fits(Type type, Text data) {
    const json::Kind kind = json::kind(data);
    switch (type) {
    case Type::connect:
        return kind == json::Kind::object;
    case Type::disconnect:
        return false;
    case Type::event:
    case Type::binary_event:
        return is_event_data(data);
    case Type::ack:
    case Type::binary_ack:
        return kind == json::Kind::array;
    case Type::connect_error:
        return kind == json::Kind::object || kind == json::Kind::string;
    }
    return false;
}

// What follows the header, up to the end of the packet.
Result<Text> checked_data(Text data, Type type, unsigned depth) {
    if (data.empty()) {
        return data;
    }
    if (Result<void> valid = json::validate(data, depth); !valid) {
        return valid.error();
    }
    // White space in front fits nothing: the reference would read it as the id 0.
    if (!fits(type, data)) {
        return {Code::protocol, "Socket.IO packet with a payload of the wrong kind"};
    }
    return json::trim(data);
}

// The comma-separated `values` as the rest of an array that `name` began.
void append_array(std::string &out, Text name, Text values) {
    out += '[';
    out += name;
    if (!name.empty() && !values.empty()) {
        out += ',';
    }
    out += values;
    out += ']';
}

} // namespace

Result<Packet> decode(Text packet, const Limits &limits) {
    HeaderReader header(packet);
    RT_TRY(type, header.type());
    std::uint32_t attachments = 0;
    if (is_binary(type)) {
        RT_TRY(count, header.attachments(limits.attachments));
        attachments = count;
    }
    RT_TRY(nsp, header.nsp());
    RT_TRY(id, header.id());
    RT_TRY(data, checked_data(header.rest(), type, limits.depth));
    return Packet{type, id, attachments, nsp, data};
}

bool is_event_data(Text data) {
    return json::kind(data) == json::Kind::array && is_good_name(json::element(data, 0));
}

Event split_event(Text data) noexcept {
    json::Elements each(data);
    if (!each.next()) {
        return {};
    }
    const Text name = each.value();
    // From behind the name to the bracket that ends the array.
    const auto behind = static_cast<std::size_t>(name.data() + name.size() - data.data());
    Text args = json::trim(data.substr(behind, data.size() - behind - 1));
    if (args.starts_with(',')) {
        args = json::trim(args.substr(1));
    }
    return {name, args};
}

bool is_reserved(Text event) noexcept {
    return std::find(kReserved.begin(), kReserved.end(), event) != kReserved.end();
}

std::string event_name(Text raw_name) {
    if (json::kind(raw_name) == json::Kind::string) {
        return json::unescape(raw_name);
    }
    double number = 0;
    const auto read = std::from_chars(raw_name.data(), raw_name.data() + raw_name.size(), number);
    if (read.ec != std::errc()) {
        return std::string(raw_name); // beyond what a double holds
    }
    std::string name;
    json::append_number(name, number);
    return name;
}

void append_header(std::string &out, const Header &header) {
    auto type = static_cast<unsigned>(header.type);
    if (header.attachments > 0 && !is_binary(header.type)) {
        type += static_cast<unsigned>(Type::binary_event) - static_cast<unsigned>(Type::event);
    }
    out += static_cast<char>('0' + type);
    if (header.attachments > 0) {
        append_number(out, header.attachments);
        out += '-';
    }
    if (header.nsp != "/") {
        out += header.nsp;
        out += ',';
    }
    if (header.id) {
        append_number(out, *header.id);
    }
}

std::string connect(Text nsp, Text sid, Text pid) {
    std::string out;
    append_header(out, {Type::connect, nsp});
    out += R"({"sid":)";
    json::append_string(out, sid);
    if (!pid.empty()) {
        out += R"(,"pid":)";
        json::append_string(out, pid);
    }
    out += '}';
    return out;
}

std::string connect_error(Text nsp, Text message, Text data) {
    std::string out;
    append_header(out, {Type::connect_error, nsp});
    out += R"({"message":)";
    json::append_string(out, message);
    if (!data.empty()) {
        out += R"(,"data":)";
        out += data;
    }
    out += '}';
    return out;
}

std::string disconnect(Text nsp) {
    std::string out;
    append_header(out, {Type::disconnect, nsp});
    return out;
}

std::string event(const Header &header, Text name, Text args) {
    std::string out;
    append_header(out, header);
    std::string quoted;
    json::append_string(quoted, name);
    append_array(out, quoted, args);
    return out;
}

std::string ack(const Header &header, Text args) {
    std::string out;
    append_header(out, header);
    append_array(out, {}, args);
    return out;
}

} // namespace rt::wire::sio

// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/redis_nodes.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace rt::cluster {

using wire::RespKind;
using wire::RespValue;

namespace {

constexpr std::uint16_t kPolynomial = 0x1021; // CRC16, XMODEM
constexpr std::size_t kMostNodes = 1024;      // a cluster's limit; and of Sentinels more than enough
constexpr std::uint64_t kMostPort = 65535;

constexpr std::array<std::uint16_t, 256> make_table() noexcept {
    std::array<std::uint16_t, 256> table{};
    for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
        std::uint32_t rest = byte << 8;
        for (int bit = 0; bit < 8; ++bit) {
            rest = (rest & 0x8000U) != 0 ? (rest << 1) ^ kPolynomial : rest << 1;
        }
        table[byte] = static_cast<std::uint16_t>(rest);
    }
    return table;
}

constexpr auto kTable = make_table();

std::uint16_t crc16(Text text) noexcept {
    std::uint32_t crc = 0;
    for (const std::uint8_t byte : as_bytes(text)) {
        crc = ((crc << 8) ^ kTable[((crc >> 8) ^ byte) & 0xFF]) & 0xFFFF;
    }
    return static_cast<std::uint16_t>(crc);
}

void add_new(std::vector<RedisAddress> &list, const RedisAddress &address) {
    if (list.size() < kMostNodes && std::find(list.begin(), list.end(), address) == list.end()) {
        list.push_back(address);
    }
}

// An empty host, or none, means who was asked; `?` that Redis itself does not know.
Result<RedisAddress> address_of(Text host, Result<std::uint64_t> port, Text same) {
    if (!port || *port == 0 || *port > kMostPort || host == "?" || (host.empty() && same.empty())) {
        return {Code::not_found, "no address"};
    }
    return RedisAddress{std::string(host.empty() ? same : host), static_cast<std::uint16_t>(*port)};
}

Result<std::uint64_t> whole(const RespValue &value) {
    if (!value.is(RespKind::integer) || value.integer() < 0) {
        return {Code::protocol, "no number"};
    }
    return static_cast<std::uint64_t>(value.integer());
}

// One line of CLUSTER SLOTS: first and last slot, and the nodes, of which the master comes first.
struct SlotRange {
    std::uint16_t first;
    std::uint16_t last;
    Result<RedisAddress> master;
};

Result<SlotRange> parse_range(const RespValue &line, Text same) {
    const auto first = whole(line[0]);
    const auto last = whole(line[1]);
    const RespValue node = line[2];
    if (!first || !last || *first > *last || *last >= kSlots || node.size() < 2) {
        return {Code::protocol, "CLUSTER SLOTS makes no sense"};
    }
    return SlotRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last),
                     address_of(node[0].text(), whole(node[1]), same)};
}

// The master of a line, and its replicas.
void add_nodes(std::vector<RedisAddress> &to, const RespValue &line, Text same) {
    std::size_t place = 0;
    for (const RespValue node : line) {
        const bool is_node = place++ >= 2 && node.size() >= 2;
        if (const auto address = is_node ? address_of(node[0].text(), whole(node[1]), same)
                                         : Result<RedisAddress>(Code::not_found, "no node")) {
            add_new(to, *address);
        }
    }
}

} // namespace

Result<RedisAddress> parse_redis_address(Text text, Text same) {
    const std::size_t colon = text.rfind(':');
    if (colon == Text::npos) {
        return {Code::not_found, "no address"};
    }
    Text host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    return address_of(host, parse_number(text.substr(colon + 1)), same);
}

std::uint16_t key_slot(Text key) noexcept {
    const std::size_t open = key.find('{');
    const std::size_t close = open == Text::npos ? open : key.find('}', open);
    if (close != Text::npos && close > open + 1) {
        key = key.substr(open + 1, close - open - 1);
    }
    return crc16(key) % kSlots;
}

std::optional<Redirect> parse_redirect(Text error, const RedisAddress &from) {
    const RedisTrouble trouble = trouble_of(error);
    if (trouble != RedisTrouble::moved && trouble != RedisTrouble::ask) {
        return {};
    }
    const auto [slot_text, address_text] = split_once(split_once(error, ' ').second, ' ');
    const auto slot = parse_number(slot_text);
    auto to = parse_redis_address(address_text, from.host);
    if (!slot || *slot >= kSlots || !to) {
        return {};
    }
    return Redirect{trouble == RedisTrouble::ask, static_cast<std::uint16_t>(*slot), std::move(*to)};
}

RedisNodes::RedisNodes(RedisNodesSettings settings)
    : settings_(std::move(settings)), known_(settings_.servers) {
    if (settings_.mode == RedisMode::sentinel) {
        questions_ = {{"SENTINEL", "GET-MASTER-ADDR-BY-NAME", settings_.master},
                      {"SENTINEL", "SENTINELS", settings_.master}};
    }
}

RedisNodes::Step RedisNodes::next() {
    if (master_) {
        return {Step::Kind::connect, *master_};
    }
    if (tried_ >= known_.size()) {
        tried_ = 0;
        return {};
    }
    const bool asks = settings_.mode == RedisMode::sentinel;
    return {asks ? Step::Kind::ask : Step::Kind::connect, known_[at_]};
}

void RedisNodes::reached() {
    tried_ = 0;
    master_.reset();
}

// A Sentinel that named a dead master has had its turn: others may know of its successor.
void RedisNodes::failed() {
    master_.reset();
    ++tried_;
    at_ = at_ + 1 < known_.size() ? at_ + 1 : 0;
}

void RedisNodes::answered(std::size_t question, const RespValue &reply) {
    if (question == 0) {
        const auto master = address_of(reply[0].text(), parse_number(reply[1].text()), {});
        master_ = master ? std::optional(*master) : std::nullopt;
        return;
    }
    learn_sentinels(reply);
    if (!master_) {
        failed();
    }
}

// Those of the configuration, and those that this one knows: field names and values in turn.
void RedisNodes::learn_sentinels(const RespValue &reply) {
    std::vector<RedisAddress> now = settings_.servers;
    for (const RespValue sentinel : reply) {
        Text host;
        Text port;
        Text field;
        for (const RespValue each : sentinel) {
            host = field == "ip" ? each.text() : host;
            port = field == "port" ? each.text() : port;
            field = field.empty() ? each.text() : Text();
        }
        if (const auto address = address_of(host, parse_number(port), {})) {
            add_new(now, *address);
        }
    }
    replace_known(std::move(now));
}

void RedisNodes::replace_known(std::vector<RedisAddress> now) {
    const auto same = std::find(now.begin(), now.end(), known_[at_]);
    at_ = same == now.end() ? 0 : static_cast<std::size_t>(same - now.begin());
    known_ = std::move(now);
}

Result<void> RedisNodes::learn_slots(const RespValue &reply, const RedisAddress &from) {
    if (!reply.is(RespKind::array) || reply.size() > kSlots) {
        return {Code::protocol, "CLUSTER SLOTS makes no sense"};
    }
    std::vector<RedisAddress> nodes; // masters
    std::vector<RedisAddress> all;
    std::vector<std::uint16_t> owners(kSlots, kNobody);
    for (const RespValue line : reply) {
        const auto range = parse_range(line, from.host);
        if (!range) {
            return range.error();
        }
        add_nodes(all, line, from.host);
        if (!range->master) {
            continue; // Redis itself does not know it yet
        }
        add_new(nodes, *range->master);
        const auto at = std::find(nodes.begin(), nodes.end(), *range->master);
        const auto index = static_cast<std::uint16_t>(at - nodes.begin());
        std::fill(owners.begin() + range->first, owners.begin() + range->last + 1,
                  at == nodes.end() ? kNobody : index);
    }
    masters_ = nodes.size();
    for (const RedisAddress &server : settings_.servers) {
        add_new(nodes, server);
    }
    replace_known(std::move(nodes));
    nodes_ = std::move(all);
    owners_ = std::move(owners);
    stale_ = false;
    return {};
}

void RedisNodes::moved(const Redirect &redirect) {
    stale_ = true;
    add_new(known_, redirect.to);
    const auto at = std::find(known_.begin(), known_.end(), redirect.to);
    if (owners_.empty()) {
        owners_.assign(kSlots, kNobody);
    }
    owners_[redirect.slot] = at == known_.end() ? kNobody : static_cast<std::uint16_t>(at - known_.begin());
}

bool RedisNodes::is_master(const RedisAddress &node) const noexcept {
    const std::span masters(known_.data(), masters_);
    return std::ranges::find(masters, node) != masters.end();
}

const RedisAddress *RedisNodes::owner(std::uint16_t slot) const noexcept {
    if (slot >= owners_.size() || owners_[slot] >= known_.size()) {
        return nullptr;
    }
    return &known_[owners_[slot]];
}

} // namespace rt::cluster

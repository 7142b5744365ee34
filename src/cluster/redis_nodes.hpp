// SPDX-License-Identifier: BSD-2-Clause
// Which server to talk to next: one of several, the master that Sentinels name, or a node of a
// cluster by slot. Knows no connection: it is told what was asked, answered, reached and lost.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "cluster/redis_trouble.hpp"
#include "wire/resp.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rt::cluster {

struct RedisAddress {
    std::string host; // a name, an address without brackets, or `unix:/path`
    std::uint16_t port = 0;

    bool operator==(const RedisAddress &) const = default;
};

// "host:port" and "[::1]:port", as Redis writes them (also "::1:6379"). `same`: the host where
// Redis leaves it empty. not_found: no such thing.
[[nodiscard]] Result<RedisAddress> parse_redis_address(Text text, Text same);

inline constexpr std::uint16_t kSlots = 16384;

// CRC16 (XMODEM) of the key, or of what stands in its first {}, modulo kSlots.
[[nodiscard]] std::uint16_t key_slot(Text key) noexcept;

// Of the error replies MOVED and ASK.
struct Redirect {
    bool ask = false; // only this command, behind ASKING; else for good
    std::uint16_t slot = 0;
    RedisAddress to;
};

// `from`: who answered. None: it is another error.
[[nodiscard]] std::optional<Redirect> parse_redirect(Text error, const RedisAddress &from);

enum class RedisMode : std::uint8_t { standalone, sentinel, cluster };

struct RedisNodesSettings {
    RedisMode mode = RedisMode::standalone;
    std::vector<RedisAddress> servers; // at least one; Sentinels, in mode sentinel
    std::string master;                // its name, in mode sentinel
};

class RedisNodes {
public:
    struct Step {
        enum class Kind : std::uint8_t {
            connect, // this is the server; behind Sentinel its greeting has must_be_master
            ask,     // greet this Sentinel, say questions() in order, hand in the replies by answered()
            wait,    // all were tried in this round: the next one begins after the schedule's delay
        };
        Kind kind = Kind::wait;
        RedisAddress address;
    };

    explicit RedisNodes(RedisNodesSettings settings);

    // What to do now. Behind each connect or ask comes one of reached(), failed(), or answered().
    [[nodiscard]] Step next();
    // Greeted: the round is over, and the next one begins here again (Sentinels are asked first).
    void reached();
    // Refused, timed out, not the master, or no longer of use: the next step is another address.
    void failed();

    // Each a command's words.
    [[nodiscard]] const std::vector<std::vector<std::string>> &questions() const noexcept {
        return questions_;
    }
    // The reply to questions()[question], also an error. The last one ends the step.
    void answered(std::size_t question, const wire::RespValue &reply);

    // The reply to CLUSTER SLOTS, from whom. protocol: it makes no sense, and nothing has changed.
    Result<void> learn_slots(const wire::RespValue &reply, const RedisAddress &from);
    // A slot has moved. The whole map is old: is_stale() until it is learned again.
    void moved(const Redirect &redirect);
    [[nodiscard]] bool is_stale() const noexcept { return stale_; }

    // Who serves the slot; null: nobody, as far as is known.
    [[nodiscard]] const RedisAddress *owner(std::uint16_t slot) const noexcept;
    // Of a cluster all that have slots, and their replicas, as last learned.
    [[nodiscard]] const std::vector<RedisAddress> &nodes() const noexcept { return nodes_; }
    // It owned a slot when they were last learned.
    [[nodiscard]] bool is_master(const RedisAddress &node) const noexcept;
    // Of a cluster the masters, then the servers of the configuration; the Sentinels; the servers.
    [[nodiscard]] const std::vector<RedisAddress> &known() const noexcept { return known_; }
    [[nodiscard]] RedisMode mode() const noexcept { return settings_.mode; }

private:
    void learn_sentinels(const wire::RespValue &reply);
    void replace_known(std::vector<RedisAddress> now);

    static constexpr std::uint16_t kNobody = 0xFFFF;

    RedisNodesSettings settings_;
    std::vector<std::vector<std::string>> questions_;
    std::vector<RedisAddress> known_;
    std::size_t masters_ = 0; // the first of known_
    std::vector<RedisAddress> nodes_;
    std::size_t at_ = 0;    // in known_: whose turn it is
    std::size_t tried_ = 0; // in this round
    std::optional<RedisAddress> master_;
    std::vector<std::uint16_t> owners_; // by slot, an index of known_; empty: nothing is known
    bool stale_ = true;
};

} // namespace rt::cluster

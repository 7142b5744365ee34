// SPDX-License-Identifier: BSD-2-Clause
// What a worker counts. Gauges say how it is now and vanish with the worker; counters only
// grow and outlive it. The status page sums them over workers.
#pragma once

#include "base/bytes.hpp"

#include <array>
#include <cstdint>

namespace rt::hub {

// The shape that shm::Counters asks for: counters, then `first_gauge`, gauges, `end`.
enum class Metric : std::uint8_t {
    connections, // ever opened
    events_in,
    events_out, // frames queued for clients
    published,  // envelopes that began here
    acks_in,
    upgrades,
    moves_in, // sessions that arrived from another worker
    moves_out,
    handed_over,   // of them, with their WebSocket, at a reload
    drained,       // closed because their worker left
    relayed,       // calls for sessions that live at other hosts
    relay_repeats, // of them, said again
    relay_late,    // that were not answered in time
    acks_unkept,   // answers of clients to other hosts that were said once, for too many were kept
    crossed_out,   // sessions and kept sockets that went to another host
    crossed_in,
    not_crossed, // that could not be had
    dropped_volatile,
    lapped,
    parse_errors,
    ping_timeouts,
    slow_closed,
    refused_sessions, // realtime_max_sockets
    refused_zone_full,
    refused_origin,
    refused_payload,    // realtime_max_payload
    refused_namespaces, // realtime_limits
    refused_rooms,
    refused_attachments,
    refused_depth,
    refused_acks,
    refused_busy,           // a worker's mailbox had no room
    recovered,              // sockets that came back
    not_recovered_unknown,  // not kept, or no longer
    not_recovered_foreign,  // of another namespace or user
    not_recovered_offset,   // no position of this log
    not_recovered_overrun,  // the log has gone on too far
    not_recovered_gap,      // something of other hosts may be missing
    not_recovered_silent,   // its worker does not let go of it
    not_recovered_too_much, // missed more than realtime_send_buffer
    not_recovered_full,     // the zone had no room
    kept_refused,           // sockets that could not be kept
    kept_evicted,           // gave their room to others
    bus_out,                // messages to other servers
    bus_in,                 // messages of other servers that somebody here may be meant by
    bus_unconcerned,        // broadcasts to rooms without a member here
    bus_malformed,          // what was heard and made no sense
    bus_repeated,           // broadcasts heard before
    bus_missed,             // broadcasts of hosts of ours that were never heard
    bus_overrun,            // envelopes that the log had gone over before they could go out
    bus_stale,              // volatile ones that were not kept while Redis was away
    bus_refused,            // messages that Redis would not take
    bus_gaps,               // times at which something may have been missed
    bridges,                // times at which a worker took over the bridge
    first_gauge,
    sockets = first_gauge,
    polling,     // connections on long-polling
    websocket,   // connections on WebSocket
    relay_bytes, // kept for calls between hosts until they are answered for good
    log_lag,     // bytes of the log this worker has not read
    end,
};

inline constexpr std::size_t kMetrics = static_cast<std::size_t>(Metric::end);

// The names in the status document and, prefixed, in the Prometheus text.
inline constexpr std::array<Text, kMetrics> kMetricNames = {
    "connections",
    "events_in",
    "events_out",
    "published",
    "acks_in",
    "upgrades",
    "moves_in",
    "moves_out",
    "handed_over",
    "drained",
    "relayed",
    "relay_repeats",
    "relay_late",
    "acks_unkept",
    "crossed_out",
    "crossed_in",
    "not_crossed",
    "dropped_volatile",
    "lapped",
    "parse_errors",
    "ping_timeouts",
    "slow_closed",
    "refused_sessions",
    "refused_zone_full",
    "refused_origin",
    "refused_payload",
    "refused_namespaces",
    "refused_rooms",
    "refused_attachments",
    "refused_depth",
    "refused_acks",
    "refused_busy",
    "recovered",
    "not_recovered_unknown",
    "not_recovered_foreign",
    "not_recovered_offset",
    "not_recovered_overrun",
    "not_recovered_gap",
    "not_recovered_silent",
    "not_recovered_too_much",
    "not_recovered_full",
    "kept_refused",
    "kept_evicted",
    "bus_out",
    "bus_in",
    "bus_unconcerned",
    "bus_malformed",
    "bus_repeated",
    "bus_missed",
    "bus_overrun",
    "bus_stale",
    "bus_refused",
    "bus_gaps",
    "bridges",
    "sockets",
    "polling",
    "websocket",
    "relay_bytes",
    "log_lag",
};

class Metrics {
public:
    virtual ~Metrics() = default;
    virtual void add(Metric metric, std::int64_t amount) noexcept = 0; // gauges may go down
    void count(Metric metric) noexcept { add(metric, 1); }
};

} // namespace rt::hub

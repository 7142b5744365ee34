// SPDX-License-Identifier: BSD-2-Clause
// The bus of one host: the log in shared memory, read by every worker with its own cursor
// (decisions.md, idea 1). The rest of the code knows only this log.
#pragma once

#include "base/fn.hpp"
#include "cluster/envelope.hpp"
#include "cluster/wakes.hpp"
#include "hub/bus.hpp"
#include "shm/bridge_table.hpp"
#include "shm/stream.hpp"

#include <optional>

namespace rt::cluster {

// A locked region of shared memory.
struct Place {
    shm::Lock &lock;
    shm::Region region;
};

class LogBus final : public hub::Bus {
public:
    // Reads from the log's head on.
    LogBus(const Place &place, shm::Stream stream, Wakes &wakes);

    // The hub that envelopes are delivered to. Once, before anything else.
    void attach(hub::BusEvents &hub) noexcept { hub_ = &hub; }

    // From here on what others have to hear is numbered.
    void number_by(shm::BridgeTable table) noexcept { numbers_ = table; }

    // How far another host is heard with what it says.
    struct Heard {
        Text uid;
        shm::HeardOf of;
    };

    Result<hub::Position> publish(const hub::Envelope &envelope) override {
        return publish(envelope, nullptr);
    }
    // It is in the log, and heard: both, or neither, whatever ends this worker.
    Result<hub::Position> publish(const hub::Envelope &envelope, const Heard *heard);
    // What a worker that died had begun is done, or never was.
    void settle();

    void catch_up(hub::Position until, Millis now) override;
    [[nodiscard]] hub::Position head() const noexcept override { return stream_.head(); }
    [[nodiscard]] hub::Position cursor() const noexcept override { return reader_.cursor(); }

    // Delivers at most `most` records; true if there are more.
    bool drain(std::size_t most, Millis now);

    void note(const hub::Envelope &envelope) override;
    bool replay(hub::Position from, hub::Position until,
                Fn<void(const hub::Envelope &, hub::Position)> visit) override;
    [[nodiscard]] bool holds(hub::Position position) const noexcept override {
        return stream_.holds(position);
    }
    [[nodiscard]] hub::Position tail() const noexcept override { return stream_.tail(); }

    [[nodiscard]] bool is_deaf() const noexcept override { return numbers_ && numbers_->is_deaf(); }

    // Is there something to read? Asked again after announcing sleep.
    [[nodiscard]] bool behind() const noexcept { return reader_.cursor() < stream_.head(); }
    [[nodiscard]] std::uint64_t lag() const noexcept { return stream_.head() - reader_.cursor(); }
    [[nodiscard]] const shm::Stream &stream() const noexcept { return stream_; }

private:
    Result<hub::Position> append(const hub::Envelope &envelope, const Heard *heard);
    bool deliver_next(Millis now);

    Place place_;
    shm::Stream stream_;
    shm::StreamReader reader_;
    Wakes &wakes_;
    std::optional<shm::BridgeTable> numbers_;
    hub::BusEvents *hub_ = nullptr;
    EnvelopeWriter writer_;
    hub::Envelope envelope_;
    bool delivering_ = false;
};

} // namespace rt::cluster

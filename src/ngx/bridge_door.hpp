// SPDX-License-Identifier: BSD-2-Clause
// The bridge of an application as one worker sees it, whether it holds it or not.
#pragma once

#include "cluster/abroad.hpp"

namespace rt::cluster {
class Bridge;
}

namespace rt::ngx {

class App;

class BridgeDoor final : public cluster::BridgeView {
public:
    explicit BridgeDoor(App &app) noexcept : app_(app) {}

    Result<void> tell(Text host, cluster::Topic topic, std::span<const Bytes> pieces) override;
    [[nodiscard]] shm::SeatRef holder() const noexcept override;
    [[nodiscard]] bool is_up() const noexcept override;
    [[nodiscard]] bool is_live(Text host, Millis now) const override;
    [[nodiscard]] hub::Position sent() const noexcept override;
    [[nodiscard]] bool is_ordered() const noexcept override;
    void leaves(Text sid) override;
    void comes(Text sid, std::uint64_t barrier) override;

private:
    // Null: another worker holds it, or nobody.
    [[nodiscard]] cluster::Bridge *mine() const noexcept;

    App &app_;
};

} // namespace rt::ngx

// SPDX-License-Identifier: BSD-2-Clause
// WebSockets that workers of earlier configurations hand over. Those of the newest one compete for
// them; who holds its share already, or is short of connections, leaves them to the others.
#pragma once

#include "ngx/ngx.hpp"

namespace rt::ngx {

class Balance;
class Worker;
struct Parcel;

class Arrivals {
public:
    Arrivals(Worker &worker, const Balance &balance) noexcept : worker_(worker), balance_(balance) {}
    Arrivals(const Arrivals &) = delete;
    Arrivals &operator=(const Arrivals &) = delete;
    ~Arrivals();

    // Once, when the worker starts. False: nginx has no connection for it.
    [[nodiscard]] bool listen();

    // Everything that is under way now, also beyond this worker's share.
    void take_all();

    // Takes part again, if it may; called from time to time.
    void look() noexcept;

private:
    [[nodiscard]] bool may_take() const noexcept;
    void receive();
    [[nodiscard]] bool take_one();
    void settle(Parcel &parcel);
    void pause() noexcept;

    static void on_read(ngx_event_t *event) noexcept;

    Worker &worker_;
    const Balance &balance_;
    ngx_connection_t *c_ = nullptr;
};

} // namespace rt::ngx

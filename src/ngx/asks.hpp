// SPDX-License-Identifier: BSD-2-Clause
// Requests that published a question to clients and wait for their answers. Each is a slot: the
// question names it, nobody points at it.
#pragma once

#include "cluster/questions.hpp"
#include "ngx/ngx.hpp"

#include <cstdint>
#include <vector>

namespace rt::ngx {

class App;

class Asks final : public cluster::QuestionEvents {
public:
    explicit Asks(App &app) : app_(app) {}

    // Publishes the envelope as a question and holds the request until its answers are in: the
    // caller must not finalize it. After an error the request is the caller's. unavailable: there
    // are other servers, and they cannot be asked.
    Result<void> ask(ngx_http_request_t *r, hub::Envelope envelope, std::uint32_t timeout);

    // The client has gone, or the request has ended some other way.
    void on_request_gone(Handle waiting);

    [[nodiscard]] std::vector<shm::SeatRef> readers() override;
    void on_answers(Handle waiting, const cluster::Answers &answers) override;
    void bring_in() override;

private:
    struct Waiting {
        ngx_http_request_t *r;
        Handle question;
        hub::Position id;
    };

    App &app_;
    SlotMap<Waiting> waiting_;
};

} // namespace rt::ngx

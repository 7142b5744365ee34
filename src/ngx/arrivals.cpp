// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/arrivals.hpp"

#include "engine/link_image.hpp"
#include "ngx/balance.hpp"
#include "ngx/guard.hpp"
#include "ngx/handover.hpp"
#include "ngx/process.hpp"
#include "ngx/worker.hpp"
#include "ngx/ws_link.hpp"

#include <algorithm>
#include <sys/socket.h>
#include <unistd.h>

namespace rt::ngx {

namespace {

constexpr int kPerTurn = 16;      // then others have their turn, and the other workers their share
constexpr int kMostAtOnce = 1000; // of what was there at the call; more may come meanwhile

// Its application left the configuration while it was under way.
void turn_away(int socket) noexcept {
    const std::uint16_t status = engine::close_status(engine::CloseReason::going_away);
    const Ref<wire::Frame> frame = wire::Frame::close(status, {});
    static_cast<void>(::send(socket, frame->ws().data(), frame->size(), MSG_DONTWAIT | MSG_NOSIGNAL));
    ::close(socket);
}

} // namespace

// The descriptor is the master's: nginx must neither close it nor count it as a leak. Its event is
// level-triggered and not exclusive: what one worker leaves, the others are told of.
bool Arrivals::listen() {
    c_ = ngx_get_connection(channel(ChannelEnd::receive), worker_.log());
    if (c_ == nullptr) {
        return false;
    }
    c_->data = this;
    c_->log = worker_.log();
    c_->read->log = worker_.log();
    c_->read->handler = on_read;
    c_->read->channel = 1;
    return ngx_add_event(c_->read, NGX_READ_EVENT, 0) == NGX_OK;
}

Arrivals::~Arrivals() {
    if (c_ != nullptr) {
        pause();
        ngx_free_connection(c_);
        c_->fd = static_cast<ngx_socket_t>(-1);
    }
}

// A worker of an earlier configuration sends and does not receive, or sockets would go to and fro.
// At a full stop there is no later one, and what is under way is drained like the rest.
bool Arrivals::may_take() const noexcept {
    return newest_cycle() == cycle_number() &&
           balance_.may_take(worker_.seats(), worker_.seat(), worker_.now());
}

void Arrivals::pause() noexcept {
    if (c_->read->active != 0) {
        ngx_del_event(c_->read, NGX_READ_EVENT, NGX_DISABLE_EVENT);
    }
}

void Arrivals::look() noexcept {
    if (c_->read->active == 0 && may_take()) {
        ngx_add_event(c_->read, NGX_READ_EVENT, 0);
    }
}

void Arrivals::on_read(ngx_event_t *event) noexcept {
    guard(
        [&](const char *what) {
            ngx_log_error(NGX_LOG_ALERT, event->log, 0, "realtime: arrivals broken off: %s", what);
        },
        [&] { static_cast<Arrivals *>(event_connection<ngx_connection_t>(event)->data)->receive(); });
}

void Arrivals::receive() {
    c_->read->ready = 0;
    worker_.touch();
    for (int i = 0; i < kPerTurn; ++i) {
        if (!may_take()) {
            pause();
            return;
        }
        if (!take_one()) {
            return;
        }
    }
}

void Arrivals::take_all() {
    for (int i = 0; i < kMostAtOnce && newest_cycle() == cycle_number() && balance_.has_room(); ++i) {
        if (!take_one()) {
            return;
        }
    }
}

// False: nothing was there.
bool Arrivals::take_one() {
    balance_.take_one(worker_.seats(), worker_.seat());
    Result<Parcel> parcel = receive_socket();
    if (parcel) {
        settle(*parcel);
    } else if (parcel.code() != Code::not_found) {
        ngx_log_error(NGX_LOG_ERR, worker_.log(), 0, "realtime: %s", parcel.error().where);
    }
    return parcel.code() != Code::not_found;
}

void Arrivals::settle(Parcel &parcel) {
    Reader in(parcel.image);
    Result<engine::LinkImage> image = engine::LinkImage::thaw(in);
    const auto &apps = worker_.apps();
    const auto app = std::find_if(apps.begin(), apps.end(), [&](const auto &each) {
        return image && each->conf().settings.name == image->app;
    });
    if (app == apps.end()) {
        turn_away(parcel.socket);
        return;
    }
    const std::uint64_t number = image->number;
    auto *link = new WsLink(**app, std::move(*image)); // its connection owns it
    link->arrive(parcel.socket, number, in);
}

} // namespace rt::ngx

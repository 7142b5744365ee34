// SPDX-License-Identifier: BSD-2-Clause
// WsLink: from one worker to another at a reload, in the middle of whatever it was doing.
#include "ngx/app.hpp"
#include "ngx/handover.hpp"
#include "ngx/worker.hpp"
#include "ngx/ws_link.hpp"

#include <unistd.h>
#include <utility>

namespace rt::ngx {

WsLink::WsLink(App &app, engine::LinkImage &&image)
    : app_(app), deflate_threshold_(image.deflate_threshold), deflate_(image.deflate),
      decoder_(std::move(image.decoder)), unread_(std::move(image.unread)) {}

bool WsLink::may_move() const noexcept {
    const ngx_connection_t *c = link_.connection();
    return state_ == State::open && c->ssl == nullptr && c->error == 0 && c->close == 0;
}

// Nothing is read from the moment the socket is taken out of epoll: what comes then stays in the
// kernel, for whoever has the socket next.
bool WsLink::hand_over(Millis now) {
    if (!link_.take_out()) {
        break_off();
        return false;
    }
    std::string image;
    Writer out(image);
    engine::LinkImage{app_.conf().settings.name, link_.connection()->number, deflate_,
                      deflate_threshold_,        std::move(decoder_),        std::exchange(unread_, {})}
        .freeze(out);
    const std::size_t session = image.size();
    app_.hub().ports().directory.hand_over(connection_->record(), shm::kInTransit.index,
                                           shm::kInTransit.generation);
    app_.homes().pack(*connection_, out, now);
    if (send_socket(link_.connection()->fd, as_bytes(image))) {
        app_.metrics().count(hub::Metric::handed_over);
        connection_ = nullptr;
        state_ = State::done;
        end_if_done();
        return true;
    }
    go_on(image, session, now);
    return false;
}

// It was not taken: the same as an arrival, but for the connection, which is still here. Epoll
// comes first: whatever is written may want its events.
void WsLink::go_on(Text image, std::size_t session, Millis now) {
    if (!link_.put_back()) {
        break_off();
    }
    Reader link(image.substr(0, session));
    Reader in(image.substr(session));
    if (Result<engine::LinkImage> own = engine::LinkImage::thaw(link); own) {
        decoder_ = std::move(own->decoder);
        unread_ = std::move(own->unread);
    }
    settle(in, now);
}

// Nobody but the session may close while it catches up, so its end is seen by our state.
void WsLink::settle(Reader &in, Millis now) {
    hub::Connection *connection = app_.homes().settle(in, this, now);
    if (connection != nullptr && connection->session().open()) {
        connection_ = connection;
    } else {
        connection_ = nullptr;
        // Unless the session's end has begun that already.
        start_closing(engine::close_status(engine::CloseReason::going_away));
    }
}

void WsLink::arrive(ngx_socket_t socket, std::uint64_t number, Reader &in) {
    const Millis now = app_.worker().now();
    if (!link_.adopt(socket, app_.worker().log())) {
        ::close(socket);
        if (hub::Connection *connection = app_.homes().settle(in, nullptr, now); connection != nullptr) {
            connection->session().close(engine::CloseReason::transport_error, now);
        }
        delete this;
        return;
    }
    link_.connection()->number = number;
    link_.set_handlers(this, read_handler, write_handler);
    app_.worker().links_opened(1);
    state_ = State::open;
    if (!link_.put_back()) {
        break_off();
    }
    settle(in, now);
    link_.post_read(); // input that came along waits for nothing
}

} // namespace rt::ngx

// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/redis_link.hpp"

#include "ngx/worker.hpp"

#include <algorithm>
#include <unistd.h>

namespace rt::ngx {

using cluster::RedisLoss;
using cluster::RedisMode;
using cluster::RedisNodes;
using cluster::RedisTrouble;

namespace {

constexpr Millis kSameError = 60000;     // until it is logged again
constexpr std::size_t kMostErrors = 100; // that are remembered: some for each address

cluster::RedisWireSettings wire_settings(const Worker &worker, const cluster::RedisSettings &settings,
                                         const RedisLink::Role &role) {
    cluster::RedisWireSettings wire;
    wire.greeting.user = settings.user;
    wire.greeting.password = settings.password;
    wire.greeting.database = settings.db;
    wire.greeting.name = connection_name(worker.hostname(), role.app, role.name);
    wire.greeting.must_be_master = settings.nodes.mode == RedisMode::sentinel;
    wire.command_timeout = settings.command_timeout;
    return wire;
}

cluster::RedisNodesSettings node_settings(const cluster::RedisSettings &settings,
                                          const cluster::RedisAddress *node) {
    return node == nullptr ? settings.nodes : cluster::RedisNodesSettings{RedisMode::standalone, {*node}, {}};
}

// What to look at first, for a person at three in the morning.
Text advice_for(RedisTrouble trouble) noexcept {
    switch (trouble) {
    case RedisTrouble::unauthorized:
        return ", see \"user\" and \"password\" of realtime_redis";
    case RedisTrouble::forbidden:
        return ", the user's rights (ACL) do not suffice";
    case RedisTrouble::protected_mode:
        return ", Redis takes only local connections without a password";
    case RedisTrouble::bad_database:
        return ", see \"db\" of realtime_redis";
    default:
        return {};
    }
}

// What comes from outside is shown in one line.
std::string printable(Text text) {
    constexpr std::size_t most = 200;
    std::string line(text.substr(0, most));
    line.erase(line.find_last_not_of(". ") + 1);
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c < ' ' || c == '\x7f'; }, '?');
    return line;
}

} // namespace

std::string connection_name(Text node, Text app, Text role) {
    std::string name = "rt";
    for (const Text part : {node, app, role}) {
        name += part.empty() ? "" : ":";
        for (const char c : part) {
            name += c > ' ' && c < '\x7f' ? c : '-';
        }
    }
    return name;
}

// Greets a Sentinel and asks it all questions. Lives until the next step.
class RedisLink::Sentinel final : public cluster::RedisWireEvents {
public:
    Sentinel(RedisLink &link, cluster::RedisWireSettings settings)
        : link_(link), wire_(link.worker_.deadlines(), link, *this, std::move(settings)) {}

    [[nodiscard]] cluster::RedisWire &wire() noexcept { return wire_; }
    // Nothing more is of interest.
    void end() noexcept { done_ = true; }

    void on_greeted(Millis now) override {
        std::uint64_t number = 0;
        for (const std::vector<std::string> &question : link_.nodes_.questions()) {
            const std::vector<Text> words(question.begin(), question.end());
            static_cast<void>(wire_.command(number++, words, now));
        }
    }

    void on_reply(std::uint64_t cookie, const wire::RespValue &reply, Millis now) override {
        const std::size_t last = link_.nodes_.questions().size() - 1;
        if (!done_) {
            complain_of(cookie, reply, now);
            link_.nodes_.answered(cookie, reply);
            if (cookie == last) {
                done_ = true;
                link_.asked(true, now);
            }
        }
    }

    void on_lost(const RedisLoss &loss, Millis now) override {
        if (!done_) {
            done_ = true;
            link_.log_error(loss, now);
            link_.asked(false, now);
        }
    }

    void on_unknown(std::uint64_t, Millis) override {}
    void on_message(Text, Bytes, Millis) override {}
    void on_dropped(Text, Millis) override {}

private:
    // The first question is for the master.
    void complain_of(std::uint64_t question, const wire::RespValue &reply, Millis now) {
        if (reply.is(wire::RespKind::error)) {
            link_.log_error({cluster::trouble_of(reply.text()), {}, reply.text()}, now);
        } else if (question == 0 && reply.size() != 2) {
            link_.log_error(
                {RedisTrouble::closed,
                 {},
                 link_.socket_.peer() + " knows no master \"" + link_.block_.settings.nodes.master + "\""},
                now);
        }
    }

    RedisLink &link_;
    cluster::RedisWire wire_;
    bool done_ = false;
};

RedisLink::RedisLink(Worker &worker, const RedisBlock &block, Role role, RedisLinkEvents &events)
    : worker_(worker), block_(block), role_(role.name), events_(events),
      nodes_(node_settings(block.settings, role.node)), schedule_(block.settings.reconnect),
      socket_(worker, *this, block),
      wire_(worker.deadlines(), *this, *this, wire_settings(worker, block.settings, role)), peek_(role.peek),
      marks_(role.marks && role.peek && !block.settings.tls.on) {
    status_.since = worker.now();
}

RedisLink::~RedisLink() { close(); }

// --- attempts ---

void RedisLink::open(Millis now) {
    stopping_ = gave_up_ = false;
    muted_ = false;
    step_later(0, now);
}

bool RedisLink::adopt(int descriptor, std::uint64_t client_id, Millis now) {
    close();
    if (block_.settings.tls.on) {
        ::close(descriptor);
        return false;
    }
    if (!socket_.adopt(descriptor, peek_)) {
        return false;
    }
    stopping_ = gave_up_ = muted_ = torn_ = false;
    started_ = lost_ = true;
    status_.address = socket_.peer();
    wire_.adopt(client_id, now);
    worker_.touch();
    return true;
}

void RedisLink::quit(Millis now) {
    stopping_ = true;
    if (wire_.ready()) {
        wire_.stop(now);
    } else {
        close();
    }
}

void RedisLink::close() noexcept {
    muted_ = true;
    Deadline::stop();
    socket_.flush_now();
    socket_.close();
    wire_.lost({}, worker_.now());
    sentinel_ = nullptr;
}

void RedisLink::reset(Text why, Millis now) {
    if (started_ && socket_.is_open()) {
        talking().lost(why, now);
    }
}

int RedisLink::descriptor() const noexcept { return socket_.is_tls() ? -1 : socket_.descriptor(); }

void RedisLink::step_later(Millis delay, Millis now) {
    worker_.deadlines().start(*this, now, delay);
    worker_.touch();
}

void RedisLink::on_deadline(Millis now) {
    sentinel_ = nullptr;
    step(now);
}

void RedisLink::step(Millis now) {
    const RedisNodes::Step step = nodes_.next();
    if (step.kind == RedisNodes::Step::Kind::wait) {
        retry(now);
        return;
    }
    begin(step, now);
}

void RedisLink::begin(const RedisNodes::Step &step, Millis now) {
    const bool ask = step.kind == RedisNodes::Step::Kind::ask;
    if (ask) {
        cluster::RedisWireSettings settings;
        settings.command_timeout = block_.settings.command_timeout;
        sentinel_ = std::make_unique<Sentinel>(*this, std::move(settings));
    }
    status_.address = cluster::text_of(step.address);
    started_ = false;
    socket_.open(step.address, peek_ && !ask, now);
}

void RedisLink::retry(Millis now) {
    const Result<Millis> delay = schedule_.next();
    if (delay) {
        step_later(*delay, now);
        return;
    }
    gave_up_ = true;
    log_error({RedisTrouble::other, {}, delay.error().where}, now);
    events_.on_gave_up(now);
}

// --- the socket ---

cluster::RedisWire &RedisLink::talking() noexcept { return sentinel_ != nullptr ? sentinel_->wire() : wire_; }

void RedisLink::on_open(Millis now) {
    status_.address = socket_.peer();
    started_ = true;
    talking().start(now);
}

std::size_t RedisLink::on_bytes(Bytes bytes, Millis now) {
    if (marks_) {
        on_torn(true);
    }
    return talking().feed(bytes, now);
}

Text RedisLink::output() { return talking().output(); }

void RedisLink::wrote(std::size_t bytes) { talking().wrote(bytes); }

void RedisLink::on_torn(bool torn) {
    if (sentinel_ == nullptr && std::exchange(torn_, torn) != torn) {
        events_.on_torn(torn);
    }
}

bool RedisLink::is_ours() const noexcept { return sentinel_ != nullptr || events_.is_ours(); }

// Before the wire was started the loss is told here, later by the wire.
void RedisLink::on_closed(const std::string &why, Millis now) {
    if (started_) {
        talking().lost(why, now);
        return;
    }
    const RedisLoss loss{RedisTrouble::closed, {}, why};
    if (sentinel_ != nullptr) {
        sentinel_->on_lost(loss, now);
    } else {
        lost(loss, now);
    }
}

void RedisLink::asked(bool answered, Millis now) {
    socket_.close();
    if (!answered) {
        nodes_.failed();
    }
    step_later(0, now);
}

// --- the wire ---

void RedisLink::on_greeted(Millis now) {
    nodes_.reached();
    status_.reconnects += was_up_ ? 1 : 0;
    status_.since = now;
    was_up_ = true;
    lost_ = false;
    log_connected();
    events_.on_greeted(now);
}

void RedisLink::on_lost(const RedisLoss &loss, Millis now) {
    if (!muted_) {
        socket_.close();
        lost(loss, now);
    }
}

void RedisLink::lost(const RedisLoss &loss, Millis now) {
    if (!stopping_) {
        log_error(loss, now);
    }
    const bool was_up = !std::exchange(lost_, true);
    events_.on_lost(loss, now);
    if (stopping_) {
        return;
    }
    if (!was_up) {
        nodes_.failed();
        step_later(0, now);
    } else {
        // One that greets and then ends the connection is not asked again at once each time.
        if (now - status_.since >= block_.settings.reconnect.max) {
            schedule_.reset();
        }
        status_.since = now;
        retry(now);
    }
}

void RedisLink::on_reply(std::uint64_t cookie, const wire::RespValue &reply, Millis now) {
    events_.on_reply(cookie, reply, now);
}

void RedisLink::on_unknown(std::uint64_t cookie, Millis now) {
    if (!muted_) {
        events_.on_unknown(cookie, now);
    }
}

void RedisLink::on_message(Text channel, Bytes payload, Millis now) {
    events_.on_message(channel, payload, now);
}

void RedisLink::on_dropped(Text channel, Millis now) { events_.on_dropped(channel, now); }

// --- words ---

std::string RedisLink::cause_of(const RedisLoss &loss, bool was_up) const {
    const bool tls = block_.settings.tls.on;
    std::string text = sentinel_ != nullptr ? "Sentinel " : "";
    if (loss.trouble == RedisTrouble::closed) {
        text += loss.text;
        const bool silent = !was_up && started_ && sentinel_ == nullptr && !tls;
        return text += silent ? " before it answered, does it want TLS?" : "";
    }
    if (gave_up_) {
        return text + std::string(loss.text);
    }
    text += socket_.peer() + ": ";
    if (loss.trouble == RedisTrouble::timeout) {
        return text + "no answer within " + std::to_string(block_.settings.command_timeout) + " ms";
    }
    text += cluster::words_for(loss.trouble);
    // It may repeat the arguments of a command that it does not know.
    const bool secret = loss.command == "AUTH" && loss.trouble == RedisTrouble::unknown_command;
    if (!secret && !loss.text.empty() && loss.text != cluster::words_for(loss.trouble)) {
        text += ": " + printable(loss.text);
    }
    return text += advice_for(loss.trouble);
}

void RedisLink::log_connected() {
    logged_.clear();
    const std::string line = "Redis " + role_ + " client connected to " + socket_.peer() +
                             ", realtime_redis \"" + block_.settings.name + "\"";
    worker_.core_log().write(Level::notice, line);
}

// An outage is one event, however often it is tried in vain.
void RedisLink::log_error(const RedisLoss &loss, Millis now) {
    status_.error = cause_of(loss, !lost_);
    if (logged_.size() >= kMostErrors) {
        logged_.clear();
    }
    const auto [known, is_new] = logged_.try_emplace(status_.error, now);
    if (!is_new && now - known->second < kSameError) {
        return;
    }
    known->second = now;
    const std::string line = "Redis " + role_ + " client error: " + status_.error + ", realtime_redis \"" +
                             block_.settings.name + "\"";
    worker_.core_log().write(Level::error, line);
}

} // namespace rt::ngx

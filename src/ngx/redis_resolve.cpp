// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/redis_resolve.hpp"

#include "ngx/ngx.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <netdb.h>
#include <sys/un.h>

namespace rt::ngx {

namespace {

SocketAddress copy_of(const sockaddr *address, socklen_t length) noexcept {
    SocketAddress copy;
    copy.length = std::min(length, static_cast<socklen_t>(sizeof(copy.storage)));
    std::memcpy(&copy.storage, address, copy.length);
    return copy;
}

std::vector<SocketAddress> all_of(const addrinfo *first, std::uint16_t port) {
    std::vector<SocketAddress> addresses;
    for (const addrinfo *one = first; one != nullptr; one = one->ai_next) {
        addresses.push_back(copy_of(one->ai_addr, one->ai_addrlen));
        ngx_inet_set_port(generic(addresses.back().storage), port);
    }
    return addresses;
}

SocketAddress unix_address(const std::string &path) noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof(address.sun_path) - 1));
    SocketAddress copy;
    copy.length = sizeof(address);
    std::memcpy(&copy.storage, &address, sizeof(address));
    return copy;
}

} // namespace

std::string SocketAddress::text() const {
    std::array<u_char, NGX_SOCKADDR_STRLEN> buffer{};
    SocketAddress copy = *this;
    const std::size_t size =
        ngx_sock_ntop(generic(copy.storage), copy.length, buffer.data(), buffer.size(), 1);
    return std::string(to_text(buffer.data(), buffer.data() + size));
}

std::vector<SocketAddress> written_address(const cluster::RedisAddress &address) {
    if (cluster::is_unix(address)) {
        return {unix_address(address.host.substr(Text("unix:").size()))};
    }
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST; // asks nobody
    hints.ai_socktype = SOCK_STREAM;
    addrinfo *found = nullptr;
    if (getaddrinfo(address.host.c_str(), nullptr, &hints, &found) != 0) {
        return {};
    }
    std::vector<SocketAddress> addresses = all_of(found, address.port);
    freeaddrinfo(found);
    return addresses;
}

// What the C library's thread reads and writes: it must not move, nor go while that works on it.
struct NameLookup::Request {
    std::string name;
    addrinfo hints{};
    gaicb body{};
    std::array<gaicb *, 1> list{};
    Request *next_abandoned = nullptr;

    explicit Request(std::string name_) : name(std::move(name_)) {
        hints.ai_socktype = SOCK_STREAM;
        body.ar_name = name.c_str();
        body.ar_request = &hints;
        list[0] = &body;
    }
    Request(const Request &) = delete;
    Request &operator=(const Request &) = delete;

    ~Request() {
        if (body.ar_result != nullptr) {
            freeaddrinfo(body.ar_result);
        }
    }

    // EAI_NONAME and the like, 0, or EAI_INPROGRESS.
    [[nodiscard]] int verdict() noexcept { return gai_error(&body); }
};

namespace {

// Of this process: asked for by lookups that are gone, and not answered yet.
template <class Request> constinit Request *abandoned = nullptr;

} // namespace

NameLookup::NameLookup() noexcept = default;

NameLookup::~NameLookup() { let_go(); }

void NameLookup::let_go() noexcept {
    // In a thread it cannot be cancelled; in the queue before it can.
    if (request_ != nullptr && request_->verdict() == EAI_INPROGRESS &&
        gai_cancel(&request_->body) == EAI_NOTCANCELED) {
        request_->next_abandoned = abandoned<Request>;
        abandoned<Request> = request_.release();
    }
    request_ = nullptr;
}

void NameLookup::free_abandoned() noexcept {
    for (Request **at = &abandoned<Request>; *at != nullptr;) {
        std::unique_ptr<Request> one(*at);
        if (one->verdict() == EAI_INPROGRESS) {
            at = &one.release()->next_abandoned;
        } else {
            *at = one->next_abandoned;
        }
    }
}

void NameLookup::begin(const std::string &name) {
    free_abandoned();
    if (request_ != nullptr && request_->name == name && look() == State::pending) {
        return;
    }
    let_go();
    request_ = std::make_unique<Request>(name);
    error_ = getaddrinfo_a(GAI_NOWAIT, request_->list.data(), 1, nullptr);
}

NameLookup::State NameLookup::look() noexcept {
    if (request_ == nullptr) {
        return State::idle;
    }
    if (error_ == 0 && request_->verdict() == EAI_INPROGRESS) {
        return State::pending;
    }
    return State::done;
}

std::vector<SocketAddress> NameLookup::addresses(std::uint16_t port) const {
    const bool found = request_ != nullptr && error_ == 0 && request_->verdict() == 0;
    return found ? all_of(request_->body.ar_result, port) : std::vector<SocketAddress>();
}

const char *NameLookup::complaint() const noexcept {
    if (request_ == nullptr) {
        return "not asked for";
    }
    return gai_strerror(error_ != 0 ? error_ : request_->verdict());
}

} // namespace rt::ngx

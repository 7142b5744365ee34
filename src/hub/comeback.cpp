// SPDX-License-Identifier: BSD-2-Clause
#include "hub/comeback.hpp"

#include "base/base64.hpp"
#include "hub/hub.hpp"
#include "wire/crypto.hpp"
#include "wire/json_slice.hpp"

namespace rt::hub {

namespace json = wire::json;

namespace {

constexpr std::size_t kHost = 4;                             // characters
constexpr std::size_t kDigest = (kIdLength - kHost) / 4 * 3; // bytes that become the rest of an id

std::string text_of(Text raw) {
    return json::kind(raw) == json::Kind::string ? json::unescape(raw) : std::string();
}

} // namespace

void Comeback::on_deadline(Millis) { hub.look_again(self); }

Text Comeback::last_host() const noexcept { return Text(has_offset ? offset : pid).substr(0, kHost); }

std::optional<SocketId> id_of_pid(Text host, Text pid) {
    const Result<wire::Sha256> digest = wire::sha256(as_bytes(pid));
    if (!digest || host.size() != kHost) {
        return std::nullopt;
    }
    std::string text(host);
    append_base64url(text, Bytes(*digest).first(kDigest));
    SocketId id{};
    text.copy(id.data(), id.size());
    return id;
}

RecoveryAuth split_auth(Text auth) {
    RecoveryAuth split;
    split.rest.push_back('{');
    for (json::Members each(auth); each.next();) {
        if (json::equals(each.key(), "pid")) {
            split.pid = text_of(each.value());
        } else if (json::equals(each.key(), "offset")) {
            split.offset = text_of(each.value());
            split.has_offset = true;
        } else {
            split.rest += split.rest.size() > 1 ? "," : "";
            split.rest.append(each.key()).append(":").append(each.value());
        }
    }
    split.rest.push_back('}');
    return split;
}

} // namespace rt::hub

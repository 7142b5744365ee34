// SPDX-License-Identifier: BSD-2-Clause
// Channels and subscriptions of the classic dialect.
#include "cluster/classic_wire.hpp"

#include <utility>

namespace rt::cluster {

namespace {

constexpr Text kRequest = "-request";
constexpr Text kResponse = "-response";

// Behind a host's 4 characters in the id of a socket (decisions.md, ruling 16).
constexpr std::size_t kRestOfId = 16;

// As a pattern that means exactly this text.
std::string escape_glob(Text text) {
    std::string out;
    for (const char c : text) {
        if (Text("*?[]\\").find(c) != Text::npos) {
            out += '\\';
        }
        out += c;
    }
    return out;
}

} // namespace

ClassicWire::ClassicWire(DialectSettings settings)
    : settings_(std::move(settings)), reader_(settings_.uid, settings_.depth) {}

ChannelPlace ClassicWire::place_of(Text channel) const noexcept {
    if (!channel.starts_with(settings_.prefix)) {
        return {};
    }
    channel.remove_prefix(settings_.prefix.size());
    if (channel.starts_with('#')) {
        return split_channel(channel, ChannelPlace::Kind::broadcast);
    }
    const bool is_request = channel.starts_with(kRequest);
    if (!is_request && !channel.starts_with(kResponse)) {
        return {};
    }
    channel.remove_prefix(is_request ? kRequest.size() : kResponse.size());
    ChannelPlace place =
        split_channel(channel, is_request ? ChannelPlace::Kind::request : ChannelPlace::Kind::response);
    place.room = {};
    return place;
}

std::vector<Subscription> ClassicWire::always() const {
    std::string pattern = escape_glob(settings_.prefix) + "#*";
    if (settings_.rooms) {
        pattern += '#' + settings_.host + std::string(kRestOfId, '?') + '#';
    }
    return {{Subscription::Kind::pattern, std::move(pattern)}};
}

std::vector<Subscription> ClassicWire::of_namespace(Text nsp) const {
    std::vector<Subscription> all;
    const auto add = [&](Text kind, Text behind) {
        all.emplace_back();
        put_channel(all.back().name, kind, nsp);
        all.back().name += behind;
    };
    if (settings_.rooms) {
        add({}, {});
    }
    add(kRequest, {});
    add(kResponse, {});
    add(kResponse, settings_.uid + '#');
    return all;
}

std::optional<Subscription> ClassicWire::of_room(Text nsp, Text room, bool own) const {
    if (!settings_.rooms || own) {
        return {};
    }
    Subscription one;
    put_channel(one.name, {}, nsp);
    one.name += room;
    one.name += '#';
    return one;
}

std::string ClassicWire::count_channel(Text nsp) const {
    std::string name;
    put_channel(name, kRequest, nsp);
    return name;
}

void ClassicWire::put_channel(std::string &out, Text kind, Text nsp) const {
    out += settings_.prefix;
    out += kind;
    out += '#';
    out += nsp;
    out += '#';
}

std::unique_ptr<Dialect> make_classic(DialectSettings settings) {
    return std::make_unique<ClassicWire>(std::move(settings));
}

} // namespace rt::cluster

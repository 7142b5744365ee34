// SPDX-License-Identifier: BSD-2-Clause
// The image: bits, created, address, url, query (unless it is the url's), then the headers. Each
// is a code, for code 0 the name, and its value: text, or the cell of a name if kInterned is set.
#include "shm/handshake.hpp"

#include "base/text.hpp"

#include <array>

namespace rt::shm {

namespace {

// Bits of an image.
constexpr std::uint8_t kSecure = 1;
constexpr std::uint8_t kXdomain = 2;
constexpr std::uint8_t kTruncated = 4;
constexpr std::uint8_t kQueryInUrl = 8;

// Of a header's code.
constexpr std::uint8_t kInterned = 0x80;

// A value this short takes no more room than a reference to it.
constexpr std::size_t kShort = 4;

// At most these stand around a header's texts: code, two sizes.
constexpr std::size_t kOverhead = 4;

struct CommonHeader {
    Text name;
    bool repeats; // many clients send the same few values
};

// The code of a header is its place here plus one. The order is part of the layout.
constexpr auto kCommon = std::to_array<CommonHeader>({
    {"host", true},
    {"user-agent", true},
    {"accept", true},
    {"accept-encoding", true},
    {"accept-language", true},
    {"origin", true},
    {"referer", false},
    {"cache-control", true},
    {"pragma", true},
    {"content-type", true},
    {"content-length", false},
    {"dnt", true},
    {"priority", true},
    {"sec-websocket-version", true},
    {"sec-websocket-key", false},
    {"sec-websocket-extensions", true},
    {"sec-websocket-protocol", true},
    {"sec-fetch-dest", true},
    {"sec-fetch-mode", true},
    {"sec-fetch-site", true},
    {"sec-fetch-user", true},
    {"sec-gpc", true},
    {"sec-ch-ua", true},
    {"sec-ch-ua-mobile", true},
    {"sec-ch-ua-platform", true},
    {"upgrade-insecure-requests", true},
    {"x-requested-with", true},
    {"x-forwarded-for", false},
    {"x-forwarded-host", true},
    {"x-forwarded-port", true},
    {"x-forwarded-proto", true},
    {"x-real-ip", false},
    {"x-request-id", false},
    {"forwarded", false},
    {"via", true},
    {"cf-connecting-ip", false},
    {"cf-ipcountry", true},
    {"cf-ray", false},
    {"cf-visitor", true},
    {"cdn-loop", true},
    {"traceparent", false},
    // No headers: what counts the connections of one address, and what the rules keep.
    {":address", true},
    {":captured names", true},
    {":captured", false},
});
static_assert(kCommon.size() < kInterned);
constexpr auto kCaptured = static_cast<std::uint8_t>(kCommon.size());
constexpr auto kCapturedNames = static_cast<std::uint8_t>(kCaptured - 1);
constexpr auto kAddress = static_cast<std::uint8_t>(kCaptured - 2);
constexpr std::size_t kNamesSize = 1 + sizeof(CellIndex);      // the text is the configuration's
constexpr std::size_t kAddressSize = 3 + AddressKey::kMaxSize; // code, size, text

std::uint8_t code_of(Text name) noexcept {
    for (std::size_t i = 0; i + 1 < kAddress; ++i) {
        if (iequals(kCommon[i].name, name)) {
            return static_cast<std::uint8_t>(i + 1);
        }
    }
    return 0;
}

// Appends an entry with the text of its name.
bool put_name(std::string &flat, const PackedHandshake::Entry &entry, const Names &names) {
    Writer out(flat);
    out.put(entry.code);
    const std::size_t at = flat.size();
    out.put(std::uint16_t{0});
    names.append(flat, entry.interned);
    const std::size_t size = flat.size() - at - sizeof(std::uint16_t);
    const auto fits = static_cast<std::uint16_t>(size);
    std::memcpy(flat.data() + at, &fits, sizeof fits);
    return fits == size;
}

Text url_query(Text url) noexcept { return split_once(url, '?').second; }

// Writes texts as long as they fit. The budget counts an interned value as if it stood here, so
// that no client takes more of the zone than another by sending values of its own.
class Packer {
public:
    Packer(std::string &image, Names &names) noexcept : image_(image), names_(names), out_(image) {}

    Result<void> pack(const HandshakeText &handshake) {
        const std::size_t bits_at = image_.size();
        const bool derived = !handshake.query.empty() && url_query(handshake.url) == handshake.query;
        out_.put(std::uint8_t{0});
        out_.put(handshake.created);
        left_ -= handshake.counts_address ? kAddressSize : 0;
        put_cut<std::uint8_t>(handshake.address);
        put_cut<std::uint16_t>(handshake.url);
        if (!derived) {
            put_cut<std::uint16_t>(handshake.query);
        }
        Result<void> result = put_captured(handshake);
        if (result) {
            result = put_headers(handshake);
        }
        const int bits = (handshake.secure ? kSecure : 0) | (handshake.xdomain ? kXdomain : 0) |
                         (truncated_ ? kTruncated : 0) | (derived ? kQueryInUrl : 0);
        image_[bits_at] = static_cast<char>(bits);
        return result;
    }

private:
    Result<void> put_headers(const HandshakeText &handshake) {
        Result<void> result = handshake.counts_address ? put_address(handshake.address) : Result<void>();
        for (const HeaderText &header : handshake.headers) {
            if (!result || truncated_) {
                break;
            }
            result = put_header(header);
        }
        return result;
    }

    Result<void> put_captured(const HandshakeText &handshake) {
        if (handshake.captured.empty()) {
            return {};
        }
        const std::size_t size = kNamesSize + kOverhead + handshake.captured.size();
        if (size > left_ || handshake.captured_names.size() > Names::kMaxSize) {
            truncated_ = true;
            return {};
        }
        left_ -= size;
        RT_TRY(names, names_.hold({CellKind::value, handshake.captured_names}));
        out_.put(static_cast<std::uint8_t>(kCapturedNames | kInterned));
        out_.put(names);
        out_.put(kCaptured);
        put_sized<std::uint16_t>(handshake.captured);
        return {};
    }

    Result<void> put_address(Text address) {
        RT_TRY(value, names_.hold({CellKind::value, AddressKey(address).text()}));
        out_.put(static_cast<std::uint8_t>(kAddress | kInterned));
        out_.put(value);
        return {};
    }

    template <class Size> void put_cut(Text text) {
        const Text part = text.substr(0, std::min<std::size_t>(left_, static_cast<Size>(-1)));
        truncated_ = truncated_ || part.size() < text.size();
        left_ -= part.size();
        put_sized<Size>(part);
    }

    template <class Size> void put_sized(Text text) {
        out_.put(static_cast<Size>(text.size()));
        image_.append(text);
    }

    Result<void> put_header(const HeaderText &header) {
        const std::uint8_t code = code_of(header.name);
        const Text name = code == 0 ? header.name : Text();
        const std::size_t size = kOverhead + name.size() + header.value.size();
        if (size > left_ || name.size() > UINT8_MAX) {
            truncated_ = true;
            return {};
        }
        left_ -= size;
        if (code != 0 && kCommon[code - 1U].repeats && header.value.size() > kShort) {
            RT_TRY(value, names_.hold({CellKind::value, header.value}));
            out_.put(static_cast<std::uint8_t>(code | kInterned));
            out_.put(value);
            return {};
        }
        out_.put(code);
        if (code == 0) {
            put_sized<std::uint8_t>(lower(name));
        }
        put_sized<std::uint16_t>(header.value);
        return {};
    }

    std::string &image_;
    Names &names_;
    Writer out_;
    std::size_t left_ = kMaxHandshake - 1 - sizeof(std::int64_t) - 1 - 2 - 2; // bits, created, three sizes
    bool truncated_ = false;
};

} // namespace

Result<void> pack_handshake(std::string &image, const HandshakeText &handshake, Names &names) {
    return Packer(image, names).pack(handshake);
}

PackedHandshake::PackedHandshake(Text image) noexcept : in_(image) {
    bits = in_.get<std::uint8_t>();
    created = in_.get<std::int64_t>();
    address = in_.take(in_.get<std::uint8_t>());
    url = in_.take(in_.get<std::uint16_t>());
    query = (bits & kQueryInUrl) != 0 ? url_query(url) : in_.take(in_.get<std::uint16_t>());
}

bool PackedHandshake::next() noexcept {
    if (!ok() || in_.at_end()) {
        return false;
    }
    entry_ = {};
    const auto code = in_.get<std::uint8_t>();
    entry_.code = code & static_cast<std::uint8_t>(~kInterned);
    ok_ = entry_.code <= kCommon.size();
    if (!ok_) {
        return false;
    }
    entry_.name = entry_.code == 0 ? in_.take(in_.get<std::uint8_t>()) : kCommon[entry_.code - 1U].name;
    if ((code & kInterned) != 0) {
        entry_.interned = in_.get<CellIndex>();
        ok_ = entry_.interned != 0 && entry_.code != 0;
    } else {
        entry_.value = in_.take(in_.get<std::uint16_t>());
    }
    return ok();
}

bool flatten_handshake(std::string &flat, Text image, const Names &names) {
    PackedHandshake packed(image);
    std::size_t copied = 0;
    while (packed.next()) {
        const auto &entry = packed.entry();
        if (entry.interned == 0) {
            continue; // stays as it is: copied with the run of them that ends before a name
        }
        const std::size_t behind = image.size() - packed.rest().size();
        flat.append(image.substr(copied, behind - copied - sizeof(entry.code) - sizeof(entry.interned)));
        copied = behind;
        if (!put_name(flat, entry, names)) {
            return false;
        }
    }
    flat.append(image.substr(copied));
    return packed.ok();
}

Result<Handshake> unpack_handshake(Text flat) {
    PackedHandshake packed(flat);
    Handshake handshake{.created = packed.created,
                        .address = std::string(packed.address),
                        .url = std::string(packed.url),
                        .query = std::string(packed.query),
                        .secure = (packed.bits & kSecure) != 0,
                        .xdomain = (packed.bits & kXdomain) != 0,
                        .truncated = (packed.bits & kTruncated) != 0};
    while (packed.next()) {
        const auto &entry = packed.entry();
        if (entry.interned != 0) {
            return Error{Code::protocol, "handshake image is not flat"};
        }
        if (entry.code == kAddress) {
            handshake.counts_address = true;
            continue;
        }
        if (entry.code == kCapturedNames || entry.code == kCaptured) {
            (entry.code == kCaptured ? handshake.captured : handshake.captured_names) = entry.value;
            continue;
        }
        handshake.headers.push_back({std::string(entry.name), std::string(entry.value)});
    }
    if (!packed.ok()) {
        return Error{Code::protocol, "handshake image is broken"};
    }
    return handshake;
}

} // namespace rt::shm

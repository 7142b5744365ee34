// SPDX-License-Identifier: BSD-2-Clause
// What tests of the parts that speak to other servers share: a dialect that anybody can read, a
// line that keeps what is sent, and replies of Redis.
#pragma once

#include "cluster/peer_voice.hpp"
#include "wire/resp.hpp"

#include <string>
#include <utility>
#include <vector>

namespace rt::test {

// `says nsp #request count data <attachment> texts`, what there is of it.
class PlainDialect final : public cluster::Dialect {
public:
    [[nodiscard]] cluster::ChannelPlace place_of(Text) const noexcept override { return {}; }
    Result<const cluster::PeerMessage *> hear(Text, Bytes) override {
        return {Code::unsupported, "nobody hears here"};
    }
    void say(const cluster::PeerMessage &message, Text to, cluster::Publication &into) override {
        into.channel = to.empty() ? "all" : "to-" + std::string(to);
        into.payload = std::to_string(static_cast<int>(message.says)) + " " + std::string(message.nsp) +
                       " #" + std::string(message.request_id);
        if (message.says == cluster::Says::client_count) {
            into.payload += " " + std::to_string(message.count);
        }
        if (!message.envelope.data.empty()) {
            into.payload += " " + std::string(message.envelope.data);
        }
        for (const Bytes attachment : message.envelope.attachments) {
            into.payload += " <" + std::string(as_text(attachment)) + ">";
        }
    }
    [[nodiscard]] std::vector<cluster::Subscription> always() const override { return {}; }
    [[nodiscard]] std::vector<cluster::Subscription> of_namespace(Text) const override { return {}; }
    [[nodiscard]] std::optional<cluster::Subscription> of_room(Text, Text, bool) const override { return {}; }
    [[nodiscard]] bool follows_rooms() const noexcept override { return false; }
    [[nodiscard]] Text count_verb() const noexcept override { return "NUMSUB"; }
    [[nodiscard]] std::string count_channel(Text nsp) const override { return "req" + std::string(nsp); }
    [[nodiscard]] Text publish_verb() const noexcept override { return "PUBLISH"; }
};

class Line final : public cluster::RedisLine {
public:
    [[nodiscard]] bool is_up() const noexcept override { return up; }
    bool send(std::span<const Text> command, cluster::Cookie cookie) override {
        if (!up) {
            return false;
        }
        std::string text;
        for (const Text word : command) {
            text += (text.empty() ? "" : " ") + std::string(word);
        }
        sent.push_back(text);
        cookies.push_back(cookie);
        return true;
    }

    // All since the last time, each behind a bar.
    std::string take() {
        std::string all;
        for (const std::string &text : std::exchange(sent, {})) {
            all += "|" + text;
        }
        cookies.clear();
        return all;
    }

    bool up = true;
    std::vector<std::string> sent;
    std::vector<cluster::Cookie> cookies;
};

// One reply, as Redis would write it.
class Reply {
public:
    explicit Reply(std::string text) : text_(std::move(text)) {
        reader_.feed(as_bytes(text_));
        value_ = reader_.next();
    }
    [[nodiscard]] const wire::RespValue *value() const { return &value_; }

private:
    std::string text_;
    wire::RespReader reader_;
    wire::RespValue value_;
};

inline Reply servers(int count) { return Reply("*2\r\n$4\r\nreq/\r\n:" + std::to_string(count) + "\r\n"); }

} // namespace rt::test

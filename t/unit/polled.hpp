// SPDX-License-Identifier: BSD-2-Clause
// What a client on long-polling was answered: its packets in their order, and what went wrong.
#pragma once

#include "host_env.hpp"

namespace rt::test {

class Polled {
public:
    [[nodiscard]] bool polls() const { return poll_.generation != 0; }
    [[nodiscard]] bool posts() const { return post_.generation != 0; }

    std::vector<std::string> got; // packets, but for noops
    std::string broken;           // whatever is not a 200 with packets, or an ok
    int noops = 0;

protected:
    // False: nobody waits for it.
    bool take_answer(Handle exchange, const engine::Answer &answer) {
        const std::string text =
            std::to_string(answer.status) + (answer.body.empty() ? "" : " " + std::string(answer.body));
        if (exchange == poll_) {
            poll_ = {};
            on_packets(answer, text);
        } else if (exchange == post_) {
            post_ = {};
            broken += text == "200 ok" ? "" : "POST " + text + "; ";
        } else {
            return false;
        }
        return true;
    }

    Handle next() { return {++slots_, 1}; }

    Handle poll_;
    Handle post_;

private:
    void on_packets(const engine::Answer &answer, const std::string &text) {
        if (answer.status != 200) {
            broken += "GET " + text + "; ";
            return;
        }
        for (const std::string &packet : split(std::string(answer.body), '\x1e')) {
            if (packet == "1") {
                broken += "closed; ";
            } else if (packet == "6") {
                ++noops;
            } else {
                got.push_back(packet);
            }
        }
    }

    std::uint32_t slots_ = 0;
};

} // namespace rt::test

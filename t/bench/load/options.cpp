// SPDX-License-Identifier: BSD-2-Clause
#include "load/options.hpp"

#include <map>

namespace bench {

namespace {

using Words = std::map<std::string, std::string>;

void take(const Words &words, const char *name, std::uint32_t &value) {
    if (const auto found = words.find(name); found != words.end()) {
        value = static_cast<std::uint32_t>(std::stoul(found->second));
    }
}

void take(const Words &words, const char *name, Address &address) {
    std::uint32_t port = address.port;
    take(words, name, port);
    address.port = static_cast<std::uint16_t>(port);
}

void take(const Words &words, const char *name, double &value) {
    if (const auto found = words.find(name); found != words.end()) {
        value = std::stod(found->second);
    }
}

void take(const Words &words, const char *name, std::vector<pid_t> &list) {
    const auto found = words.find(name);
    std::string rest = found != words.end() ? found->second : std::string();
    while (!rest.empty()) {
        std::size_t used = 0;
        list.push_back(std::stoi(rest, &used));
        rest.erase(0, used + 1);
    }
}

} // namespace

Options parse_options(int count, char **words) {
    Words given;
    for (int i = 0; i < count; ++i) {
        const std::string word = words[i];
        const std::size_t equals = word.find('=');
        given[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
    }
    Options options;
    take(given, "port", options.server);
    take(given, "speak", options.speaker);
    take(given, "redis", options.redis);
    take(given, "clients", options.clients);
    take(given, "most", options.most);
    take(given, "window", options.window);
    take(given, "payload", options.payload);
    take(given, "rate", options.rate);
    take(given, "rooms", options.rooms);
    take(given, "ramp", options.ramp);
    take(given, "source", options.source);
    take(given, "spin", options.spin);
    take(given, "seconds", options.seconds);
    take(given, "warmup", options.warmup);
    take(given, "pids", options.pids);
    return options;
}

} // namespace bench

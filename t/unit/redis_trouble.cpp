// SPDX-License-Identifier: BSD-2-Clause
// Error replies told apart, as Redis 5 to 7 words them.
#include "cluster/redis_trouble.hpp"
#include "tap.hpp"

#include <string>

using namespace rt;
using namespace rt::cluster;
using namespace rt::test;

namespace {

void errors() {
    using T = RedisTrouble;
    const std::pair<Text, T> rows[] = {
        {"NOAUTH Authentication required.", T::unauthorized},
        {"WRONGPASS invalid username-password pair or user is disabled.", T::unauthorized},
        {"ERR invalid password", T::unauthorized},
        {"ERR AUTH <password> called without any password configured for the default user.", T::unauthorized},
        {"ERR Client sent AUTH, but no password is set", T::unauthorized},
        {"NOPERM this user has no permissions to run the 'ping' command", T::forbidden},
        {"LOADING Redis is loading the dataset in memory", T::loading},
        {"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", T::master_down},
        {"READONLY You can't write against a read only replica.", T::read_only},
        {"ERR max number of clients reached", T::max_clients},
        {"ERR max number of clients + cluster connections reached", T::max_clients},
        {"DENIED Redis is running in protected mode because protected mode is enabled", T::protected_mode},
        {"ERR DB index is out of range", T::bad_database},
        {"ERR invalid DB index", T::bad_database},
        {"ERR SELECT is not allowed in cluster mode", T::bad_database},
        {"BUSY Redis is busy running a script. You can only call SCRIPT KILL", T::busy},
        {"OOM command not allowed when used memory > 'maxmemory'.", T::out_of_memory},
        {"MISCONF Redis is configured to save RDB snapshots, but", T::misconfigured},
        {"NOREPLICAS Not enough good replicas to write.", T::no_replicas},
        {"NOSCRIPT No matching script. Please use EVAL.", T::no_script},
        {"MOVED 3999 127.0.0.1:6381", T::moved},
        {"ASK 3999 127.0.0.1:6381", T::ask},
        {"TRYAGAIN Multiple keys request during rehashing of slot", T::try_again},
        {"CLUSTERDOWN Hash slot not served", T::cluster_down},
        {"CROSSSLOT Keys in request don't hash to the same slot", T::cross_slot},
        {"EXECABORT Transaction discarded because of previous errors.", T::aborted},
        {"ERR unknown command 'SSUBSCRIBE', with args beginning with: 'a' ", T::unknown_command},
        {"ERR syntax error", T::other},
        {"BUSYGROUP Consumer Group name already exists", T::other},
        {"MOVEDX", T::other},
        {"", T::other},
        {"OOM", T::out_of_memory},
    };
    for (const auto &[text, trouble] : rows) {
        is(words_for(trouble_of(text)), words_for(trouble), "'" + std::string(text.substr(0, 40)) + "'");
    }
}

} // namespace

int main() {
    errors();
    return done();
}

// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as the records of a session that comes from another host. What is taken is written
// again, and taken again as the same; what is not, and what goes, leaves nothing behind.
#include "../unit/papers_env.hpp"

using namespace rt;
using namespace rt::test;

namespace {

void check(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    static PapersHost host;
    const std::string bytes(as_text(Bytes(data, size)));
    const Result<hub::Papers> papers = host.make(sid_of(1), bytes);
    if (papers) {
        const std::string written = host.papers(papers->connection);
        host.registrar.remove(papers->connection);
        const Result<hub::Papers> again = host.make(sid_of(1), written);
        check(static_cast<bool>(again) && again->sockets.size() == papers->sockets.size());
        check(host.papers(again->connection) == written);
        host.registrar.remove(again->connection);
    }
    check(host.is_empty());
    return 0;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/far_replies.hpp"

#include "cluster/far_message.hpp"

#include <vector>

namespace rt::cluster {

void FarReplies::arrived(const hub::AskerId &asker, Text sid) {
    if (!asker.abroad()) {
        near_.arrived(asker, sid);
    }
}

void FarReplies::answered(const hub::AskerId &asker, Text sid, const hub::Payload &args) {
    if (!asker.abroad()) {
        near_.answered(asker, sid, args);
        return;
    }
    hub::AskerId there = asker;
    there.host = {};
    std::string head;
    Writer out(head);
    put_crossing_head(out, CrossingSaid::ack);
    out.put(there);
    out.put_text(sid);
    out.put_text(args.json);
    out.put(static_cast<std::uint32_t>(args.attachments.size()));
    for (const Bytes attachment : args.attachments) {
        out.put_text(as_text(attachment));
    }
    const Bytes piece = as_bytes(head);
    static_cast<void>(relay_.send({asker.host.data(), asker.host.size()}, Topic::crossing, {&piece, 1}));
}

void FarReplies::hear(Reader &in, hub::Replies &near) {
    const auto asker = in.get<hub::AskerId>();
    const Text sid = in.get_text();
    hub::Payload args{std::string(in.get_text()), {}};
    for (std::uint32_t count = in.get_count(sizeof(std::uint32_t)); count > 0; --count) {
        args.attachments.push_back(as_bytes(in.get_text()));
    }
    if (in.ok() && asker && !asker.abroad()) {
        near.answered(asker, sid, args);
    }
}

} // namespace rt::cluster

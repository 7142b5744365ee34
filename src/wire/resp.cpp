// SPDX-License-Identifier: BSD-2-Clause
#include "wire/resp.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <hiredis/read.h>
#include <new>

namespace rt::wire {

namespace {

// hiredis moves what it has not parsed yet behind each kilobyte that it has: in small slices the
// rest is short. (A whole bulk string is fed at once.)
constexpr std::size_t kSlice = 4096;

// Error replies quote arguments, but not at such length; and hiredis looks for the end of a line
// from its beginning each time.
constexpr std::size_t kLongestLine = 64U << 10;
constexpr std::size_t kLongestNumber = 32;

constexpr const char *kNotRedis = "not Redis's protocol";

// What is kept of a large reply's memory.
constexpr std::size_t kKeptBytes = 256U << 10;
constexpr std::size_t kKeptNodes = kKeptBytes / sizeof(RespNode);

std::size_t ancestors(const redisReadTask &task) noexcept {
    std::size_t count = 0;
    for (const redisReadTask *up = task.parent; up != nullptr; up = up->parent) {
        ++count;
    }
    return count;
}

RespKind kind_of(int type) noexcept {
    switch (type) {
    case REDIS_REPLY_STATUS:
        return RespKind::status;
    case REDIS_REPLY_ERROR:
        return RespKind::error;
    default:
        return RespKind::text;
    }
}

} // namespace

RespValue RespValue::operator[](std::size_t index) const noexcept {
    if (index >= size()) {
        return {};
    }
    Iterator each = begin();
    for (; index > 0; --index) {
        ++each;
    }
    return *each;
}

// hiredis calls these through C: nothing may be thrown. A null makes it give up for good; what
// else is returned is never looked at.
struct RespReader::Callbacks {
    static void *add(const redisReadTask *task, const RespNode &node, Text text) noexcept {
        auto *reader = static_cast<RespReader *>(task->privdata);
        try {
            return reader->add(*task, node, text) ? reader : nullptr;
        } catch (const std::bad_alloc &) {
            reader->refusal_ = {Code::no_memory, "no memory for a reply"};
            return nullptr;
        }
    }

    static void *string(const redisReadTask *task, char *text, std::size_t size) noexcept {
        RespNode node;
        node.kind = kind_of(task->type);
        void *added = add(task, node, Text(text, size));
        // hiredis skips the two bytes behind a bulk string whatever they are.
        if (added != nullptr && node.kind == RespKind::text && Text(text + size, 2) != "\r\n") {
            static_cast<RespReader *>(task->privdata)->refusal_ = {Code::protocol,
                                                                   "no line end behind a bulk string"};
            return nullptr;
        }
        return added;
    }

    static void *array(const redisReadTask *task, int elements) noexcept {
        RespNode node;
        node.kind = RespKind::array;
        node.size = static_cast<std::uint32_t>(elements);
        return add(task, node, {});
    }

    static void *integer(const redisReadTask *task, long long value) noexcept {
        RespNode node;
        node.kind = RespKind::integer;
        node.integer = value;
        return add(task, node, {});
    }

    static void *nil(const redisReadTask *task) noexcept {
        RespNode node;
        node.kind = RespKind::nil;
        return add(task, node, {});
    }

    static void free(void *) noexcept {}

    static inline redisReplyObjectFunctions all{string, array, integer, nil, free};
};

RespReader::RespReader(RespLimits limits) : limits_(limits) { reset(); }

RespReader::~RespReader() = default;

void RespReader::Release::operator()(redisReader *reader) const noexcept { redisReaderFree(reader); }

void RespReader::reset() {
    error_ = refusal_ = {Code::ok, ""};
    input_ = {};
    fed_ = consumed_ = 0;
    forget_reply();
    reader_.reset(redisReaderCreateWithFunctions(&Callbacks::all));
    if (reader_ == nullptr) {
        error_ = {Code::no_memory, "no memory for a parser"};
        return;
    }
    reader_->privdata = this;
}

void RespReader::feed(Bytes bytes) noexcept {
    input_ = bytes;
    fed_ += bytes.size();
}

RespValue RespReader::next() {
    if (returned_) {
        forget_reply();
    }
    while (error_.code == Code::ok) {
        if (parse()) {
            returned_ = true;
            consumed_ = fed_ - input_.size() - (reader_->len - reader_->pos);
            return {nodes_.data(), bytes_.data()};
        }
        if (error_.code != Code::ok || !feed_on()) {
            return {};
        }
    }
    return {};
}

// Is there a whole reply now?
bool RespReader::parse() {
    void *reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
        error_ = fault();
        return false;
    }
    return reply != nullptr;
}

// Gives hiredis another slice: of a bulk string, what is missing.
bool RespReader::feed_on() {
    const std::size_t wanted = missing();
    if (error_.code != Code::ok || input_.empty()) {
        return false;
    }
    const Text slice = as_text(input_.first(std::min(input_.size(), std::max(wanted, kSlice))));
    if (redisReaderFeed(reader_.get(), slice.data(), slice.size()) != REDIS_OK) {
        error_ = fault();
        return false;
    }
    input_ = input_.subspan(slice.size());
    return true;
}

// How many bytes of a bulk string are not here yet. hiredis would wait for any length that is
// announced, and for the end of a line for ever: both end here.
std::size_t RespReader::missing() {
    const redisReader &reader = *reader_;
    const Text have =
        reader.len > reader.pos ? Text(reader.buf + reader.pos, reader.len - reader.pos) : Text();
    if (have.empty() || reader.ridx < 0 || reader.rstack[reader.ridx].type != REDIS_REPLY_STRING) {
        if (have.size() > kLongestLine) {
            error_ = {Code::too_big, "a line is too long"};
        }
        return 0;
    }
    const std::size_t end = have.substr(0, kLongestNumber).find("\r\n");
    if (end == Text::npos) {
        if (have.size() >= kLongestNumber) {
            error_ = {Code::protocol, kNotRedis};
        }
        return 0;
    }
    std::size_t size = 0;
    std::from_chars(have.data(), have.data() + end, size); // hiredis has checked it
    if (size > limits_.bytes) {
        error_ = {Code::too_big, "a bulk string is too long"};
        return 0;
    }
    const std::size_t whole = end + 2 + size + 2;
    return whole > have.size() ? whole - have.size() : 0;
}

Error RespReader::fault() const noexcept {
    if (refusal_.code != Code::ok) {
        return refusal_;
    }
    if (reader_->err == REDIS_ERR_OOM) {
        return {Code::no_memory, "no memory for a reply"};
    }
    if (Text(reader_->errstr).starts_with("No support for nested")) {
        return {Code::too_deep, "a reply is nested too deep"};
    }
    return {Code::protocol, kNotRedis};
}

void RespReader::forget_reply() {
    returned_ = false;
    if (bytes_.capacity() > kKeptBytes) {
        bytes_ = {};
    }
    if (nodes_.capacity() > kKeptNodes) {
        nodes_ = {};
    }
    bytes_.clear();
    nodes_.clear();
}

bool RespReader::add(const redisReadTask &task, RespNode node, Text text) {
    if (text.size() > limits_.bytes - bytes_.size()) {
        refusal_ = {Code::too_big, "a reply is too long"};
        return false;
    }
    if (nodes_.size() >= limits_.values || node.size > limits_.values) {
        refusal_ = {Code::too_many, "too many values in a reply"};
        return false;
    }
    const std::size_t depth = ancestors(task);
    for (std::size_t above = 0; above < depth; ++above) {
        ++nodes_[path_[above]].extent;
    }
    path_[depth] = static_cast<std::uint32_t>(nodes_.size());
    if (node.kind != RespKind::array) {
        node.at = static_cast<std::uint32_t>(bytes_.size());
        node.size = static_cast<std::uint32_t>(text.size());
    }
    bytes_.append(text);
    nodes_.push_back(node);
    return true;
}

RespCommand::RespCommand(std::string &out, std::size_t words) : out_(out) { head('*', words); }

RespCommand &RespCommand::add(Text word) {
    head('$', word.size());
    out_.append(word).append("\r\n");
    return *this;
}

void RespCommand::append(std::string &out, std::span<const Text> words) {
    RespCommand command(out, words.size());
    for (const Text word : words) {
        command.add(word);
    }
}

void RespCommand::head(char mark, std::size_t number) {
    out_.push_back(mark);
    append_number(out_, number);
    out_.append("\r\n");
}

} // namespace rt::wire
